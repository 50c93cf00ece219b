//! One client on one channel.
//!
//! Does: keep what is known of a session and move it through its states.
//! Does not: read a clock, hold a connection, or know other sessions; those are [`Register`]'s.
//! Invariants: a state changes only along [`SessionState::after`]; what a session got never becomes less; at most
//! [`MAX_ERRORS_KEPT`] errors are kept, the newest; a session that is over stays over.

use std::{collections::VecDeque, fmt, net::IpAddr, str::FromStr};

use exstreamtv_model::{ChannelId, ChannelNumber};

mod rate;
mod register;
mod state;
#[cfg(test)]
mod tests;

use rate::Rate;
pub use register::{Happening, Limits, Refusal, Register, Totals};
pub use state::{SessionEvent, SessionState};

/// Errors that are kept of each session.
pub const MAX_ERRORS_KEPT: usize = 50;
/// Errors of the client's own making, with nothing sent between them, after which it is sent away.
pub const MAX_ERRORS_IN_A_ROW: u32 = 10;

/// A session's identity: a token that means nothing but itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u128);

/// A text is no session's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("read a session's id: it has 32 hexadecimal digits in lower case")]
pub struct SessionIdError;

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for SessionId {
    type Err = SessionIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 32 || !text.bytes().all(digit) {
            return Err(SessionIdError);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| SessionIdError)
    }
}

/// A moment: the steady clock decides, the wall clock is for people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct At {
    /// Monotonic milliseconds.
    pub mono_ms: i64,
    /// Unix milliseconds.
    pub wall_ms: i64,
}

/// In which form a client gets the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// A connection that carries the continuous stream.
    Ts,
    /// A player that follows the playlist.
    Hls,
}

/// What is known of a session from its beginning on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// What is watched.
    pub channel_id: ChannelId,
    /// Its number when the session began.
    pub channel_number: ChannelNumber,
    /// In which form.
    pub kind: SessionKind,
    /// What the client calls itself, if it does; never an identity.
    pub client_id: Option<String>,
    /// Where it is; never an identity.
    pub client_ip: Option<IpAddr>,
    /// Which program it is.
    pub user_agent: Option<String>,
    /// After how long without activity it is idle.
    pub idle_after_ms: i64,
    /// After how long without activity it is over, if sooner than all sessions are.
    pub over_after_ms: Option<i64>,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionError {
    /// When.
    pub at: At,
    /// What, in words.
    pub text: String,
}

/// Who made an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The client or its network: too many in a row end the session.
    Client,
    /// Something behind the feed, which never sends a viewer away.
    Feed,
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// The client left.
    Left,
    /// Somebody ended it.
    Killed,
    /// It took nothing for too long.
    TimedOut,
    /// Too much went wrong in a row.
    TooManyErrors,
    /// The channel went off air, or could not be tuned.
    OffAir,
}

impl End {
    /// Returns its word in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Killed => "killed",
            Self::TimedOut => "timed_out",
            Self::TooManyErrors => "too_many_errors",
            Self::OffAir => "off_air",
        }
    }
}

/// What was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Bytes.
    pub bytes: u64,
    /// How much stream they are.
    pub stream_ms: i64,
}

/// The specification has no such way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("apply {event:?} to a session that is {}", .state.word())]
pub struct Refused {
    /// Where the session is and stays.
    pub state: SessionState,
    /// What was tried.
    pub event: SessionEvent,
}

/// One client on one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSession {
    session_id: SessionId,
    about: About,
    state: SessionState,
    created_at: At,
    last_activity: At,
    bytes_sent: u64,
    errors: VecDeque<SessionError>,
    error_count: u64,
    errors_in_a_row: u32,
    restart_count: u32,
    rate: Rate,
    end: Option<End>,
}

impl StreamSession {
    /// Returns a session to which nothing has been sent.
    pub fn new(session_id: SessionId, about: About, now: At) -> Self {
        Self {
            session_id,
            about,
            state: SessionState::Created,
            created_at: now,
            last_activity: now,
            bytes_sent: 0,
            errors: VecDeque::new(),
            error_count: 0,
            errors_in_a_row: 0,
            restart_count: 0,
            rate: Rate::default(),
            end: None,
        }
    }

    /// Goes one way of the diagram.
    ///
    /// # Errors
    /// If the diagram has no such way; the session stays as it is.
    pub fn apply(&mut self, event: SessionEvent) -> Result<SessionState, Refused> {
        let refused = Refused { state: self.state, event };
        self.state = self.state.after(event).ok_or(refused)?;
        match event {
            SessionEvent::Timeout => self.end = Some(End::TimedOut),
            SessionEvent::MaxErrors => self.end = Some(End::TooManyErrors),
            SessionEvent::Disconnect => self.end = self.end.or(Some(End::Left)),
            _ => {}
        }
        Ok(self.state)
    }

