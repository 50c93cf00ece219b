//! Takes secrets out of text that people will see or send on.
//!
//! Does: replace passwords in addresses and the values of what is called token, key or password.
//! Does not: find secrets that are called nothing.
//! Invariant: text without secrets stays as it is, and redacting twice changes nothing more.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

/// What stands in a secret's place.
pub const REDACTED: &str = "***";

/// What comes before a secret stays, so that people see what was there.
static SECRETS: LazyLock<[Regex; 3]> = LazyLock::new(|| {
    // These are written here and tested below.
    let regex = |pattern: &str| Regex::new(pattern).expect("a pattern that its test compiles");
    [
        // user:password@ in an address
        regex(r"(?i)([a-z][a-z0-9+.-]*://[^\s/@:]*:)[^\s/@]+(@)"),
        // token=…, "api_key": "…", password: …
        regex(concat!(
            r#"(?i)\b((?:[a-z0-9]+[_-])*(?:token|api[_-]?key|apikey|secret|passw(?:or)?d|passphrase|signature|"#,
            r#"session[_-]?id|credential|credentials)["']?\s*[=:]\s*["']?)[^\s"'&;,<>]+()"#
        )),
        // Authorization: Bearer …
        regex(r"(?i)\b((?:bearer|basic)\s+)[a-z0-9._~+/=-]{8,}()"),
    ]
});

/// Returns `text` without secrets.
pub fn redact(text: &str) -> Cow<'_, str> {
    SECRETS.iter().fold(Cow::Borrowed(text), |text, secret| {
        if !secret.is_match(&text) {
            return text;
        }
        Cow::Owned(secret.replace_all(&text, format!("${{1}}{REDACTED}${{2}}").as_str()).into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_what_they_were_stays() {
        for (text, expected) in [
            ("rtsp://me:hunter2@cam.lan/live", "rtsp://me:***@cam.lan/live"),
            ("http://tv/x?X-Plex-Token=abc123&b=1", "http://tv/x?X-Plex-Token=***&b=1"),
            ("?token=abc def", "?token=*** def"),
            ("api_key=a.b-c;", "api_key=***;"),
            (r#"{"password": "hunter2", "name": "x"}"#, r#"{"password": "***", "name": "x"}"#),
            ("-headers 'Authorization: Bearer eyJhbGciOi.x'", "-headers 'Authorization: Bearer ***'"),
            ("access_token: abc", "access_token: ***"),
            ("two http://a:b@c/ and http://d:e@f/", "two http://a:***@c/ and http://d:***@f/"),
        ] {
            assert_eq!(redact(text), expected);
            assert_eq!(redact(expected), expected, "twice is once");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "file:/m/The Token (2019).mkv",
            "/m/12:30@home.mkv: No such file or directory",
            "http://tv.lan:8411/iptv/xmltv.xml",
            "mov,mp4: moov atom not found",
            "keyframe=12 monkey=3",
            "",
        ] {
            assert!(matches!(redact(text), Cow::Borrowed(same) if same == text), "{text} became {}", redact(text));
        }
    }
}
