//! Which schedule holds when.
//!
//! Does: tell the schedule in force at a moment, and where the next one takes over.
//! Does not: change schedules; that is the store's.
//! Invariant: a channel without a schedule plays its collection by the built-in sequence, in its own order.

use chrono::{DateTime, Utc};
use exstreamtv_model::{Channel, ChannelId, Schedule};
use exstreamtv_store::{Store, StoreError, WaitingSchedule};

use crate::plugins::strategies::SEQUENCE;

/// A channel with the schedules that hold now and later.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The channel.
    pub channel: Channel,
    /// What takes over later.
    pub waiting: Option<WaitingSchedule>,
}

/// The rule for a stretch of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The strategy with its settings; never absent, because the sequence fills in.
    pub schedule: Schedule,
    /// Where another rule takes over.
    pub until: Option<DateTime<Utc>>,
}

impl Rules {
    /// Reads a channel's rules; `None` if there is no such channel.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn read(store: &Store, channel: ChannelId) -> Result<Option<Self>, StoreError> {
        let Some(channel) = store.channels().find(channel).await? else { return Ok(None) };
        let waiting = store.schedules().waiting(channel.id).await?;
        Ok(Some(Self { channel, waiting }))
    }

    /// Returns the rule in force at `at`.
    pub fn at(&self, at: DateTime<Utc>) -> Rule {
        match &self.waiting {
            Some(waiting) if waiting.from <= at => {
                Rule { schedule: effective(&self.channel, waiting.schedule.as_ref()), until: None }
            }
            waiting => Rule {
                schedule: effective(&self.channel, self.channel.schedule.as_ref()),
                until: waiting.as_ref().map(|waiting| waiting.from),
            },
        }
    }
}

/// Returns the schedule, or the sequence in the channel's order where there is none.
pub fn effective(channel: &Channel, schedule: Option<&Schedule>) -> Schedule {
    schedule.cloned().unwrap_or_else(|| Schedule {
        strategy: SEQUENCE.to_owned(),
        settings: serde_json::json!({ "order": channel.order }),
    })
}
