//! How likely it is that something stands before incidents by chance alone.
//!
//! Does: Fisher's exact test, one-sided, over several strata.
//! Does not: decide how likely is too likely.
//! Invariant: the answer is a probability, 0 < p ≤ 1; without information it is 1.
//!
//! In one stratum (a channel) of N windows, K of them hold the sequence and n of them came before an incident. If the sequence has nothing to do
//! with incidents, the number of windows before an incident that hold it is hypergeometric:
//! P(A = a) = C(K, a) · C(N − K, n − a) / C(N, n), and p = P(A ≥ what was seen).
//! (R. A. Fisher: "Statistical Methods for Research Workers", 5th ed. 1934, § 21.02.) Channels are not alike: one that says much and fails much would
//! make whatever it says look guilty. So each window is compared with windows of its own channel, and the sum over channels is tested; given all
//! margins its distribution is the convolution of theirs. (J. J. Gart: "Point and interval estimation of the common odds ratio in the
//! combination of 2×2 tables with fixed marginals", Biometrika 57, 1970; C. R. Mehta, N. R. Patel, R. Gray, JASA 80, 1985.)

/// What was counted in one stratum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Table {
    /// Windows before an incident (n).
    pub cases: u32,
    /// Windows before nothing (N − n).
    pub controls: u32,
    /// Windows before an incident that hold the sequence (a).
    pub cases_with: u32,
    /// Windows before nothing that hold it (K − a).
    pub controls_with: u32,
}

/// Returns how likely so many or more windows before incidents hold the sequence by chance.
pub fn chance(tables: &[Table]) -> f64 {
    let seen: usize = tables.iter().map(|table| table.cases_with as usize).sum();
    let sum = tables.iter().fold(vec![1.0], |sum, table| convolve(&sum, &distribution(*table)));
    // Small terms first, so that none is swallowed.
    sum.iter().skip(seen).rev().sum::<f64>().clamp(f64::MIN_POSITIVE, 1.0)
}

/// P(A = 0), P(A = 1), … of one stratum.
fn distribution(table: Table) -> Vec<f64> {
    let Table { cases, controls, .. } = table;
    let (all, with) = (cases + controls, table.cases_with + table.controls_with);
    let whole = ln_choose(all, cases);
    let odds = |hit: u32| {
        // So many cases without it need as many windows without it.
        let possible = hit <= with && cases - hit <= all - with;
        if possible { libm::exp(ln_choose(with, hit) + ln_choose(all - with, cases - hit) - whole) } else { 0.0 }
    };
    (0..=cases).map(odds).collect()
}

fn convolve(one: &[f64], other: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; one.len() + other.len() - 1];
    for (at, x) in one.iter().enumerate() {
        for (further, y) in other.iter().enumerate() {
            sum[at + further] += x * y;
        }
    }
    sum
}

fn ln_choose(n: u32, k: u32) -> f64 {
    let ln_factorial = |n: u32| libm::lgamma(f64::from(n) + 1.0);
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(cases_with: u32, cases: u32, controls_with: u32, controls: u32) -> Table {
        Table { cases, controls, cases_with, controls_with }
    }

    fn close(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn it_gives_the_figures_that_can_be_counted_by_hand() {
        // Fisher's lady tasting tea: all four of eight cups right is 1 in 70, three or more 17 in 70.
        close(chance(&[table(4, 4, 0, 4)]), 1.0 / 70.0);
        close(chance(&[table(3, 4, 1, 4)]), 17.0 / 70.0);
        // Two ladies: both all right.
        close(chance(&[table(4, 4, 0, 4), table(4, 4, 0, 4)]), 1.0 / 4_900.0);
        // Five or more of two times three: (3, 2), (2, 3) or (3, 3), each lady 1, 9, 9, 1 in 20.
        close(chance(&[table(3, 3, 0, 3), table(2, 3, 1, 3)]), 19.0 / 400.0);
        // A very small one: 1 in C(60, 10).
        close(chance(&[table(10, 10, 0, 50)]), 1.0 / 75_394_027_566.0);
    }

    #[test]
    fn without_information_nothing_is_unlikely() {
        for tables in [&[][..], &[table(0, 0, 3, 9)], &[table(5, 5, 0, 0)], &[table(4, 4, 9, 9)], &[table(0, 4, 2, 9)]]
        {
            close(chance(tables), 1.0);
        }
    }

    proptest! {
        #[test]
        fn it_is_a_probability_and_more_evidence_makes_it_smaller(
            rows in prop::collection::vec((0_u32..20, 0_u32..20, 0_u32..20, 0_u32..60), 1..6)
        ) {
            let tables: Vec<_> = rows.iter().map(|(a, b, c, d)| table(*a, a + b, *c, c + d)).collect();
            let p = chance(&tables);
            prop_assert!(p > 0.0 && p <= 1.0);
            let mut more = tables.clone();
            more.push(table(1, 1, 0, 9));
            prop_assert!(chance(&more) <= p + 1e-9);
        }
    }
}
