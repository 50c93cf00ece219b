//! Whether counts fit shares.

/// Returns the chi-squared statistic of counts against shares that need not sum to one; infinite if something without a share was drawn.
pub fn chi_squared(counts: &[u64], shares: &[f64]) -> f64 {
    let draws = counts.iter().sum::<u64>() as f64;
    let total: f64 = shares.iter().sum();
    let term = |(count, share): (&u64, &f64)| {
        let (count, expected) = (*count as f64, draws * share / total);
        match expected {
            expected if expected > 0.0 => (count - expected).powi(2) / expected,
            _ if count > 0.0 => f64::INFINITY,
            _ => 0.0,
        }
    };
    counts.iter().zip(shares).map(term).sum()
}

/// Returns the value that a chi-squared statistic exceeds once in a million by chance (Wilson and Hilferty's approximation).
pub fn chi_squared_limit(degrees_of_freedom: usize) -> f64 {
    /// Standard normal quantile of 1 - 1e-6.
    const QUANTILE: f64 = 4.753_424;
    let degrees = degrees_of_freedom.max(1) as f64;
    let spread = 2.0 / (9.0 * degrees);
    degrees * (1.0 - spread + QUANTILE * spread.sqrt()).powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_fit_are_far_below_the_limit_and_others_far_above() {
        let shares = [1.0, 2.0, 7.0];
        assert!(chi_squared(&[1_020, 1_990, 6_990], &shares) < chi_squared_limit(2));
        assert!(chi_squared(&[3_333, 3_333, 3_334], &shares) > 100.0 * chi_squared_limit(2));
        assert!(chi_squared(&[1, 0], &[0.0, 1.0]).is_infinite());
    }

    #[test]
    fn the_limit_is_that_of_the_tables() {
        // With few degrees of freedom the approximation is too high, which accuses nobody.
        for (degrees, exact) in [(1, 23.93), (2, 27.63), (3, 30.66), (5, 35.89), (9, 44.81)] {
            let limit = chi_squared_limit(degrees);
            assert!(limit >= exact * 0.99 && limit <= exact * 1.16, "{degrees}: {limit}");
        }
    }
}
