//! What the HTTP side needs from the rest of the host, as small doors that tests can stand in for.
//!
//! Does: name the questions a handler may ask and the shapes of the answers.
//! Does not: answer them; `app` plugs in the real feeds, library and playouts.
//! Invariant: nothing here knows HTTP, so a port never sees a header or a status code.

use std::{net::IpAddr, path::PathBuf, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_model::{Channel, ChannelId, Schedule, schedule::SettingsFault};
use exstreamtv_store::Store;
use futures::{future::BoxFuture, stream::BoxStream};
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use super::origin::{BaseUrl, TrustedProxies};
pub use crate::feed::view::{FeedState, FeedView, RunKind, RunView};
use crate::{
    admission::Admission,
    backups::Backups,
    clock::Clock,
    database::Database,
    dossiers::Dossiers,
    feed::{picks::Picks, slates::Slates},
    hardware::Hardware,
    healing::Healing,
    incidents::Incidents,
    logs::Collector,
    monitor::Monitors,
    patterns::Patterns,
    playout::{PlayoutError, preview::Preview},
    plugins::Strategies,
    sessions::{Sessions, Ticket},
};

/// Everything a handler may use. Cheap to clone.
#[derive(Clone)]
pub struct HttpState {
    /// The database.
    pub store: Store,
    /// The feeds on air.
    pub broadcaster: Arc<dyn Broadcaster>,
    /// The library scan.
    pub library: Arc<dyn LibraryPort>,
    /// The timelines.
    pub playout: Arc<dyn PlayoutPort>,
    /// Who watches.
    pub sessions: Sessions,
    /// Which sound and subtitles are played.
    pub picks: Picks,
    /// The plugins.
    pub strategies: Strategies,
    /// What is known about failures.
    pub dossiers: Dossiers,
    /// The places on air.
    pub admission: Admission,
    /// What everybody says.
    pub logs: Collector,
    /// How channels do.
    pub monitors: Monitors,
    /// The patterns of trouble that are there.
    pub patterns: Patterns,
    /// What mends what is wrong.
    pub healing: Healing,
    /// What is known about incidents.
    pub incidents: Incidents,
    /// What viewers see when there is nothing else.
    pub slates: Slates,
    /// The video cards.
    pub hardware: Hardware,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Settings that a reload may change.
    pub settings: watch::Receiver<HttpSettings>,
    /// The parts of the host and how they are.
    pub health: Arc<dyn HealthPort>,
    /// The database as it is looked after.
    pub database: Database,
    /// Its backups.
    pub backups: Backups,
}

/// Settings of the HTTP side; read anew for each request.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The address clients use, when the administrator knows better than the `Host` header.
    pub public_url: Option<BaseUrl>,
    /// Whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: TrustedProxies,
    /// Days of guide in a document whose request does not say; 1 to 14.
    pub guide_days: u32,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self { public_url: None, trusted_proxies: TrustedProxies::default(), guide_days: 7 }
    }
}

/// The feeds on air.
pub trait Broadcaster: Send + Sync {
    /// Joins a channel's transport stream, starting the feed if needed; the ticket's session ends with the stream.
    fn tune_ts(&self, channel: ChannelId, ticket: Ticket) -> BoxFuture<'_, Result<TsStream, TuneError>>;
    /// Returns the media playlist as soon as it lists a segment, starting the feed if needed.
    /// Segments in it are written `seg/{sequence}.ts`, one on a line.
    fn playlist(&self, channel: ChannelId) -> BoxFuture<'_, Result<Playlist, TuneError>>;
    /// Returns a segment that is still kept, in pieces that are shared and not copied; never starts a feed.
    ///
    /// # Errors
    /// When the host is stopping.
    fn segment(&self, channel: ChannelId, sequence: u64) -> Result<Option<SegmentMedia>, TuneError>;
    /// Returns the subtitles of a segment that is still kept, as WebVTT; never starts a feed.
    fn captions(&self, channel: ChannelId, sequence: u64) -> BoxFuture<'_, Option<Bytes>>;
    /// Starts what is on air on a channel again; returns whether it is on air.
    fn restart(&self, channel: ChannelId) -> bool;
    /// A channel's slates are to look otherwise.
    fn refresh(&self, channel: ChannelId);
    /// Returns every feed there is, for people.
    fn feeds(&self) -> Vec<FeedView>;
}

/// An endless transport stream; whole packets, shared bytes.
pub type TsStream = BoxStream<'static, Bytes>;

