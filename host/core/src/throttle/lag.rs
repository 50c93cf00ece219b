//! When a viewer has fallen too far behind.
//!
//! A player that got its burst has as much of the stream in its buffer as it joined behind the newest byte, less what it has fallen behind
//! since: it skips a second before that is used up. One that never got its burst has not begun to play, or stands still already: it skips
//! when it is some seconds further behind than at its beginning.

/// A player's reserve when it skips.
const RESERVE_MS: i64 = 1_000;
/// A viewer this little behind has no reason to skip, however little it joined behind: a keyframe is seconds away.
const MIN_LAG_MS: i64 = 4_000;

/// How far behind one viewer was.
#[derive(Debug, Default)]
pub(super) struct Lag {
    joined_ms: Option<i64>,
    had_burst: bool,
}

impl Lag {
    /// Notes how far behind the viewer is now.
    pub(super) fn observe(&mut self, lag_ms: i64) {
        let joined_ms = *self.joined_ms.get_or_insert(lag_ms);
        self.had_burst |= lag_ms <= joined_ms / 2;
    }

    /// Returns whether the viewer should skip.
    pub(super) fn is_too_long(&self, lag_ms: i64) -> bool {
        let joined_ms = self.joined_ms.unwrap_or(lag_ms);
        let limit_ms = match self.had_burst {
            true => (joined_ms - RESERVE_MS).max(MIN_LAG_MS),
            false => joined_ms + MIN_LAG_MS,
        };
        lag_ms >= limit_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lag(seen_ms: &[i64]) -> Lag {
        let mut lag = Lag::default();
        seen_ms.iter().for_each(|lag_ms| lag.observe(*lag_ms));
        lag
    }

    #[test]
    fn who_had_his_burst_skips_a_second_before_it_is_used_up() {
        let lag = lag(&[7_000, 3_000, 0]);
        assert!(!lag.is_too_long(5_999) && lag.is_too_long(6_000));
    }

    #[test]
    fn who_never_had_it_is_given_time_to_get_it() {
        let lag = lag(&[7_000, 6_000]);
        assert!(!lag.is_too_long(7_000) && !lag.is_too_long(10_999) && lag.is_too_long(11_000));
    }

    #[test]
    fn who_joined_a_cold_channel_is_not_hurried() {
        let lag = lag(&[0, 200]);
        assert!(!lag.is_too_long(3_999) && lag.is_too_long(4_000));
    }
}
