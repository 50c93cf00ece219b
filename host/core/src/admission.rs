//! Decides whether one more channel fits on this machine.
//!
//! Does: estimate what a channel costs from what it sends, learn from what channels really cost, compare with what the machine has; let cold
//! channels begin one after another, because each encodes as fast as it can until it has caught up.
//! Does not: measure anything, start or stop a channel.
//! Invariants: the first channel is always admitted; more capacity never refuses what less admits; whoever waits longest is next, for a place
//! as for a turn to begin; a turn ends by itself.

use std::collections::BTreeMap;

use exstreamtv_model::{ChannelId, OutputProfile, health::Vitals};

/// What a machine has, or what a channel takes of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Resources {
    /// Processor cores.
    pub cores: f64,
    /// Memory.
    pub memory_bytes: u64,
    /// Open files of the host.
    pub open_files: u64,
}

/// What there is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Capacity {
    /// What the machine has for channels, those on air included.
    pub resources: Resources,
    /// Encoding sessions of each card; one that is not named has as many as are wanted.
    pub hardware_sessions: BTreeMap<String, u32>,
    /// The most channels on air; if it is set, nothing else is asked.
    pub channels: Option<u32>,
}

/// What a channel takes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cost {
    /// Of the machine.
    pub resources: Resources,
    /// A session on this card.
    pub card: Option<String>,
}

/// What there is too little of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shortage {
    /// As many channels as may be are on air.
    Channels,
    /// Processors.
    Cores,
    /// Memory.
    Memory,
    /// Open files.
    OpenFiles,
    /// Sessions of the card.
    HardwareSessions,
    /// Others have waited longer.
    Queue,
}

impl Shortage {
    /// Returns it in words for people.
    pub fn plain(self) -> &'static str {
        match self {
            Self::Channels => "as many channels as may be are on air",
            Self::Cores => "the processors are busy",
            Self::Memory => "there is too little memory",
            Self::OpenFiles => "too few files may be open",
            Self::HardwareSessions => "the graphics card has no session left",
            Self::Queue => "other channels have waited longer",
        }
    }
}

/// Decides whether `wanted` fits beside what is on air.
///
/// # Errors
/// Names what there is too little of.
pub fn admit<'a>(
    capacity: &Capacity,
    on_air: impl Iterator<Item = &'a Cost> + Clone,
    wanted: &'a Cost,
) -> Result<(), Shortage> {
    let count = u32::try_from(on_air.clone().count()).unwrap_or(u32::MAX);
    if count == 0 {
        return Ok(());
    }
    if let Some(channels) = capacity.channels {
        return if count < channels { Ok(()) } else { Err(Shortage::Channels) };
    }
    let costs = on_air.clone().chain([wanted]);
    let memory = costs.clone().fold(0, |sum: u64, cost| sum.saturating_add(cost.resources.memory_bytes));
    let files = costs.clone().fold(0, |sum: u64, cost| sum.saturating_add(cost.resources.open_files));
    let cores: f64 = costs.clone().map(|cost| cost.resources.cores).sum();
    let sessions = |card: &String| costs.filter(|cost| cost.card.as_ref() == Some(card)).count();
    let limit = wanted.card.as_ref().and_then(|card| Some((sessions(card), *capacity.hardware_sessions.get(card)?)));
    let there_is = &capacity.resources;
    match () {
        () if cores > there_is.cores => Err(Shortage::Cores),
        () if memory > there_is.memory_bytes => Err(Shortage::Memory),
        () if files > there_is.open_files => Err(Shortage::OpenFiles),
        () if limit.is_some_and(|(wanted, most)| wanted > most as usize) => Err(Shortage::HardwareSessions),
        () => Ok(()),
    }
}

/// What channels have been found to cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Experience {
    /// Cores for a million pixels a second.
    pub cores_per_megapixel_s: f64,
    /// Bytes for a million pixels of a picture.
    pub bytes_per_megapixel: f64,
}

/// What is believed before anything has been measured: software encoding on a processor of today.
const PRIOR: Experience = Experience { cores_per_megapixel_s: 0.015, bytes_per_megapixel: 200e6 };

