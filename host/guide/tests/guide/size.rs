//! A large guide costs the memory of one channel.

use std::io::Write;

use chrono::TimeDelta;
use exstreamtv_guide::{ChannelView, ProgrammeView, XmltvChannels};
use exstreamtv_model::EntryKind;

use crate::scene;

/// Counts what is written and keeps nothing.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Peak of resident memory in KiB, where the system tells.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn five_hundred_channels_for_a_week_need_no_more_memory_than_one() {
    const HOURS_OF_A_WEEK: usize = 7 * 24;
    let media = scene::media(scene::film());
    let start = scene::at("2026-06-01T00:00:00Z");
    let entries =
        scene::rows(start, &[(EntryKind::Programme, TimeDelta::hours(1).num_milliseconds(), "x"); HOURS_OF_A_WEEK]);
    let views: Vec<_> =
        entries.iter().map(|entry| ProgrammeView { entry, media: Some(&media), icon_url: None }).collect();
    let channels: Vec<_> = (1..=500).map(|id| scene::channel(id, &id.to_string(), "A channel")).collect();
    let mut guide = XmltvChannels::start(Counter(0)).unwrap();
    for channel in &channels {
        guide.channel(&ChannelView { channel, icon_url: None }).unwrap();
    }
    let mut guide = guide.into_programmes();
    guide.channel(&channels[0], &views).unwrap();
    let before_kib = peak_kib();
    for channel in &channels[1..] {
        guide.channel(channel, &views).unwrap();
    }
    let grown_kib = peak_kib().zip(before_kib).map(|(after, before)| after - before);
    let written = guide.finish().unwrap().0;
    assert!(written > 50_000_000, "{written}");
    match grown_kib {
        Some(grown_kib) => assert!(grown_kib < 2_048, "{grown_kib} KiB more for {written} bytes"),
        None => eprintln!("SKIPPED: this system does not tell how much memory was used"),
    }
}
