//! What the register does not know of a session: who sends to it, and over which connection.

use std::sync::Arc;

use exstreamtv_core::session::{At, Sent};

use super::{Connection, Meter, meter::Reading};

/// How long whoever sends has to stop by itself before the connection is cut.
const CUT_AFTER_MS: i64 = 2_000;

/// What belongs to one session.
pub(super) struct Handle {
    /// Its place in the list; the register's owner gives it.
    pub(super) serial: u64,
    pub(super) meter: Arc<Meter>,
    connection: Option<Arc<dyn Connection>>,
    /// What the register has taken over already.
    read: Reading,
    ended_ms: Option<i64>,
}

impl Handle {
    pub(super) fn new(meter: Arc<Meter>, connection: Option<Arc<dyn Connection>>) -> Self {
        Self { serial: 0, meter, connection, read: Reading::default(), ended_ms: None }
    }

    /// Returns what was sent since the last time, and when.
    pub(super) fn read(&mut self) -> Option<(Sent, i64)> {
        let reading = self.meter.reading();
        let before = std::mem::replace(&mut self.read, reading);
        let sent = Sent { bytes: reading.bytes - before.bytes, stream_ms: reading.stream_ms - before.stream_ms };
        (sent.bytes > 0).then_some((sent, reading.active_ms))
    }

    /// The session is over: whoever sends is told to stop.
    pub(super) fn end(&mut self, now: At) {
        self.meter.stop().cancel();
        self.ended_ms = Some(now.mono_ms);
    }

    /// Nobody sends any more: the client may ask for something else over the same connection.
    pub(super) fn let_go(&mut self) {
        self.connection = None;
    }

    /// A client that takes nothing does not even notice that there is no more: then its connection ends.
    pub(super) fn cut_if_due(&mut self, now: At) {
        if self.ended_ms.is_some_and(|ended| now.mono_ms - ended >= CUT_AFTER_MS) {
            self.cut();
        }
    }

    /// Ends the connection of a session that is over.
    pub(super) fn cut(&mut self) {
        if let Some(connection) = self.connection.take_if(|_| self.ended_ms.is_some()) {
            connection.cut();
        }
    }
}
