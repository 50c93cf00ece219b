//! How many connections read the database.
//!
//! Does: compute the specification's pool size from the number of channels.
//! Does not: open or close connections.
//! Invariant: the size never lies below the base, and above the most only where the base does.

/// The constants of the formula.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PoolSizing {
    /// Readers of a lineup without channels, and the least there are.
    pub base: u32,
    /// The most readers.
    pub most: u32,
    /// Readers that each channel adds.
    pub per_channel: f64,
}

impl Default for PoolSizing {
    fn default() -> Self {
        Self { base: 10, most: 100, per_channel: 2.5 }
    }
}

impl PoolSizing {
    /// Returns `max(base, min(int(channels × per_channel) + base, most))`.
    pub fn optimal(&self, channels: u64) -> u32 {
        // Beyond 2^53 channels the product is inexact, and far above any `most`; the cast cuts like the specification's int() and saturates.
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "see above"
        )]
        let grown = (channels as f64 * self.per_channel) as u32;
        self.base.max(grown.saturating_add(self.base).min(self.most))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_of_the_specification_there_and_back() {
        let table = [(0, 10), (1, 12), (3, 17), (10, 35), (34, 95), (36, 100), (100, 100)];
        for (channels, readers) in table.iter().chain(table.iter().rev()) {
            assert_eq!(PoolSizing::default().optimal(*channels), *readers, "{channels} channels");
        }
    }

    #[test]
    fn each_constant_counts() {
        let usual = PoolSizing::default();
        assert_eq!(PoolSizing { base: 4, ..usual }.optimal(2), 9);
        assert_eq!(PoolSizing { most: 11, ..usual }.optimal(2), 11);
        assert_eq!(PoolSizing { per_channel: 0.5, ..usual }.optimal(3), 11);
        assert_eq!(PoolSizing { base: 20, most: 5, ..usual }.optimal(9), 20, "the base wins");
    }

    proptest! {
        #[test]
        fn the_size_stays_within_its_bounds_and_never_falls_when_channels_come(
            base in 1_u32..500, most in 1_u32..500, per_channel in 0.0_f64..50.0, channels in 0_u64..=u64::MAX - 1,
        ) {
            let sizing = PoolSizing { base, most, per_channel };
            let size = sizing.optimal(channels);
            prop_assert!(size >= base && size <= base.max(most));
            prop_assert!(sizing.optimal(channels + 1) >= size);
        }
    }
}
