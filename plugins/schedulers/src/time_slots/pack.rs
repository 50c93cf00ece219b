//! Which of the next items fill a slot best.
//!
//! Does: choose, by trying all sets of a bounded number of items.
//! Does not: know what the items are.
//! Invariant: the same lengths give the same choice; taking the first of it and asking again never leaves more rest.

/// Returns the place of the first of those `lengths_ms` that together leave the least of `room_ms`; `None` if not even one fits.
/// Of sets that are as good the one that keeps closest to the given order is taken. Only the first [`AHEAD`] lengths are looked at.
pub(super) fn first_of_best(lengths_ms: &[i64], room_ms: i64) -> Option<usize> {
    let lengths_ms = &lengths_ms[..lengths_ms.len().min(AHEAD)];
    let all_ms = lengths_ms.iter().fold(0_i64, |sum_ms, length_ms| sum_ms.saturating_add(*length_ms));
    if all_ms <= room_ms {
        return (!lengths_ms.is_empty()).then_some(0);
    }
    // Of equal sums the highest rank wins: the earlier an item, the higher its bit.
    let rank = |set: u32| set.reverse_bits();
    let best = sums(lengths_ms).filter(|(_, sum_ms)| *sum_ms <= room_ms);
    let (set, _) = best.max_by_key(|&(set, sum_ms)| (sum_ms, rank(set)))?;
    Some(set.trailing_zeros() as usize)
}

/// Returns each set that is not empty, one bit per item, with its sum.
fn sums(lengths_ms: &[i64]) -> impl Iterator<Item = (u32, i64)> {
    let sets = 1_u32 << lengths_ms.len();
    let mut sums_ms = Vec::with_capacity(sets as usize);
    sums_ms.push(0_i64);
    for set in 1..sets {
        let last = set.trailing_zeros() as usize;
        let without = (set & (set - 1)) as usize;
        sums_ms.push(lengths_ms[last].saturating_add(sums_ms[without]));
    }
    (0..sets).zip(sums_ms).skip(1)
}

/// Most items that are tried; 4,096 sets.
pub(super) const AHEAD: usize = 12;
