//! The contract `exstreamtv.scheduler/1`.
//!
//! Does: say what a scheduler is, and in which ways it may decline.
//! Does not: check answers; `PlanAnswer::check` does, and the host calls it whoever wrote the answer.
//! Invariant: the same request gives the same answer, on any machine and in any version.

use exstreamtv_model::{
    MediaId,
    schedule::{MAX_ENTRIES, PlanAnswer, PlanRequest},
};

/// Fills a channel's time. Called from any thread, several at once.
pub trait Scheduler: Send + Sync {
    /// Returns the name by which channels ask for it, "author.strategy"; it never changes.
    fn id(&self) -> &'static str;

    /// Returns a timeline for the request's window.
    ///
    /// # Errors
    /// Says why there is none; the host then leaves the slate on air and asks again later.
    fn plan(&self, request: &PlanRequest) -> Result<PlanAnswer, PlanError>;
}

/// Why a scheduler has no answer; reads well after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// There is nothing to play, and this scheduler cannot do without.
    #[error("plan without anything to play")]
    EmptyPool,
    /// The state is not one of this scheduler's, and it cannot start over.
    #[error("go on from the previous state: {reason}")]
    BadState {
        /// What is wrong with it.
        reason: String,
    },
    /// The window has no length or lies where no clock goes.
    #[error("fill a window from {start_ms} to {stop_ms} ms")]
    BadWindow {
        /// First millisecond.
        start_ms: i64,
        /// First millisecond after it.
        stop_ms: i64,
    },
    /// An offered item has no length.
    #[error("plan with item {item}: its length is {duration_ms} ms")]
    BadItem {
        /// Which item.
        item: MediaId,
        /// Its length.
        duration_ms: i64,
    },
    /// The items are too short for the window.
    #[error("fill the window with at most {MAX_ENTRIES} entries; the items are too short or the window is too long")]
    TooManyEntries,
}
