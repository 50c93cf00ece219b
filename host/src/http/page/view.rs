//! Draws the page.
//!
//! Does not: fetch anything; what it shows is given to it.
//! Invariant: a text that is not written in this file goes through [`Text`].

use std::fmt::{self, Display, Formatter, Write};

use chrono::{DateTime, TimeZone, Utc};
use exstreamtv_model::EntryKind;
use exstreamtv_store::MediaCounts;

use crate::http::{
    api::{EntryView, OnNow},
    origin::BaseUrl,
    state::{FeedState, FeedView, LibraryStatus, PartHealth},
};

/// Everything the page shows.
pub struct View {
    /// How the reader reached us.
    pub base: BaseUrl,
    /// The moment it shows.
    pub now: DateTime<Utc>,
    /// What is on.
    pub channels: Vec<OnNow>,
    /// What is being encoded.
    pub feeds: Vec<FeedView>,
    /// The scan.
    pub scan: LibraryStatus,
    /// The files.
    pub files: MediaCounts,
    /// How the parts are.
    pub parts: Vec<PartHealth>,
}

/// A text that is shown as it is, in an element or in a quoted attribute.
struct Text<T>(T);

impl<T: Display> Display for Text<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'f>(&'a mut Formatter<'f>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.write_str("&amp;")?,
                '<' => self.0.write_str("&lt;")?,
                '>' => self.0.write_str("&gt;")?,
                '"' => self.0.write_str("&quot;")?,
                '\'' => self.0.write_str("&#39;")?,
                c => self.0.write_char(c)?,
            }
        }
        Ok(())
    }
}

impl Display for View {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Relative addresses, so that the page works below a proxy's prefix.
        f.write_str(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"dark light\"><title>EXStreamTV</title>\
             <link rel=\"icon\" href=\"favicon.svg\" type=\"image/svg+xml\">\
             <link rel=\"stylesheet\" href=\"assets/page.css\"><script src=\"assets/page.js\" defer></script></head>\n<body>",
        )?;
        f.write_str("<header><img src=\"favicon.svg\" alt=\"\" width=\"32\" height=\"32\"><h1>EXStreamTV</h1></header>\n<main>\n")?;
        self.addresses(f)?;
        self.lineup(f)?;
        self.library(f)?;
        self.health(f)?;
        writeln!(
            f,
            "</main>\n<footer>EXStreamTV {} · <a href=\"api/openapi.json\">API</a> · \
             <a href=\"health/ready\">health</a></footer></body></html>",
            env!("CARGO_PKG_VERSION")
        )
    }
}

impl View {
    fn addresses(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("<section><h2>For your player</h2><dl class=\"addresses\">")?;
        for (name, path) in [("Channels (M3U)", "/iptv/channels.m3u"), ("Guide (XMLTV)", "/iptv/xmltv.xml")] {
            let url = self.base.join(path);
            write!(f, "<dt>{name}</dt><dd>{}</dd>", Copyable(&url))?;
        }
        f.write_str("</dl></section>\n")
    }

    fn lineup(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("<section><h2>Channels</h2>")?;
        if self.channels.is_empty() {
            f.write_str("<p>There is no channel yet. Start the server with <code>--media FOLDER</code>, or add one through the API.</p>")?;
        }
        f.write_str("<ul class=\"lineup\">")?;
        for on in &self.channels {
            self.channel(f, on)?;
        }
        f.write_str("</ul></section>\n")
    }

