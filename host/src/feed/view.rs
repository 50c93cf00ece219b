//! A feed as the API and the page show it.
//!
//! Does: name what people may know about a feed.
//! Does not: keep it up to date; the writer does.

use exstreamtv_model::{
    Cause, ChannelId, RunId,
    health::{Progress, Vitals},
    order::CardRung,
};
use exstreamtv_worker_protocol::{CardPart, PlanStep};
use serde::Serialize;
use utoipa::ToSchema;

use super::tune::TuneTimes;
use crate::hardware::Seat;

/// One feed, for people.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FeedView {
    /// Whose bytes these are.
    pub channel: ChannelId,
    /// What the feed is doing.
    pub state: FeedState,
    /// Since when the feed exists, Unix milliseconds.
    pub since_ms: i64,
    /// Process of its worker, while there is one.
    pub worker_pid: Option<u32>,
    /// Its FFmpeg processes: the one on air and the one prepared.
    pub runs: Vec<RunView>,
    /// Viewers of the continuous stream.
    pub viewers: u32,
    /// Sessions of players that follow the playlist.
    pub hls_sessions: u32,
    /// How far the newest frame is ahead of the wall clock.
    pub lead_ms: i64,
    /// Runs that failed or hung since the feed exists.
    pub failures: u32,
    /// How often a failed run was started again since the feed exists.
    pub restarts: u64,
    /// Why the slate is on air, while it is.
    pub cause: Option<Cause>,
    /// Slate frames sent since the feed exists.
    pub slate_frames: u64,
    /// What its worker needs of the machine.
    pub vitals: Option<Vitals>,
    /// Where the time went before its first picture.
    pub tune: TuneTimes,
    /// What could be done about what is due.
    #[serde(skip)]
    pub ways: Ways,
}

/// What could be done about a feed, for the healer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ways {
    /// Whether there is something to play at all.
    pub playable: bool,
    /// Whether a graphics card encodes.
    pub card: bool,
    /// Whether another file with the programme is known.
    pub other_version: bool,
    /// Whether there is a filler that could stand in.
    pub filler: bool,
    /// Whether what comes next could stand in.
    pub next_item: bool,
    /// Whether a run waits for its time.
    pub prepared: bool,
    /// Whether the breaker is open.
    pub breaker_open: bool,
    /// Whether what is on air stands in for what is planned.
    pub stand_in: bool,
    /// Restarts of the channel in the last minute.
    pub restarts_lately: u32,
}

/// What a feed is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedState {
    /// No frame has been produced yet.
    Starting,
    /// What the playout says is on air.
    OnAir,
    /// The slate is on air, because something failed or nothing is scheduled.
    Slate,
    /// Nobody watches; it ends soon.
    Idle,
}

/// One FFmpeg process, for people.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RunView {
    /// Its name.
    pub run: RunId,
    /// Its process, once started.
    pub pid: Option<u32>,
    /// Whether it is on air or prepared.
    pub kind: RunKind,
    /// What it plays.
    pub title: String,
    /// How far it is.
    pub progress: Option<Progress>,
    /// What a video card has to do with it; absent where there is no card, or no picture.
    pub card: Option<RunCard>,
}

/// What a video card has to do with a run, for people.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RunCard {
    /// The card's id; absent where the processor does everything.
    pub id: Option<String>,
    /// How much of the work it was given.
    pub rung: CardRung,
    /// Why it is this card and this much.
    pub why: String,
    /// Whether it decodes.
    pub decodes: bool,
    /// Whether it encodes.
    pub encodes: bool,
    /// What is done where and why, in order.
    pub steps: Vec<RunStep>,
}

/// One step of a run's plan, for people.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RunStep {
    /// What is done.
    pub what: String,
    /// Who does it: a card's id, "processor", or "nobody".
    pub who: String,
    /// Arguments or filters.
    pub how: String,
    /// Why it is done there and so.
    pub why: String,
}

impl From<&PlanStep> for RunStep {
    fn from(step: &PlanStep) -> Self {
        let PlanStep { what, who, how, why } = step.clone();
        Self { what, who, how, why }
    }
}

impl RunCard {
    /// Returns what is shown of a seat, and of the worker's plan once there is one.
    pub fn of(seat: &Seat, part: Option<&CardPart>) -> Self {
        Self {
            id: seat.card.as_ref().map(|card| card.id.clone()),
            rung: part.map_or(seat.card.as_ref().map_or(CardRung::Software, |card| card.rung), |part| part.rung),
            why: seat.why.clone(),
            decodes: part.is_some_and(|part| part.decodes),
            encodes: part.is_some_and(|part| part.encodes),
            steps: part.iter().flat_map(|part| part.steps.iter().map(RunStep::from)).collect(),
        }
    }
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// Its frames are on air.
    OnAir,
    /// It waits for the join.
    Prepared,
}

impl FeedView {
    /// Returns the view of a feed that has just begun.
    pub fn starting(channel: ChannelId, since_ms: i64) -> Self {
        Self {
            channel,
            state: FeedState::Starting,
            since_ms,
            worker_pid: None,
            runs: vec![],
            viewers: 0,
            hls_sessions: 0,
            lead_ms: 0,
            failures: 0,
            restarts: 0,
            cause: None,
            slate_frames: 0,
            vitals: None,
            ways: Ways::default(),
            tune: TuneTimes::default(),
        }
    }
}
