//! The document that a person writes for a channel of time slots.
//!
//! Does: name every setting and its default.
//! Does not: judge; `faults` says what is wrong, `rules` is what the settings mean.
//! Invariant: a document that was written is read back the same.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::order::OrderMode;

/// A day's or week's slots, and what fills the time between them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TimeSlotSchedule {
    /// The slots, in any order. In TOML also `[[channel.schedule.slot]]`.
    #[serde(alias = "slot")]
    pub slots: Vec<TimeSlot>,
    /// Collection, by id or name, for holes between slots and for slots that name none. Without it such slots play the channel's own
    /// collection, and holes show filler or the slate.
    #[serde(deserialize_with = "id_or_name", skip_serializing_if = "Option::is_none")]
    pub default_collection_id: Option<String>,
    /// The order in which holes play the default collection.
    pub default_order_mode: OrderMode,
    /// Clips for holes and gaps, and for slots that name no filler of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filler: Option<TimeSlotFiller>,
    /// Starts items only when local clocks show a multiple of this many minutes. 0 is the same as none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pad_to_minutes: Option<u32>,
}

/// A stretch of civil time on certain days, and what is on in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TimeSlot {
    /// Identity; what the slot has played is remembered under it. By default its name.
    #[serde(default)]
    pub slot_id: String,
    /// What people call it. By default its id.
    #[serde(default)]
    pub name: String,
    /// When it begins, local time: "HH:MM" or "HH:MM:SS".
    pub start_time: String,
    /// How long it lasts on local clocks; at most 1440, a whole day.
    pub duration_minutes: u32,
    /// What it plays: a collection, by id or name. By default the schedule's default collection, else the channel's own.
    #[serde(default, deserialize_with = "id_or_name", skip_serializing_if = "Option::is_none")]
    pub collection_id: Option<String>,
    /// In which order it plays.
    #[serde(default)]
    pub order_mode: OrderMode,
    /// What fills the rest of the slot.
    #[serde(default)]
    pub padding_mode: TimeSlotPaddingMode,
    /// What becomes of an item that does not fit at the end.
    #[serde(default)]
    pub flex_mode: TimeSlotFlexMode,
    /// On which days it begins, one bit each: Monday is 1, Tuesday 2, Sunday 64; 127 is every day.
    #[serde(default = "every_day")]
    pub days_of_week: u8,
    /// Which of two slots wins where they overlap: the higher one; among equals the one that begins later.
    #[serde(default)]
    pub priority: i32,
    /// Slots with the same group and collection go on where the other one stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Slots of a rerun group show the same items; the group moves on when all of them have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun_group: Option<String>,
    /// With `flex_mode = "extend"`: how far the last item may run over the slot's end.
    #[serde(default = "flex_limit")]
    pub flex_limit_minutes: u32,
    /// What this slot does when the one before it ran over.
    #[serde(default)]
    pub lateness: TimeSlotLateness,
    /// Starts items only when local clocks show a multiple of this many minutes; by default as the schedule says. 0 switches it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad_to_minutes: Option<u32>,
    /// The slot's own clips, asked before the schedule's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filler: Option<TimeSlotFiller>,
    /// Breaks inside the items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaks: Option<TimeSlotBreaks>,
}

/// What fills the rest of a slot, when its next item does not fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TimeSlotPaddingMode {
    /// Whatever fills holes. With `flex_mode = "none"` there is no rest: the item is begun, and cut at the slot's end.
    #[default]
    None,
    /// Clips of the filler.
    Filler,
    /// The slot's collection again, cut at the end; what is cut comes again in full.
    Loop,
    /// The next slot, which begins early.
    Next,
}

/// What becomes of an item that does not fit at the end of a slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TimeSlotFlexMode {
    /// The slot ends on time: the item is cut, or with a padding mode not begun.
    #[default]
    None,
    /// It may run over by `flex_limit_minutes`.
    Extend,
    /// The slot is packed with those of the next items that leave the least rest.
    Compress,
}

/// What a slot does when the one before it ran over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TimeSlotLateness {
    /// Joins its first item where that would be by now; the slot ends on time.
    #[default]
    JoinLate,
    /// Plays its first item in full; the slot ends late by as much.
    Shift,
    /// Passes over the items whose start was missed; the next one starts on time.
    Skip,
}

/// A collection of clips.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TimeSlotFiller {
    /// The collection, by id or name.
    #[serde(deserialize_with = "required_id_or_name")]
    pub collection_id: String,
    /// How long a clip stays away after it was on.
    #[serde(default)]
    pub cooldown_minutes: u32,
    /// How long the whole collection stays away after a block of its clips.
    #[serde(default)]
    pub list_cooldown_minutes: u32,
}

/// Breaks inside items, filled with filler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TimeSlotBreaks {
    /// Breaks where chapters begin, in items that have chapters.
    pub chapters: bool,
    /// Breaks after every so many minutes, in items that have no chapters or when `chapters` is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_minutes: Option<u32>,
    /// Only items at least this long have breaks.
    pub min_programme_minutes: u32,
    /// Most breaks in one item; with more chapters than that, evenly spread ones.
    pub max_breaks: u32,
    /// No break this near to the item's beginning or end.
    pub tail_guard_minutes: u32,
    /// How long a break is.
    pub length_seconds: u32,
}

impl Default for TimeSlotBreaks {
    fn default() -> Self {
        Self {
            chapters: true,
            every_minutes: None,
            min_programme_minutes: 20,
            max_breaks: 4,
            tail_guard_minutes: 5,
            length_seconds: 120,
        }
    }
}

impl TimeSlot {
    /// Returns the slot's identity: its id, else its name.
    pub fn id(&self) -> &str {
        if self.slot_id.is_empty() { &self.name } else { &self.slot_id }
    }

    /// Returns what people call it: its name, else its id.
    pub fn display_name(&self) -> &str {
        if self.name.is_empty() { &self.slot_id } else { &self.name }
    }
}

const fn every_day() -> u8 {
    EVERY_DAY
}

const fn flex_limit() -> u32 {
    15
}

/// All bits of `days_of_week`.
pub(super) const EVERY_DAY: u8 = 127;

/// Ids are numbers to people and strings to us.
#[derive(Deserialize)]
#[serde(untagged)]
enum IdOrName {
    Id(i64),
    Name(String),
}

fn id_or_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::<IdOrName>::deserialize(deserializer).map(|found| found.map(IdOrName::into_text)).map_err(not_a_collection)
}

fn required_id_or_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    IdOrName::deserialize(deserializer).map(IdOrName::into_text).map_err(not_a_collection)
}

fn not_a_collection<E: de::Error>(_: E) -> E {
    E::custom("not a collection: write its id or its name")
}

impl IdOrName {
    fn into_text(self) -> String {
        match self {
            Self::Id(id) => id.to_string(),
            Self::Name(name) => name,
        }
    }
}
