//! What channels want their slates to be like.
//!
//! Does: keep the changes that a channel makes to the configured style.
//! Does not: know the configured style.
//! Invariant: a channel without a row changes nothing, and a deleted channel leaves none.

use exstreamtv_model::{ChannelId, slate::ScreenChanges};

use crate::{
    StoreError,
    access::Access,
    cell::{RowOf, read_error, to_json},
};

/// What channels want their slates to be like.
#[derive(Debug, Clone)]
pub struct Screens {
    connections: Access,
}

impl Screens {
    pub(crate) fn new(connections: Access) -> Self {
        Self { connections }
    }

    /// Returns what a channel changes.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.screen.find", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn find(&self, channel: ChannelId) -> Result<ScreenChanges, StoreError> {
        let row: Option<(String,)> = sqlx::query_as(FIND)
            .bind(channel.0)
            .fetch_optional(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the channel's error screen", TABLE, error))?;
        let at = RowOf { table: TABLE, id: channel.0 };
        row.map(|(changes,)| at.json("changes", &changes)).transpose().map(Option::unwrap_or_default)
    }

    /// Sets what a channel changes; returns false if there is no such channel.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.screen.set", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn set(&self, channel: ChannelId, changes: &ScreenChanges) -> Result<bool, StoreError> {
        let failed = |error| StoreError::query("save the channel's error screen", error);
        let mut transaction = self.connections.write().await?;
        sqlx::query(FORGET).bind(channel.0).execute(&mut *transaction).await.map_err(failed)?;
        let known = sqlx::query(INSERT)
            .bind(channel.0)
            .bind(to_json("the channel's error screen", changes)?)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(known.rows_affected() > 0)
    }
}

const TABLE: &str = "channel_screens";

const FIND: &str = "
SELECT changes
  FROM channel_screens
 WHERE channel_id = ?1";

const FORGET: &str = "
DELETE FROM channel_screens
 WHERE channel_id = ?1";

const INSERT: &str = "
INSERT INTO channel_screens (channel_id, changes)
SELECT id, ?2
  FROM channels
 WHERE id = ?1";

#[cfg(test)]
mod tests {
    use exstreamtv_model::{ItemOrder, OutputProfile, pick::TrackPreferences, slate::AudioMode};

    use super::*;
    use crate::{NewChannel, testing};

    fn channel() -> NewChannel {
        NewChannel {
            number: "5.1".parse().unwrap(),
            name: "Classics".into(),
            group: String::new(),
            logo: None,
            zone: chrono_tz::UTC,
            profile: OutputProfile::default(),
            collection: None,
            order: ItemOrder::Name,
            schedule: None,
            tracks: TrackPreferences::default(),
            throttle: Default::default(),
            enabled: true,
        }
    }

    #[tokio::test]
    async fn a_channel_changes_nothing_until_it_is_told_to_and_a_deleted_one_leaves_nothing() {
        let (_folder, store) = testing::store().await;
        let id = store.channels().insert(&channel()).await.unwrap().id;
        assert_eq!(store.screens().find(id).await.unwrap(), ScreenChanges::default());
        for audio_mode in [AudioMode::Sine, AudioMode::Beep] {
            let changes =
                ScreenChanges { audio_mode: Some(audio_mode), title: Some("it's \"so\"".into()), ..Default::default() };
            assert!(store.screens().set(id, &changes).await.unwrap());
            assert_eq!(store.screens().find(id).await.unwrap(), changes);
        }
        store.channels().delete(id).await.unwrap();
        assert_eq!(store.screens().find(id).await.unwrap(), ScreenChanges::default());
        assert!(!store.screens().set(id, &ScreenChanges::default()).await.unwrap(), "there is no such channel");
    }
}
