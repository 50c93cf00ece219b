//! The channels.
//!
//! Does: keep the lineup.
//! Does not: keep timelines; a deleted channel's timeline goes with it.
//! Invariant: numbers are unique; ids are never used again.

use exstreamtv_model::{
    Channel, ChannelId, ChannelNumber, CollectionId, ItemOrder, OutputProfile, Schedule, ThrottleWish,
    pick::TrackPreferences,
};
use sqlx::{Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};
use tokio::sync::watch;

use crate::{
    EngineError, StoreError,
    access::Access,
    cell::{RowOf, read_error, to_json},
};

/// The channels.
#[derive(Debug, Clone)]
pub struct Channels {
    connections: Access,
    counted: watch::Sender<u64>,
}

/// A channel that has no id yet.
#[derive(Debug, Clone, PartialEq)]
pub struct NewChannel {
    /// Where it stands in the lineup.
    pub number: ChannelNumber,
    /// What people call it.
    pub name: String,
    /// Group of the M3U.
    pub group: String,
    /// Absolute URL of a logo, or a path of this server's.
    pub logo: Option<String>,
    /// Zone of its schedule and guide.
    pub zone: chrono_tz::Tz,
    /// What every viewer receives.
    pub profile: OutputProfile,
    /// What fills its time.
    pub collection: Option<CollectionId>,
    /// In which order the collection is played where there is no schedule.
    pub order: ItemOrder,
    /// What fills its time instead of the plain order.
    pub schedule: Option<Schedule>,
    /// Which sound and which subtitles are played.
    pub tracks: TrackPreferences,
    /// How fast its viewers are sent it.
    pub throttle: ThrottleWish,
    /// Whether it is in the lineup.
    pub enabled: bool,
}

impl Channels {
    pub(crate) fn new(connections: Access, counted: watch::Sender<u64>) -> Self {
        Self { connections, counted }
    }

    /// Tells how many channels there are, after something else than this repository has changed them.
    pub(crate) async fn recount(&self) -> Result<(), StoreError> {
        let mut reader = self.connections.read().await?;
        self.counted.send_replace(count(&mut reader).await?);
        Ok(())
    }

    /// Returns every channel, in lineup order.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.channel.list", level = "debug", skip_all)]
    pub async fn list(&self) -> Result<Vec<Channel>, StoreError> {
        let rows: Vec<ChannelRow> = sqlx::query_as(LIST)
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("list the channels", TABLE, error))?;
        let mut channels = rows.into_iter().map(Channel::try_from).collect::<Result<Vec<_>, _>>()?;
        channels.sort_by(|a, b| a.number.cmp(&b.number));
        Ok(channels)
    }

    /// Returns one channel.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.channel.find", level = "debug", skip_all, fields(channel.id = %id))]
    pub async fn find(&self, id: ChannelId) -> Result<Option<Channel>, StoreError> {
        let row: Option<ChannelRow> = sqlx::query_as(FIND)
            .bind(id.0)
            .fetch_optional(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("find the channel", TABLE, error))?;
        row.map(Channel::try_from).transpose()
    }

    /// Returns the channel that has this number.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.channel.find_by_number", level = "debug", skip_all, fields(%number))]
    pub async fn find_by_number(&self, number: &ChannelNumber) -> Result<Option<Channel>, StoreError> {
        let row: Option<ChannelRow> = sqlx::query_as(FIND_BY_NUMBER)
            .bind(number.as_str())
            .fetch_optional(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("find the channel", TABLE, error))?;
        row.map(Channel::try_from).transpose()
    }

    /// Adds a channel and returns it with its id.
    ///
    /// # Errors
    /// `NumberTaken`; `NoSuch` if its collection does not exist; fails when the database does.
    #[tracing::instrument(name = "db.channel.insert", level = "debug", skip_all, fields(number = %new.number))]
    pub async fn insert(&self, new: &NewChannel) -> Result<Channel, StoreError> {
        let mut channel = new.with_id(ChannelId(0));
        let mut transaction = self.connections.write().await?;
        let inserted = bind(sqlx::query(INSERT), &channel)?.execute(&mut *transaction).await;
        let done = inserted.map_err(|error| write_error("add the channel", &channel, error))?;
        let count = count(&mut transaction).await?;
        transaction.commit().await.map_err(|error| StoreError::query("add the channel", error))?;
        self.counted.send_replace(count);
        channel.id = ChannelId(done.last_insert_rowid());
        Ok(channel)
    }

    /// Replaces what is known of a channel; returns false if there is none with that id.
    ///
    /// # Errors
    /// `NumberTaken`; `NoSuch` if its collection does not exist; fails when the database does.
    #[tracing::instrument(name = "db.channel.update", level = "debug", skip_all, fields(channel.id = %channel.id))]
    pub async fn update(&self, channel: &Channel) -> Result<bool, StoreError> {
        let mut transaction = self.connections.write().await?;
        let updated = bind(sqlx::query(UPDATE), channel)?.bind(channel.id.0).execute(&mut *transaction).await;
        let done = updated.map_err(|error| write_error("save the channel", channel, error))?;
        transaction.commit().await.map_err(|error| StoreError::query("save the channel", error))?;
        Ok(done.rows_affected() > 0)
    }

    /// Deletes a channel with its timeline; returns false if there is none with that id.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.channel.delete", level = "debug", skip_all, fields(channel.id = %id))]
    pub async fn delete(&self, id: ChannelId) -> Result<bool, StoreError> {
        let act = "delete the channel";
        let mut transaction = self.connections.write().await?;
        let deleted = sqlx::query("DELETE FROM channels WHERE id = ?1").bind(id.0).execute(&mut *transaction).await;
        let done = deleted.map_err(|error| StoreError::query(act, error))?;
        let count = count(&mut transaction).await?;
        transaction.commit().await.map_err(|error| StoreError::query(act, error))?;
        self.counted.send_replace(count);
        Ok(done.rows_affected() > 0)
    }
}

