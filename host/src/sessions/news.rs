//! What happens to sessions, for those who listen.
//!
//! Invariant: a listener who is slow misses the oldest news and is told how many; nobody waits for him.

use exstreamtv_model::ChannelId;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{SessionView, StateView};

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionNews {
    /// A session began.
    Created(Box<SessionView>),
    /// A session went from one state to another.
    State(StateChange),
    /// A session is over.
    Ended(Box<SessionView>),
    /// Somebody was refused because a limit was reached.
    Limit(LimitHit),
}

/// A session went from one state to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StateChange {
    /// Which.
    pub session_id: String,
    /// What it watches.
    pub channel_id: Option<ChannelId>,
    /// From where.
    pub from: StateView,
    /// To where.
    pub to: StateView,
}

/// Somebody was refused because a limit was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LimitHit {
    /// Where.
    pub channel_id: ChannelId,
    /// Which limit, in words.
    pub detail: String,
}
