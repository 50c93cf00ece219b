//! A mini-GOP: pictures that must go on air together, because they are decoded in another order than they are shown.
//!
//! Does: collect pictures in decoding order until every one that is shown among them is there.
//! Does not: place them or know where they come from.
//! Invariant: a complete group shows `base`, `base + 1`, ... without a hole, and no picture is shown before it is decoded.

use crate::{AccessUnit, REORDER_FRAMES};

/// More pictures than any encoder we use reorders.
const MAX_FRAMES: i64 = 16;

/// Pictures in decoding order, each with the index at which it is shown.
#[derive(Debug)]
pub(super) struct Group {
    base: i64,
    frames: Vec<(i64, AccessUnit)>,
}

/// What a picture did to its group.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Grown {
    /// Pictures are still missing.
    Pending,
    /// It can go on air.
    Complete,
    /// It will never be complete.
    Damaged,
}

impl Group {
    /// Returns an empty group whose first picture is shown at `base`.
    pub(super) fn at(base: i64) -> Self {
        Self { base, frames: Vec::new() }
    }

    /// Returns where the first picture is shown.
    pub(super) fn base(&self) -> i64 {
        self.base
    }

    /// Returns how many pictures it holds.
    pub(super) fn len(&self) -> i64 {
        self.frames.len() as i64
    }

    /// Adds the picture shown at `index`.
    pub(super) fn add(&mut self, index: i64, unit: AccessUnit) -> Grown {
        let decoded_at = self.base + self.len();
        let fits = (self.base..self.base + MAX_FRAMES).contains(&index) && index + REORDER_FRAMES >= decoded_at;
        let repeats = self.frames.iter().any(|(shown, _)| *shown == index);
        self.frames.push((index, unit));
        if !fits || repeats {
            return Grown::Damaged;
        }
        // Indices are distinct and none is below `base`, so counting them is enough.
        let highest = self.frames.iter().map(|(shown, _)| *shown).max().unwrap_or(self.base);
        if highest - self.base + 1 == self.len() { Grown::Complete } else { Grown::Pending }
    }

    /// Returns the pictures in decoding order with the indices at which they are shown.
    pub(super) fn into_frames(self) -> impl Iterator<Item = (i64, AccessUnit)> {
        self.frames.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::UnitKind;

    fn grow(base: i64, shown: &[i64]) -> Vec<Grown> {
        let mut group = Group::at(base);
        let unit = AccessUnit { kind: UnitKind::Video { keyframe: false }, pts: 0, dts: 0, data: Bytes::new() };
        shown.iter().map(|index| group.add(*index, unit.clone())).collect()
    }

    #[test]
    fn a_pyramid_is_complete_with_its_last_picture() {
        use Grown::{Complete, Pending};
        assert_eq!(grow(10, &[13, 11, 10, 12]), [Pending, Pending, Pending, Complete]);
        assert_eq!(grow(10, &[10]), [Complete]);
        assert_eq!(grow(10, &[12, 10, 11]), [Pending, Pending, Complete]);
    }

    #[test]
    fn repeated_distant_and_backward_pictures_damage_it() {
        assert_eq!(grow(10, &[12, 12]).pop(), Some(Grown::Damaged));
        assert_eq!(grow(10, &[26]).pop(), Some(Grown::Damaged));
        assert_eq!(grow(10, &[25]).pop(), Some(Grown::Pending));
        assert_eq!(grow(10, &[9]).pop(), Some(Grown::Damaged));
    }

    #[test]
    fn a_picture_shown_before_it_is_decoded_damages_it() {
        assert_eq!(grow(10, &[14, 13, 12, 11]).last(), Some(&Grown::Pending));
        assert_eq!(grow(10, &[14, 13, 12, 11, 10]).last(), Some(&Grown::Damaged));
    }
}
