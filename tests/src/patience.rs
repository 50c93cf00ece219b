//! Waiting for something that only shows itself when asked.
//!
//! Does: ask again and again until there is an answer or the limit is over.
//! Does not: measure; the limit only says when a failure is called one.
//! Invariant: this is the one place of the crate that sleeps, and never longer than one look apart.

use std::{
    thread,
    time::{Duration, Instant},
};

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Long enough for a loaded machine to start encoders; only failing tests wait that long.
pub const LONG: Duration = Duration::from_secs(60);

/// Looks until there is an answer.
///
/// # Panics
/// When there is none within `limit`.
pub fn wait_for<T>(what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> T {
    try_for(limit, look).unwrap_or_else(|| panic!("waited {limit:?} in vain for {what}"))
}

/// Looks until there is an answer or the limit is over.
pub fn try_for<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = look() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}
