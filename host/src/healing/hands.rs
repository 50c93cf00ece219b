//! What really does what the resolver decided.
//!
//! Does: look at preconditions, order feeds, grow the pool, take things back.
//! Does not: decide, or believe that something helped; the probe does that.
//! Invariant: whatever is asked is answered, and nothing is waited for longer than a step may take.

use std::{sync::Arc, time::Duration};

use exstreamtv_core::Rung;
use exstreamtv_healing::resolver::{
    deed::{Condition, Deed, Undo},
    issue::IssueKey,
};
use exstreamtv_model::ChannelId;
use tokio::time::Instant;

use super::probe;
use crate::{
    database::Database,
    feed::{
        Feeds, Order,
        broadcaster::Observed,
        view::{FeedState, Ways},
    },
};

/// How often something that is waited for is looked at.
pub(super) const LOOK: Duration = Duration::from_millis(200);
/// How long the slate is waited for.
const SLATE: Duration = Duration::from_secs(4);

/// What a step answers: what was seen, in words for people.
pub type Told = Result<String, String>;

/// The means of the host. Cheap to clone.
#[derive(Clone)]
pub struct Hands {
    /// The feeds.
    pub feeds: Arc<Feeds>,
    /// The database.
    pub database: Database,
}

impl Hands {
    /// Returns a channel's feed as it is.
    pub(super) fn observed(&self, channel: ChannelId) -> Option<Observed> {
        self.feeds.observed().into_iter().find(|of| of.view.channel == channel)
    }

    /// Looks whether a precondition holds.
    pub fn check(&self, key: IssueKey, condition: Condition) -> Told {
        match (condition, key.channel) {
            (Condition::PoolMayGrow, _) if self.database.may_grow() => Ok(self.pool()),
            (Condition::PoolMayGrow, _) => Err(format!("{}, and may not grow", self.pool())),
            (Condition::RunsAhead, _) => {
                match self.feeds.observed().iter().filter(|of| of.view.ways.prepared).count() {
                    0 => Err("no run is prepared ahead of its time".into()),
                    count => Ok(format!("{count} runs are prepared ahead of their time")),
                }
            }
            (Condition::Always, _) => Ok("nothing has to hold".into()),
            (_, Some(channel)) => self.check_channel(channel, condition),
            (_, None) => Err("there is no channel to look at".into()),
        }
    }

    fn check_channel(&self, channel: ChannelId, condition: Condition) -> Told {
        let of = self.observed(channel).ok_or("the channel is not on air")?;
        let Ways { playable, card, other_version, filler, next_item, .. } = of.view.ways;
        let (can, what) = match condition {
            Condition::OtherVersionKnown => (other_version, "another file with the programme"),
            Condition::FillerKnown => (filler, "a filler"),
            Condition::NextItemKnown => (next_item, "something that comes next"),
            Condition::CardUsed => (card, "a graphics card in use"),
            _ => (playable, "something to play"),
        };
        if !can {
            return Err(format!("there is not {what}"));
        }
        match (of.view.state, of.view.cause) {
            (FeedState::Slate, Some(cause)) => Ok(format!("the slate is on: {}; there is {what}", cause.plain())),
            (FeedState::Slate, None) => Ok(format!("the slate is on; there is {what}")),
            // What is only to be expected is looked at by whoever expects it.
            (FeedState::OnAir, _) if condition == Condition::StillWrong && of.view.lead_ms < of.lead_wanted_ms / 2 => {
                Ok(format!("the programme is on, with {} ms of {} ms in hand", of.view.lead_ms, of.lead_wanted_ms))
            }
            (FeedState::OnAir, _) => Err("the programme is on".into()),
            (FeedState::Starting | FeedState::Idle, _) => Err("nobody watches, or it only starts".into()),
        }
    }

    /// Puts the slate in, and waits until it is on.
    pub async fn cover(&self, channel: ChannelId) -> Told {
        if !self.feeds.order(channel, Order::Cover) {
            return Err("the channel is not on air".into());
        }
        let until = Instant::now() + SLATE;
        while Instant::now() < until {
            match self.observed(channel).map(|of| of.view.state) {
                None => return Err("the channel is not on air any more".into()),
                Some(FeedState::Slate) => return Ok("the slate is on".into()),
                Some(_) => tokio::time::sleep(LOOK).await,
            }
        }
        Err("the slate does not come".into())
    }

    /// Lets the main picture back.
    pub fn uncover(&self, channel: ChannelId) {
        self.feeds.order(channel, Order::Uncover);
    }

    /// Does it.
    pub fn perform(&self, key: IssueKey, deed: Deed) -> Told {
        let order = match deed {
            Deed::ExpandPool => return self.database.grow().map(|size| format!("the pool has {size} readers now")),
            Deed::PrepareLess => {
                let feeds = self.feeds.order_all(&Order::Spare(true));
                return Ok(format!("{feeds} channels prepare nothing ahead of its time"));
            }
            Deed::CallPerson => return Ok("a person is called".into()),
            Deed::RestartRun => Order::Restart(Rung::SameCommand),
            Deed::RestartWorker => Order::RestartWorker,
            Deed::RestartInSoftware => Order::Restart(Rung::SoftwareAll),
            Deed::RefreshSource => Order::Reconsider,
            Deed::PlayOtherVersion => Order::Restart(Rung::NextSource { version: 0 }),
            Deed::PlayFiller => Order::Restart(Rung::Filler),
            Deed::PlayNextItem => Order::Restart(Rung::NextItem),
        };
        let channel = key.channel.ok_or("there is no channel to do it on")?;
        let told = format!("ordered: {order:?}");
        if self.feeds.order(channel, order) { Ok(told) } else { Err("the channel is not on air".into()) }
    }

    /// Waits until a post-condition holds, at most for `limit`.
    pub async fn probe(&self, key: IssueKey, condition: Condition, limit: Duration) -> Told {
        match (condition, key.channel) {
            (Condition::MediaFlows, Some(channel)) => probe::media_flows(self, channel, limit).await,
            (Condition::PoolIsFree, _) => probe::pool_is_free(&self.database, limit).await,
            (Condition::MemoryIsFree, _) => probe::memory_is_free(limit).await,
            (condition, _) => self.check(key, condition),
        }
    }

    /// Takes something back.
    pub fn undo(&self, key: IssueKey, undo: Undo) -> Told {
        match (undo, key.channel) {
            (Undo::Nothing, _) => Ok("there is nothing to take back".into()),
            (Undo::PoolAsBefore, _) => Ok(format!("the pool has {} readers again", self.database.shrink())),
            (Undo::PrepareAsBefore, _) => {
                let feeds = self.feeds.order_all(&Order::Spare(false));
                Ok(format!("{feeds} channels prepare as before"))
            }
            (Undo::BackToPlan, Some(channel)) if self.feeds.order(channel, Order::BackToPlan) => {
                Ok("nothing stands in any more".into())
            }
            (Undo::BackToPlan, _) => Err("the channel is not on air".into()),
        }
    }

    fn pool(&self) -> String {
        let readers = self.database.usage().readers;
        format!(
            "the pool has {} readers, {} of them in use, and {} wait",
            readers.size, readers.in_use, readers.waiting
        )
    }
}
