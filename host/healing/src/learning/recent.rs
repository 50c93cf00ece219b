//! What was heard lately, for windows to be cut out of it.
//!
//! Does: keep lines for some time, know which servers and disks each channel uses, cut the window of a channel.
//! Does not: keep texts.
//! Invariants: however much is said, at most [`MOST_LINES`] lines are kept; a line that is repeated is kept again only after a 64th of a window, so
//! a burst pushes nothing out.

use std::collections::{BTreeMap, HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_model::ChannelId;

use super::window::{Item, Whose, folded};
use crate::{
    event::LogEvent,
    resource::{Resource, resources},
    templates::TemplateId,
};

/// Lines that are kept.
pub const MOST_LINES: usize = 20_000;
/// Servers and disks that are known of a channel.
const MOST_USED: usize = 8;
/// Channels of which that is known.
const MOST_CHANNELS: usize = 2_000;
/// How finely repetitions are seen, parts of a window.
const FINENESS: i32 = 64;
/// How long lines are kept, windows: one to look back, one to know that nothing followed, one for whoever is late.
const KEPT: i32 = 3;

#[derive(Debug)]
struct Heard {
    at: DateTime<Utc>,
    template: TemplateId,
    channel: Option<ChannelId>,
    about: Vec<Resource>,
}

/// What was heard lately.
#[derive(Debug)]
pub struct Recent {
    window: TimeDelta,
    lines: VecDeque<Heard>,
    said: HashMap<(Option<ChannelId>, TemplateId), DateTime<Utc>>,
    used: BTreeMap<ChannelId, VecDeque<Resource>>,
}

impl Recent {
    /// Returns an empty memory for windows of this length.
    pub fn new(window: TimeDelta) -> Self {
        Self { window, lines: VecDeque::new(), said: HashMap::new(), used: BTreeMap::new() }
    }

    /// Takes a line; returns whether it is worth a look: not the same again.
    pub fn take(&mut self, event: &LogEvent) -> bool {
        let key = (event.channel_id, event.template);
        let repeated = self.said.get(&key).is_some_and(|said| event.timestamp - *said < self.window / FINENESS);
        if repeated {
            return false;
        }
        self.said.insert(key, event.timestamp);
        let about = resources(event).into_iter().filter(|one| matches!(one, Resource::Server(_) | Resource::Disk(_)));
        let about: Vec<_> = about.take(MOST_USED).collect();
        if let Some(channel) = event.channel_id {
            about.iter().for_each(|resource| self.uses(channel, resource));
        }
        self.lines.push_back(Heard { at: event.timestamp, template: event.template, channel: event.channel_id, about });
        self.forget(event.timestamp);
        true
    }

    fn uses(&mut self, channel: ChannelId, resource: &Resource) {
        let used = self.used.entry(channel).or_default();
        used.retain(|known| known != resource);
        used.push_front(resource.clone());
        used.truncate(MOST_USED);
        if self.used.len() > MOST_CHANNELS {
            self.used.pop_first();
        }
    }

    /// Forgets what is too old.
    pub fn forget(&mut self, now: DateTime<Utc>) {
        let age = self.window * KEPT;
        while self.lines.front().is_some_and(|line| now - line.at > age) || self.lines.len() > MOST_LINES {
            self.lines.pop_front();
        }
        if self.said.len() > MOST_LINES {
            let fineness = self.window / FINENESS;
            self.said.retain(|_, said| now - *said < fineness);
            // As many kinds at once: whatever repeats, repeats.
            if self.said.len() > MOST_LINES {
                self.said.clear();
            }
        }
    }

    /// Returns what was heard about a channel within `from..to`, in order of time.
    pub fn window(&self, channel: ChannelId, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Item> {
        let within = self.lines.iter().filter(|line| line.at >= from && line.at < to);
        let seen = within
            .filter_map(|line| Some((line.at, Item { whose: self.whose(channel, line)?, template: line.template })));
        let mut seen: Vec<_> = seen.collect();
        // Sources are not equally quick; of one moment the order of arrival stays.
        seen.sort_by_key(|(at, _)| *at);
        folded(&seen.into_iter().map(|(_, item)| item).collect::<Vec<_>>())
    }

    /// Returns the servers and disks that connect a channel with what others said within `from..to`.
    pub fn shared(&self, channel: ChannelId, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<String> {
        let others = self.lines.iter().filter(|line| line.at >= from && line.at < to);
        let others = others.filter(|line| self.whose(channel, line) == Some(Whose::Shared));
        let used = self.used.get(&channel);
        let mut shared: Vec<_> =
            others.flat_map(|line| &line.about).filter(|one| used.is_some_and(|used| used.contains(one))).collect();
        shared.sort();
        shared.dedup();
        shared.into_iter().map(ToString::to_string).collect()
    }

    fn whose(&self, channel: ChannelId, line: &Heard) -> Option<Whose> {
        match line.channel {
            Some(own) if own == channel => Some(Whose::Own),
            None => Some(Whose::General),
            Some(_) => {
                let used = self.used.get(&channel)?;
                line.about.iter().any(|resource| used.contains(resource)).then_some(Whose::Shared)
            }
        }
    }

    /// Returns how many lines are kept.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Says whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::{at, event};

    fn said(second: i64, channel: Option<i64>, template: u64, message: &str) -> LogEvent {
        LogEvent { channel_id: channel.map(ChannelId), template: TemplateId(template), ..event(1, second, message) }
    }

    fn recent(events: &[LogEvent]) -> Recent {
        let mut recent = Recent::new(TimeDelta::seconds(128));
        events.iter().for_each(|event| assert!(recent.take(event)));
        recent
    }

    #[test]
    fn a_channel_sees_its_own_lines_those_about_what_it_shares_and_general_ones() {
        let recent = recent(&[
            said(0, Some(1), 1, "opening http://nas.lan/1"),
            said(10, Some(2), 2, "http://nas.lan/2 is slow"),
            said(20, Some(3), 3, "http://other.lan/3 is slow"),
            said(30, None, 4, "the disk is slow"),
            said(40, Some(1), 5, "stalled"),
        ]);
        let seen = |channel| {
            let items = recent.window(ChannelId(channel), at(0), at(100));
            items.into_iter().map(|item| (item.whose, item.template.0)).collect::<Vec<_>>()
        };
        use Whose::{General, Own, Shared};
        assert_eq!(seen(1), [(Own, 1), (Shared, 2), (General, 4), (Own, 5)]);
        assert_eq!(seen(3), [(Own, 3), (General, 4)]);
        assert_eq!(seen(9), [(General, 4)]);
        assert_eq!(recent.shared(ChannelId(1), at(0), at(100)), ["server nas.lan"]);
    }

    #[test]
    fn windows_are_in_order_of_time_and_end_before_their_end() {
        let recent = recent(&[said(10, Some(1), 1, "x"), said(5, Some(1), 2, "y"), said(20, Some(1), 3, "z")]);
        let items = recent.window(ChannelId(1), at(5), at(20));
        assert_eq!(items.iter().map(|item| item.template.0).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn a_flood_is_bounded_and_pushes_nothing_out() {
        let mut recent = recent(&[said(0, Some(1), 1, "x")]);
        for round in 0..200_000 {
            recent.take(&said(round / 2_000, Some(2), 2 + u64::try_from(round % 7).unwrap(), "flood"));
        }
        assert!(recent.len() < 1_000, "{}", recent.len());
        assert_eq!(recent.window(ChannelId(1), at(0), at(1)).len(), 1);
        for kind in 0..100_000 {
            recent.take(&said(100, Some(3), 100 + kind, "all different"));
        }
        assert!(recent.len() <= MOST_LINES && recent.said.len() <= MOST_LINES + 1);
    }
}
