//! Where an item has breaks.
//!
//! Does: find the places, by chapters or by interval, within the rule's bounds.
//! Does not: decide what is on in a break, or whether there is one.
//! Invariant: places ascend, lie inside the item, and the same item has the same ones each time.

use exstreamtv_model::schedule::PoolItem;

use super::rules::BreakRule;

impl BreakRule {
    /// Returns where `item` stops for breaks, milliseconds inside it.
    pub(super) fn places(&self, item: &PoolItem) -> Vec<i64> {
        let length_ms = item.duration_ms;
        if length_ms < self.min_programme_ms || self.max_breaks == 0 {
            return Vec::new();
        }
        let inside =
            |place_ms: &i64| *place_ms >= self.guard_ms.max(1) && *place_ms <= length_ms - self.guard_ms.max(1);
        if self.chapters && !item.chapters_ms.is_empty() {
            let mut places: Vec<_> = item.chapters_ms.iter().copied().filter(inside).collect();
            // Ascending by contract; a break twice at one place would be none.
            places.sort_unstable();
            places.dedup();
            return spread(&places, self.max_breaks);
        }
        let Some(every_ms) = self.every_ms.filter(|every_ms| *every_ms > 0) else { return Vec::new() };
        let places =
            (1..).map_while(|turn: i64| every_ms.checked_mul(turn)).take_while(|place_ms| *place_ms < length_ms);
        places.filter(inside).take(self.max_breaks).collect()
    }

    /// Returns how long `item` takes with its breaks, from `in_point_ms` on.
    pub(super) fn length_ms(&self, item: &PoolItem, in_point_ms: i64) -> i64 {
        let breaks = self.places(item).iter().filter(|place_ms| **place_ms > in_point_ms).count();
        let breaks_ms = self.length_ms.saturating_mul(i64::try_from(breaks).unwrap_or(i64::MAX));
        (item.duration_ms - in_point_ms).saturating_add(breaks_ms)
    }
}

/// Returns at most `most` of `places`, evenly spread over them.
fn spread(places: &[i64], most: usize) -> Vec<i64> {
    if places.len() <= most {
        return places.to_vec();
    }
    // The middles of `most` equal parts of the list.
    (0..most).map(|part| places[(2 * part + 1) * places.len() / (2 * most)]).collect()
}
