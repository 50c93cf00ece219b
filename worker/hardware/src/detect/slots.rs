//! What has to be found out about a card, and the ways in which it may do it.
//!
//! Invariant: a slot that has no way left has a verdict.

use std::collections::VecDeque;

use super::Build;
use crate::{
    Condition, Facts, Profile, Reason, ReasonKind, Verdict,
    profile::{OpKind, RateMode},
};

/// Something that a card may do: decode a codec, say.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slot<K> {
    pub(super) key: K,
    /// Ways that have not been tried, in the order of the profile.
    ways: VecDeque<Way>,
    last: Option<Reason>,
    won: Option<Way>,
}

/// A way of doing it: an entry of the profile's table, and how the rate is controlled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) entry: usize,
    pub(super) rate: Option<RateMode>,
}

/// A codec and bits a sample.
pub(super) type Coded = (String, u8);

impl<K> Slot<K> {
    /// Returns the way that has to be tried next.
    pub(super) fn next_way(&self) -> Option<Way> {
        if self.won.is_some() { None } else { self.ways.front().copied() }
    }

    /// Takes over how the way that was tried went.
    pub(super) fn tried(&mut self, result: Result<(), Reason>) {
        let Some(way) = self.ways.pop_front() else { return };
        match result {
            Ok(()) => self.won = Some(way),
            Err(reason) => {
                // Another way would meet the same obstacle.
                if matches!(reason.kind, ReasonKind::Session | ReasonKind::TimedOut | ReasonKind::Untried) {
                    self.ways.clear();
                }
                self.last = Some(reason);
            }
        }
    }

    /// Gives up on the ways that are left.
    pub(super) fn give_up(&mut self, reason: &Reason) {
        if self.won.is_none() && !self.ways.is_empty() {
            self.ways.clear();
            self.last = Some(reason.clone());
        }
    }

    pub(super) fn won(&self) -> Option<Way> {
        self.won
    }

    pub(super) fn verdict(&self) -> Verdict {
        match (self.won, &self.last) {
            (Some(way), _) => Verdict::Yes { entry: way.entry },
            (None, Some(reason)) => Verdict::No { reason: reason.clone() },
            (None, None) => Verdict::No { reason: Reason::new(ReasonKind::Untried, "it was not tried") },
        }
    }

    /// Adds a way, or notes why it is none.
    fn consider(&mut self, ways: impl IntoIterator<Item = Way>, obstacle: Option<Reason>) {
        match obstacle {
            None => self.ways.extend(ways),
            // The first obstacle is that of the way that would have been taken.
            Some(reason) => self.last = self.last.take().or(Some(reason)),
        }
    }
}

fn slot_of<K: PartialEq>(slots: &mut Vec<Slot<K>>, key: K) -> &mut Slot<K> {
    let at = match slots.iter().position(|slot| slot.key == key) {
        Some(at) => at,
        None => {
            slots.push(Slot { key, ways: VecDeque::new(), last: None, won: None });
            slots.len() - 1
        }
    };
    &mut slots[at]
}

fn unmet(when: &[Condition], facts: &Facts) -> Option<Reason> {
    let unmet = when.iter().find(|condition| !condition.holds(facts))?;
    Some(Reason::new(ReasonKind::Condition, unmet.unmet(facts)))
}

fn unbuilt(build: &Build, kind: &str, name: &str) -> Option<Reason> {
    (!build.has(kind, name))
        .then(|| Reason::new(ReasonKind::Build, format!("this FFmpeg was built without the {kind} {name}")))
}

/// Returns what has to be found out about encoders.
pub(super) fn encoders(profile: &Profile, build: &Build, facts: &Facts) -> Vec<Slot<Coded>> {
    let mut slots = Vec::new();
    for (entry, encode) in profile.encoders.iter().enumerate() {
        let obstacle = unbuilt(build, "encoder", &encode.encoder).or_else(|| unmet(&encode.when, facts));
        for depth in &encode.depth {
            let ways = encode.rate_prefer.iter().map(|rate| Way { entry, rate: Some(*rate) });
            slot_of(&mut slots, (encode.codec.clone(), *depth)).consider(ways, obstacle.clone());
        }
    }
    slots
}

/// Returns what has to be found out about filters.
pub(super) fn ops(profile: &Profile, build: &Build, facts: &Facts) -> Vec<Slot<(OpKind, u8)>> {
    let mut slots = Vec::new();
    for (entry, op) in profile.ops.iter().enumerate() {
        let filters = std::iter::once(&op.filter).chain(&op.also);
        let unbuilt = filters.filter_map(|filter| unbuilt(build, "filter", filter)).next();
        let obstacle = unbuilt.or_else(|| unmet(&op.when, facts));
        for depth in &op.depth {
            slot_of(&mut slots, (op.op, *depth)).consider([Way { entry, rate: None }], obstacle.clone());
        }
    }
    slots
}

/// Returns what has to be found out about decoders.
pub(super) fn decoders(profile: &Profile, build: &Build, facts: &Facts) -> Vec<Slot<Coded>> {
    let mut slots = Vec::new();
    for (entry, decode) in profile.decoders.iter().enumerate() {
        let unbuilt = decode.decoder.as_ref().and_then(|decoder| unbuilt(build, "decoder", decoder));
        let obstacle = unbuilt.or_else(|| unmet(&decode.when, facts));
        for (codec, depth) in
            decode.codecs.iter().flat_map(|codec| decode.depth.iter().map(move |depth| (codec, *depth)))
        {
            slot_of(&mut slots, (codec.clone(), depth)).consider([Way { entry, rate: None }], obstacle.clone());
        }
    }
    slots
}
