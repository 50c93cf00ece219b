//! How many channels become few, with stated coefficients.
//!
//! Source: Recommendation ITU-R BS.775, annex 4 (downward mixing) for what it covers:
//!
//! | from | to | sum |
//! |---|---|---|
//! | 3/2 (5.1, 5.0) | 2/0 (stereo) | L' = L + 0.7071 C + 0.7071 Ls, and R' alike |
//! | 3/1, 2/1 | 2/0 | L' = L + 0.7071 C + 0.5 S |
//! | 3/2 | 1/0 (mono) | C' = 0.7071 L + 0.7071 R + C + 0.5 Ls + 0.5 Rs |
//! | 3/1 | 1/0 | C' = 0.7071 L + 0.7071 R + C + 0.7071 S |
//! | 2/0 | 1/0 | C' = 0.7071 L + 0.7071 R |
//!
//! Layouts beyond 3/2 are first folded to 3/2: two loudspeakers that come to share a place each count -3 dB (0.7071), and a single
//! one behind the listener goes to both sides with -3 dB. Front wide ones (FLC, FRC) count as L and R with -3 dB.
//! Mono goes to both loudspeakers of stereo unchanged, because that is how every player sounds; to 5.1 it is the centre.
//!
//! LFE: where the output has one it is kept. In stereo and mono it is left out, as BS.775 recommends, or mixed in with -3 dB.
//!
//! Does: fold the layouts that it knows.
//! Does not: touch layouts with loudspeakers overhead or unknown ones; there FFmpeg's own mixing is used (`None`).
//! Invariant: all rows are scaled by one factor, so that the balance stays, and no row sums up to more than 1: full scale never clips.

mod layouts;

use exstreamtv_model::pick::{Downmix, DownmixGain, DownmixRow, LfePolicy};
use layouts::Layout;

/// -3 dB.
const M3DB: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// Returns how the channels of a layout become those that are sent; `None` where they are the same, or are left to FFmpeg.
///
/// `layout` is FFmpeg's name; without one, one channel is mono and two are stereo. `output_channels` is 1, 2 or 6.
pub fn plan(layout: Option<&str>, channels: u8, output_channels: u8, lfe: LfePolicy) -> Option<Downmix> {
    let from = layouts::find(layout, channels)?;
    let to = layouts::of_output(output_channels)?;
    if from.name == to.name || (to.name == "5.1" && from.name == "5.1(side)") {
        return None;
    }
    let mut rows: Vec<DownmixRow> = to.channels.iter().map(|channel| row(channel, from, to, lfe)).collect();
    normalise(&mut rows);
    Some(Downmix { from: from.name.into(), to: to.name.into(), rows })
}

fn row(output: &str, from: &Layout, to: &Layout, lfe: LfePolicy) -> DownmixRow {
    let terms = from.channels.iter().map(|input| (*input, gain(input, output, from, to, lfe)));
    let mut gains: Vec<DownmixGain> =
        terms.filter(|(_, gain)| *gain != 0.0).map(|(from, gain)| DownmixGain { from: from.into(), gain }).collect();
    if gains.is_empty() {
        // A silent channel still needs a term: FFmpeg's `pan` cannot write an empty sum.
        gains.push(DownmixGain { from: from.channels[0].into(), gain: 0.0 });
    }
    DownmixRow { channel: output.into(), gains }
}

/// Returns the factor of one input channel in one output channel, before scaling.
fn gain(input: &str, output: &str, from: &Layout, to: &Layout, lfe: LfePolicy) -> f64 {
    match (input, to.name) {
        ("LFE", "5.1") => f64::from(u8::from(output == "LFE")),
        ("LFE", _) if lfe == LfePolicy::Drop => 0.0,
        ("LFE", _) => M3DB,
        (_, "5.1") => to_surround(input, output, from),
        ("FC", "stereo") if from.name == "mono" => 1.0,
        (_, "stereo") => to_stereo(input, output, from),
        // Mono is both sides of stereo at -3 dB each; with the factors above that is BS.775's table.
        _ => M3DB * (to_stereo(input, "FL", from) + to_stereo(input, "FR", from)),
    }
}

/// Folds 3/2 to 2/0.
fn to_stereo(input: &str, output: &str, from: &Layout) -> f64 {
    let surround = if output == "FL" { "BL" } else { "BR" };
    to_surround(input, output, from) + M3DB * (to_surround(input, "FC", from) + to_surround(input, surround, from))
}

/// Folds to 3/2, whose loudspeakers are FL, FR, FC, BL and BR.
fn to_surround(input: &str, output: &str, from: &Layout) -> f64 {
    let has = |channel: &str| from.channels.contains(&channel);
    match (input, output) {
        ("FL" | "FR" | "FC", _) if input == output => 1.0,
        ("FLC", "FL") | ("FRC", "FR") => M3DB,
        // Two pairs of surrounds share one pair of loudspeakers.
        ("SL" | "BL", "BL") if has("SL") && has("BL") => M3DB,
        ("SR" | "BR", "BR") if has("SR") && has("BR") => M3DB,
        ("SL" | "BL", "BL") | ("SR" | "BR", "BR") => 1.0,
        ("BC", "BL" | "BR") => M3DB,
        _ => 0.0,
    }
}

/// Scales all rows by one factor so that the loudest sums up to at most 1, and cuts the factors to six places.
fn normalise(rows: &mut [DownmixRow]) {
    let sums = rows.iter().map(|row| row.gains.iter().map(|gain| gain.gain.abs()).sum::<f64>());
    let loudest = sums.fold(1.0, f64::max);
    for gain in rows.iter_mut().flat_map(|row| &mut row.gains) {
        // Cut, not rounded: rounded factors could sum up to more than 1.
        gain.gain = (gain.gain / loudest * 1e6).floor() / 1e6;
    }
}

#[cfg(test)]
mod tests;
