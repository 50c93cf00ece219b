//! Sessions as the API shows them.
//!
//! Does: name what people may know of a session.
//! Does not: keep it up to date.

use chrono::{DateTime, Utc};
use exstreamtv_core::session::{At, End, SessionKind, SessionState, StreamSession};
use exstreamtv_model::{ChannelId, ChannelNumber, ThrottleMode, ThrottleWish};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::meter::Meter;

/// One client on one channel.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SessionView {
    /// Its token.
    pub session_id: String,
    /// What is watched.
    pub channel_id: ChannelId,
    /// Its number when the session began.
    pub channel_number: ChannelNumber,
    /// In which form.
    pub kind: KindView,
    /// What the client calls itself, if it does.
    pub client_id: Option<String>,
    /// Where the client is; several may be at one address.
    pub client_ip: Option<String>,
    /// Which program the client is.
    pub user_agent: Option<String>,
    /// What the session is doing.
    pub state: StateView,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When the client last took or asked for something.
    pub last_activity: DateTime<Utc>,
    /// What was sent.
    pub bytes_sent: u64,
    /// The bit rate of what was sent, over the seconds of the stream.
    pub rate_bps: u64,
    /// How much newer the newest picture of the channel is than the last one that was sent, milliseconds.
    pub behind_live_ms: Option<i64>,
    /// How much of the stream the client missed because it fell behind, milliseconds.
    pub skipped_ms: i64,
    /// What went wrong lately, oldest first; fifty at most.
    pub errors: Vec<ErrorView>,
    /// How much went wrong since it began.
    pub error_count: u64,
    /// How often the channel was started again while the client watched.
    pub restart_count: u32,
    /// How fast it is sent, where it is a continuous stream.
    pub throttle: Option<ThrottleView>,
    /// Why it is over, once it is.
    pub ended: Option<EndView>,
    /// Where it stands in the list.
    #[serde(skip)]
    pub(crate) serial: u64,
}

/// In which form a client gets a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KindView {
    /// A connection that carries the continuous stream.
    Ts,
    /// A player that follows the playlist.
    Hls,
}

/// What a session is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateView {
    /// Nothing has been sent yet.
    Created,
    /// It gets what it asks for.
    Active,
    /// It asks for nothing, or takes nothing.
    Idle,
    /// Something went wrong, and nothing has been sent since.
    Error,
    /// It is over.
    Disconnected,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErrorView {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub text: String,
}

/// How fast a continuous stream is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ThrottleView {
    /// The mode in force; absent before the first byte.
    pub mode: Option<ThrottleMode>,
    /// The target bit rate in force.
    pub target_bitrate_bps: Option<u64>,
    /// Whether the throttle holds the client back at this moment.
    pub held_back: bool,
    /// What the session itself wishes.
    pub wish: ThrottleWish,
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndView {
    /// The client left.
    Left,
    /// Somebody ended it.
    Killed,
    /// It took nothing for too long.
    TimedOut,
    /// Too much went wrong in a row.
    TooManyErrors,
    /// The channel went off air.
    OffAir,
}

impl SessionView {
    pub(super) fn new(session: &StreamSession, meter: &Meter, newest_ms: Option<i64>, serial: u64) -> Self {
        let about = session.about();
        let error = |error: &exstreamtv_core::session::SessionError| ErrorView {
            at: moment(error.at),
            text: error.text.clone(),
        };
        Self {
            session_id: session.session_id().to_string(),
            channel_id: about.channel_id,
            channel_number: about.channel_number.clone(),
            kind: about.kind.into(),
            client_id: about.client_id.clone(),
            client_ip: about.client_ip.map(|ip| ip.to_string()),
            user_agent: about.user_agent.clone(),
            state: session.state().into(),
            created_at: moment(session.created_at()),
            last_activity: moment(session.last_activity()),
            bytes_sent: session.bytes_sent(),
            rate_bps: session.rate_bps(),
            behind_live_ms: newest_ms.zip(meter.position_ms()).map(|(newest, at)| (newest - at).max(0)),
            skipped_ms: meter.skipped_ms(),
            errors: session.errors().map(error).collect(),
            error_count: session.error_count(),
            restart_count: session.restart_count(),
            throttle: (about.kind == SessionKind::Ts).then(|| throttle(meter)),
            ended: session.end().map(Into::into),
            serial,
        }
    }
}

fn throttle(meter: &Meter) -> ThrottleView {
    let terms = meter.terms();
    ThrottleView {
        mode: terms.map(|terms| terms.mode),
        target_bitrate_bps: terms.map(|terms| terms.target_bps),
        held_back: meter.is_held_back(),
        wish: meter.wished(),
    }
}

fn moment(at: At) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.wall_ms).unwrap_or_default()
}

impl From<SessionKind> for KindView {
    fn from(kind: SessionKind) -> Self {
        match kind {
            SessionKind::Ts => Self::Ts,
            SessionKind::Hls => Self::Hls,
        }
    }
}

impl From<SessionState> for StateView {
    fn from(state: SessionState) -> Self {
        match state {
            SessionState::Created => Self::Created,
            SessionState::Active => Self::Active,
            SessionState::Idle => Self::Idle,
            SessionState::Error => Self::Error,
            SessionState::Disconnected => Self::Disconnected,
        }
    }
}

impl From<End> for EndView {
    fn from(end: End) -> Self {
        match end {
            End::Left => Self::Left,
            End::Killed => Self::Killed,
            End::TimedOut => Self::TimedOut,
            End::TooManyErrors => Self::TooManyErrors,
            End::OffAir => Self::OffAir,
        }
    }
}
