//! Restarts that all channels share: a broken disk must not become a storm of processes.
//!
//! Invariant: in any window of `window_ms` at most `restarts` are taken by those who asked before.

use std::collections::VecDeque;

/// How many restarts all channels together may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetRules {
    /// This many …
    pub restarts: usize,
    /// … in this time.
    pub window_ms: i64,
}

impl Default for BudgetRules {
    fn default() -> Self {
        Self { restarts: 10, window_ms: 60_000 }
    }
}

/// The restarts that were taken lately.
#[derive(Debug)]
pub struct RestartBudget {
    rules: BudgetRules,
    taken_ms: VecDeque<i64>,
}

impl RestartBudget {
    /// Returns a budget of which nothing is taken.
    pub fn new(rules: BudgetRules) -> Self {
        Self { rules, taken_ms: VecDeque::new() }
    }

    /// Takes other rules from now on.
    pub fn set_rules(&mut self, rules: BudgetRules) {
        self.rules = rules;
    }

    /// Returns from when on a restart is free: `now_ms` or later.
    pub fn free_from_ms(&self, now_ms: i64) -> i64 {
        let recent = self.taken_ms.iter().filter(|at_ms| now_ms - **at_ms < self.rules.window_ms);
        let surplus = recent.clone().count().saturating_add(1).saturating_sub(self.rules.restarts);
        match surplus.checked_sub(1) {
            None => now_ms,
            Some(blocking) => recent.clone().nth(blocking).map_or(now_ms, |at_ms| at_ms + self.rules.window_ms),
        }
    }

    /// Takes one.
    pub fn take(&mut self, now_ms: i64) {
        while self.taken_ms.front().is_some_and(|at_ms| now_ms - at_ms >= self.rules.window_ms) {
            self.taken_ms.pop_front();
        }
        self.taken_ms.push_back(now_ms);
    }

    /// Returns how many were taken in the window that ends at `now_ms`.
    pub fn taken(&self, now_ms: i64) -> usize {
        self.taken_ms.iter().filter(|at_ms| now_ms - **at_ms < self.rules.window_ms).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_restart_of_a_minute_waits_for_the_first_to_be_a_minute_old() {
        let mut budget = RestartBudget::new(BudgetRules::default());
        for at_ms in (0..10).map(|n| n * 1_000) {
            assert_eq!(budget.free_from_ms(at_ms), at_ms);
            budget.take(at_ms);
        }
        assert_eq!(budget.free_from_ms(10_000), 60_000);
        assert_eq!(budget.taken(59_999), 10);
        assert_eq!(budget.free_from_ms(60_000), 60_000);
        budget.take(60_000);
        assert_eq!(budget.free_from_ms(60_000), 61_000);
    }

    #[test]
    fn fewer_restarts_than_were_taken_hold_until_enough_are_old() {
        let mut budget = RestartBudget::new(BudgetRules::default());
        (0..6).for_each(|n| budget.take(n * 1_000));
        budget.set_rules(BudgetRules { restarts: 2, window_ms: 60_000 });
        assert_eq!(budget.free_from_ms(6_000), 64_000);
        assert_eq!(RestartBudget::new(BudgetRules { restarts: 0, window_ms: 1 }).free_from_ms(5), 5);
    }
}
