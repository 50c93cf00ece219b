//! The kit with which an author tests a strategy.
//!
//! Two ways in: the functions here take a strategy as it is, [`Plugins`] opens a whole library through its exported functions, as the host does.
//!
//! Does: call a strategy the way the host will, and name the first broken promise.
//! Does not: judge taste; an answer may be dull.
//! Invariant: what passes here is not refused by the host for the same request.

use exstreamtv_model::schedule::{AnswerFault, PlanAnswer, PlanEntry, PlanRequest, Window};

use crate::{PlanError, Scheduler};

mod vectors;

pub use crate::glue::loopback::{Described, Instance, Plugins, Refusal, TestHost};
pub use vectors::{Vector, VectorFault};

/// Which promise a scheduler broke.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum KitFault {
    /// It gave no answer.
    #[error("get an answer for the window from {} to {} ms", .window.start_ms, .window.stop_ms)]
    Plan {
        /// For which window.
        window: Window,
        /// Why not.
        #[source]
        source: PlanError,
    },
    /// Its answer cannot go on air.
    #[error("use the answer for the window from {} to {} ms", .window.start_ms, .window.stop_ms)]
    Answer {
        /// For which window.
        window: Window,
        /// Why not.
        #[source]
        source: AnswerFault,
    },
    /// It answered the same question in two ways.
    #[error("get the same answer twice for the window from {} to {} ms", .window.start_ms, .window.stop_ms)]
    Fickle {
        /// For which window.
        window: Window,
    },
}

/// Checks an answer exactly as the host does.
///
/// # Errors
/// Names the first fault.
pub fn check_answer(request: &PlanRequest, answer: &PlanAnswer) -> Result<(), AnswerFault> {
    answer.check(request)
}

/// Fills the request's window in steps of `step_ms` as the host would, each from the state before, and returns all entries.
/// Every step is asked twice.
///
/// # Errors
/// Names the first broken promise.
pub fn plan_in_windows(
    scheduler: &dyn Scheduler,
    request: &PlanRequest,
    step_ms: i64,
) -> Result<Vec<PlanEntry>, KitFault> {
    let mut request = request.clone();
    let end_ms = request.window.stop_ms;
    let mut entries: Vec<PlanEntry> = Vec::new();
    while request.window.start_ms < end_ms {
        request.window.stop_ms = request.window.start_ms.saturating_add(step_ms.max(1)).min(end_ms);
        let answer = plan_twice(scheduler, &request)?;
        // The check has made sure that there is a last entry and that it ends behind the window's start.
        request.window.start_ms = answer.entries.last().map_or(end_ms, |entry| entry.stop_ms);
        (request.state, request.aired) = (Some(answer.state), Vec::new());
        entries.extend(answer.entries);
    }
    Ok(entries)
}

fn plan_twice(scheduler: &dyn Scheduler, request: &PlanRequest) -> Result<PlanAnswer, KitFault> {
    let window = request.window;
    let plan = || scheduler.plan(request).map_err(|source| KitFault::Plan { window, source });
    let answer = plan()?;
    answer.check(request).map_err(|source| KitFault::Answer { window, source })?;
    if plan()? == answer { Ok(answer) } else { Err(KitFault::Fickle { window }) }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use exstreamtv_model::EntryKind;

    use super::*;

    /// Shows the slate in pieces of this length; a negative one makes pieces that differ from call to call.
    struct Slates(i64, AtomicI64);

    impl Scheduler for Slates {
        fn plan(&self, request: &PlanRequest) -> Result<PlanAnswer, PlanError> {
            let calls = self.1.fetch_add(1, Ordering::Relaxed);
            let length_ms = if self.0 < 0 { 1_000 + calls } else { self.0 };
            let start_ms = request.window.start_ms;
            let entry = PlanEntry {
                item: None,
                start_ms,
                stop_ms: start_ms + length_ms,
                in_point_ms: 0,
                kind: EntryKind::Slate,
                rule: String::new(),
                why: String::new(),
            };
            Ok(PlanAnswer { entries: vec![entry], state: serde_json::Value::Null, notes: Vec::new() })
        }
    }

    fn fill(length_ms: i64) -> Result<Vec<PlanEntry>, KitFault> {
        let request = PlanRequest {
            channel: String::new(),
            zone: "UTC".into(),
            window: Window { start_ms: 0, stop_ms: 1_000 },
            settings: serde_json::Value::Null,
            pools: Vec::new(),
            state: None,
            seed: 0,
            aired: Vec::new(),
        };
        plan_in_windows(&Slates(length_ms, AtomicI64::new(0)), &request, 100)
    }

    #[test]
    fn a_window_is_filled_in_steps_and_never_for_ever() {
        assert_eq!(fill(100).unwrap().len(), 10);
        assert_eq!(fill(5_000).unwrap().len(), 1);
    }

    #[test]
    fn a_broken_promise_is_named() {
        assert!(matches!(fill(99), Err(KitFault::Answer { source: AnswerFault::TooShort { .. }, .. })));
        assert!(matches!(fill(0), Err(KitFault::Answer { source: AnswerFault::NoLength { .. }, .. })));
        assert!(matches!(fill(-1), Err(KitFault::Fickle { .. })));
    }
}
