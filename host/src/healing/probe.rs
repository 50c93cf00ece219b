//! Post-conditions, as they are really seen.
//!
//! Does: watch a feed, the pool or the memory until it has been well for long enough, or there is no time left.
//! Does not: do anything about it.
//! Invariant: success is what was measured over its whole time, never that an order was accepted.

use std::time::Duration;

use exstreamtv_model::ChannelId;
use tokio::{sync::broadcast::error::TryRecvError, time::Instant};

use super::{
    hands::{Hands, LOOK, Told},
    machine,
    signs::MEMORY_SHORT,
};
use crate::{
    database::Database,
    feed::{broadcaster::Observed, view::FeedState},
};

/// How long something must be well.
const WELL: Duration = Duration::from_secs(5);
/// How long a deed's own commotion lasts.
const OWN: Duration = Duration::from_secs(2);
/// A feed moves on in steps; its lead may seem shorter by so much.
const STEP_MS: i64 = 900;

/// A feed at one moment: enough to tell whether media flows.
#[derive(Debug, Clone, Copy)]
struct Flow {
    lead_ms: i64,
    lead_wanted_ms: i64,
    slate_frames: u64,
    failures: u32,
}

impl Flow {
    /// Returns the feed's flow, if a programme is on.
    fn of(observed: &Observed) -> Option<Self> {
        let view = &observed.view;
        (view.state == FeedState::OnAir).then_some(Self {
            lead_ms: view.lead_ms,
            lead_wanted_ms: observed.lead_wanted_ms,
            slate_frames: view.slate_frames,
            failures: view.failures,
        })
    }

    /// Returns why media did not flow between `self` and `later`: the feed's lead grows with speed above 1, and shrinks below.
    fn fault(self, later: Self) -> Option<&'static str> {
        let full = later.lead_ms >= later.lead_wanted_ms / 2;
        match () {
            () if later.failures > self.failures => Some("a run failed meanwhile"),
            () if later.slate_frames > self.slate_frames => Some("the slate was on meanwhile"),
            () if !full && later.lead_ms < self.lead_ms - STEP_MS => Some("it is slower than real time"),
            () => None,
        }
    }
}

/// Waits until a programme flows at its speed or faster for five seconds.
pub(super) async fn media_flows(hands: &Hands, channel: ChannelId, limit: Duration) -> Told {
    let (began, end) = (Instant::now(), Instant::now() + limit);
    let (mut first, mut seen): (Option<(Instant, Flow)>, _) = (None, "the programme is not on");
    let mut failures = None;
    while Instant::now() < end {
        let observed = hands.observed(channel).ok_or("the channel is not on air any more")?;
        // What fails in the first moments may be what the deed has ended.
        let before = *failures.get_or_insert(observed.view.failures);
        if began.elapsed() < OWN {
            failures = Some(observed.view.failures);
        } else if observed.view.failures > before {
            return Err("what was started failed".into());
        }
        first = match (first, Flow::of(&observed)) {
            (_, None) => None,
            (None, Some(now)) => Some((Instant::now(), now)),
            (Some((since, began)), Some(now)) => match began.fault(now) {
                Some(fault) => {
                    seen = fault;
                    None
                }
                None if since.elapsed() >= WELL => return Ok(told(since.elapsed(), began, now)),
                None => Some((since, began)),
            },
        };
        tokio::time::sleep(LOOK).await;
    }
    Err(seen.into())
}

fn told(since: Duration, began: Flow, now: Flow) -> String {
    let seconds = since.as_secs_f64();
    // A feed that is as far ahead as it may be goes at the clock's speed, however its steps fall.
    let speed = 1.0 + ((now.lead_ms - began.lead_ms) as f64 / 1_000.0 / seconds).max(0.0);
    format!("the programme flows for {seconds:.1} s at speed {speed:.2}, {} ms ahead", now.lead_ms)
}

/// Waits until nobody waits for a connection, for five seconds.
pub(super) async fn pool_is_free(database: &Database, limit: Duration) -> Told {
    let mut alarms = database.exhaustions();
    let end = Instant::now() + limit;
    let mut since = Instant::now();
    while Instant::now() < end {
        let readers = database.usage().readers;
        // One that was not kept, because there were so many, was one.
        let alarmed = !matches!(alarms.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed));
        if readers.waiting > 0 || alarmed {
            since = Instant::now();
        } else if since.elapsed() >= WELL {
            return Ok(format!("nobody waits; {} of {} readers are in use", readers.in_use, readers.size));
        }
        tokio::time::sleep(LOOK).await;
    }
    let readers = database.usage().readers;
    Err(format!("{} wait; {} of {} readers are in use", readers.waiting, readers.in_use, readers.size))
}

/// Waits until memory is no longer short.
pub(super) async fn memory_is_free(limit: Duration) -> Told {
    let end = Instant::now() + limit;
    let mut last = None;
    while Instant::now() < end {
        last = machine::memory_free();
        if let Some(free) = last.filter(|free| *free >= MEMORY_SHORT) {
            return Ok(format!("{:.0} % of the memory are free", free * 100.0));
        }
        tokio::time::sleep(WELL).await;
    }
    Err(format!("{:.0} % of the memory are free", last.unwrap_or_default() * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: Flow = Flow { lead_ms: 3_000, lead_wanted_ms: 3_000, slate_frames: 10, failures: 1 };

    #[test]
    fn media_flows_while_the_lead_holds_and_nothing_fails() {
        assert_eq!(FLOW.fault(FLOW), None);
        assert_eq!(FLOW.fault(Flow { lead_ms: 1_600, ..FLOW }), None);
        let low = Flow { lead_ms: 400, ..FLOW };
        assert_eq!(low.fault(Flow { lead_ms: 900, ..FLOW }), None);
        assert!(Flow { lead_ms: 1_400, ..FLOW }.fault(low).is_some());
        assert!(FLOW.fault(Flow { slate_frames: 11, ..FLOW }).is_some());
        assert!(FLOW.fault(Flow { failures: 2, ..FLOW }).is_some());
    }
}
