//! Writes the lineup as M3U.
//!
//! Does: the keys that players read, with values that no reader trips over.
//! Does not: decide which channels are in the lineup, or make URLs.
//! Invariant: one entry is two lines, and the only comma outside URLs stands before the display name (Jellyfin cuts at the last one).

use std::io::{self, Write};

use exstreamtv_model::Channel;

use crate::{identity::channel_guide_id, text::one_line};

/// One channel of the lineup.
#[derive(Debug, Clone, Copy)]
pub struct M3uEntry<'a> {
    /// The channel.
    pub channel: &'a Channel,
    /// Absolute address of its stream; the path ends in ".ts", so that Jellyfin shares it without probing.
    pub stream_url: &'a str,
    /// Absolute address of its logo.
    pub logo_url: Option<&'a str>,
}

/// Writes the lineup in the order of `entries`; `guide_url` is the absolute address of the XMLTV guide.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_m3u<'a>(
    out: &mut impl Write,
    guide_url: &str,
    entries: impl IntoIterator<Item = M3uEntry<'a>>,
) -> io::Result<()> {
    let guide_url = address(guide_url);
    writeln!(out, r#"#EXTM3U url-tvg="{guide_url}" x-tvg-url="{guide_url}""#)?;
    for entry in entries {
        write_entry(out, &entry)?;
    }
    Ok(())
}

fn write_entry(out: &mut impl Write, entry: &M3uEntry<'_>) -> io::Result<()> {
    let channel = entry.channel;
    let (number, name) = (&channel.number, display_name(channel));
    write!(out, r#"#EXTINF:-1 tvg-id="{}" tvg-chno="{number}" tvg-name="{name}""#, channel_guide_id(channel.id))?;
    // Jellyfin does not match a key whose value is empty, so such a key is left out.
    if let Some(logo) = entry.logo_url.map(address).filter(|logo| !logo.is_empty()) {
        write!(out, r#" tvg-logo="{logo}""#)?;
    }
    // Kodi takes ";" for the end of one group and the start of another.
    let group = value(&channel.group).replace(';', " ");
    if !group.trim().is_empty() {
        write!(out, r#" group-title="{}""#, one_line(&group))?;
    }
    writeln!(out, ",{name}")?;
    writeln!(out, "{}", address(entry.stream_url))
}

/// Returns the name as it can stand in an M3U; never empty.
fn display_name(channel: &Channel) -> String {
    let name = value(&channel.name);
    if name.is_empty() { format!("Channel {}", channel.number) } else { name }
}

/// Makes text fit for a value and for the display name: no quote, no comma, one line.
fn value(text: &str) -> String {
    one_line(&one_line(text).replace('"', "'").replace(',', " "))
}

/// Keeps an address in its quotes and on its line; a well-formed one stays as it is.
fn address(url: &str) -> String {
    let kept = |c: &char| !c.is_control() && !c.is_whitespace();
    url.chars().filter(kept).collect::<String>().replace('"', "%22")
}
