//! The channel's clock, counted in frames and in 90 kHz ticks.
//!
//! Does: convert between frame indices, ticks and wall-clock milliseconds, exactly, at any rate.
//! Does not: read a clock, or wrap at 33 bits (that is `mux`).
//! Invariant: every conversion is monotone, and no error accumulates: tick(i) depends on i alone.

use exstreamtv_model::OutputProfile;

/// Ticks of an MPEG clock in a second.
pub const TICKS_PER_SECOND: i64 = 90_000;
/// Frames by which pictures are shown after they are decoded: x264 reorders by at most two.
pub const REORDER_FRAMES: i64 = 2;
/// Ticks of one AAC frame: 1024 samples at 48 kHz.
pub const AUDIO_FRAME_TICKS: i64 = 1_920;

/// The channel's frame grid: frame `i` is the `i`-th since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameGrid {
    num: i64,
    den: i64,
    gop_frames: i64,
}

impl FrameGrid {
    /// Returns the grid of a (checked) profile.
    pub fn new(profile: &OutputProfile) -> Self {
        let rate = profile.frame_rate;
        Self {
            num: i64::from(rate.num.max(1)),
            den: i64::from(rate.den.max(1)),
            gop_frames: i64::from(profile.gop_frames().max(1)),
        }
    }

    /// Returns the decoding time of frame `index`, rounded down.
    pub fn tick(&self, index: i64) -> i64 {
        scale_floor(index, TICKS_PER_SECOND * self.den, self.num)
    }

    /// Returns the presentation time of frame `index`.
    pub fn pts(&self, index: i64) -> i64 {
        self.tick(index.saturating_add(REORDER_FRAMES))
    }

    /// Returns the length of frame `index`; at 23.976 Hz and the like it alternates.
    pub fn frame_ticks(&self, index: i64) -> i64 {
        self.tick(index.saturating_add(1)) - self.tick(index)
    }

    /// Returns the frame that is on at `wall_ms`.
    pub fn index_at(&self, wall_ms: i64) -> i64 {
        scale_floor(wall_ms, self.num, 1_000 * self.den)
    }

    /// Returns the first frame that begins at `wall_ms` or later; the inverse of [`Self::wall_ms`].
    pub fn index_from(&self, wall_ms: i64) -> i64 {
        -scale_floor(-wall_ms, self.num, 1_000 * self.den)
    }

    /// Returns when frame `index` begins, in Unix milliseconds, rounded down.
    pub fn wall_ms(&self, index: i64) -> i64 {
        scale_floor(index, 1_000 * self.den, self.num)
    }

    /// Returns how many frames `ms` milliseconds hold, rounded up.
    pub fn frames_in(&self, ms: i64) -> i64 {
        self.index_from(ms)
    }

    /// Returns the distance of the channel's keyframes.
    pub fn gop_frames(&self) -> i64 {
        self.gop_frames
    }

    /// Returns the length of a GOP in whole seconds, rounded up.
    pub fn gop_seconds(&self) -> i64 {
        -(-self.tick(self.gop_frames)).div_euclid(TICKS_PER_SECOND)
    }

    /// Returns the keyframe of the channel's clock at or before `index`.
    pub fn gop_start(&self, index: i64) -> i64 {
        index - index.rem_euclid(self.gop_frames)
    }

    /// Returns whether `index` is a keyframe of the channel's clock.
    pub fn is_key(&self, index: i64) -> bool {
        index.rem_euclid(self.gop_frames) == 0
    }

    /// Returns how many frames `ticks` are, rounded to the nearest.
    pub(crate) fn nearest_frames(&self, ticks: i64) -> i64 {
        let frame = i128::from(TICKS_PER_SECOND * self.den);
        clamp((2 * i128::from(ticks) * i128::from(self.num) + frame).div_euclid(2 * frame))
    }

    /// Returns the number of the audio frame that starts together with picture `index`: the one nearest to its presentation.
    ///
    /// Audio before a cut at `index` has smaller numbers, audio after it has not: one rule for both sides of every join.
    pub(crate) fn sound_start(&self, index: i64) -> i64 {
        nearest_sound(self.pts(index))
    }

