//! What was sent to viewers ever.
//!
//! Does: keep the number of sessions and of bytes, by channel, over restarts.
//! Does not: keep sessions; those end with the host.
//! Invariant: a total never becomes less, and outlives its channel.

use exstreamtv_model::ChannelId;

use crate::{
    StoreError,
    access::Access,
    cell::{RowOf, read_error},
};

/// The totals of sessions.
#[derive(Debug, Clone)]
pub struct SessionTotals {
    connections: Access,
}

/// What was sent to all sessions of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelTotal {
    /// Which channel; it may be gone.
    pub channel: ChannelId,
    /// How many sessions.
    pub sessions: u64,
    /// How many bytes.
    pub bytes: u64,
}

impl SessionTotals {
    pub(crate) fn new(connections: Access) -> Self {
        Self { connections }
    }

    /// Begins a change that is counted like one of this repository.
    #[cfg(test)]
    pub(crate) async fn change_of_tests(&self) -> crate::connections::Change {
        self.connections.write().await.unwrap()
    }

    /// Returns every total, by channel.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.session_total.list", level = "debug", skip_all)]
    pub async fn list(&self) -> Result<Vec<ChannelTotal>, StoreError> {
        let rows: Vec<(i64, i64, i64)> = sqlx::query_as(LIST)
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the totals of sessions", TABLE, error))?;
        let total = |(id, sessions, bytes)| {
            let at = RowOf { table: TABLE, id };
            Ok(ChannelTotal {
                channel: ChannelId(id),
                sessions: at.integer("sessions", sessions)?,
                bytes: at.integer("bytes", bytes)?,
            })
        };
        rows.into_iter().map(total).collect()
    }

    /// Adds to the totals, all at once.
    ///
    /// # Errors
    /// Fails when the database does; then nothing was added.
    #[tracing::instrument(name = "db.session_total.add", level = "debug", skip_all)]
    pub async fn add(&self, more: &[ChannelTotal]) -> Result<(), StoreError> {
        let act = "save the totals of sessions";
        let mut transaction = self.connections.write().await?;
        for ChannelTotal { channel, sessions, bytes } in more {
            sqlx::query(ADD)
                .bind(channel.0)
                .bind(i64::try_from(*sessions).unwrap_or(i64::MAX))
                .bind(i64::try_from(*bytes).unwrap_or(i64::MAX))
                .execute(&mut *transaction)
                .await
                .map_err(|error| StoreError::query(act, error))?;
        }
        transaction.commit().await.map_err(|error| StoreError::query(act, error))
    }
}

const TABLE: &str = "session_totals";

const LIST: &str = "
SELECT channel_id, sessions, bytes
  FROM session_totals
 ORDER BY channel_id";

const ADD: &str = "
INSERT INTO session_totals (channel_id, sessions, bytes)
VALUES (?1, ?2, ?3)
    ON CONFLICT (channel_id) DO UPDATE
   SET sessions = sessions + excluded.sessions, bytes = bytes + excluded.bytes";
