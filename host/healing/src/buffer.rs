//! The newest events.
//!
//! Does: keep them within limits of number, memory and age; find those that are wanted, and those around one.
//! Does not: tell anybody of new ones.
//! Invariant: none of the limits is ever exceeded, and numbers grow from event to event.

use std::{collections::VecDeque, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    event::{EventId, LogEvent},
    filter::Filter,
};

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Events.
    pub events: usize,
    /// Memory.
    pub bytes: usize,
    /// How old the oldest may be.
    pub age: TimeDelta,
}

/// Which events beside one are its context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From so much before it.
    pub before: TimeDelta,
    /// To so much after it.
    pub after: TimeDelta,
    /// The most events on either side.
    pub most: usize,
}

/// The newest events, the oldest first.
#[derive(Debug)]
pub struct LogBuffer {
    limits: Limits,
    events: VecDeque<Arc<LogEvent>>,
    bytes: usize,
    forgotten: u64,
}

impl LogBuffer {
    /// Returns an empty buffer.
    pub fn new(limits: Limits) -> Self {
        Self { limits, events: VecDeque::new(), bytes: 0, forgotten: 0 }
    }

    /// Changes how much is kept.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.shrink();
    }

    /// Keeps an event, and forgets what is too much or too old by its time.
    pub fn push(&mut self, event: Arc<LogEvent>) {
        debug_assert!(self.events.back().is_none_or(|last| last.event_id < event.event_id), "numbers grow");
        let oldest = event.timestamp - self.limits.age;
        self.bytes += event.size_bytes();
        self.events.push_back(event);
        self.forget_before(oldest);
        self.shrink();
    }

    /// Forgets what is too old at this time.
    pub fn pass_time(&mut self, now: DateTime<Utc>) {
        self.forget_before(now - self.limits.age);
    }

    /// Returns the wanted events before `before`, the newest first, at most `most`.
    pub fn newest(&self, filter: &Filter, before: Option<EventId>, most: usize) -> Vec<Arc<LogEvent>> {
        let end = before.map_or(self.events.len(), |before| self.place_of(before));
        let wanted = self.events.range(..end).rev().filter(|event| filter.matches(event));
        wanted.take(most).cloned().collect()
    }

    /// Returns one event.
    pub fn find(&self, id: EventId) -> Option<Arc<LogEvent>> {
        self.events.get(self.place_of(id)).filter(|event| event.event_id == id).cloned()
    }

    /// Returns what was said around an event by or about the same: its run, its session, its channel, and the machine. The oldest is first.
    pub fn context(&self, id: EventId, window: Window) -> Vec<Arc<LogEvent>> {
        let place = self.place_of(id);
        let Some(centre) = self.events.get(place).filter(|event| event.event_id == id) else { return Vec::new() };
        let belongs = |event: &&Arc<LogEvent>| is_related(centre, event);
        let begins = centre.timestamp - window.before;
        let ends = centre.timestamp + window.after;
        let earlier = self.events.range(..place).rev().take_while(|event| event.timestamp >= begins);
        let mut found: Vec<_> = earlier.filter(belongs).take(window.most).cloned().collect();
        found.reverse();
        found.push(Arc::clone(centre));
        let later = self.events.range(place + 1..).take_while(|event| event.timestamp <= ends);
        found.extend(later.filter(belongs).take(window.most).cloned());
        found
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Returns how much memory they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns how many were forgotten.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn place_of(&self, id: EventId) -> usize {
        self.events.partition_point(|event| event.event_id < id)
    }

    fn forget_before(&mut self, oldest: DateTime<Utc>) {
        while self.events.front().is_some_and(|event| event.timestamp < oldest) {
            self.forget_one();
        }
    }

    fn shrink(&mut self) {
        while self.events.len() > self.limits.events || self.bytes > self.limits.bytes {
            self.forget_one();
        }
    }

    fn forget_one(&mut self) {
        if let Some(event) = self.events.pop_front() {
            self.bytes -= event.size_bytes();
            self.forgotten += 1;
        }
    }
}