impl NewChannel {
    fn with_id(&self, id: ChannelId) -> Channel {
        let Self { number, name, group, logo, zone, profile, collection, order, schedule, tracks, throttle, enabled } =
            self.clone();
        Channel { id, number, name, group, logo, zone, profile, collection, order, schedule, tracks, throttle, enabled }
    }
}

#[derive(sqlx::FromRow)]
struct ChannelRow {
    id: i64,
    number: String,
    name: String,
    group_title: String,
    logo: Option<String>,
    zone: String,
    profile: String,
    collection_id: Option<i64>,
    item_order: String,
    schedule: Option<String>,
    tracks: String,
    throttle: String,
    enabled: bool,
}

impl TryFrom<ChannelRow> for Channel {
    type Error = StoreError;

    fn try_from(row: ChannelRow) -> Result<Self, StoreError> {
        let at = RowOf { table: TABLE, id: row.id };
        Ok(Self {
            id: ChannelId(row.id),
            number: row
                .number
                .parse()
                .map_err(|source: exstreamtv_model::channel::ChannelNumberError| at.bad("number", source))?,
            name: row.name,
            group: row.group_title,
            logo: row.logo,
            zone: row.zone.parse().map_err(|source: chrono_tz::ParseError| at.bad("zone", source.to_string()))?,
            profile: at.json("profile", &row.profile)?,
            collection: row.collection_id.map(CollectionId),
            order: at.json("item_order", &row.item_order)?,
            schedule: row.schedule.map(|schedule| at.json("schedule", &schedule)).transpose()?,
            tracks: at.json("tracks", &row.tracks)?,
            throttle: at.json("throttle", &row.throttle)?,
            enabled: row.enabled,
        })
    }
}

/// Binds parameters 1 to 12.
fn bind<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    channel: &Channel,
) -> Result<Query<'q, Sqlite, SqliteArguments>, StoreError> {
    Ok(query
        .bind(channel.number.to_string())
        .bind(channel.name.clone())
        .bind(channel.group.clone())
        .bind(channel.logo.clone())
        .bind(channel.zone.name())
        .bind(to_json("the channel's profile", &channel.profile)?)
        .bind(channel.collection.map(|id| id.0))
        .bind(to_json("the channel's order", &channel.order)?)
        .bind(channel.schedule.as_ref().map(|schedule| to_json("the channel's schedule", schedule)).transpose()?)
        .bind(to_json("the channel's tracks", &channel.tracks)?)
        .bind(to_json("the channel's throttle", &channel.throttle)?)
        .bind(channel.enabled))
}

async fn count(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let count: Result<i64, sqlx::Error> =
        sqlx::query_scalar("SELECT count(*) FROM channels").fetch_one(connection).await;
    count.map(i64::unsigned_abs).map_err(|error| StoreError::query("count the channels", error))
}

fn write_error(act: &'static str, channel: &Channel, error: sqlx::Error) -> StoreError {
    let source = EngineError::from(error);
    match channel.collection {
        // The number is the only thing that must be unique, the collection the only thing that must exist.
        _ if source.is_unique_violation() => StoreError::NumberTaken(channel.number.clone()),
        Some(id) if source.is_foreign_key_violation() => StoreError::NoSuch { what: "collection", id: id.0 },
        _ => StoreError::query(act, source),
    }
}

const TABLE: &str = "channels";

const LIST: &str = "
SELECT id, number, name, group_title, logo, zone, profile, collection_id, item_order, schedule, tracks, throttle, enabled
  FROM channels";

const FIND: &str = "
SELECT id, number, name, group_title, logo, zone, profile, collection_id, item_order, schedule, tracks, throttle, enabled
  FROM channels
 WHERE id = ?1";

const FIND_BY_NUMBER: &str = "
SELECT id, number, name, group_title, logo, zone, profile, collection_id, item_order, schedule, tracks, throttle, enabled
  FROM channels
 WHERE number = ?1";

const INSERT: &str = "
INSERT INTO channels (number, name, group_title, logo, zone, profile, collection_id, item_order, schedule, tracks, throttle, enabled)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

const UPDATE: &str = "
UPDATE channels
   SET number = ?1, name = ?2, group_title = ?3, logo = ?4, zone = ?5,
       profile = ?6, collection_id = ?7, item_order = ?8, schedule = ?9, tracks = ?10, throttle = ?11, enabled = ?12
 WHERE id = ?13";
