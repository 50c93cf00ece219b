//! Tokens that tell sessions apart.
//!
//! A token is no secret: it opens nothing that an address without one does not. It only has to differ from every other one, over restarts too.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use exstreamtv_core::session::SessionId;

/// Makes tokens; the system's random numbers make them differ from those of other processes.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    keys: [RandomState; 2],
    made: AtomicU64,
}

impl Tokens {
    /// Returns a token that nobody has.
    pub(super) fn next(&self) -> SessionId {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let [high, low] = self.keys.each_ref().map(|key| u128::from(key.hash_one(number)));
        SessionId(high << 64 | low)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_are_the_same_even_of_two_processes() {
        let makers = [Tokens::default(), Tokens::default()];
        let made: HashSet<_> = (0..2_000).map(|number| makers[number % 2].next()).collect();
        assert_eq!(made.len(), 2_000);
    }
}