/// Whoever shares a run, a session or a channel is related; what is about nothing in particular is related to everything.
fn is_related(centre: &LogEvent, other: &LogEvent) -> bool {
    let is_about_nothing = |event: &LogEvent| event.channel_id.is_none() && event.session_id.is_none();
    if is_about_nothing(centre) || is_about_nothing(other) {
        return true;
    }
    let shares_session = centre.session_id.is_some() && centre.session_id == other.session_id;
    shares_session || (centre.channel_id.is_some() && centre.channel_id == other.channel_id)
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::ChannelId;
    use proptest::prelude::*;

    use super::*;
    use crate::event::tests::{at, event};

    fn limits(events: usize, bytes: usize, age_s: i64) -> Limits {
        Limits { events, bytes, age: TimeDelta::seconds(age_s) }
    }

    fn about(id: u64, second: i64, channel: Option<i64>) -> Arc<LogEvent> {
        Arc::new(LogEvent { channel_id: channel.map(ChannelId), ..event(id, second, "x") })
    }

    fn ids(events: &[Arc<LogEvent>]) -> Vec<u64> {
        events.iter().map(|event| event.event_id.0).collect()
    }

    #[test]
    fn pages_go_back_from_the_newest() {
        let mut buffer = LogBuffer::new(limits(100, 1 << 20, 3_600));
        (1..=10).for_each(|id| buffer.push(about(id, 0, Some(i64::try_from(id).unwrap() % 2))));
        let odd = Filter { channel: Some(ChannelId(1)), ..Filter::default() };
        assert_eq!(ids(&buffer.newest(&odd, None, 3)), [9, 7, 5]);
        assert_eq!(ids(&buffer.newest(&odd, Some(EventId(5)), 3)), [3, 1]);
        assert_eq!(buffer.find(EventId(4)).unwrap().event_id, EventId(4));
        assert_eq!(buffer.find(EventId(99)), None);
    }

    #[test]
    fn the_context_of_an_event_is_what_belongs_to_it() {
        let mut buffer = LogBuffer::new(limits(100, 1 << 20, 3_600));
        for (id, second, channel) in [
            (1, 0, Some(1)),
            (2, 5, Some(1)),
            (3, 6, Some(2)),
            (4, 7, None),
            (5, 8, Some(1)),
            (6, 9, Some(1)),
            (7, 30, Some(1)),
        ] {
            buffer.push(about(id, second, channel));
        }
        let window = Window { before: TimeDelta::seconds(4), after: TimeDelta::seconds(4), most: 10 };
        assert_eq!(ids(&buffer.context(EventId(5), window)), [2, 4, 5, 6]);
        assert_eq!(
            ids(&buffer.context(EventId(4), window)),
            [2, 3, 4, 5, 6],
            "what is about nothing is about everything"
        );
        assert_eq!(ids(&buffer.context(EventId(5), Window { most: 1, ..window })), [4, 5, 6]);
        assert!(buffer.context(EventId(99), window).is_empty());
    }

    #[test]
    fn what_is_old_is_forgotten_even_when_nobody_says_anything() {
        let mut buffer = LogBuffer::new(limits(100, 1 << 20, 60));
        buffer.push(about(1, 0, None));
        buffer.pass_time(at(60));
        assert_eq!(buffer.len(), 1);
        buffer.pass_time(at(61));
        assert_eq!((buffer.len(), buffer.bytes(), buffer.forgotten()), (0, 0, 1));
    }

    proptest! {
        #[test]
        fn no_limit_is_ever_exceeded(
            said in prop::collection::vec((0_i64..30, 0_usize..3_000), 0..300),
            most in 0_usize..50, bytes in 0_usize..40_000, age_s in 0_i64..60,
        ) {
            let mut buffer = LogBuffer::new(limits(most, bytes, age_s));
            let mut second = 0;
            for (id, (later, length)) in said.iter().enumerate() {
                second += later;
                buffer.push(Arc::new(event(id as u64 + 1, second, &"y".repeat(*length))));
                prop_assert!(buffer.len() <= most && buffer.bytes() <= bytes);
                prop_assert!(buffer.newest(&Filter::default(), None, 1_000).iter().all(|kept| kept.timestamp >= at(second - age_s)));
            }
            prop_assert_eq!(buffer.len() as u64 + buffer.forgotten(), said.len() as u64);
        }
    }
}
