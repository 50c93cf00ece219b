//! Requests that no host sends, made from one that a host could send.
//!
//! Does: damage a request in every way that a plugin must survive.
//! Does not: say what must come back, beyond whether the request can be read at all.

/// A damaged request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hostile {
    /// What is wrong with it, in words for people.
    pub what: &'static str,
    /// The request.
    pub bytes: Vec<u8>,
    /// Whether it must be refused; else it may be answered, as what is extra in it may be ignored.
    pub must_refuse: bool,
}

/// Eight binary megabytes.
const HUGE_BYTES: usize = 8 * 1024 * 1024;

/// Deeper than any stack that recurses a few hundred bytes at a time.
const DEEP_LEVELS: usize = 200_000;

/// Returns requests that are not JSON, or not an object.
pub fn malformed(good: &[u8]) -> Vec<Hostile> {
    let refused = |what, bytes: &[u8]| Hostile { what, bytes: bytes.to_vec(), must_refuse: true };
    let mut all = vec![
        refused("nothing at all", b""),
        refused("blanks", b" \n\t "),
        refused("a null", b"null"),
        refused("a number", b"42"),
        refused("a text", b"\"plan\""),
        refused("a list", b"[[[]]]"),
        refused("an object without members", b"{}"),
        refused("a zero byte", b"\0"),
        refused("bytes that are not UTF-8", b"{\"zone\": \"\xff\xfe\"}"),
        refused("a member without a value", b"{\"window\":}"),
        refused("a text without an end", b"{\"zone\": \"Europe/Ber"),
        refused("half an escape", b"{\"zone\": \"\\u12\"}"),
    ];
    let cut = |part: usize| refused("a request that was cut off", &good[..good.len() * part / 8]);
    all.extend((1..8).map(cut));
    all.push(refused("a request without its last byte", &good[..good.len().saturating_sub(1)]));
    all.push(refused("a request with something behind it", &[good, b" }"].concat()));
    all.push(refused("a request with an unquoted name in front", &[b"{plan: ", good, b"}"].concat()));
    all
}

/// Returns requests of 8 MiB: one text, one name, many members, and nothing but blanks.
pub fn huge(good: &[u8]) -> Vec<Hostile> {
    let filling = "x".repeat(HUGE_BYTES);
    let members: String = (0..HUGE_BYTES / 16).map(|n| format!("\"m{n:07}\":[{{}}],")).collect();
    let blanks = " ".repeat(HUGE_BYTES);
    vec![
        Hostile {
            what: "a text of 8 MiB",
            bytes: with_member(good, &format!("\"x\":\"{filling}\",")),
            must_refuse: false,
        },
        Hostile { what: "a name of 8 MiB", bytes: with_member(good, &format!("\"{filling}\":0,")), must_refuse: false },
        Hostile { what: "half a million members", bytes: with_member(good, &members), must_refuse: false },
        Hostile { what: "8 MiB of blanks", bytes: blanks.into_bytes(), must_refuse: true },
        Hostile { what: "8 MiB of digits", bytes: "9".repeat(HUGE_BYTES).into_bytes(), must_refuse: true },
    ]
}

/// Returns requests that nest very deeply.
pub fn deep(good: &[u8]) -> Vec<Hostile> {
    let lists = "[".repeat(DEEP_LEVELS) + &"]".repeat(DEEP_LEVELS);
    let objects = "{\"a\":".repeat(DEEP_LEVELS) + "0" + &"}".repeat(DEEP_LEVELS);
    vec![
        Hostile { what: "lists that nest deeply", bytes: lists.clone().into_bytes(), must_refuse: true },
        Hostile { what: "lists that never close", bytes: "[".repeat(DEEP_LEVELS).into_bytes(), must_refuse: true },
        Hostile {
            what: "a member that nests deeply",
            bytes: with_member(good, &format!("\"x\":{lists},")),
            must_refuse: false,
        },
        Hostile {
            what: "objects that nest deeply",
            bytes: with_member(good, &format!("\"x\":{objects},")),
            must_refuse: false,
        },
    ]
}

/// Puts members in front of those of an object.
fn with_member(object: &[u8], members: &str) -> Vec<u8> {
    let inside = object.strip_prefix(b"{").unwrap_or(object);
    [b"{", members.as_bytes(), inside].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const GOOD: &[u8] = br#"{"zone": "UTC", "settings": null}"#;

    #[test]
    fn what_must_be_refused_is_no_object_with_members() {
        for hostile in malformed(GOOD) {
            let value = serde_json::from_slice::<Value>(&hostile.bytes).ok();
            let members = value.as_ref().and_then(Value::as_object).map_or(0, serde_json::Map::len);
            assert_eq!(members, 0, "{}", hostile.what);
        }
    }

    #[test]
    fn huge_requests_that_may_be_answered_hold_the_good_one() {
        for hostile in huge(GOOD).iter().filter(|hostile| !hostile.must_refuse) {
            let value: Value = serde_json::from_slice(&hostile.bytes).unwrap();
            assert_eq!(value["zone"], "UTC", "{}", hostile.what);
            assert!(hostile.bytes.len() >= HUGE_BYTES / 2);
        }
    }
}
