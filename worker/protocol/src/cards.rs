//! Video cards, as far as host and worker speak of them.

use exstreamtv_model::order::CardRung;
use serde::{Deserialize, Serialize};

/// Which cards runs may use. What was found out is in the words of whoever found it out; this protocol only carries it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cards {
    /// Hardware profiles that override shipped ones or add to them.
    pub profiles: Vec<ProfileText>,
    /// What each card was seen to do: a list of `Capabilities`, as JSON.
    pub found: serde_json::Value,
    /// Quirks that somebody switched off.
    pub disabled_quirks: Vec<String>,
}

/// A hardware profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileText {
    /// Where it comes from, for messages.
    pub name: String,
    /// TOML.
    pub text: String,
}

/// What a card has to do with a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardPart {
    /// Its id.
    pub card: String,
    /// How much it was asked to do; less may have come of it.
    pub rung: CardRung,
    /// Whether it decodes.
    pub decodes: bool,
    /// Whether it encodes.
    pub encodes: bool,
    /// What is done where, in order.
    pub steps: Vec<PlanStep>,
}

/// One step of a plan, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// What is done.
    pub what: String,
    /// Who does it: a card's id, "processor", or "nobody".
    pub who: String,
    /// Arguments or filters.
    pub how: String,
    /// Why it is done there and so.
    pub why: String,
}