    /// The client asked for something, or takes something: it is here.
    ///
    /// # Errors
    /// If the session is over.
    pub fn active(&mut self, now: At) -> Result<(), Refused> {
        if let Some(event) = self.state.way_back() {
            self.apply(event)?;
        }
        self.apply(SessionEvent::RecordData)?;
        self.last_activity = now;
        Ok(())
    }

    /// Something was sent.
    ///
    /// # Errors
    /// If the session is over.
    pub fn sent(&mut self, now: At, sent: Sent) -> Result<(), Refused> {
        self.active(now)?;
        self.bytes_sent += sent.bytes;
        self.rate.add(sent.bytes, sent.stream_ms);
        self.errors_in_a_row = 0;
        Ok(())
    }

    /// Something went wrong. Too much of the client's own in a row ends the session.
    ///
    /// # Errors
    /// If the session is over.
    pub fn failed(&mut self, error: SessionError, blame: Blame) -> Result<(), Refused> {
        if self.state != SessionState::Error {
            if let Some(event) = self.state.way_back() {
                self.apply(event)?;
            }
            self.apply(SessionEvent::RecordError)?;
        }
        self.errors.push_back(error);
        self.error_count += 1;
        if self.errors.len() > MAX_ERRORS_KEPT {
            self.errors.pop_front();
        }
        self.errors_in_a_row += u32::from(blame == Blame::Client);
        if self.errors_in_a_row >= MAX_ERRORS_IN_A_ROW {
            self.apply(SessionEvent::MaxErrors)?;
        }
        Ok(())
    }

    /// Something went wrong that ends the session by the administrator's policy.
    ///
    /// # Errors
    /// If the session is over.
    pub fn given_up(&mut self, error: SessionError) -> Result<(), Refused> {
        self.failed(error, Blame::Feed)?;
        self.apply(SessionEvent::MaxErrors).map(drop)
    }

    /// The channel was started again under the session.
    pub fn restarted(&mut self) {
        self.restart_count += u32::from(self.state != SessionState::Disconnected);
    }

    /// Lets time take effect: who takes nothing is idle, and then over.
    pub fn pass_time(&mut self, now: At, idle_timeout_ms: i64) {
        let quiet_ms = now.mono_ms - self.last_activity.mono_ms;
        let over_after_ms = self.about.over_after_ms.map_or(idle_timeout_ms, |own| own.min(idle_timeout_ms));
        let over = quiet_ms >= over_after_ms;
        // Who waits for a cold channel is not idle, and an error is not forgotten by waiting; but nobody waits for ever.
        let idle = self.state == SessionState::Active && quiet_ms >= self.about.idle_after_ms;
        if over && let Some(event) = self.state.way_back().filter(|_| self.state != SessionState::Idle) {
            self.expect(event);
        }
        if self.state == SessionState::Active && (idle || over) {
            self.expect(SessionEvent::NoActivity);
        }
        if self.state == SessionState::Idle && over {
            self.expect(SessionEvent::Timeout);
        }
    }

    /// Ends the session. The diagram lets only active ones leave, so it becomes active for that moment.
    pub fn leave(&mut self, end: End) {
        if self.state == SessionState::Disconnected {
            return;
        }
        if let Some(event) = self.state.way_back() {
            self.expect(event);
        }
        self.end = Some(end);
        self.expect(SessionEvent::Disconnect);
    }

    /// Goes a way that the state just looked at has.
    fn expect(&mut self, event: SessionEvent) {
        let went = self.apply(event);
        debug_assert!(went.is_ok(), "{went:?}");
    }

    /// Returns its identity.
    pub fn session_id(&self) -> SessionId {
        self.session_id
    }

    /// Returns what is known of it from its beginning on.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Returns what it is doing.
    pub fn state(&self) -> SessionState {
        self.state
    }

    /// Returns when it began.
    pub fn created_at(&self) -> At {
        self.created_at
    }

    /// Returns when it last asked for something or took something.
    pub fn last_activity(&self) -> At {
        self.last_activity
    }

    /// Returns how much it got.
    pub fn bytes_sent(&self) -> u64 {
        self.bytes_sent
    }

    /// Returns the bit rate of what it gets, over the seconds of the stream.
    pub fn rate_bps(&self) -> u64 {
        self.rate.bps()
    }

    /// Returns what went wrong lately, oldest first.
    pub fn errors(&self) -> impl ExactSizeIterator<Item = &SessionError> {
        self.errors.iter()
    }

    /// Returns how much went wrong since it began.
    pub fn error_count(&self) -> u64 {
        self.error_count
    }

    /// Returns how often the channel was started again under it.
    pub fn restart_count(&self) -> u32 {
        self.restart_count
    }

    /// Returns why it is over, if it is.
    pub fn end(&self) -> Option<End> {
        self.end
    }
}
