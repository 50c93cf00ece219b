//! Sessions of players that follow a playlist.
//!
//! Does: find out which session a request belongs to, or begin one.
//! Does not: read requests; whoever does says how the client is known.
//! Invariant: a token that somebody ended is refused; any other one goes on under its own name, so that nothing a player was listed
//! changes, over a restart of the host too.

use std::sync::Arc;

use exstreamtv_core::session::{About, At, Blame, Refusal, SessionId, SessionKind, SessionState, StreamSession};
use exstreamtv_model::{ChannelId, ThrottleWish};

use super::{Book, Meter, Sessions, handle::Handle};

/// How a client is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// By the token in the address.
    Address(SessionId),
    /// By a cookie from an earlier answer.
    Cookie(SessionId),
    /// Not at all.
    Not,
}

/// What a player asks for.
#[derive(Debug, Clone)]
pub struct HlsAsk {
    /// Who it is, as far as it says so.
    pub about: About,
    /// How it is known.
    pub known: Known,
}

/// A session at one request.
#[derive(Debug, Clone)]
pub struct HlsVisit {
    /// Its token.
    pub id: SessionId,
    /// Where to count.
    pub meter: Arc<Meter>,
}

impl Sessions {
    /// Finds the session of a player, or begins one.
    ///
    /// # Errors
    /// If a limit is reached, or the token was ended by somebody.
    pub fn visit(&self, ask: HlsAsk) -> Result<HlsVisit, Refusal> {
        self.settled(|book, shared, now| {
            if let Some(visit) = book.rejoin(&ask, now)? {
                return Ok(visit);
            }
            let id = match ask.known {
                Known::Address(id) => id,
                Known::Cookie(_) | Known::Not => shared.tokens.next(),
            };
            let meter = Arc::new(Meter::new(shared.began, ThrottleWish::default()));
            book.enter(id, ask.about, Handle::new(Arc::clone(&meter), None), now)?;
            Ok(HlsVisit { id, meter })
        })
    }

    /// Finds the session of a player that has asked for something of this channel before.
    ///
    /// # Errors
    /// If the token was ended by somebody, or belongs to another channel's session.
    pub fn revisit(&self, id: SessionId, channel: ChannelId) -> Result<Option<HlsVisit>, Refusal> {
        self.at_once(|book, _| book.known(id, channel))
    }

    /// The player got a list or a segment: it is here.
    pub fn here(&self, id: SessionId) {
        self.at_once(|book, now| {
            // One that is over comes back with its next request.
            let _ = book.register.active(id, now);
        });
    }

    /// The player asked for something that is not there.
    pub fn missed(&self, id: SessionId, what: String) {
        self.failed(id, what, Blame::Client);
    }
}

impl Book {
    fn rejoin(&mut self, ask: &HlsAsk, now: At) -> Result<Option<HlsVisit>, Refusal> {
        let channel = ask.about.channel_id;
        match ask.known {
            Known::Address(id) => self.known(id, channel),
            Known::Cookie(id) if self.register.find_alive(id).is_some_and(|session| !is_playing(session, now)) => {
                // Whoever has only a cookie may always begin anew.
                Ok(self.known(id, channel).unwrap_or(None))
            }
            Known::Cookie(_) | Known::Not => Ok(None),
        }
    }

    fn known(&self, id: SessionId, channel: ChannelId) -> Result<Option<HlsVisit>, Refusal> {
        if self.register.was_killed(id) {
            return Err(Refusal::Killed);
        }
        let Some(session) = self.register.find_alive(id) else { return Ok(None) };
        if session.about().kind != SessionKind::Hls || session.about().channel_id != channel {
            return Err(Refusal::Elsewhere);
        }
        Ok(self.handles.get(&id).map(|handle| HlsVisit { id, meter: Arc::clone(&handle.meter) }))
    }
}

/// Whoever asked within the time that players wait between two requests is playing elsewhere.
fn is_playing(session: &StreamSession, now: At) -> bool {
    let quiet_ms = now.mono_ms - session.last_activity().mono_ms;
    session.state() == SessionState::Active && quiet_ms < session.about().idle_after_ms
}
