//! What the encoders are told: from the profile alone.
//!
//! Invariant: two runs of one profile differ in `length`, `keyframes` and `pictures` at most, none of which reaches the stream's headers (SPS, PPS, ADTS).

use exstreamtv_model::{FrameRate, OutputProfile, PlayOrder};

/// What the encoders are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// Constant rate.
    pub frame_rate: FrameRate,
    /// Length of the run, microseconds, rounded down.
    pub length_us: u64,
    /// H.264 level ("3.1").
    pub level: &'static str,
    /// Mean video bit rate.
    pub video_bitrate_bps: u32,
    /// Most bits in a second.
    pub video_peak_bps: u32,
    /// Decoder buffer, bits.
    pub video_buffer_bits: u32,
    /// Frames after which the encoder would set a keyframe by itself; never reached.
    pub gop_limit_frames: u32,
    /// Where keyframes are forced.
    pub keyframes: Keyframes,
    /// In which order pictures are coded.
    pub pictures: Pictures,
    /// Mean audio bit rate.
    pub audio_bitrate_bps: u32,
    /// Audio channels.
    pub audio_channels: u8,
}

/// Where keyframes are forced, on the channel's clock: at frame `offset` of the run and every `gop` frames from there. A run's first frame
/// is one anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyframes {
    /// Frames between two.
    pub gop: u32,
    /// First one, counted from the run's start.
    pub offset: u32,
}

/// In which order pictures are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pictures {
    /// As the encoder likes.
    Reordered,
    /// As they are shown, each referring to earlier ones alone, so that the run can be left after any of them.
    AsShown,
}

impl Keyframes {
    /// Returns the keyframes of `order` on its channel's clock.
    pub fn on_the_clock(order: &PlayOrder) -> Self {
        let gop = order.profile.gop_frames().max(1);
        Self { gop, offset: order.keyframe_offset % gop }
    }

    /// Returns the expression for `-force_key_frames`; FFmpeg evaluates it for every frame `n`.
    pub fn expression(self) -> String {
        let Self { gop, offset } = self;
        format!("expr:not(mod(n+{},{gop}))", (gop - offset) % gop)
    }
}

impl Encoding {
    /// Returns the rate as FFmpeg reads it.
    pub fn frame_rate_text(&self) -> String {
        format!("{}/{}", self.frame_rate.num, self.frame_rate.den)
    }

    /// Returns what the encoders are told for `order`.
    pub fn of(order: &PlayOrder, pictures: Pictures) -> Self {
        let profile = &order.profile;
        Self {
            frame_rate: profile.frame_rate,
            length_us: length_us(order.frames, profile.frame_rate),
            level: level(profile),
            video_bitrate_bps: profile.video_bitrate_bps,
            video_peak_bps: peak_bps(profile),
            video_buffer_bits: profile.video_bitrate_bps.saturating_mul(2),
            gop_limit_frames: profile.gop_frames().max(1).saturating_mul(2),
            keyframes: Keyframes::on_the_clock(order),
            pictures,
            audio_bitrate_bps: profile.audio_bitrate_bps,
            audio_channels: profile.audio_channels,
        }
    }
}

/// Rounded down, because FFmpeg compares a frame's exact time with it: `frames - 1` begins before it and `frames` does not. Rounded up, one
/// frame too many could pass; `-frames:v` is exact too, but makes newer versions end the sound up to an audio frame early.
fn length_us(frames: u32, FrameRate { num, den }: FrameRate) -> u64 {
    let us = u128::from(frames) * u128::from(den) * 1_000_000 / u128::from(num.max(1));
    u64::try_from(us).unwrap_or(u64::MAX)
}

fn peak_bps(profile: &OutputProfile) -> u32 {
    profile.video_bitrate_bps.saturating_add(profile.video_bitrate_bps / 2)
}

