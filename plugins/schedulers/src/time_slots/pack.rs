//! Which of the next items fill a slot best.
//!
//! Does: choose, by trying all sets of a bounded number of items.
//! Does not: know what the items are.
//! Invariant: the same lengths give the same choice; taking the first of it and asking again never leaves more rest.

/// An item as the packer sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Parcel {
    /// How much room it takes.
    pub(super) room_ms: i64,
    /// How much of that it fills.
    pub(super) content_ms: i64,
}

/// Returns the place of the first of those parcels that together fill most of `room_ms`; `None` if not even one fits.
/// Of sets that are as good the one that keeps closest to the given order is taken. Only the first [`AHEAD`] are looked at.
pub(super) fn first_of_best(parcels: &[Parcel], room_ms: i64) -> Option<usize> {
    let parcels = &parcels[..parcels.len().min(AHEAD)];
    let all = parcels.iter().fold(Parcel::default(), |sum, parcel| sum.and(*parcel));
    if all.room_ms <= room_ms {
        return (!parcels.is_empty()).then_some(0);
    }
    // Of equal sums the highest rank wins: the earlier an item, the higher its bit.
    let rank = |set: u32| set.reverse_bits();
    let fitting = sums(parcels).filter(|(_, sum)| sum.room_ms <= room_ms);
    let (set, _) = fitting.max_by_key(|&(set, sum)| (sum.content_ms, rank(set)))?;
    Some(set.trailing_zeros() as usize)
}

/// Returns each set that is not empty, one bit per parcel, with its sum.
fn sums(parcels: &[Parcel]) -> impl Iterator<Item = (u32, Parcel)> {
    let sets = 1_u32 << parcels.len();
    let mut sums = Vec::with_capacity(sets as usize);
    sums.push(Parcel::default());
    for set in 1..sets {
        let last = set.trailing_zeros() as usize;
        let without = (set & (set - 1)) as usize;
        sums.push(parcels[last].and(sums[without]));
    }
    (0..sets).zip(sums).skip(1)
}

impl Parcel {
    fn and(self, other: Self) -> Self {
        Self {
            room_ms: self.room_ms.saturating_add(other.room_ms),
            content_ms: self.content_ms.saturating_add(other.content_ms),
        }
    }
}

/// Most items that are tried; 4,096 sets.
pub(super) const AHEAD: usize = 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(lengths_ms: &[i64]) -> Vec<Parcel> {
        lengths_ms.iter().map(|&room_ms| Parcel { room_ms, content_ms: room_ms }).collect()
    }

    /// Takes the first of the best again and again, and returns what is left of the room.
    fn rest(mut lengths_ms: Vec<i64>, mut room_ms: i64) -> i64 {
        while let Some(first) = first_of_best(&plain(&lengths_ms), room_ms) {
            room_ms -= lengths_ms.remove(first);
        }
        room_ms
    }

    #[test]
    fn the_best_set_is_found_and_begins_with_its_earliest_item() {
        assert_eq!(first_of_best(&plain(&[40, 25, 35, 50]), 60), Some(1));
        assert_eq!(first_of_best(&plain(&[20, 20, 20, 60]), 60), Some(0));
        assert_eq!(first_of_best(&plain(&[70, 61]), 60), None);
        assert_eq!(first_of_best(&[], 60), None);
        assert_eq!(first_of_best(&plain(&[i64::MAX, i64::MAX, 1]), 60), Some(2));
    }

    proptest! {
        #[test]
        fn asking_step_by_step_leaves_no_more_than_the_best_set_does(lengths_ms in prop::collection::vec(1_i64..100, 0..9), room_ms in 0_i64..300) {
            let sets = 0_u32..1 << lengths_ms.len();
            let sum = |set: u32| lengths_ms.iter().enumerate().filter(|(bit, _)| set & (1 << bit) != 0).map(|(_, ms)| ms).sum::<i64>();
            let best = sets.map(sum).filter(|sum_ms| *sum_ms <= room_ms).max().unwrap();
            prop_assert_eq!(rest(lengths_ms, room_ms), room_ms - best);
        }
    }
}
