//! All sessions of the host.
//!
//! Does: admit within limits, let time take effect, refuse who was sent away, and add up what was sent.
//! Does not: hold connections or make identities.
//! Invariants: no more sessions are alive than the limits allow; totals never become less; what happened is told once, in order.

use std::collections::{BTreeMap, VecDeque};

use exstreamtv_model::ChannelId;

use super::{About, At, Blame, End, Refused, Sent, SessionError, SessionId, SessionKind, SessionState, StreamSession};

/// How long who was sent away is refused.
const KILLED_FOR_MS: i64 = 3_600_000;
/// How many of them are remembered.
const MAX_KILLED: usize = 4_096;
/// When it makes sense to ask again at a full house.
const RETRY_AFTER_S: u32 = 15;

/// How many sessions there may be at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// On one channel.
    pub per_channel: usize,
    /// On all of them.
    pub total: usize,
    /// After how long without activity a session is over.
    pub idle_timeout_ms: i64,
}

/// Why a session is not admitted; fits after "failed to".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The channel has as many as it may have.
    #[error("watch the channel: it has {limit} viewers already, try again in {retry_after_s} s")]
    ChannelFull {
        /// How many it may have.
        limit: usize,
        /// When a new attempt makes sense.
        retry_after_s: u32,
    },
    /// The host has as many as it may have.
    #[error("watch the channel: the server has {limit} viewers already, try again in {retry_after_s} s")]
    Full {
        /// How many it may have.
        limit: usize,
        /// When a new attempt makes sense.
        retry_after_s: u32,
    },
    /// It was sent away.
    #[error("go on with this session: somebody ended it")]
    Killed,
    /// The token is that of a session elsewhere.
    #[error("go on with this session: it watches something else")]
    Elsewhere,
}

/// What was sent to all sessions of a channel, ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Sessions.
    pub sessions: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Something that others may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// A session began.
    Created(SessionId),
    /// A session went from one state to another.
    Changed {
        /// Which.
        id: SessionId,
        /// From where.
        from: SessionState,
        /// To where.
        to: SessionState,
    },
    /// A session is over.
    Ended(SessionId, End),
    /// Somebody was refused.
    LimitHit {
        /// Where.
        channel: ChannelId,
        /// Why.
        refusal: Refusal,
    },
}

/// All sessions of the host.
#[derive(Debug)]
pub struct Register {
    limits: Limits,
    sessions: BTreeMap<SessionId, StreamSession>,
    killed: VecDeque<(SessionId, i64)>,
    totals: BTreeMap<ChannelId, Totals>,
    /// What the totals were when they were last written down.
    saved: BTreeMap<ChannelId, Totals>,
    news: VecDeque<Happening>,
}

impl Register {
    /// Returns a register without sessions; the totals go on from what was written down.
    pub fn new(limits: Limits, totals: BTreeMap<ChannelId, Totals>) -> Self {
        let saved = totals.clone();
        Self { limits, sessions: BTreeMap::new(), killed: VecDeque::new(), totals, saved, news: VecDeque::new() }
    }

    /// Takes other limits; who is there stays.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Admits a session, if there is room. One that is over may come back under its own identity, unless it was sent away.
    ///
    /// # Errors
    /// Says which limit is reached, or that it was sent away.
    pub fn admit(&mut self, id: SessionId, about: About, now: At) -> Result<(), Refusal> {
        self.pass_time(now);
        debug_assert!(self.find_alive(id).is_none(), "{id} is here already");
        if self.was_killed(id) {
            return Err(Refusal::Killed);
        }
        let channel = about.channel_id;
        if let Some(refusal) = self.full(channel) {
            self.news.push_back(Happening::LimitHit { channel, refusal });
            return Err(refusal);
        }
        self.totals.entry(channel).or_default().sessions += 1;
        self.sessions.insert(id, StreamSession::new(id, about, now));
        self.news.push_back(Happening::Created(id));
        Ok(())
    }

    fn full(&self, channel: ChannelId) -> Option<Refusal> {
        let Limits { per_channel, total, .. } = self.limits;
        if self.alive().count() >= total {
            return Some(Refusal::Full { limit: total, retry_after_s: RETRY_AFTER_S });
        }
        let here = self.alive().filter(|session| session.about().channel_id == channel).count();
        (here >= per_channel).then_some(Refusal::ChannelFull { limit: per_channel, retry_after_s: RETRY_AFTER_S })
    }

    /// Returns whether this one was sent away lately.
    pub fn was_killed(&self, id: SessionId) -> bool {
        self.killed.iter().any(|(killed, _)| *killed == id)
    }

    /// The client asked for something.
    ///
    /// # Errors
    /// If there is no such session alive.
    pub fn active(&mut self, id: SessionId, now: At) -> Result<(), Refused> {
        self.change(id, |session| session.active(now))
    }

    /// Something was sent.
    ///
    /// # Errors
    /// If there is no such session alive.
    pub fn sent(&mut self, id: SessionId, now: At, sent: Sent) -> Result<(), Refused> {
        self.change(id, |session| session.sent(now, sent))?;
        if let Some(session) = self.sessions.get(&id) {
            self.totals.entry(session.about().channel_id).or_default().bytes += sent.bytes;
        }
        Ok(())
    }

