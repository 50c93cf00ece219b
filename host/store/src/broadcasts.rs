//! Playlist counters that outlive a restart.
//!
//! Does: remember the next HLS media sequence number of each channel.
//! Does not: number segments; the feed does.
//! Invariant: a stored number never goes back.

use exstreamtv_model::ChannelId;

use crate::{StoreError, access::Access, cell::RowOf};

/// The playlist counters.
#[derive(Debug, Clone)]
pub struct Broadcasts {
    connections: Access,
}

impl Broadcasts {
    pub(crate) fn new(connections: Access) -> Self {
        Self { connections }
    }

    /// Returns the first sequence number that the channel has not promised yet, `None` if it never was on air.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.broadcast.next_sequence", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn next_sequence(&self, channel: ChannelId) -> Result<Option<u64>, StoreError> {
        let stored: Option<i64> = sqlx::query_scalar("SELECT next_sequence FROM broadcast WHERE channel_id = ?1")
            .bind(channel.0)
            .fetch_optional(&mut *self.connections.read().await?)
            .await
            .map_err(|error| StoreError::query("read the playlist counter", error))?;
        let row = RowOf { table: "broadcast", id: channel.0 };
        stored.map(|value| row.integer("next_sequence", value)).transpose()
    }

    /// Remembers the next sequence number; a smaller one than the stored is ignored.
    ///
    /// # Errors
    /// `NoSuch` if there is no such channel; fails when the database does.
    #[tracing::instrument(name = "db.broadcast.save", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn save(&self, channel: ChannelId, next_sequence: u64) -> Result<(), StoreError> {
        let act = "save the playlist counter";
        let mut transaction = self.connections.write().await?;
        sqlx::query(SAVE)
            .bind(channel.0)
            // A counter of one a second takes longer than the sun to get there.
            .bind(i64::try_from(next_sequence).unwrap_or(i64::MAX))
            .execute(&mut *transaction)
            .await
            .map_err(|error| StoreError::pointing(act, "channel", channel.0, error))?;
        transaction.commit().await.map_err(|error| StoreError::query(act, error))
    }
}

const SAVE: &str = "
INSERT INTO broadcast (channel_id, next_sequence)
VALUES (?1, ?2)
    ON CONFLICT (channel_id) DO UPDATE
   SET next_sequence = max(next_sequence, excluded.next_sequence)";
