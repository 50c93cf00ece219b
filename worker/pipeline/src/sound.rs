//! The filters between decoded sound and the encoder.

use exstreamtv_model::profile::SAMPLE_RATE_HZ;

/// Where a run's sound comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// A file, from its beginning.
    FromTheStart,
    /// A file, from somewhere in the middle.
    FromTheMiddle,
}

/// Seconds of silence after a sound that ends before its picture. Bounded, so that a file which is cut off does not keep FFmpeg busy with
/// silence up to the end of its slot.
const SILENCE_AFTER_S: u32 = 10;

impl Sound {
    /// Returns the filters that turn it into what the encoder takes; `downmix` is a filter, too. It comes first: it does not care about
    /// the rate, and leaves fewer channels to those that do.
    ///
    /// `aresample` has no `first_pts`: FFmpeg rebuilds the graph when a recording changes its channels half-way, and a rebuilt filter would then
    /// make silence from zero up to there. A late start is a hole, and the host fills holes.
    pub fn filters(self, downmix: Option<String>, gain_db: Option<f64>) -> Vec<String> {
        let resample = format!("aresample={SAMPLE_RATE_HZ}:async=1");
        let pad = format!("apad=pad_dur={SILENCE_AFTER_S}");
        // The middle of a sound wave clicks.
        let fade = (self == Self::FromTheMiddle).then(|| "afade=t=in:d=0.02".to_owned());
        match self {
            Self::FromTheStart | Self::FromTheMiddle => {
                let gain = gain_db.filter(|gain| gain.is_finite() && gain.abs() >= 0.05);
                let gain = gain.map(|gain| format!("volume={gain:.2}dB"));
                downmix.into_iter().chain(gain).chain([resample]).chain(fade).chain([pad]).collect()
            }
        }
    }
}
