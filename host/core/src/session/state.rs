//! The states of a session and the ways between them, exactly as the specification draws them.
//!
//! Invariant: [`SessionState::after`] is the only place that knows a way; what it does not know does not happen.

/// What a session is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionState {
    /// It exists; nothing has been sent.
    Created,
    /// It gets what it asks for.
    Active,
    /// It asks for nothing, or takes nothing.
    Idle,
    /// Something went wrong, and nothing has been sent since.
    Error,
    /// It is over.
    Disconnected,
}

/// What may happen to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionEvent {
    /// The first bytes are on their way.
    Activate,
    /// Bytes were sent.
    RecordData,
    /// Something went wrong.
    RecordError,
    /// Bytes can be sent again.
    Recover,
    /// Too much went wrong in a row.
    MaxErrors,
    /// Nothing was taken for a while.
    NoActivity,
    /// Something is taken again.
    Resume,
    /// Nothing was taken for too long.
    Timeout,
    /// The client left, or was sent away.
    Disconnect,
}

impl SessionState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Created, Self::Active, Self::Idle, Self::Error, Self::Disconnected];

    /// Returns the state that an event leads to, or `None` where the specification has no such way.
    pub fn after(self, event: SessionEvent) -> Option<Self> {
        match (self, event) {
            (Self::Created, SessionEvent::Activate)
            | (Self::Active, SessionEvent::RecordData)
            | (Self::Error, SessionEvent::Recover)
            | (Self::Idle, SessionEvent::Resume) => Some(Self::Active),
            (Self::Active, SessionEvent::RecordError) => Some(Self::Error),
            (Self::Active, SessionEvent::NoActivity) => Some(Self::Idle),
            (Self::Error, SessionEvent::MaxErrors)
            | (Self::Idle, SessionEvent::Timeout)
            | (Self::Active, SessionEvent::Disconnect) => Some(Self::Disconnected),
            _ => None,
        }
    }

    /// Returns the event that makes this state active, if it is not and can be.
    pub(super) fn way_back(self) -> Option<SessionEvent> {
        match self {
            Self::Created => Some(SessionEvent::Activate),
            Self::Idle => Some(SessionEvent::Resume),
            Self::Error => Some(SessionEvent::Recover),
            Self::Active | Self::Disconnected => None,
        }
    }

    /// Returns its word in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Error => "error",
            Self::Disconnected => "disconnected",
        }
    }

    /// Returns the state of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl SessionEvent {
    /// Every event.
    pub const ALL: [Self; 9] = [
        Self::Activate,
        Self::RecordData,
        Self::RecordError,
        Self::Recover,
        Self::MaxErrors,
        Self::NoActivity,
        Self::Resume,
        Self::Timeout,
        Self::Disconnect,
    ];
}

#[cfg(test)]
mod tests {
    use SessionEvent::*;
    use SessionState::*;

    use super::*;

    /// The diagram of the specification: from, what happens, to.
    const DIAGRAM: [(SessionState, SessionEvent, SessionState); 9] = [
        (Created, Activate, Active),
        (Active, RecordData, Active),
        (Active, RecordError, Error),
        (Error, Recover, Active),
        (Error, MaxErrors, Disconnected),
        (Active, NoActivity, Idle),
        (Idle, Resume, Active),
        (Idle, Timeout, Disconnected),
        (Active, Disconnect, Disconnected),
    ];

    #[test]
    fn every_pair_of_state_and_event_is_in_the_diagram_or_refused() {
        for state in SessionState::ALL {
            for event in SessionEvent::ALL {
                let drawn = DIAGRAM.iter().find(|(from, what, _)| (*from, *what) == (state, event));
                assert_eq!(state.after(event), drawn.map(|(.., to)| *to), "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn every_state_that_is_not_over_leads_back_to_active() {
        for state in SessionState::ALL {
            let back = state.way_back().map(|event| state.after(event));
            assert_eq!(back.is_some(), !matches!(state, Active | Disconnected), "{state:?}");
            assert!(back.is_none_or(|to| to == Some(Active)), "{state:?}");
        }
    }

    #[test]
    fn words_name_states() {
        for state in SessionState::ALL {
            assert_eq!(SessionState::of_word(state.word()), Some(state));
        }
        assert_eq!(SessionState::of_word("Active"), None);
    }
}
