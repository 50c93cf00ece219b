//! A client's right to be sent the continuous stream.
//!
//! Invariant: a session lasts as long as its ticket, and ends with it.

use std::sync::Arc;

use exstreamtv_core::session::{About, Blame, End, SessionId};

use super::{Connection, Meter, Sessions};

/// A session that lasts as long as this.
#[derive(Debug)]
pub struct Ticket {
    pub(super) sessions: Sessions,
    pub(super) id: SessionId,
    pub(super) about: About,
    pub(super) meter: Arc<Meter>,
    pub(super) connection: Option<Arc<dyn Connection>>,
}

impl Ticket {
    /// Returns the session's identity.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Returns who the client is.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Returns where to count.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Returns the connection, to ask it how it is.
    pub fn connection(&self) -> Option<&Arc<dyn Connection>> {
        self.connection.as_ref()
    }

    /// The client was told something that it will not like.
    pub fn note(&self, text: String) {
        self.sessions.failed(self.id, text, Blame::Feed);
    }

    /// The client is given up.
    pub fn give_up(&self, text: String) {
        self.sessions.given_up(self.id, text);
    }

    /// The channel went off air.
    pub fn off_air(&self) {
        self.sessions.leave(self.id, End::OffAir);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.sessions.gone(self.id);
    }
}
