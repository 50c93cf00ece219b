//! When the next automatic backup is due.

use chrono::{DateTime, TimeDelta, Utc};

/// Returns when the next automatic backup is due: an interval after the newest one there is, whatever happened since; so a host that
/// starts again and again makes no more of them. Without one, an interval after the database was made.
///
/// A newest one far ahead of `now` was made by a clock that was wrong; it keeps nobody waiting longer than an interval.
pub fn next_run(
    newest: Option<DateTime<Utc>>,
    created: DateTime<Utc>,
    interval: TimeDelta,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let last = newest.unwrap_or(created);
    let last = if last > now.checked_add_signed(interval).unwrap_or(now) { now } else { last };
    last.checked_add_signed(interval).unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: TimeDelta = TimeDelta::hours(24);

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(500_000 + hours)
    }

    #[test]
    fn a_new_installation_waits_and_an_old_one_without_a_backup_does_not() {
        assert_eq!(next_run(None, at(0), DAY, at(0)), at(24));
        assert!(next_run(None, at(-1_000), DAY, at(0)) < at(0));
    }

    #[test]
    fn a_host_that_starts_again_and_again_does_not_begin_anew() {
        for now in 1..24 {
            assert_eq!(next_run(Some(at(0)), at(-1_000), DAY, at(now)), at(24));
        }
    }

    #[test]
    fn a_backup_of_the_far_future_does_not_end_all_backups() {
        assert_eq!(next_run(Some(at(90_000)), at(0), DAY, at(1)), at(25));
        assert_eq!(next_run(Some(at(2)), at(0), DAY, at(1)), at(26), "a clock that is a little off is nothing");
    }
}
