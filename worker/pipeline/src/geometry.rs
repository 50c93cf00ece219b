//! How large a source's picture is inside the channel's.
//!
//! Invariant: the result is even, at least 2x2, and never larger than the channel's picture.

/// A picture's size in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Samples across.
    pub width: u32,
    /// Samples down.
    pub height: u32,
}

/// Returns the largest size of square samples that shows `source` whole and undistorted inside `frame`.
///
/// Bars thinner than a hundredth of the picture (1920x1088, a sample aspect that is off by a hair) are nobody's intention: the picture is
/// stretched over them. A source without a size fills the frame.
pub fn fit(source: Size, sample_aspect: (u32, u32), frame: Size) -> Size {
    let across = u128::from(source.width) * u128::from(sample_aspect.0);
    let down = u128::from(source.height) * u128::from(sample_aspect.1);
    if across == 0 || down == 0 {
        return frame;
    }
    let (frame_across, frame_down) = (u128::from(frame.width), u128::from(frame.height));
    if across * frame_down >= frame_across * down {
        Size { height: side(frame_across * down, across, frame.height), ..frame }
    } else {
        Size { width: side(frame_down * across, down, frame.width), ..frame }
    }
}

/// Returns `num`/`den` as an even number from 2 to `most`, or `most` when it is nearly that.
fn side(num: u128, den: u128, most: u32) -> u32 {
    let nearest_even = (num + den) / (2 * den) * 2;
    let side = u32::try_from(nearest_even).unwrap_or(most).clamp(2, most.max(2));
    if (most - side.min(most)) * 100 < most { most } else { side }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HD: Size = Size { width: 1280, height: 720 };

    fn fitted(width: u32, height: u32, sample_aspect: (u32, u32)) -> (u32, u32) {
        let size = fit(Size { width, height }, sample_aspect, HD);
        (size.width, size.height)
    }

    #[test]
    fn wide_pictures_get_bars_above_and_narrow_ones_beside() {
        assert_eq!(fitted(1920, 800, (1, 1)), (1280, 534));
        assert_eq!(fitted(640, 480, (1, 1)), (960, 720));
        assert_eq!(fitted(1080, 1920, (1, 1)), (406, 720));
    }

    #[test]
    fn the_shape_of_samples_counts() {
        assert_eq!(fitted(720, 480, (32, 27)), (1280, 720), "anamorphic wide screen");
        assert_eq!(fitted(720, 480, (8, 9)), (960, 720), "4:3 television");
    }

    #[test]
    fn a_hair_of_a_bar_is_no_bar() {
        assert_eq!(fitted(1920, 1088, (1, 1)), (1280, 720));
        assert_eq!(fitted(1366, 768, (1, 1)), (1280, 720));
        assert_eq!(fitted(1920, 1040, (1, 1)), (1280, 694));
    }

    #[test]
    fn a_source_without_a_size_fills_the_frame() {
        assert_eq!(fitted(0, 480, (1, 1)), (1280, 720));
        assert_eq!(fitted(640, 480, (0, 1)), (1280, 720));
    }
}
