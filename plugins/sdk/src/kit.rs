//! The kit with which an author tests a strategy.
//!
//! Two ways in: the functions here take a strategy as it is, [`Plugins`] opens a whole library through its exported functions, as the host does.
//!
//! Does: call a strategy the way the host will, and name the first broken promise.
//! Does not: judge taste; an answer may be dull.
//! Invariant: what passes here is not refused by the host for the same request.

use exstreamtv_model::{
    incident::{ProposalFault, ProposeAnswer, ProposeRequest},
    pick::{AudioAnswer, AudioRequest, PickFault, SubtitleAnswer, SubtitleRequest},
    schedule::{AnswerFault, PlanAnswer, PlanEntry, PlanRequest, Window},
};

use crate::{PickError, Picker, PlanError, ProposeError, Resolver, Scheduler};

mod vectors;

pub use crate::glue::loopback::{Described, Instance, Plugins, Refusal, TestHost};
pub use vectors::{Vector, VectorFault};

/// Which promise a strategy broke.
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
    /// After an edit it does not go on where it was.
    #[error("go on after an edit at {cut_ms} ms as if nothing had happened")]
    Misplaced {
        /// Where the edit was.
        cut_ms: i64,
    },
    /// It gave no choice.
    #[error("get a choice")]
    Pick {
        /// Why not.
        #[source]
        source: PickError,
    },
    /// Its choice cannot be used.
    #[error("use the choice")]
    Choice {
        /// Why not.
        #[source]
        source: PickFault,
    },
    /// It gave no proposals.
    #[error("get proposals")]
    Propose {
        /// Why not.
        #[source]
        source: ProposeError,
    },
    /// Its proposals cannot be used.
    #[error("use the proposals")]
    Proposal {
        /// Why not.
        #[source]
        source: ProposalFault,
    },
    /// It chose or proposed in two ways.
    #[error("get the same answer twice")]
    FickleChoice,
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

/// Checks that an edit costs nobody their place: fills the request's window, keeps the first `kept` entries as an edit would, plans the rest anew from the
/// request's state with these in `aired`, and expects the very entries that were planned at first. Returns all entries.
///
/// Not every scheduler can promise this to the letter; one that packs or balances a window as a whole may answer otherwise with good reason.
///
/// # Errors
/// Names the first broken promise.
pub fn plan_after_edit(
    scheduler: &dyn Scheduler,
    request: &PlanRequest,
    kept: usize,
) -> Result<Vec<PlanEntry>, KitFault> {
    let answer = plan_twice(scheduler, request)?;
    let (aired, rest) = answer.entries.split_at(kept.min(answer.entries.len()));
    let mut edited = request.clone();
    let Some(cut_ms) = rest.first().map(|entry| entry.start_ms) else { return Ok(answer.entries) };
    edited.window.start_ms = cut_ms;
    edited.aired.extend_from_slice(aired);
    if plan_twice(scheduler, &edited)?.entries == rest {
        Ok(answer.entries)
    } else {
        Err(KitFault::Misplaced { cut_ms })
    }
}

/// Asks a picker for a sound twice, and checks the answer as the host does.
///
/// # Errors
/// Names the broken promise.
pub fn pick_audio(picker: &dyn Picker, request: &AudioRequest) -> Result<AudioAnswer, KitFault> {
    let answer = picker.pick_audio(request).map_err(|source| KitFault::Pick { source })?;
    answer.check(request).map_err(|source| KitFault::Choice { source })?;
    if picker.pick_audio(request).as_ref() == Ok(&answer) { Ok(answer) } else { Err(KitFault::FickleChoice) }
}

/// Asks a picker for subtitles twice, and checks the answer as the host does.
///
/// # Errors
/// Names the broken promise.
pub fn pick_subtitle(picker: &dyn Picker, request: &SubtitleRequest) -> Result<SubtitleAnswer, KitFault> {
    let answer = picker.pick_subtitle(request).map_err(|source| KitFault::Pick { source })?;
    answer.check(request).map_err(|source| KitFault::Choice { source })?;
    if picker.pick_subtitle(request).as_ref() == Ok(&answer) { Ok(answer) } else { Err(KitFault::FickleChoice) }
}

/// Asks a resolver twice, and checks the answer as the host does.
///
/// # Errors
/// Names the broken promise.
pub fn propose(resolver: &dyn Resolver, request: &ProposeRequest) -> Result<ProposeAnswer, KitFault> {
    let answer = resolver.propose(request).map_err(|source| KitFault::Propose { source })?;
    answer.check(request).map_err(|source| KitFault::Proposal { source })?;
    if resolver.propose(request).as_ref() == Ok(&answer) { Ok(answer) } else { Err(KitFault::FickleChoice) }
}

fn plan_twice(scheduler: &dyn Scheduler, request: &PlanRequest) -> Result<PlanAnswer, KitFault> {
    let window = request.window;
    let plan = || scheduler.plan(request).map_err(|source| KitFault::Plan { window, source });
    let answer = plan()?;
    answer.check(request).map_err(|source| KitFault::Answer { window, source })?;
    if plan()? == answer { Ok(answer) } else { Err(KitFault::Fickle { window }) }
}

#[cfg(test)]
mod tests;