/// What a worker and a feed take however small the picture is.
const BASE: Resources = Resources { cores: 0.01, memory_bytes: 64 << 20, open_files: 16 };

/// How far from what was believed at first a measurement can lead: a sick machine must not teach that channels cost nothing, or everything.
const TRUST: f64 = 4.0;

/// How much the newest measurement counts.
const NEWEST: f64 = 0.1;

impl Default for Experience {
    fn default() -> Self {
        PRIOR
    }
}

impl Experience {
    /// Returns what a channel that sends this will cost.
    pub fn cost(&self, profile: &OutputProfile, card: Option<String>) -> Cost {
        let megapixels = megapixels(profile);
        let pixel_cores = megapixels * profile.frame_rate.as_f64() * self.cores_per_megapixel_s;
        let resources = Resources {
            // What a card encodes, the processor does not.
            cores: BASE.cores + if card.is_some() { pixel_cores / 4.0 } else { pixel_cores },
            memory_bytes: BASE.memory_bytes.saturating_add(bytes(megapixels * self.bytes_per_megapixel)),
            open_files: BASE.open_files,
        };
        Cost { resources, card }
    }

    /// Learns from what a channel that has been on air for a while uses.
    pub fn learn(&mut self, profile: &OutputProfile, vitals: &Vitals) {
        let megapixels = megapixels(profile);
        let cores = (f64::from(vitals.cpu_percent) / 100.0 - BASE.cores) / (megapixels * profile.frame_rate.as_f64());
        let bytes = (vitals.rss_bytes.saturating_sub(BASE.memory_bytes) as f64) / megapixels;
        self.cores_per_megapixel_s = learnt(self.cores_per_megapixel_s, cores, PRIOR.cores_per_megapixel_s);
        self.bytes_per_megapixel = learnt(self.bytes_per_megapixel, bytes, PRIOR.bytes_per_megapixel);
    }
}

fn learnt(before: f64, measured: f64, prior: f64) -> f64 {
    if !measured.is_finite() {
        return before;
    }
    let measured = measured.clamp(prior / TRUST, prior * TRUST);
    before + (measured - before) * NEWEST
}

fn megapixels(profile: &OutputProfile) -> f64 {
    f64::from(profile.width) * f64::from(profile.height) / 1e6
}
/// Casts of floats saturate.
fn bytes(number: f64) -> u64 {
    number as u64
}

/// Names one request for a place; a channel that ends and starts again has a new one.
pub type Ticket = u64;

/// How long a turn to begin may take; one whose first programme does not come must not keep everybody else from beginning.
const LONGEST_TURN_MS: i64 = 10_000;

/// How long a channel must have been on air before it teaches anything: at first it runs as fast as it can.
const SETTLED_MS: i64 = 30_000;

/// Who is on air and who waits.
#[derive(Debug, Default)]
pub struct Table {
    experience: Experience,
    on_air: BTreeMap<Ticket, Place>,
    waiting: BTreeMap<Ticket, ChannelId>,
    last: Ticket,
    refused: u64,
}

/// How far a channel with a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Others begin before it.
    Queued,
    /// It begins.
    Begins,
    /// It has caught up with the clock, and encodes no faster than that.
    Paced,
}

/// A channel on air.
#[derive(Debug, Clone)]
pub struct Place {
    /// Which.
    pub channel: ChannelId,
    /// What it costs.
    pub cost: Cost,
    /// What its worker used when it was last measured.
    pub measured: Option<Vitals>,
    /// How far it is.
    pub turn: Turn,
    /// Since when, monotonic milliseconds.
    since_ms: i64,
    profile: OutputProfile,
}

/// Somebody who wants a place.
#[derive(Debug, Clone)]
pub struct Applicant {
    /// For this channel.
    pub channel: ChannelId,
    /// Which sends this.
    pub profile: OutputProfile,
    /// And encodes on this card.
    pub card: Option<String>,
}

impl Table {
    /// Returns a new ticket.
    pub fn ticket(&mut self) -> Ticket {
        self.last += 1;
        self.last
    }

