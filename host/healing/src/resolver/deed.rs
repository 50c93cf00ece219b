//! What can really be done: the closed list.
//!
//! Does: name each deed with its action of the specification, its precondition, its time limits, the post-condition that is probed, and what
//! undoes it.
//! Does not: do anything.
//! Invariant: nothing is done that is not on this list, and nothing on it counts as success before its post-condition held.

use exstreamtv_model::incident::Action;
use serde::{Deserialize, Serialize};

/// One thing that can be done. The slate is none: a feed shows it by itself whenever there is nothing else, and it heals nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// A fresh FFmpeg for what is on air.
    RestartRun,
    /// A fresh worker for the channel.
    RestartWorker,
    /// A fresh FFmpeg that leaves the graphics card alone.
    RestartInSoftware,
    /// Asks the source and the schedule again, and forgets what was wrong with them.
    RefreshSource,
    /// More connections to the database.
    ExpandPool,
    /// Another file with the same programme.
    PlayOtherVersion,
    /// The channel's filler for the time being.
    PlayFiller,
    /// What comes next on the channel, for the time being.
    PlayNextItem,
    /// No run ahead of its time, and no pictures kept that can be drawn again.
    PrepareLess,
    /// A person is called.
    CallPerson,
}

/// What must hold before a deed is begun, or be seen after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = DeedCondition))]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The channel is on air, and what is wrong with it is still wrong.
    StillWrong,
    /// The same, and there is another file with the programme.
    OtherVersionKnown,
    /// The same, and the channel has a filler that is not what fails.
    FillerKnown,
    /// The same, and something that is not what fails comes next.
    NextItemKnown,
    /// The same, and a graphics card is used.
    CardUsed,
    /// The pool may grow.
    PoolMayGrow,
    /// Runs are prepared ahead.
    RunsAhead,
    /// Media flows at its speed or faster, for five seconds.
    MediaFlows,
    /// Nobody waits for a connection, for five seconds.
    PoolIsFree,
    /// Memory is no longer short.
    MemoryIsFree,
    /// Nothing to ask.
    Always,
}

/// What takes a deed back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// There is nothing to take back.
    Nothing,
    /// The channel goes back to its plan, with the slate until that works.
    BackToPlan,
    /// The pool has its old size again.
    PoolAsBefore,
    /// Runs are prepared as before.
    PrepareAsBefore,
}

impl Deed {
    /// Every deed.
    pub const ALL: [Self; 10] = [
        Self::RestartRun,
        Self::RestartWorker,
        Self::RestartInSoftware,
        Self::RefreshSource,
        Self::ExpandPool,
        Self::PlayOtherVersion,
        Self::PlayFiller,
        Self::PlayNextItem,
        Self::PrepareLess,
        Self::CallPerson,
    ];

    /// Returns which action of the specification it is.
    pub fn action(self) -> Action {
        match self {
            Self::RestartRun | Self::RestartWorker | Self::RestartInSoftware => Action::Restart,
            Self::RefreshSource => Action::Refresh,
            Self::ExpandPool => Action::Expand,
            Self::PlayOtherVersion | Self::PlayFiller | Self::PlayNextItem => Action::Fallback,
            Self::PrepareLess => Action::Reduce,
            Self::CallPerson => Action::Escalate,
        }
    }

    /// Returns how much less likely it helps than the first way to perform the same action, in thousandths.
    pub fn share_per_mille(self) -> u32 {
        match self {
            Self::RestartWorker | Self::PlayFiller => 900,
            Self::RestartInSoftware | Self::PlayNextItem => 800,
            _ => 1_000,
        }
    }

    /// Returns whether viewers lose sight of what they watch while it is done.
    pub fn interrupts(self) -> bool {
        !matches!(self, Self::ExpandPool | Self::PrepareLess | Self::CallPerson)
    }

    /// Returns whether it starts a process again.
    pub fn restarts(self) -> bool {
        self.action() == Action::Restart
    }

    /// Returns whether something is shown that was not planned.
    pub fn is_stand_in(self) -> bool {
        matches!(self, Self::PlayFiller | Self::PlayNextItem)
    }

    /// Returns what must hold before it is begun.
    pub fn precondition(self) -> Condition {
        match self {
            Self::RestartRun | Self::RestartWorker | Self::RefreshSource => Condition::StillWrong,
            Self::RestartInSoftware => Condition::CardUsed,
            Self::ExpandPool => Condition::PoolMayGrow,
            Self::PlayOtherVersion => Condition::OtherVersionKnown,
            Self::PlayFiller => Condition::FillerKnown,
            Self::PlayNextItem => Condition::NextItemKnown,
            Self::PrepareLess => Condition::RunsAhead,
            Self::CallPerson => Condition::Always,
        }
    }

    /// Returns what must be seen afterwards.
    pub fn postcondition(self) -> Condition {
        match self {
            Self::ExpandPool => Condition::PoolIsFree,
            Self::PrepareLess => Condition::MemoryIsFree,
            Self::CallPerson => Condition::Always,
            _ => Condition::MediaFlows,
        }
    }

    /// Returns what takes it back where that was not seen.
    pub fn undo(self) -> Undo {
        match self {
            Self::RestartInSoftware | Self::PlayOtherVersion | Self::PlayFiller | Self::PlayNextItem => {
                Undo::BackToPlan
            }
            Self::ExpandPool => Undo::PoolAsBefore,
            Self::PrepareLess => Undo::PrepareAsBefore,
            // A process that ended does not come back, and an address that was asked for is asked for.
            Self::RestartRun | Self::RestartWorker | Self::RefreshSource | Self::CallPerson => Undo::Nothing,
        }
    }

    /// Returns how long doing it may take.
    pub fn limit_ms(self) -> i64 {
        match self {
            Self::RefreshSource => 15_000,
            _ => 10_000,
        }
    }
}

impl Condition {
    /// Returns how long it is waited for as a post-condition; a run may need eight seconds to its first picture.
    pub fn limit_ms(self) -> i64 {
        match self {
            Self::MediaFlows => 25_000,
            Self::MemoryIsFree => 60_000,
            _ => 20_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_changes_what_is_shown_or_held_can_be_taken_back() {
        for deed in Deed::ALL {
            let changes = matches!(deed.action(), Action::Fallback | Action::Expand | Action::Reduce);
            assert_eq!(changes || deed == Deed::RestartInSoftware, deed.undo() != Undo::Nothing, "{deed:?}");
        }
    }

    #[test]
    fn every_deed_has_limits_and_all_but_the_call_have_something_to_probe() {
        for deed in Deed::ALL {
            assert!(deed.limit_ms() > 0 && deed.postcondition().limit_ms() > 5_000, "{deed:?}");
            assert_eq!(deed.postcondition() == Condition::Always, deed == Deed::CallPerson, "{deed:?}");
        }
    }
}