/// A segment that is still kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentMedia {
    /// Its bytes, shared and not copied.
    pub data: Vec<Bytes>,
    /// Its length.
    pub duration_ms: i64,
    /// Its end on the channel's clock, Unix milliseconds.
    pub end_ms: i64,
}

/// Who watches; for people and logs, never an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewerInfo {
    /// Address of the client as far as trusted proxies tell.
    pub ip: IpAddr,
    /// Which program the client is, at most 200 characters.
    pub user_agent: Option<String>,
    /// What the client calls itself, at most 200 characters.
    pub client_id: Option<String>,
}

/// A media playlist at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playlist {
    /// The text, with relative segment addresses.
    pub text: String,
    /// Changes whenever the text does; unique for the life of the channel.
    pub version: u64,
}

/// Why a channel cannot be watched now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TuneError {
    /// There is no such channel (any more).
    #[error("tune the channel: it does not exist")]
    NoSuchChannel,
    /// Somebody switched it off.
    #[error("tune the channel: it is disabled")]
    Disabled,
    /// This machine can encode no further channel at the moment.
    #[error("tune the channel: every encoder is in use, try again in {retry_after_s} s")]
    Busy {
        /// When a new attempt makes sense.
        retry_after_s: u32,
    },
    /// The first picture did not come in time.
    #[error("tune the channel: it gave no picture in time")]
    TimedOut,
    /// The host is going down.
    #[error("tune the channel: the server is stopping")]
    ShuttingDown,
}

/// The library scan.
pub trait LibraryPort: Send + Sync {
    /// Returns the scan's latest state and the means to wait for the next one.
    fn watch(&self) -> watch::Receiver<LibraryStatus>;
    /// Asks for a scan of one root, or of all; a scan under way absorbs the request.
    fn request_scan(&self, root: Option<PathBuf>);
    /// Asks for a scan of a root in which whatever is not there is believed to be gone.
    fn accept_removals(&self, root: PathBuf);
}

/// Where the scan is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LibraryStatus {
    /// The folders of the library.
    #[schema(value_type = Vec<String>)]
    pub roots: Vec<PathBuf>,
    /// Whether a scan is under way.
    pub scanning: bool,
    /// Media files found by this scan, or by the last one.
    pub files_found: u64,
    /// How many of them are dealt with, probed or known from before.
    pub files_done: u64,
    /// When the last scan ended, Unix milliseconds.
    pub finished_ms: Option<i64>,
    /// What people should know: folders that cannot be read, removals held back.
    pub notes: Vec<String>,
}

/// The timelines.
pub trait PlayoutPort: Send + Sync {
    /// Plans the channel anew from its next boundary; called after it, or what it plays, was made, changed or removed.
    fn rebuild(&self, channel: ChannelId);
    /// Plans the channel anew from a chosen time on; called after it got a schedule that waits for that time.
    fn switch(&self, channel: ChannelId, from: DateTime<Utc>);
    /// Plans those channels anew for which there is something else to play; called after a collection was made, changed or removed.
    fn compare(&self);
    /// Returns what is wrong with a schedule, if there were collections with the names `coming`, too.
    fn check_with<'a>(
        &'a self,
        channel: &'a Channel,
        schedule: &'a Schedule,
        coming: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<SettingsFault>, PlayoutError>>;
    /// Returns what is wrong with a schedule.
    fn check<'a>(
        &'a self,
        channel: &'a Channel,
        schedule: &'a Schedule,
    ) -> BoxFuture<'a, Result<Vec<SettingsFault>, PlayoutError>>;
    /// Plans without storing anything, by a schedule or by the channel's own; `None` if there is no such channel.
    fn preview(
        &self,
        channel: ChannelId,
        schedule: Option<Schedule>,
        span: TimeDelta,
    ) -> BoxFuture<'_, Result<Option<Preview>, PlayoutError>>;
    /// Returns a number that changes whenever any channel, timeline or programme does: guides of one version are equal.
    fn version(&self) -> u64;
}

/// The parts of the host and how they are.
pub trait HealthPort: Send + Sync {
    /// Asks every part.
    fn parts(&self) -> Vec<PartHealth>;
}

/// How one part is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PartHealth {
    /// "database", "library", …
    pub name: String,
    /// Whether it does its work.
    pub ok: bool,
    /// In words for people; empty when there is nothing to say.
    pub detail: String,
}
