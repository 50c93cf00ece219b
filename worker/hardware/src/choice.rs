//! Which of the cards that were found are used.
//!
//! Does: turn what somebody wishes (`accel`, `device`) into cards, the best first.
//! Does not: count sessions or spread channels over cards.
//! Invariant: software is always the last choice, whatever is wished.

use crate::{Capabilities, Detection, profiles::SOFTWARE};

/// Stands for the best that there is.
pub const AUTO: &str = "auto";

/// What is used, and what has to be said about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice<'d> {
    /// The best first; software last.
    pub cards: Vec<&'d Capabilities>,
    /// Why a wish was not fulfilled, if it was not.
    pub remark: Option<String>,
}

/// Returns what is used. `accel` is "auto", "software", the id of a profile or that of a card; `device` is empty, or what tells several cards
/// under a profile apart: an index or a node.
pub fn choose<'d>(found: &'d Detection, accel: &str, device: &str) -> Choice<'d> {
    let software = found.cards.iter().filter(|card| card.profile == SOFTWARE);
    let wished: Vec<&Capabilities> = match accel {
        SOFTWARE => Vec::new(),
        AUTO => automatic(found),
        id => found.cards.iter().filter(|card| card.id == id || card.profile == id).collect(),
    };
    let of_device = |card: &&&Capabilities| device.is_empty() || card.device == device || node(card) == Some(device);
    let able = |card: &&&Capabilities| card.is_useful() && card.profile != SOFTWARE;
    let cards: Vec<&Capabilities> = wished.iter().filter(of_device).filter(able).copied().collect();
    let remark = cards.is_empty().then(|| remark(found, accel, device, &wished)).flatten();
    Choice { cards: cards.into_iter().chain(software).collect(), remark }
}

/// Cards that encode, each under the first of its profiles; those behind software are used only when somebody asks for them.
fn automatic(found: &Detection) -> Vec<&Capabilities> {
    let mut cards: Vec<&Capabilities> = Vec::new();
    for card in found.cards.iter().take_while(|card| card.profile != SOFTWARE) {
        let encodes = card.encoders.iter().any(|known| known.verdict.entry().is_some());
        let known = node(card).is_some_and(|here| cards.iter().any(|other| node(other) == Some(here)));
        if encodes && card.unusable.is_none() && !known {
            cards.push(card);
        }
    }
    cards
}

fn node(card: &Capabilities) -> Option<&str> {
    card.facts.text("device.node")
}

fn remark(found: &Detection, accel: &str, device: &str, wished: &[&Capabilities]) -> Option<String> {
    if accel == SOFTWARE || (accel == AUTO && device.is_empty()) {
        return None;
    }
    let unusable = wished.iter().find_map(|card| card.unusable.as_ref());
    let absent = found.absent.iter().find(|absent| absent.profile == accel).map(|absent| &absent.reason);
    let why = match unusable.or(absent) {
        Some(reason) => reason.to_string(),
        None if wished.is_empty() => "there is no such card".to_owned(),
        None => "no such card can be used".to_owned(),
    };
    let of = if device.is_empty() { String::new() } else { format!(", device = {device}") };
    Some(format!("software is used instead of accel = {accel}{of}: {why}"))
}
