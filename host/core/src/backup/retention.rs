//! Which backups are removed.
//!
//! Does: choose by the time in the name, the kind, and whether a backup is known to be good.
//! Does not: look at files' own times, which copying changes.
//! Invariant: the newest verified backup and everything that a person made stay.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{BackupId, BackupKind};

/// How many backups are kept, and for how long; of the automatic ones, and likewise of those made before restores and migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The most of each sort.
    pub keep_count: u32,
    /// Days after which even those go.
    pub keep_days: u32,
}

/// A backup as retention sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Which.
    pub id: BackupId,
    /// Whether it was opened and found whole.
    pub verified: bool,
}

impl Retention {
    /// Returns what is to be removed at `now`, oldest first.
    pub fn expired(&self, backups: &[Kept], now: DateTime<Utc>) -> Vec<BackupId> {
        let newest_verified = backups.iter().filter(|kept| kept.verified).map(|kept| kept.id).max();
        let automatic = self.of(backups, now, &[BackupKind::Auto]);
        let before_a_change = self.of(backups, now, &[BackupKind::PreRestore, BackupKind::PreMigration]);
        let mut gone: Vec<_> = automatic.into_iter().chain(before_a_change).collect();
        gone.retain(|id| Some(*id) != newest_verified);
        gone.sort();
        gone
    }

    fn of(&self, backups: &[Kept], now: DateTime<Utc>, kinds: &[BackupKind]) -> Vec<BackupId> {
        let mut ids: Vec<_> = backups.iter().map(|kept| kept.id).filter(|id| kinds.contains(&id.kind())).collect();
        ids.sort_by(|a, b| b.cmp(a));
        let newest: HashSet<_> =
            ids.iter().take(usize::try_from(self.keep_count).unwrap_or(usize::MAX)).copied().collect();
        // Where that is before time began, nothing is too old.
        let oldest = now.checked_sub_signed(TimeDelta::days(self.keep_days.into()));
        let stays = |id: &BackupId| newest.contains(id) && oldest.is_none_or(|oldest| id.at() >= oldest);
        ids.into_iter().filter(|id| !stays(id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULE: Retention = Retention { keep_count: 7, keep_days: 30 };

    fn now() -> DateTime<Utc> {
        "2026-03-01T00:00:00Z".parse().unwrap()
    }

    fn made(hours_ago: i64, kind: BackupKind, verified: bool) -> Kept {
        Kept { id: BackupId::new(now() - TimeDelta::hours(hours_ago), kind), verified }
    }

    #[test]
    fn the_newest_seven_stay() {
        let daily: Vec<_> = (0..10).map(|day| made(24 * day, BackupKind::Auto, true)).collect();
        let gone: Vec<_> = daily[7..].iter().rev().map(|kept| kept.id).collect();
        assert_eq!(RULE.expired(&daily, now()), gone);
    }

    #[test]
    fn those_older_than_thirty_days_go_but_the_newest_good_one() {
        let old: Vec<_> = (0..3).map(|day| made(24 * (40 + day), BackupKind::Auto, true)).collect();
        assert_eq!(RULE.expired(&old, now()), [old[2].id, old[1].id]);
    }

    #[test]
    fn a_newer_bad_one_does_not_cost_the_last_good_one() {
        let rule = Retention { keep_count: 1, keep_days: 30 };
        let backups =
            [made(1, BackupKind::Auto, false), made(50, BackupKind::Auto, true), made(80, BackupKind::Auto, true)];
        assert_eq!(rule.expired(&backups, now()), [backups[2].id]);
    }

    #[test]
    fn what_a_person_made_stays_and_safety_copies_are_counted_apart() {
        let mut backups: Vec<_> = (0..20).map(|hour| made(24 * 400 + hour, BackupKind::Manual, true)).collect();
        assert_eq!(RULE.expired(&backups, now()), []);
        backups.extend((0..7).map(|day| made(24 * day, BackupKind::Auto, true)));
        backups.extend((0..5).map(|day| made(24 * day + 1, BackupKind::PreRestore, true)));
        backups.extend((0..3).map(|day| made(24 * day + 2, BackupKind::PreMigration, true)));
        let oldest = made(24 * 4 + 1, BackupKind::PreRestore, true).id;
        assert_eq!(RULE.expired(&backups, now()), [oldest], "eight safety copies, seven stay");
    }

    #[test]
    fn a_clock_that_was_set_back_removes_nothing_that_is_new() {
        let backups: Vec<_> = (0..7).map(|day| made(-24 * day, BackupKind::Auto, true)).collect();
        assert_eq!(RULE.expired(&backups, now()), []);
    }

    proptest! {
        #[test]
        fn a_good_one_and_every_manual_one_stay(
            all in proptest::collection::vec((-2_000_i64..2_000, 0_usize..4, any::<bool>()), 0..60),
            keep_count in 0_u32..9, keep_days in 0_u32..60,
        ) {
            let backups: Vec<_> = all.iter().map(|(hours, kind, good)| made(*hours, BackupKind::ALL[*kind], *good)).collect();
            let gone = Retention { keep_count, keep_days }.expired(&backups, now());
            let best = backups.iter().filter(|kept| kept.verified).map(|kept| kept.id).max();
            prop_assert!(best.is_none_or(|best| !gone.contains(&best)));
            prop_assert!(gone.iter().all(|id| id.kind() != BackupKind::Manual));
            prop_assert!(gone.is_sorted());
        }
    }
}
