//! What a feed is given: the means of the host, the settings in force, and what it starts from.
//!
//! Does: hold them.
//! Does not: decide or do anything.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use exstreamtv_core::{RestartBudget, supervision::Rules};
use exstreamtv_model::Channel;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::super::{Order, picks::Picks, screen::ChannelScreen, view::FeedView};
use crate::{
    admission::Place,
    chronicle::Chronicle,
    clock::Clock,
    dossiers::Dossiers,
    hardware::Hardware,
    lifecycle::Lifecycle,
    logs::Intake,
    loudness::LoudnessKeeper,
    playout::Playouts,
    sessions::Sessions,
    watermarks::Watermarks,
    worker::{Programs, Spawner},
};

/// What a feed needs from the host.
#[derive(Clone)]
pub struct Means {
    /// Starts workers.
    pub spawner: Spawner,
    /// Which video cards there are, and who decides which takes part in a run.
    pub hardware: Hardware,
    /// Which programs they use.
    pub programs: Programs,
    /// The schedule.
    pub playouts: Playouts,
    /// Which sound and subtitles are played.
    pub picks: Picks,
    /// Which logos are in their pictures.
    pub watermarks: Watermarks,
    /// How much louder sounds have to be made.
    pub loudness: LoudnessKeeper,
    /// Tasks.
    pub life: Lifecycle,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Where it is written down what was aired.
    pub chronicle: Chronicle,
    /// Restarts that all channels share, and since when its milliseconds count.
    pub budget: Arc<Mutex<RestartBudget>>,
    /// Since when the milliseconds of budget and supervision count.
    pub epoch: Instant,
    /// Who watches; told when what they watch was started again.
    pub sessions: Sessions,
    /// Where failures are filed.
    pub dossiers: Dossiers,
    /// Where it is told what FFmpeg says.
    pub logs: Arc<Intake>,
    /// Settings that may change while it runs.
    pub settings: watch::Receiver<Settings>,
}

/// Settings that may change while a feed runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long a feed goes on without a viewer.
    pub idle_stop: Duration,
    /// How long a hole may last before the slate covers it.
    pub slate_after_ms: i64,
    /// When what failed is tried again; feeds that are on air keep what they began with.
    pub supervision: Rules,
}

/// What a feed starts from.
pub struct Start {
    /// The channel as it is now.
    pub channel: Channel,
    /// Wall time at this moment.
    pub now: DateTime<Utc>,
    /// First frame of the stream.
    pub first_index: i64,
    /// What its slate says.
    pub screen: ChannelScreen,
    /// Its place on air, or in the queue for one: without it nothing is started.
    pub place: Place,
    /// Orders for the feed.
    pub orders: mpsc::Receiver<Order>,
    /// Where the view for the API goes.
    pub view: watch::Sender<FeedView>,
}