    /// Gives `ticket` a place if there is one, ahead of everybody with a later ticket.
    ///
    /// # Errors
    /// Names what there is too little of.
    pub fn enter(
        &mut self,
        ticket: Ticket,
        applicant: &Applicant,
        capacity: &Capacity,
        now_ms: i64,
    ) -> Result<(), Shortage> {
        if self.on_air.contains_key(&ticket) {
            return Ok(());
        }
        if self.waiting.first_key_value().is_some_and(|(first, _)| *first < ticket) {
            return Err(Shortage::Queue);
        }
        let Applicant { channel, profile, card } = applicant.clone();
        let cost = self.experience.cost(&profile, card);
        admit(capacity, self.on_air.values().map(|place| &place.cost), &cost)?;
        self.waiting.remove(&ticket);
        self.on_air
            .insert(ticket, Place { channel, cost, measured: None, turn: Turn::Queued, since_ms: now_ms, profile });
        Ok(())
    }

    /// Lets `ticket`, which has a place, begin if fewer than `most` others do, ahead of everybody with a later ticket; returns whether it
    /// begins or has begun.
    pub fn begin(&mut self, ticket: Ticket, most: usize, now_ms: i64) -> bool {
        let begins = |place: &Place| place.turn == Turn::Begins && now_ms - place.since_ms < LONGEST_TURN_MS;
        let others = self.on_air.values().filter(|place| begins(place)).count();
        let is_next = self.on_air.range(..ticket).all(|(_, place)| place.turn != Turn::Queued);
        let Some(place) = self.on_air.get_mut(&ticket) else { return false };
        if place.turn == Turn::Queued && is_next && others < most {
            (place.turn, place.since_ms) = (Turn::Begins, now_ms);
        }
        place.turn != Turn::Queued
    }

    /// `ticket` has caught up with the clock.
    pub fn caught_up(&mut self, ticket: Ticket) {
        let place = self.on_air.get_mut(&ticket).filter(|place| place.turn == Turn::Begins);
        place.into_iter().for_each(|place| place.turn = Turn::Paced);
    }

    /// `ticket` waits for a place.
    pub fn wait(&mut self, ticket: Ticket, channel: ChannelId) {
        debug_assert!(!self.on_air.contains_key(&ticket), "who has a place does not wait for one");
        self.waiting.insert(ticket, channel);
    }

    /// `ticket` was sent away.
    pub fn refuse(&mut self) {
        self.refused += 1;
    }

    /// `ticket` is given back.
    pub fn leave(&mut self, ticket: Ticket) {
        self.on_air.remove(&ticket);
        self.waiting.remove(&ticket);
    }

    /// A channel was measured.
    pub fn measured(&mut self, ticket: Ticket, vitals: Vitals, now_ms: i64) {
        let Some(place) = self.on_air.get_mut(&ticket) else { return };
        place.measured = Some(vitals);
        if now_ms - place.since_ms >= SETTLED_MS && vitals.runs > 0 {
            self.experience.learn(&place.profile, &vitals);
            let cores = &mut place.cost.resources.cores;
            *cores += (f64::from(vitals.cpu_percent) / 100.0 - *cores) * NEWEST;
            place.cost.resources.memory_bytes = place.cost.resources.memory_bytes.max(vitals.rss_bytes);
        }
    }

    /// Returns who is on air, longest first.
    pub fn on_air(&self) -> impl Iterator<Item = &Place> {
        self.on_air.values()
    }

    /// Returns who waits, longest first.
    pub fn waiting(&self) -> impl Iterator<Item = ChannelId> {
        self.waiting.values().copied()
    }

    /// Returns how many were sent away.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Returns the memory that channels on air use, as far as it has been measured.
    pub fn memory_bytes(&self) -> u64 {
        self.on_air.values().filter_map(|place| place.measured).map(|vitals| vitals.rss_bytes).sum()
    }

    /// Returns what has been learnt.
    pub fn experience(&self) -> Experience {
        self.experience
    }
}

#[cfg(test)]
mod tests;