/// A row of H.264 table A-1.
struct Level {
    name: &'static str,
    macroblocks_per_s: u64,
    macroblocks: u64,
    /// For the High profile.
    bps: u64,
}

const fn row(name: &'static str, macroblocks_per_s: u64, macroblocks: u64, main_kbps: u64) -> Level {
    Level { name, macroblocks_per_s, macroblocks, bps: main_kbps * 1250 }
}

/// Nothing below 3.0: every player takes that.
const LEVELS: [Level; 12] = [
    row("3.0", 40_500, 1_620, 10_000),
    row("3.1", 108_000, 3_600, 14_000),
    row("3.2", 216_000, 5_120, 20_000),
    row("4.0", 245_760, 8_192, 20_000),
    row("4.1", 245_760, 8_192, 50_000),
    row("4.2", 522_240, 8_704, 50_000),
    row("5.0", 589_824, 22_080, 135_000),
    row("5.1", 983_040, 36_864, 240_000),
    row("5.2", 2_073_600, 36_864, 240_000),
    row("6.0", 4_177_920, 139_264, 240_000),
    row("6.1", 8_355_840, 139_264, 480_000),
    row("6.2", 16_711_680, 139_264, 800_000),
];

/// Returns the lowest level that holds the profile.
fn level(profile: &OutputProfile) -> &'static str {
    let macroblocks = u64::from(profile.width.div_ceil(16)) * u64::from(profile.height.div_ceil(16));
    let FrameRate { num, den } = profile.frame_rate;
    let per_s = (macroblocks * u64::from(num)).div_ceil(u64::from(den.max(1)));
    let holds = |level: &&Level| {
        level.macroblocks >= macroblocks
            && level.macroblocks_per_s >= per_s
            && level.bps >= u64::from(peak_bps(profile))
    };
    LEVELS.iter().find(holds).map_or("6.2", |level| level.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level_of(width: u32, height: u32, num: u32, den: u32) -> &'static str {
        level(&OutputProfile { width, height, frame_rate: FrameRate::new(num, den), ..Default::default() })
    }

    #[test]
    fn the_level_follows_size_and_rate() {
        assert_eq!(level_of(320, 180, 25, 1), "3.0");
        assert_eq!(level_of(1280, 720, 30, 1), "3.1");
        assert_eq!(level_of(1280, 720, 50, 1), "3.2");
        assert_eq!(level_of(1920, 1080, 30_000, 1001), "4.0");
        assert_eq!(level_of(1920, 1080, 60, 1), "4.2");
        assert_eq!(level_of(3840, 2160, 60, 1), "5.2");
        assert_eq!(level_of(7680, 7680, 60, 1), "6.2");
    }

    #[test]
    fn the_level_follows_the_bit_rate() {
        let fast = OutputProfile { video_bitrate_bps: 20_000_000, ..Default::default() };
        assert_eq!(level(&fast), "4.1");
    }

    #[test]
    fn keyframes_are_congruent_to_the_offset() {
        let expression = |gop, offset| Keyframes { gop, offset }.expression();
        assert_eq!(expression(60, 0), "expr:not(mod(n+0,60))");
        assert_eq!(expression(60, 17), "expr:not(mod(n+43,60))");
    }

    #[test]
    fn the_length_ends_between_the_last_frame_and_the_one_after_it() {
        for (num, den) in [(25, 1), (30, 1), (50, 1), (24_000, 1001), (30_000, 1001), (60_000, 1001)] {
            for frames in [1_u32, 8, 61, 107_892, 2_589_408, u32::MAX] {
                let length = u128::from(length_us(frames, FrameRate::new(num, den)));
                let begins_at = |frame: u128| frame * u128::from(den) * 1_000_000; // in units of 1/num us
                assert!(begins_at(u128::from(frames) - 1) < length * u128::from(num), "{num}/{den} {frames}");
                assert!(begins_at(u128::from(frames)) >= length * u128::from(num), "{num}/{den} {frames}");
            }
        }
    }
}
