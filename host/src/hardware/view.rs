//! Video cards as the API shows them.

use exstreamtv_hardware::{Detection, choose, desk::CardStanding};
use serde::Serialize;
use utoipa::ToSchema;

/// What is known about this machine's video cards.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HardwareView {
    /// Whether anything is known yet; finding out begins when the server starts.
    pub known: bool,
    /// What the configuration wishes: "auto", "software", or the id of a profile or a card.
    pub accel: String,
    /// Which of several cards it wishes; empty for any.
    pub device: String,
    /// Ids of the cards that are used, the best first; software is always the last.
    pub used: Vec<String>,
    /// Why the wish is not fulfilled, if it is not.
    pub remark: Option<String>,
    /// How the cards do: sessions, quarantines, and what they failed with lately.
    pub standing: Vec<CardStanding>,
    /// What was found out.
    pub found: Option<Detection>,
}

impl HardwareView {
    /// Returns what is shown of `found`.
    pub fn of(found: Option<&Detection>, accel: &str, device: &str) -> Self {
        let choice = found.map(|found| choose(found, accel, device));
        let used = choice.iter().flat_map(|choice| choice.cards.iter().map(|card| card.id.clone())).collect();
        Self {
            known: found.is_some(),
            accel: accel.to_owned(),
            device: device.to_owned(),
            used,
            remark: choice.and_then(|choice| choice.remark),
            standing: Vec::new(),
            found: found.cloned(),
        }
    }
}