    /// Something went wrong.
    ///
    /// # Errors
    /// If there is no such session alive.
    pub fn failed(&mut self, id: SessionId, error: SessionError, blame: Blame) -> Result<(), Refused> {
        self.change(id, |session| session.failed(error, blame))
    }

    /// Something went wrong that ends the session by the administrator's policy.
    ///
    /// # Errors
    /// If there is no such session alive.
    pub fn given_up(&mut self, id: SessionId, error: SessionError) -> Result<(), Refused> {
        self.change(id, |session| session.given_up(error))
    }

    /// Something went wrong behind a feed; everybody who watches it is told.
    pub fn channel_failed(&mut self, channel: ChannelId, error: &SessionError) {
        for id in self.on_channel(channel) {
            // Who has just left need not be told.
            let _ = self.failed(id, error.clone(), Blame::Feed);
        }
    }

    /// A channel was started again under its sessions.
    pub fn channel_restarted(&mut self, channel: ChannelId) {
        for session in self.sessions.values_mut().filter(|session| session.about().channel_id == channel) {
            session.restarted();
        }
    }

    /// Sends a session away, and refuses it from now on; returns whether it was here.
    pub fn kill(&mut self, id: SessionId, now: At) -> bool {
        if self.find_alive(id).is_none() {
            return false;
        }
        self.leave(id, End::Killed);
        self.killed.push_back((id, now.mono_ms));
        if self.killed.len() > MAX_KILLED {
            self.killed.pop_front();
        }
        true
    }

    /// A session is over, if it is not already.
    pub fn leave(&mut self, id: SessionId, end: End) {
        // One that is over has nothing to leave.
        let _ = self.change(id, |session| {
            session.leave(end);
            Ok(())
        });
    }

    /// Lets time take effect.
    pub fn pass_time(&mut self, now: At) {
        let idle_timeout_ms = self.limits.idle_timeout_ms;
        for id in self.alive().map(StreamSession::session_id).collect::<Vec<_>>() {
            // All of these are alive.
            let _ = self.change(id, |session| {
                session.pass_time(now, idle_timeout_ms);
                Ok(())
            });
        }
        while self.killed.front().is_some_and(|(_, at_ms)| now.mono_ms - at_ms >= KILLED_FOR_MS) {
            self.killed.pop_front();
        }
    }

    /// Forgets the sessions that are over, and returns them.
    pub fn clean(&mut self) -> Vec<SessionId> {
        let over = self.sessions.values().filter(|session| session.state() == SessionState::Disconnected);
        let over: Vec<_> = over.map(StreamSession::session_id).collect();
        over.iter().for_each(|id| drop(self.sessions.remove(id)));
        over
    }

    /// Returns a session, be it over or not.
    pub fn find(&self, id: SessionId) -> Option<&StreamSession> {
        self.sessions.get(&id)
    }

    /// Returns a session that is not over.
    pub fn find_alive(&self, id: SessionId) -> Option<&StreamSession> {
        self.find(id).filter(|session| session.state() != SessionState::Disconnected)
    }

    /// Returns every session that is known, be it over or not.
    pub fn all(&self) -> impl Iterator<Item = &StreamSession> {
        self.sessions.values()
    }

    /// Returns every session that is not over.
    pub fn alive(&self) -> impl Iterator<Item = &StreamSession> {
        self.all().filter(|session| session.state() != SessionState::Disconnected)
    }

    /// Returns how many sessions of this kind watch a channel.
    pub fn count(&self, channel: ChannelId, kind: SessionKind) -> usize {
        self.alive().filter(|session| session.about().channel_id == channel && session.about().kind == kind).count()
    }

    /// Returns what was sent ever, by channel.
    pub fn totals(&self) -> &BTreeMap<ChannelId, Totals> {
        &self.totals
    }

    /// Returns what has to be added to what was written down.
    pub fn unsaved(&self) -> Vec<(ChannelId, Totals)> {
        let more = |(channel, now): (&ChannelId, &Totals)| {
            let before = self.saved.get(channel).copied().unwrap_or_default();
            let more = Totals { sessions: now.sessions - before.sessions, bytes: now.bytes - before.bytes };
            (more != Totals::default()).then_some((*channel, more))
        };
        self.totals.iter().filter_map(more).collect()
    }

    /// This much more has been written down.
    pub fn saved(&mut self, more: &[(ChannelId, Totals)]) {
        for (channel, more) in more {
            let saved = self.saved.entry(*channel).or_default();
            saved.sessions += more.sessions;
            saved.bytes += more.bytes;
        }
    }

    /// Returns what happened, oldest first, once.
    pub fn next_happening(&mut self) -> Option<Happening> {
        self.news.pop_front()
    }

    fn on_channel(&self, channel: ChannelId) -> Vec<SessionId> {
        let here = self.alive().filter(|session| session.about().channel_id == channel);
        here.map(StreamSession::session_id).collect()
    }

    fn change(
        &mut self,
        id: SessionId,
        change: impl FnOnce(&mut StreamSession) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let gone = Refused { state: SessionState::Disconnected, event: super::SessionEvent::RecordData };
        let session = self.sessions.get_mut(&id).ok_or(gone)?;
        let from = session.state();
        let changed = change(session);
        let to = session.state();
        if from != to {
            self.news.push_back(Happening::Changed { id, from, to });
        }
        if to == SessionState::Disconnected && from != to {
            self.news.push_back(Happening::Ended(id, session.end().unwrap_or(End::Left)));
        }
        changed
    }
}
