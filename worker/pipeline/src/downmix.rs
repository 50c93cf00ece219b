//! Writes a picker's downmix down as FFmpeg's `pan` filter.
//!
//! Does: check names, gains and order, because the text becomes part of a filter graph.
//! Does not: choose coefficients; that is a picker's work.
//! Invariant: what is returned is made of our own channel names and of finite numbers, and cannot clip.

use std::fmt::Write as _;

use exstreamtv_model::pick::{Downmix, DownmixRow};

/// How far a row's sum may be from 1 and still count as 1; a hundredth of a decibel.
const SUM_TOLERANCE: f64 = 0.001;

/// Weight of a channel that is not expected: nothing beside others, everything where there is no other. FFmpeg takes a sum of less than a tenth
/// of this for a mistake.
const UNEXPECTED: f64 = 0.0001;

/// Returns the filter that mixes a sound down to `channels`, or `None` where `downmix` makes something else or nothing sensible.
///
/// Rows whose factors sum up to 1 are written with `<`, which makes FFmpeg divide by the sum of those channels that are there. In the sound that
/// was planned for this changes nothing; in a recording that turns from 5.1 to stereo half-way, for which FFmpeg rebuilds the graph, the
/// missing channels would otherwise take 8 dB with them, and one that turns from mono to stereo would fall silent.
pub fn pan(downmix: &Downmix, channels: u8) -> Option<String> {
    let layout = Layout::sent(channels)?;
    let in_order = downmix.rows.iter().map(|row| row.channel.as_str()).eq(layout.channels.iter().copied());
    let twice = downmix.rows.iter().any(names_one_twice);
    if !in_order || twice || downmix.check().is_err() {
        return None;
    }
    let rows: Vec<String> = if downmix.rows.iter().all(is_whole) {
        downmix.rows.iter().map(|row| format!("{}<{}", row.channel, whole_sum(row))).collect()
    } else {
        downmix.rows.iter().map(|row| format!("{}={}", row.channel, sum(row))).collect()
    };
    Some(format!("pan={}|{}", layout.name, rows.join("|")))
}

fn is_whole(row: &DownmixRow) -> bool {
    let sum: f64 = row.gains.iter().map(|gain| gain.gain.abs()).sum();
    (sum - 1.0).abs() <= SUM_TOLERANCE
}

/// FFmpeg would take the last one.
fn names_one_twice(row: &DownmixRow) -> bool {
    (1..row.gains.len()).any(|at| row.gains[..at].iter().any(|earlier| earlier.from == row.gains[at].from))
}

/// Returns the sum with a trace of what nearly every layout has, so that it is never empty.
fn whole_sum(row: &DownmixRow) -> String {
    let usual: &[&str] = match row.channel.as_str() {
        "FL" => &["FL", "FC"],
        "FR" => &["FR", "FC"],
        "FC" => &["FL", "FR", "FC"],
        _ => &[],
    };
    let missing = usual.iter().filter(|name| row.gains.iter().all(|gain| gain.from != **name));
    missing.fold(sum(row), |sum, name| format!("{sum}+{UNEXPECTED}*{name}"))
}

/// Returns the sum as `pan` reads it.
fn sum(row: &DownmixRow) -> String {
    let mut text = String::new();
    for gain in &row.gains {
        let sign = match (gain.gain < 0.0, text.is_empty()) {
            (true, _) => "-",
            (false, true) => "",
            (false, false) => "+",
        };
        // Writing to a string cannot fail.
        _ = write!(text, "{sign}{:.6}*{}", gain.gain.abs(), gain.from);
    }
    // A silent row has no terms, and the filter wants one.
    if text.is_empty() { format!("0*{}", row.channel) } else { text }
}

/// What a channel can send.
struct Layout {
    name: &'static str,
    channels: &'static [&'static str],
}

impl Layout {
    fn sent(channels: u8) -> Option<Self> {
        let (name, channels): (_, &[_]) = match channels {
            1 => ("mono", &["FC"]),
            2 => ("stereo", &["FL", "FR"]),
            6 => ("5.1", &["FL", "FR", "FC", "LFE", "BL", "BR"]),
            _ => return None,
        };
        Some(Self { name, channels })
    }
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::pick::DownmixGain;

    use super::*;

    fn row(channel: &str, gains: &[(&str, f64)]) -> DownmixRow {
        let gain = |(from, gain): &(&str, f64)| DownmixGain { from: (*from).to_owned(), gain: *gain };
        DownmixRow { channel: channel.to_owned(), gains: gains.iter().map(gain).collect() }
    }

    fn stereo(left: &[(&str, f64)], right: &[(&str, f64)]) -> Downmix {
        Downmix { from: "5.1".to_owned(), to: "stereo".to_owned(), rows: vec![row("FL", left), row("FR", right)] }
    }

    #[test]
    fn whole_rows_stay_whole_when_channels_are_missing_and_others_keep_their_level() {
        let whole = stereo(&[("FL", 0.6), ("FC", 0.4)], &[("FR", 0.6), ("FC", 0.4)]);
        assert_eq!(pan(&whole, 2).unwrap(), "pan=stereo|FL<0.600000*FL+0.400000*FC|FR<0.600000*FR+0.400000*FC");
        let quiet = stereo(&[("FL", 0.5), ("BL", -0.25)], &[("FR", -0.5)]);
        assert_eq!(pan(&quiet, 2).unwrap(), "pan=stereo|FL=0.500000*FL-0.250000*BL|FR=-0.500000*FR");
    }

    #[test]
    fn a_row_is_never_empty_whatever_a_recording_turns_to() {
        let mono = stereo(&[("FC", 1.0)], &[("FC", 1.0)]);
        assert_eq!(pan(&mono, 2).unwrap(), "pan=stereo|FL<1.000000*FC+0.0001*FL|FR<1.000000*FC+0.0001*FR");
    }

    #[test]
    fn a_downmix_to_another_layout_or_with_anything_odd_is_left_to_ffmpeg() {
        let good = stereo(&[("FL", 1.0)], &[("FR", 1.0)]);
        assert_eq!(pan(&good, 1), None);
        assert_eq!(pan(&good, 3), None);
        let odd = [
            stereo(&[("FL", f64::NAN)], &[("FR", 1.0)]),
            stereo(&[("FL", f64::INFINITY)], &[("FR", 1.0)]),
            stereo(&[("FL", 0.7), ("FC", 0.7)], &[("FR", 1.0)]),
            stereo(&[("FL|FR=FL,movie=/etc/passwd", 0.1)], &[("FR", 1.0)]),
            stereo(&[("FL", 0.1), ("FL", 0.2)], &[("FR", 1.0)]),
            Downmix { rows: vec![row("FR", &[("FR", 1.0)]), row("FL", &[("FL", 1.0)])], ..good.clone() },
            Downmix { rows: vec![], ..good },
        ];
        assert!(odd.iter().all(|downmix| pan(downmix, 2).is_none()));
    }
}
