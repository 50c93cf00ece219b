//! Which dossiers are kept.
//!
//! Invariant: after every [`Shelf::put`] the dossiers on the shelf are within both limits, and the oldest went first.

use std::collections::BTreeMap;

use super::DossierId;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Dossiers; 0 keeps none.
    pub kept: usize,
    /// Bytes of all of them together.
    pub bytes: u64,
}

/// The dossiers that are kept, oldest first, with their sizes.
#[derive(Debug, Default)]
pub struct Shelf {
    sizes: BTreeMap<DossierId, u64>,
}

impl Shelf {
    /// Puts a dossier on the shelf, or notes its new size; returns those that must go for it.
    pub fn put(&mut self, id: DossierId, bytes: u64, limits: Limits) -> Vec<DossierId> {
        self.sizes.insert(id, bytes);
        self.clear(limits)
    }

    /// Returns those that must go because the limits changed.
    pub fn clear(&mut self, limits: Limits) -> Vec<DossierId> {
        let mut gone = Vec::new();
        let mut total: u64 = self.sizes.values().sum();
        while self.sizes.len() > limits.kept || total > limits.bytes {
            let Some((oldest, bytes)) = self.sizes.pop_first() else { break };
            total -= bytes;
            gone.push(oldest);
        }
        gone
    }

    /// Returns the oldest one and takes it off, to make room on the disk.
    pub fn oldest(&mut self) -> Option<DossierId> {
        self.sizes.pop_first().map(|(id, _)| id)
    }

    /// Takes one off; returns whether it was there.
    pub fn remove(&mut self, id: &DossierId) -> bool {
        self.sizes.remove(id).is_some()
    }

    /// Returns whether this one is kept.
    pub fn holds(&self, id: &DossierId) -> bool {
        self.sizes.contains_key(id)
    }
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::{ChannelId, RunId};

    use super::*;

    fn id(at_ms: i64) -> DossierId {
        DossierId::new(at_ms, 0, ChannelId(1), RunId(at_ms))
    }

    #[test]
    fn ten_thousand_failures_leave_no_more_than_allowed_and_those_are_the_newest() {
        let mut shelf = Shelf::default();
        let limits = Limits { kept: 50, bytes: 3_000 };
        for number in 0..10_000 {
            let bytes = u64::try_from(number % 170).unwrap();
            for gone in shelf.put(id(number), bytes, limits) {
                assert!(!shelf.holds(&gone));
                assert!(shelf.sizes.first_key_value().is_none_or(|(oldest, _)| gone < *oldest));
            }
            assert!(shelf.sizes.len() <= limits.kept);
            assert!(shelf.sizes.values().sum::<u64>() <= limits.bytes);
            assert!(shelf.holds(&id(number)));
        }
    }

    #[test]
    fn one_that_is_larger_than_all_may_be_is_not_kept() {
        let mut shelf = Shelf::default();
        assert_eq!(shelf.put(id(1), 11, Limits { kept: 5, bytes: 10 }), [id(1)]);
        assert_eq!(shelf.put(id(2), 1, Limits { kept: 0, bytes: 10 }), [id(2)]);
        assert_eq!(shelf.put(id(3), 1, Limits { kept: 1, bytes: 10 }), []);
        assert_eq!(shelf.put(id(3), 9, Limits { kept: 1, bytes: 10 }), [], "it only grew");
    }
}
