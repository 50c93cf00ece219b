//! What was heard about a channel within some time, as a sequence.
//!
//! Does: say whose each line is as the channel sees it, order lines, say whether a window holds a sequence.
//! Does not: know what came after.
//! Invariant: a window has at most [`MOST_KINDS`] kinds of lines, each with its first and its last place, however often they were said.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use exstreamtv_model::ChannelId;
use serde::{Deserialize, Serialize};

use crate::templates::TemplateId;

/// Kinds of lines that a window may have; those that were heard last stay.
pub const MOST_KINDS: usize = 32;

/// Whose a line is, as a channel sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The channel's own.
    Own,
    /// Another channel's, about a server or disk that this one uses too.
    Shared,
    /// Nobody's in particular: the server, a media server, the machine.
    General,
}

/// A kind of line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Item {
    /// Whose.
    pub whose: Whose,
    /// What it says.
    pub template: TemplateId,
}

/// A stretch of one channel's time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Whose time.
    pub channel: ChannelId,
    /// Where it ends.
    pub at: DateTime<Utc>,
    /// Whether an incident came after it.
    pub before_incident: bool,
    /// For how many stretches of quiet time it stands; quiet time is not kept whole.
    pub weight: u32,
    /// What was heard, in order.
    pub items: Vec<Item>,
}

impl Window {
    /// Says whether the sequence is in it, in this order, other lines between them or not.
    pub fn holds(&self, sequence: &[Item]) -> bool {
        holds(&self.items, sequence)
    }

    /// Returns what was heard, each kind once.
    pub fn kinds(&self) -> Vec<Item> {
        let mut kinds = self.items.clone();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

/// Says whether `items` hold `sequence` in its order.
pub fn holds(items: &[Item], sequence: &[Item]) -> bool {
    let mut wanted = sequence.iter().peekable();
    for item in items {
        wanted.next_if_eq(&item);
    }
    wanted.peek().is_none()
}

/// Keeps the first and the last of each kind, and of too many kinds those that were heard last.
pub fn folded(items: &[Item]) -> Vec<Item> {
    let mut places = BTreeMap::<Item, (usize, usize)>::new();
    for (at, item) in items.iter().enumerate() {
        places.entry(*item).or_insert((at, at)).1 = at;
    }
    let mut lasts: Vec<usize> = places.values().map(|(_, last)| *last).collect();
    lasts.sort_unstable_by_key(|last| std::cmp::Reverse(*last));
    let heard_since = lasts.get(MOST_KINDS - 1).copied().unwrap_or(0);
    let kept = places.values().filter(|(_, last)| *last >= heard_since);
    let mut kept: Vec<usize> = kept.flat_map(|(first, last)| [*first, *last]).collect();
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|at| items[at]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<Item> {
        text.bytes().map(|byte| Item { whose: Whose::Own, template: TemplateId(byte.into()) }).collect()
    }

    #[test]
    fn a_sequence_is_held_in_its_order_whatever_is_between() {
        for (heard, sequence, expected) in [
            ("axbxc", "abc", true),
            ("acb", "abc", false),
            ("aab", "ab", true),
            ("ba", "ab", false),
            ("bab", "ab", true),
            ("", "a", false),
            ("a", "", true),
            ("ab", "aab", false),
        ] {
            assert_eq!(holds(&items(heard), &items(sequence)), expected, "{heard} {sequence}");
        }
    }

    #[test]
    fn a_burst_is_folded_to_the_first_and_the_last_of_each_kind() {
        assert_eq!(folded(&items("aaaabababc")), items("ababc"));
        let long: String = ('!'..='~').chain('!'..='~').collect();
        let folded = folded(&items(&long));
        assert_eq!(folded.len(), 2 * MOST_KINDS);
        assert_eq!(folded.last(), items("~").last());
    }
}
