//! Wall clocks: from local times to moments.
//!
//! Does: find the moment of a local time, and the next moment at which a local clock shows a round time.
//! Does not: know what a slot is.
//! Invariant: [`moment`] is the only place that decides what a local time means where clocks change; it never goes back as its argument goes on.

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

/// Returns the moment at which clocks in `zone` show `local`: the first valid moment behind a gap, the earlier one of two in a fold.
pub(super) fn moment(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    use chrono::LocalResult::{Ambiguous, None, Single};
    match zone.from_local_datetime(&local) {
        Single(only) => only.to_utc(),
        Ambiguous(earlier, _) => earlier.to_utc(),
        // The zone data know where each of their gaps ends; where they do not, a zone has no offset to speak of.
        None => GapInfo::new(&local, &zone).and_then(|gap| gap.end).map_or(local.and_utc(), |end| end.to_utc()),
    }
}

/// Returns the local time at `at_ms`; the ends of the calendar stand for what lies behind them.
pub(super) fn local(at_ms: i64, zone: Tz) -> NaiveDateTime {
    let at = utc(at_ms);
    at.naive_utc().checked_add_offset(zone.offset_from_utc_datetime(&at.naive_utc()).fix()).unwrap_or(at.naive_utc())
}

/// Returns the first moment from `at_ms` on at which local clocks show a multiple of `step_ms` since midnight, where `step_ms` divides a day.
pub(super) fn round_from(at_ms: i64, step_ms: i64, zone: Tz) -> i64 {
    let mut from_ms = at_ms;
    // Clocks change at most once within a day; one turn for it, and one to spare for zones that do otherwise.
    for _ in 0..3 {
        let offset_ms = offset_ms(from_ms, zone);
        let past_ms = from_ms.saturating_add(offset_ms).rem_euclid(step_ms);
        let round_ms = from_ms.saturating_add((step_ms - past_ms) % step_ms);
        if self::offset_ms(round_ms, zone) == offset_ms {
            return round_ms;
        }
        from_ms = change_between(from_ms, round_ms, zone);
    }
    from_ms
}

/// Returns the first moment behind `from_ms`, at most `to_ms`, at which another offset holds than at `from_ms`.
fn change_between(from_ms: i64, to_ms: i64, zone: Tz) -> i64 {
    let before_ms = offset_ms(from_ms, zone);
    let (mut same_ms, mut other_ms) = (from_ms, to_ms);
    while other_ms - same_ms > 1 {
        let middle_ms = same_ms.midpoint(other_ms);
        if offset_ms(middle_ms, zone) == before_ms { same_ms = middle_ms } else { other_ms = middle_ms }
    }
    other_ms
}

fn offset_ms(at_ms: i64, zone: Tz) -> i64 {
    i64::from(zone.offset_from_utc_datetime(&utc(at_ms).naive_utc()).fix().local_minus_utc()) * 1_000
}

fn utc(at_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at_ms).unwrap_or_else(|| {
        let edge = if at_ms < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
        // A day inside the calendar, so that an offset does not lead out of it.
        if at_ms < 0 { edge + TimeDelta::days(2) } else { edge - TimeDelta::days(2) }
    })
}