    /// Returns the picture that audio frame `number` is sent with: the last one whose [`Self::sound_start`] is not after it.
    pub(crate) fn picture_of_sound(&self, number: i64) -> i64 {
        let latest_pts = i128::from(number) * i128::from(AUDIO_FRAME_TICKS) + i128::from(AUDIO_FRAME_TICKS / 2);
        let frame = i128::from(TICKS_PER_SECOND * self.den);
        // The largest i with floor(i * frame / num) <= latest_pts.
        let index = ((latest_pts + 1) * i128::from(self.num) - 1).div_euclid(frame);
        clamp(index).saturating_sub(REORDER_FRAMES)
    }
}

/// Returns the number of the audio frame nearest to `pts`; exactly half-way belongs to the earlier one.
pub(crate) fn nearest_sound(pts: i64) -> i64 {
    pts.saturating_add(AUDIO_FRAME_TICKS / 2 - 1).div_euclid(AUDIO_FRAME_TICKS)
}

/// Returns floor(`value` * `factor` / `divisor`) without overflow.
fn scale_floor(value: i64, factor: i64, divisor: i64) -> i64 {
    clamp((i128::from(value) * i128::from(factor)).div_euclid(i128::from(divisor)))
}

/// Keeps absurd inputs finite, with room for callers to add to the answer.
fn clamp(value: i128) -> i64 {
    let limit = i128::from(i64::MAX / 4);
    i64::try_from(value.clamp(-limit, limit)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::FrameRate;
    use proptest::prelude::*;

    use super::*;

    fn grid(num: u32, den: u32) -> FrameGrid {
        FrameGrid::new(&OutputProfile { frame_rate: FrameRate::new(num, den), ..Default::default() })
    }

    #[test]
    fn ticks_are_exact_over_decades_at_fractional_rates() {
        let film = grid(24_000, 1_001);
        assert_eq!((film.tick(0), film.tick(1), film.tick(2), film.tick(4)), (0, 3_753, 7_507, 15_015));
        assert_eq!(film.tick(24_000 * 60_000_000), 1_001 * 90_000 * 60_000_000);
        assert_eq!(grid(30, 1).tick(-1), -3_000);
    }

    #[test]
    fn a_gop_of_film_is_a_little_longer_than_two_seconds_and_its_target_is_three() {
        assert_eq!(grid(25, 1).gop_seconds(), 2);
        assert_eq!(grid(24_000, 1_001).gop_frames(), 48);
        assert_eq!(grid(24_000, 1_001).gop_seconds(), 3);
    }

    #[test]
    fn absurd_indices_do_not_overflow() {
        for index in [i64::MIN, i64::MAX] {
            let grid = grid(60_000, 1_001);
            let _ = (grid.tick(index), grid.pts(index), grid.frame_ticks(index), grid.picture_of_sound(index));
            let _ = (grid.nearest_frames(index), grid.sound_start(index));
        }
    }

    proptest! {
        #[test]
        fn wall_clock_and_index_are_inverse(index in -1_000_000i64..200_000_000_000, rate in rates()) {
            let grid = grid(rate.0, rate.1);
            prop_assert_eq!(grid.index_from(grid.wall_ms(index)), index);
            prop_assert!(grid.index_at(grid.wall_ms(index)) <= index);
            prop_assert_eq!(grid.index_at(grid.wall_ms(index) + 1), index);
        }

        #[test]
        fn sound_belongs_to_exactly_one_picture(number in 0i64..100_000_000_000, rate in rates()) {
            let grid = grid(rate.0, rate.1);
            let picture = grid.picture_of_sound(number);
            prop_assert!(grid.sound_start(picture) <= number);
            prop_assert!(number < grid.sound_start(picture + 1));
        }

        #[test]
        fn a_tick_is_nearest_to_its_own_frame(index in 0i64..10_000_000, base in 0i64..1_000_000, rate in rates()) {
            let grid = grid(rate.0, rate.1);
            prop_assert_eq!(grid.nearest_frames(grid.tick(base + index) - grid.tick(base)), index);
        }
    }

    fn rates() -> impl Strategy<Value = (u32, u32)> {
        prop::sample::select(vec![
            (24_000, 1_001),
            (24, 1),
            (25, 1),
            (30_000, 1_001),
            (30, 1),
            (50, 1),
            (60_000, 1_001),
            (60, 1),
            (10, 1),
        ])
    }
}
