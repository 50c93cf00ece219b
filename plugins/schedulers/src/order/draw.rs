//! Random numbers that anybody can compute again.
//!
//! Does: give the number that belongs to a seed, a purpose, a round and an id: what ChaCha8 gives first on the stream that the id names.
//! Does not: keep a place; a number is the same whether or not another one was asked for, so edits move nothing else.
//! Invariant: the numbers are those of `rand_chacha`, which the tests compare with. That crate computes four blocks of one stream at a time, and a
//! pass over a large pool needs a few words of a hundred thousand streams; so here it is the streams that go side by side.

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
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    key: [u32; 8],
}

impl Numbers {
    pub(crate) fn new(seed: u64, purpose: Purpose, round: u64) -> Self {
        let ([seed_low, seed_high], [round_low, round_high]) = (words(seed), words(round));
        Self { key: [seed_low, seed_high, round_low, round_high, purpose as u32, 0, 0, 0] }
    }

    /// Returns the number of `id`.
    pub(crate) fn of(&self, id: u64) -> u64 {
        self.of_two(id)[0]
    }

    /// Returns two numbers of `id`, the first one being that of [`Self::of`].
    pub(crate) fn of_two(&self, id: u64) -> [u64; 2] {
        let [low, high] = words(id);
        numbers(chacha8(&self.key, low, high))
    }

    /// Returns the two numbers of each id; ten times as fast as one by one.
    pub(crate) fn of_each(&self, ids: &[u64]) -> Vec<[u64; 2]> {
        let mut all = Vec::with_capacity(ids.len());
        for some in ids.chunks(LANES) {
            let (mut low, mut high) = ([0; LANES], [0; LANES]);
            for (lane, id) in some.iter().enumerate() {
                [low[lane], high[lane]] = words(*id);
            }
            let [a, b, c, d] = side_by_side(&self.key, &low, &high);
            all.extend((0..some.len()).map(|lane| numbers([a[lane], b[lane], c[lane], d[lane]])));
        }
        all
    }
}

/// Streams that are computed side by side.
const LANES: usize = 8;

/// "expand 32-byte k".
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// Returns the first words of several streams. The loop over lanes is the innermost there is, and so becomes vector instructions.
#[inline(never)]
fn side_by_side(key: &[u32; 8], low: &[u32; LANES], high: &[u32; LANES]) -> [[u32; LANES]; 4] {
    let [mut a, mut b, mut c, mut d] = [[0; LANES]; 4];
    for lane in 0..LANES {
        [a[lane], b[lane], c[lane], d[lane]] = chacha8(key, low[lane], high[lane]);
    }
    [a, b, c, d]
}

/// Returns the first words of a stream.
#[inline(always)]
fn chacha8(key: &[u32; 8], low: u32, high: u32) -> [u32; 4] {
    let [a, b, c, d] = CONSTANTS;
    let [e, f, g, h, i, j, k, l] = *key;
    // Words 12 and 13 count blocks: it is always the first.
    let mut state = [a, b, c, d, e, f, g, h, i, j, k, l, 0, 0, low, high];
    // Written out, because a loop in here would keep the one over lanes from becoming vector instructions.
    double_round(&mut state);
    double_round(&mut state);
    double_round(&mut state);
    double_round(&mut state);
    let [first, second, third, fourth, ..] = state;
    [first.wrapping_add(a), second.wrapping_add(b), third.wrapping_add(c), fourth.wrapping_add(d)]
}

/// Mixes columns, then diagonals.
#[inline(always)]
fn double_round(s: &mut [u32; 16]) {
    [s[0], s[4], s[8], s[12]] = quarter_round(s[0], s[4], s[8], s[12]);
    [s[1], s[5], s[9], s[13]] = quarter_round(s[1], s[5], s[9], s[13]);
    [s[2], s[6], s[10], s[14]] = quarter_round(s[2], s[6], s[10], s[14]);
    [s[3], s[7], s[11], s[15]] = quarter_round(s[3], s[7], s[11], s[15]);
    [s[0], s[5], s[10], s[15]] = quarter_round(s[0], s[5], s[10], s[15]);
    [s[1], s[6], s[11], s[12]] = quarter_round(s[1], s[6], s[11], s[12]);
    [s[2], s[7], s[8], s[13]] = quarter_round(s[2], s[7], s[8], s[13]);
    [s[3], s[4], s[9], s[14]] = quarter_round(s[3], s[4], s[9], s[14]);
}

#[inline(always)]
fn quarter_round(mut a: u32, mut b: u32, mut c: u32, mut d: u32) -> [u32; 4] {
    a = a.wrapping_add(b);
    d = (d ^ a).rotate_left(16);
    c = c.wrapping_add(d);
    b = (b ^ c).rotate_left(12);
    a = a.wrapping_add(b);
    d = (d ^ a).rotate_left(8);
    c = c.wrapping_add(d);
    b = (b ^ c).rotate_left(7);
    [a, b, c, d]
}

fn numbers([a, b, c, d]: [u32; 4]) -> [u64; 2] {
    [u64::from(a) | u64::from(b) << 32, u64::from(c) | u64::from(d) << 32]
}

fn words(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

/// Returns a number below `end`, or 0, in proportion to `number` among all numbers.
pub(crate) fn below(end: u64, number: u64) -> u64 {
    // The high half of the product: at most 2^-64 of bias for ends of any practical size.
    ((u128::from(end) * u128::from(number)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// What `rand_chacha` says.
    fn oracle(seed: u64, purpose: Purpose, round: u64, id: u64) -> [u64; 2] {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&round.to_le_bytes());
        key[16] = purpose as u8;
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(id);
        [rng.next_u64(), rng.next_u64()]
    }

    proptest! {
        #[test]
        fn the_numbers_are_those_of_chacha8(seed: u64, round: u64, ids in prop::collection::vec(any::<u64>(), 0..40)) {
            for purpose in [Purpose::Pass, Purpose::Draw, Purpose::Source, Purpose::Order] {
                let numbers = Numbers::new(seed, purpose, round);
                let expected: Vec<_> = ids.iter().map(|id| oracle(seed, purpose, round, *id)).collect();
                prop_assert_eq!(&numbers.of_each(&ids), &expected);
                let singly: Vec<_> = ids.iter().map(|id| numbers.of_two(*id)).collect();
                prop_assert_eq!(singly, expected);
            }
        }
    }
}