    fn channel(&self, f: &mut Formatter<'_>, on: &OnNow) -> fmt::Result {
        let channel = &on.channel;
        write!(
            f,
            "<li class=\"channel\"><h3><span class=\"number\">{}</span> {}",
            channel.number,
            Text(&channel.name)
        )?;
        if let Some(feed) = self.feeds.iter().find(|feed| feed.channel == channel.id) {
            let state = match feed.state {
                FeedState::Starting => "starting",
                FeedState::OnAir => "on air",
                FeedState::Slate => "slate",
                FeedState::Idle => "idle",
            };
            write!(
                f,
                " <small class=\"badge\">{state}, {}</small>",
                counted(u64::from(feed.viewers), "viewer", "viewers")
            )?;
        }
        f.write_str("</h3>")?;
        match &on.now {
            Some(entry) => self.on_air(f, entry, channel.zone)?,
            None => f.write_str("<p class=\"quiet\">Nothing is scheduled.</p>")?,
        }
        if let Some(next) = &on.next {
            write!(f, "<p class=\"quiet\">{} {}</p>", clock(next.start_ms, channel.zone), Text(&next.title))?;
        }
        let url = self.base.join(&format!("/iptv/channel/{}.ts", channel.number));
        writeln!(f, "{}<a class=\"quiet\" href=\"iptv/channel/{}.m3u8\">HLS</a></li>", Copyable(&url), channel.number)
    }

    fn on_air(&self, f: &mut Formatter<'_>, entry: &EntryView, zone: chrono_tz::Tz) -> fmt::Result {
        let length_ms = entry.stop_ms - entry.start_ms;
        let done_ms = (self.now.timestamp_millis() - entry.start_ms).clamp(0, length_ms);
        write!(f, "<p>{} <strong>{}</strong>", clock(entry.start_ms, zone), Text(&entry.title))?;
        match entry.kind {
            EntryKind::Programme => {}
            EntryKind::Filler => f.write_str(" <small class=\"badge\">filler</small>")?,
            EntryKind::Slate => f.write_str(" <small class=\"badge\">nothing to play</small>")?,
        }
        if !entry.rule.is_empty() {
            write!(f, " <small class=\"quiet\" title=\"{}\">{}</small>", Text(&entry.why), Text(&entry.rule))?;
        }
        f.write_str("</p>")?;
        let left = (length_ms - done_ms + 59_999) / 60_000;
        write!(f, "<progress max=\"{length_ms}\" value=\"{done_ms}\" title=\"{left} min left\"></progress>")
    }

    fn library(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let MediaCounts { ready, broken, missing } = self.files;
        write!(f, "<section><h2>Library</h2><p>{} to play", counted(ready, "file", "files"))?;
        if broken > 0 {
            write!(f, ", <a href=\"api/v1/library/media?state=broken\">{broken} broken</a>")?;
        }
        if missing > 0 {
            write!(f, ", {missing} missing")?;
        }
        f.write_str("</p>")?;
        if self.scan.scanning {
            let (done, found) = (self.scan.files_done, self.scan.files_found);
            write!(
                f,
                "<p>Scanning: {done} of {found} files</p><progress max=\"{}\" value=\"{done}\"></progress>",
                found.max(1)
            )?;
        }
        for note in &self.scan.notes {
            write!(f, "<p class=\"warning\">{}</p>", Text(note))?;
        }
        f.write_str("</section>\n")
    }

    fn health(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("<section><h2>Health</h2><ul class=\"health\">")?;
        for part in &self.parts {
            let (class, mark) = if part.ok { ("ok", "✓") } else { ("warning", "✗") };
            write!(
                f,
                "<li class=\"{class}\">{mark} {} <span class=\"quiet\">{}</span></li>",
                Text(&part.name),
                Text(&part.detail)
            )?;
        }
        f.write_str("</ul></section>\n")
    }
}

/// An address with a button that copies it.
struct Copyable<'a>(&'a str);

impl Display for Copyable<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let url = Text(self.0);
        write!(
            f,
            "<span class=\"copyable\"><code>{url}</code><button type=\"button\" data-copy=\"{url}\">Copy</button></span>"
        )
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The time of day in the channel's zone, and in a form that the script turns into the reader's own.
fn clock(at_ms: i64, zone: chrono_tz::Tz) -> String {
    let Some(at) = Utc.timestamp_millis_opt(at_ms).single() else { return String::new() };
    format!("<time datetime=\"{}\">{}</time>", at.format("%Y-%m-%dT%H:%M:%SZ"), at.with_timezone(&zone).format("%H:%M"))
}
