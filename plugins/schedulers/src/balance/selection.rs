//! Which sources may be next, so that every share comes true.
//!
//! Does: keep what each source is owed strictly between -1 and +1 items, whatever is drawn; so any stretch of picks is within two of its share.
//! Does not: draw; it only says among which the draw may be.
//! Invariant: while the same sources are available there is always one that may be chosen, and any choice among those keeps the promise.
//!
//! Each pick owes every available source its share of one item, and the chosen one has an item less to come. A source that has nothing to come may not
//! be chosen; one that would come to a whole item is late. So each item of a source has a deadline, and a choice is possible as long as, for every
//! h, no more than h items have theirs within the next h picks (Steiner and Yeomans 1993 show that such a sequence exists for all shares).

/// What is owed to a source, in parts of [`ITEM`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    /// With this pick's share.
    pub(super) credit: i64,
    /// What each further pick adds; more than 0.
    pub(super) share: i64,
}

/// One item.
pub(super) const ITEM: i64 = 1 << 32;

/// Most picks that are looked ahead: enough for a source of a thousandth to be weighed exactly.
const HORIZON: i64 = 1_000;

impl Claim {
    /// Returns within how many picks behind this one the source must have been chosen.
    fn deadline(self) -> i64 {
        let missing = (ITEM - self.credit).max(0);
        missing / self.share + i64::from(missing % self.share != 0)
    }

    /// Returns how many of its items must have been on after `picks` more.
    fn due_within(self, picks: i64) -> i64 {
        ((self.credit + picks * self.share) / ITEM).max(0)
    }
}

/// Returns the share of each weight in one item; together exactly one.
pub(super) fn shares(weights: &[u32]) -> Vec<i64> {
    let sum: i64 = weights.iter().copied().map(i64::from).sum();
    let mut up_to = 0;
    let share = |weight: &u32| {
        let before = up_to * ITEM / sum;
        up_to += i64::from(*weight);
        up_to * ITEM / sum - before
    };
    weights.iter().map(share).collect()
}

/// Returns which sources may be chosen now, by index, and the odds of each: what is owed to it. Never empty for claims that are not.
///
/// Who is owed less than half of what another one is waits: that keeps the promise also where sources come and go, which the bounds alone do not.
pub(super) fn odds(claims: &[Claim]) -> Vec<(usize, u64)> {
    let eligible = eligible(claims);
    let most = eligible.iter().map(|&index| claims[index].credit).max().unwrap_or(0);
    let near =
        eligible.into_iter().map(|index| (index, claims[index].credit)).filter(|(_, credit)| *credit >= most / 2);
    near.map(|(index, credit)| (index, u64::try_from(credit).unwrap_or(0))).collect()
}

/// Returns which sources may be chosen without breaking the promise.
fn eligible(claims: &[Claim]) -> Vec<usize> {
    let crowded = crowded(claims);
    let may = |claim: &Claim| claim.credit > 0 && crowded.is_none_or(|picks| claim.deadline() <= picks);
    let eligible: Vec<_> = (0..claims.len()).filter(|index| may(&claims[*index])).collect();
    if !eligible.is_empty() {
        return eligible;
    }
    // Only where sources came and went: more is owed than can be given in time. The most urgent is first.
    let urgent = (0..claims.len()).min_by_key(|index| (claims[*index].deadline(), -claims[*index].credit));
    urgent.into_iter().collect()
}

/// Returns within how few picks so many items are due that one of them must be chosen now.
fn crowded(claims: &[Claim]) -> Option<i64> {
    // Where everybody is owed something, no more is due than there are picks.
    let settled = |picks: i64| claims.iter().all(|claim| claim.credit + picks * claim.share >= 0);
    let stretch = (0..HORIZON).take_while(|picks| *picks == 0 || !settled(picks - 1));
    let mut stretch = stretch.map(|picks| (picks, claims.iter().map(|claim| claim.due_within(picks)).sum::<i64>()));
    stretch.find(|(picks, due)| due > picks).map(|(picks, _)| picks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::order::draw::{Numbers, Purpose, below};

    /// Chooses any eligible source, again and again.
    fn picks(weights: &[u32], count: usize, seed: u64) -> Vec<usize> {
        let shares = shares(weights);
        let mut credits = vec![0; weights.len()];
        let numbers = Numbers::new(seed, Purpose::Source, 0);
        let mut pick = |number| {
            credits.iter_mut().zip(&shares).for_each(|(credit, share)| *credit += share);
            let claims = credits.iter().zip(&shares).map(|(&credit, &share)| Claim { credit, share });
            let eligible = eligible(&claims.collect::<Vec<_>>());
            let chosen = eligible[usize::try_from(below(eligible.len() as u64, numbers.of(number))).unwrap()];
            credits[chosen] -= ITEM;
            assert!(credits.iter().all(|credit| credit.abs() <= ITEM), "{weights:?} {credits:?}");
            chosen
        };
        (0..count as u64).map(&mut pick).collect()
    }

    #[test]
    fn shares_are_whole_together() {
        assert_eq!(shares(&[1, 1]), [ITEM / 2, ITEM / 2]);
        for weights in [vec![1, 1, 1], vec![40, 30, 20, 10], vec![1_000; 40], vec![1]] {
            assert_eq!(shares(&weights).iter().sum::<i64>(), ITEM);
        }
    }

    #[test]
    fn the_draw_is_free_within_its_bounds() {
        let sequences: std::collections::BTreeSet<_> = (0..50).map(|seed| picks(&[4, 3, 2, 1], 20, seed)).collect();
        assert!(sequences.len() > 45, "{}", sequences.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_drawn_every_stretch_is_within_two_items_of_its_shares(
            weights in prop::collection::vec(1_u32..60, 1..9), seed in any::<u64>(),
        ) {
            let picks = picks(&weights, 400, seed);
            let sum = f64::from(weights.iter().sum::<u32>());
            for (source, weight) in weights.iter().enumerate() {
                let share = f64::from(*weight) / sum * 100.0;
                for stretch in picks.windows(100) {
                    let count = stretch.iter().filter(|pick| **pick == source).count();
                    prop_assert!((count as f64 - share).abs() <= 2.0, "source {} of {:?}: {} of {}", source, weights, count, share);
                }
            }
        }
    }
}
