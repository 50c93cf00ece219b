//! The register and what belongs to its sessions, as they are locked together.
//!
//! Invariant: a session in the register has a handle, and no handle is without one.

use std::collections::HashMap;

use exstreamtv_core::session::{
    About, At, Happening, Refusal, Register, SessionId, SessionKind, SessionState, StreamSession,
};
use exstreamtv_model::ChannelId;

use super::{
    Handle, Shared,
    news::{LimitHit, SessionNews, StateChange},
    view::SessionView,
};

/// What is locked together.
pub(super) struct Book {
    pub(super) register: Register,
    pub(super) handles: HashMap<SessionId, Handle>,
    /// Places in the list that were given away.
    serials: u64,
    /// Failures of channels that their sessions were told of.
    pub(super) failures: HashMap<ChannelId, u32>,
}

impl Book {
    /// Returns a book without sessions.
    pub(super) fn new(register: Register) -> Self {
        Self { register, handles: HashMap::new(), serials: 0, failures: HashMap::new() }
    }

    pub(super) fn enter(&mut self, id: SessionId, about: About, mut handle: Handle, now: At) -> Result<(), Refusal> {
        self.register.admit(id, about, now)?;
        self.serials += 1;
        handle.serial = self.serials;
        self.handles.insert(id, handle);
        Ok(())
    }

    pub(super) fn view(&self, session: &StreamSession, shared: &Shared) -> Option<SessionView> {
        let handle = self.handles.get(&session.session_id())?;
        let about = session.about();
        let alive = session.state() != SessionState::Disconnected;
        let edge = alive.then(|| shared.edge(about.channel_id)).flatten();
        let newest_ms = edge.map(|edge| match about.kind {
            SessionKind::Ts => edge.newest_ms,
            SessionKind::Hls => edge.newest_segment_ms,
        });
        Some(SessionView::new(session, &handle.meter, newest_ms, handle.serial))
    }

    pub(super) fn news(&self, happening: Happening, shared: &Shared) -> Option<SessionNews> {
        let view = |id| self.register.find(id).and_then(|session| self.view(session, shared)).map(Box::new);
        Some(match happening {
            Happening::Created(id) => SessionNews::Created(view(id)?),
            Happening::Ended(id, _) => SessionNews::Ended(view(id)?),
            Happening::Changed { id, from, to } => SessionNews::State(StateChange {
                session_id: id.to_string(),
                channel_id: self.register.find(id).map(|session| session.about().channel_id),
                from: from.into(),
                to: to.into(),
            }),
            Happening::LimitHit { channel, refusal } => {
                SessionNews::Limit(LimitHit { channel_id: channel, detail: refusal.to_string() })
            }
        })
    }

    /// Takes over what those who send have counted.
    pub(super) fn read_meters(&mut self, now: At) {
        for id in self.handles.keys().copied().collect::<Vec<_>>() {
            self.read_meter(id, now);
        }
    }

    pub(super) fn read_meter(&mut self, id: SessionId, now: At) {
        let Some((sent, active_ms)) = self.handles.get_mut(&id).and_then(Handle::read) else { return };
        let wall_ms = now.wall_ms - (now.mono_ms - active_ms);
        // What was sent to a session that has just ended is sent all the same, but no longer the session's.
        let _ = self.register.sent(id, At { mono_ms: active_ms, wall_ms }, sent);
    }

    /// Whoever still sends to it is told to stop.
    pub(super) fn end(&mut self, id: SessionId, now: At) {
        if let Some(handle) = self.handles.get_mut(&id) {
            handle.end(now);
        }
    }
}
