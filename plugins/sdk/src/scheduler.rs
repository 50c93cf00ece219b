//! The contract `exstreamtv.scheduler/1`.
//!
//! Does: say what a scheduler is, and in which ways it may decline.
//! Does not: check answers; `PlanAnswer::check` does, and the host calls it whoever wrote the answer.
//! Invariant: the same request gives the same answer, on any machine and in any version.

use exstreamtv_model::{
    MediaId,
    schedule::{
        MAIN_POOL, MAX_ENTRIES, PlanAnswer, PlanRequest, PoolNeed, PoolSource, Preparation, PrepareRequest,
        SettingsFault,
    },
};

/// Fills a channel's time.
///
/// The host asks [`prepare`](Self::prepare) when somebody writes settings, and [`plan`](Self::plan) about once an hour per channel, for the next
/// stretch of time. Both depend on the request alone.
///
/// ```
/// use exstreamtv_plugin_sdk::{PlanError, Scheduler, schedule::*};
///
/// /// Plays the first item of the channel's collection, over and over.
/// struct Loop;
///
/// impl Scheduler for Loop {
///     fn plan(&self, request: &PlanRequest) -> Result<PlanAnswer, PlanError> {
///         let item = request.pool(MAIN_POOL).first().ok_or(PlanError::EmptyPool)?;
///         let mut at_ms = request.window.start_ms;
///         let mut entries = Vec::new();
///         while at_ms < request.window.stop_ms {
///             entries.push(PlanEntry {
///                 item: Some(item.id),
///                 start_ms: at_ms,
///                 stop_ms: at_ms + item.duration_ms,
///                 in_point_ms: 0,
///                 kind: exstreamtv_plugin_sdk::EntryKind::Programme,
///                 rule: String::new(),
///                 why: "it is the only one".into(),
///             });
///             at_ms += item.duration_ms;
///         }
///         Ok(PlanAnswer { entries, state: Default::default(), notes: Vec::new() })
///     }
/// }
/// ```
pub trait Scheduler: Send + Sync {
    /// Says whether settings are right, and which pools a plan with them draws from.
    ///
    /// Settings with a fault are not stored, so [`plan`](Self::plan) seldom sees one; but a newer version of the strategy may find fault with what an
    /// older one liked. Without a method of its own, a scheduler takes any settings and plays the channel's collection, as the pool [`MAIN_POOL`].
    fn prepare(&self, request: &PrepareRequest) -> Preparation {
        let _ = request;
        let main = PoolNeed { key: MAIN_POOL.to_owned(), source: PoolSource::Channel };
        Preparation { faults: Vec::new(), pools: vec![main] }
    }

    /// Returns a timeline for the request's window: from its start to its end or a little beyond, without holes or overlaps.
    ///
    /// The pools are whole here, however many items they have. Fold [`PlanRequest::aired`] into the state before you go on; it is
    /// empty unless somebody edited the schedule.
    ///
    /// # Errors
    /// Says why there is none; the host then plays the channel's collection in order, and says so.
    fn plan(&self, request: &PlanRequest) -> Result<PlanAnswer, PlanError>;
}

/// Why a scheduler has no answer; reads well after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// There is nothing to play, and this scheduler cannot do without.
    #[error("plan without anything to play")]
    EmptyPool,
    /// The settings cannot be used.
    #[error("use the settings{}: {}", place(.fault), .fault.message)]
    BadSettings {
        /// Where, and what is wrong.
        fault: SettingsFault,
    },
    /// The zone is not one that this scheduler knows.
    #[error("plan in the time zone {zone:?}: it is not in the IANA database that this plugin was built with")]
    BadZone {
        /// Its name.
        zone: String,
    },
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
    /// The answer would come too late.
    #[error("plan in time")]
    Late,
    /// A reason of the strategy's own.
    #[error("plan: {reason}")]
    Declined {
        /// What stands in the way, and what can be done about it.
        reason: String,
    },
}

fn place(fault: &SettingsFault) -> String {
    if fault.path.is_empty() { String::new() } else { format!(" at {}", fault.path) }
}
