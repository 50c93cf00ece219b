//! The M3U, as its readers read it.

use exstreamtv_guide::{M3uEntry, write_m3u};
use exstreamtv_model::Channel;
use proptest::prelude::*;

use crate::{documents::golden, scene::channel};

fn m3u(channels: &[(Channel, Option<&str>)]) -> String {
    let mut out = Vec::new();
    let entries = channels.iter().map(|(channel, logo_url)| {
        let stream_url = "http://tv.lan:8411/iptv/channel/5.ts?token=a,b";
        M3uEntry { channel, stream_url, logo_url: *logo_url }
    });
    write_m3u(&mut out, "http://tv.lan:8411/iptv/xmltv.xml", entries).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_lineup_is_written_as_agreed() {
    let channels = [
        (channel(1, "1", "One & Only"), Some("http://tv.lan:8411/logo/1.png")),
        (channel(22, "1984.1", "News, \"Weather\"\n and Sport"), None),
        (Channel { group: " ; ".into(), ..channel(3, "3", "\t") }, Some("")),
    ];
    golden("channels.m3u", &m3u(&channels));
}

#[test]
fn an_empty_lineup_still_names_the_guide() {
    let guide = "http://tv.lan:8411/iptv/xmltv.xml";
    assert_eq!(m3u(&[]), format!("#EXTM3U url-tvg=\"{guide}\" x-tvg-url=\"{guide}\"\n"));
}

proptest! {
    /// Jellyfin reads keys by `([a-z0-9-_]+)="([^"]+)"` and takes the name from behind the last comma.
    #[test]
    fn any_name_is_read_back_by_a_reader_that_cuts_at_the_last_comma(name in "\\PC{0,20}|[,\"\\r\\n;a ]{0,8}", group in "\\PC{0,12}|[,\"\\n;]{0,5}") {
        let channel = Channel { name, group, ..channel(5, "5", "x") };
        let text = m3u(&[(channel, None)]);
        let lines: Vec<&str> = text.split('\n').collect();
        prop_assert_eq!(lines.len(), 4, "{}", text);
        let (keys, display_name) = lines[1].rsplit_once(',').unwrap();
        prop_assert!(!display_name.trim().is_empty());
        let wanted = format!(r#"tvg-id="c5.exstreamtv" tvg-chno="5" tvg-name="{display_name}""#);
        prop_assert!(keys.contains(&wanted), "{}", keys);
        prop_assert_eq!(keys.matches('"').count() % 2, 0);
        prop_assert!(!keys.contains("\"\""));
        prop_assert!(lines[2].starts_with("http://"));
    }
}
