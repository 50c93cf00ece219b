//! Random numbers that anybody can compute again.
//!
//! Does: give the number that belongs to a seed, a purpose, a round and an id.
//! Does not: keep a place; a number is the same whether or not another one was asked for, so edits move nothing else.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What numbers are drawn for; numbers for different purposes have nothing to do with each other.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(crate) enum Purpose {
    /// The order of one pass of a shuffle.
    Pass = 0,
    /// One draw of the mode `random`.
    Draw = 1,
    /// One plain draw among sources.
    Source = 2,
    /// The seed of a source's own order.
    Order = 3,
}

/// The numbers of one round.
pub(crate) struct Numbers(ChaCha8Rng);

impl Numbers {
    pub(crate) fn new(seed: u64, purpose: Purpose, round: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&round.to_le_bytes());
        key[16] = purpose as u8;
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Returns the number of `id`.
    pub(crate) fn of(&mut self, id: u64) -> u64 {
        self.of_two(id)[0]
    }

    /// Returns two numbers of `id`, the first one being that of [`Self::of`].
    pub(crate) fn of_two(&mut self, id: u64) -> [u64; 2] {
        self.0.set_stream(id);
        self.0.set_word_pos(0);
        [self.0.next_u64(), self.0.next_u64()]
    }
}

/// Returns a number below `end`, or 0, in proportion to `number` among all numbers.
pub(crate) fn below(end: u64, number: u64) -> u64 {
    // The high half of the product: at most 2^-64 of bias for ends of any practical size.
    ((u128::from(end) * u128::from(number)) >> 64) as u64
}
