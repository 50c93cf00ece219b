//! Windows before incidents and windows before nothing.
//!
//! Does: keep some of both of each channel, count them.
//! Does not: choose them.
//! Invariant: at most [`MOST_WINDOWS`] are kept, of a channel at most [`MOST_OF_CHANNEL`] of each kind; the oldest go.

use std::collections::{BTreeMap, VecDeque};

use exstreamtv_model::ChannelId;

use super::{
    exact::Table,
    window::{Item, Window},
};

/// Windows that are kept.
pub const MOST_WINDOWS: usize = 2_048;
/// Windows before incidents, and windows before nothing, that are kept of one channel.
pub const MOST_OF_CHANNEL: usize = 64;

/// What is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    windows: VecDeque<Window>,
}

impl Evidence {
    /// Keeps a window.
    pub fn keep(&mut self, window: Window) {
        let alike = |known: &Window| known.channel == window.channel && known.before_incident == window.before_incident;
        if self.windows.iter().filter(|known| alike(known)).count() >= MOST_OF_CHANNEL {
            let oldest = self.windows.iter().position(alike);
            oldest.map(|at| self.windows.remove(at));
        }
        if self.windows.len() >= MOST_WINDOWS {
            self.windows.pop_front();
        }
        self.windows.push_back(window);
    }

    /// Returns how many windows before nothing are kept of a channel.
    pub fn controls_of(&self, channel: ChannelId) -> usize {
        self.windows.iter().filter(|window| window.channel == channel && !window.before_incident).count()
    }

    /// Returns everything, the oldest first.
    pub fn windows(&self) -> impl Iterator<Item = &Window> {
        self.windows.iter()
    }

    /// Returns windows before incidents, the oldest first.
    pub fn cases(&self) -> impl Iterator<Item = &Window> {
        self.windows.iter().filter(|window| window.before_incident)
    }

    /// Returns how many windows of channels that tell something hold each kind: a channel with only one sort of windows tells nothing.
    pub fn margins(&self) -> BTreeMap<Item, u32> {
        let telling = self.tables(&[]);
        let telling = |channel: &ChannelId| telling.get(channel).is_some_and(|one| one.cases > 0 && one.controls > 0);
        let mut margins = BTreeMap::new();
        let kinds = self.windows.iter().filter(|window| telling(&window.channel)).flat_map(Window::kinds);
        kinds.for_each(|item| *margins.entry(item).or_default() += 1);
        margins
    }

    /// Counts windows and those that hold a sequence, for each channel.
    pub fn tables(&self, sequence: &[Item]) -> BTreeMap<ChannelId, Table> {
        let mut tables = BTreeMap::<_, Table>::new();
        for window in &self.windows {
            let table = tables.entry(window.channel).or_default();
            let (all, with) = if window.before_incident {
                (&mut table.cases, &mut table.cases_with)
            } else {
                (&mut table.controls, &mut table.controls_with)
            };
            *all += 1;
            *with += u32::from(window.holds(sequence));
        }
        tables
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event::tests::at, learning::window::Whose, templates::TemplateId};

    fn window(channel: i64, second: i64, before_incident: bool, templates: &[u64]) -> Window {
        let item = |template: &u64| Item { whose: Whose::Own, template: TemplateId(*template) };
        let items = templates.iter().map(item).collect();
        Window { channel: ChannelId(channel), at: at(second), before_incident, weight: 1, items }
    }

    #[test]
    fn windows_are_counted_by_channel_and_a_channel_without_comparison_tells_nothing() {
        let mut evidence = Evidence::default();
        for one in [
            window(1, 0, true, &[1, 2]),
            window(1, 1, true, &[2, 1]),
            window(1, 2, false, &[1]),
            window(2, 3, true, &[1, 2]),
        ] {
            evidence.keep(one);
        }
        let item = |template| Item { whose: Whose::Own, template: TemplateId(template) };
        let tables = evidence.tables(&[item(1), item(2)]);
        assert_eq!(tables[&ChannelId(1)], Table { cases: 2, controls: 1, cases_with: 1, controls_with: 0 });
        assert_eq!(evidence.margins(), BTreeMap::from([(item(1), 3), (item(2), 2)]));
    }

    #[test]
    fn of_a_channel_and_of_all_only_so_many_are_kept_and_the_oldest_go() {
        let mut evidence = Evidence::default();
        (0..1_000).for_each(|second| evidence.keep(window(1, second, second % 10 == 0, &[1])));
        assert_eq!(evidence.windows().count(), 2 * MOST_OF_CHANNEL);
        assert_eq!(evidence.windows().last().unwrap().at, at(999));
        assert_eq!(evidence.cases().count(), MOST_OF_CHANNEL);
        (0..10_000).for_each(|n| evidence.keep(window(n % 500, 1_000 + n, false, &[1])));
        assert_eq!(evidence.windows().count(), MOST_WINDOWS);
    }
}
