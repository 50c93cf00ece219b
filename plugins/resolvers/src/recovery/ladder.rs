//! What helps against what: the specification's table (6.4), and what to try behind it.
//!
//! Does: say for each issue which actions may help, at which risk, how likely, and why.
//! Does not: know what was tried.
//! Invariant: the first step of a ladder is the specification's strategy with its risk and its confidence; each further one is less likely to help.
//!
//! The alternatives are ours. They lie so far below the primary strategy that it takes two failures in a row, or three, until they are tried first.

use exstreamtv_plugin_sdk::incident::{Action, IssueType, Risk};

/// One thing to try, and what it costs.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) action: Action,
    pub(super) risk: Risk,
    /// How likely it helps, in thousandths, while nobody has tried.
    pub(super) per_mille: u16,
    /// Why it may help, in words for people.
    pub(super) why: &'static str,
}

/// The specification's row first, ours second.
static LADDERS: [(IssueType, [Step; 2]); 7] = [
    (
        IssueType::FfmpegHang,
        [
            step(Action::Restart, Risk::Medium, 900, "a fresh process mostly plays on"),
            step(Action::Fallback, Risk::Safe, 600, "the programme itself may stop FFmpeg, and another one may not"),
        ],
    ),
    (
        IssueType::FfmpegCrash,
        [
            step(Action::Restart, Risk::Medium, 850, "a fresh process mostly plays on"),
            step(Action::Fallback, Risk::Safe, 600, "the programme itself may end FFmpeg, and another one may not"),
        ],
    ),
    (
        IssueType::UrlExpired,
        [
            step(Action::Refresh, Risk::Safe, 950, "the source gives a new address"),
            step(Action::Fallback, Risk::Safe, 600, "another programme has an address that is still good"),
        ],
    ),
    (
        IssueType::DbPoolExhausted,
        [
            step(Action::Expand, Risk::Low, 800, "more connections let those through that wait"),
            step(Action::Reduce, Risk::Medium, 550, "less work at once asks for fewer connections"),
        ],
    ),
    (
        IssueType::AuthFailed,
        [
            step(Action::Refresh, Risk::Safe, 900, "the source gives a new token"),
            step(Action::Fallback, Risk::Safe, 600, "another programme needs no token of this source"),
        ],
    ),
    (
        IssueType::MemoryPressure,
        [
            step(Action::Reduce, Risk::Medium, 700, "less work at once needs less memory"),
            step(Action::Restart, Risk::Medium, 450, "a fresh process gives back what the old one had gathered"),
        ],
    ),
    (
        IssueType::SourceUnavailable,
        [
            step(Action::Fallback, Risk::Safe, 950, "another programme comes from another source"),
            step(Action::Refresh, Risk::Safe, 550, "the source may have moved, and say where to"),
        ],
    ),
];

/// Returns what may help against an issue, the likeliest first; nothing where only a person can.
pub(super) fn ladder(issue: IssueType) -> &'static [Step] {
    let of_issue = LADDERS.iter().find(|(known, _)| *known == issue);
    of_issue.map_or(&[], |(_, steps)| steps)
}

const fn step(action: Action, risk: Risk, per_mille: u16, why: &'static str) -> Step {
    Step { action, risk, per_mille, why }
}
