//! What was found out about this machine: cards, what each can do, and why not.
//!
//! Does: hold the answers, and answer questions of those who plan.
//! Does not: find anything out; that is [`crate::detect`].
//! Invariant: whatever a card cannot do has a [`Reason`].

use serde::{Deserialize, Serialize};

use crate::{
    Condition, Facts, Profile,
    profile::{FailureClass, OpKind, RateMode},
};

/// What was found out about a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Detection {
    /// What FFmpeg calls its version.
    pub ffmpeg: Option<String>,
    /// "linux-x86_64".
    pub platform: String,
    /// Version of the kernel.
    pub kernel: Option<String>,
    /// Every card under every profile that is for such a card, those first that are tried first; software among them.
    pub cards: Vec<Capabilities>,
    /// Profiles for which there is no card.
    pub absent: Vec<Absent>,
}

/// A profile for which there is no card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Absent {
    /// Its id.
    pub profile: String,
    /// Its name for people.
    pub title: String,
    /// Why there is none.
    pub reason: Reason,
}

/// What a card can do under a profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Capabilities {
    /// Which card and how it is used: "cuda:0", "vaapi-intel:/dev/dri/renderD128", "software".
    pub id: String,
    /// The profile's id.
    pub profile: String,
    /// The profile's name for people.
    pub title: String,
    /// What `{device}` stands for; empty where there is only one.
    pub device: String,
    /// What the card calls itself.
    pub name: Option<String>,
    /// Its driver, as it calls itself.
    pub driver: Option<String>,
    /// Why the card is of no use at all, if it is of none.
    pub unusable: Option<Reason>,
    /// What it decodes, and what not.
    pub decoders: Vec<Decoding>,
    /// What it does to pictures, and what not.
    pub ops: Vec<Filtering>,
    /// What it encodes, and what not.
    pub encoders: Vec<Encoding>,
    /// What is known about card and driver; quirks depend on it.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, serde_json::Value>))]
    pub facts: Facts,
    /// How many encoders may run at once, by the profile's name of the limit; absent ones have no limit.
    pub session_limits: std::collections::BTreeMap<String, u32>,
}

/// Whether a codec is decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Decoding {
    /// FFmpeg's name.
    pub codec: String,
    /// Bits a sample.
    pub depth: u8,
    /// Whether it is, and how.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Whether something is done to pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Filtering {
    /// What.
    pub op: OpKind,
    /// Bits a sample.
    pub depth: u8,
    /// Whether it is, and how.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Whether a codec is encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Encoding {
    /// FFmpeg's name.
    pub codec: String,
    /// Bits a sample.
    pub depth: u8,
    /// How the rate is controlled, where it is.
    pub rate: Option<RateMode>,
    /// Whether it is, and how.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Yes, or no with a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It was seen to.
    Yes {
        /// Which entry of the profile's table, counted from 0.
        entry: usize,
    },
    /// It does not.
    No {
        /// Why.
        reason: Reason,
    },
}

/// Why something is not there, in words for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reason {
    /// What kind of reason it is.
    pub kind: ReasonKind,
    /// Why; fits after "no: ".
    pub because: String,
    /// What to do about it.
    pub advice: Option<String>,
    /// The words of FFmpeg or of the system that show it.
    pub evidence: Option<String>,
}

/// What kind of reason it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// The profile is for other systems.
    Platform,
    /// There is no such device.
    NoDevice,
    /// It is no hardware.
    NotHardware,
    /// This user may not open it.
    Permission,
    /// FFmpeg was built without it.
    Build,
    /// It needs something newer, or another card.
    Condition,
    /// It is known to go wrong.
    Quirk,
    /// It cannot be tried on this machine.
    Untried,
    /// It did not answer in time.
    TimedOut,
    /// It says that it did it and did not.
    Lie,
    /// The card or its driver.
    Device,
    /// The encoder.
    Encoder,
    /// No encoding session is free now; it may be later.
    Session,
    /// Driver and FFmpeg do not fit.
    Version,
    /// A filter.
    Filter,
    /// The decoder.
    Decode,
    /// Nobody knows.
    Unknown,
}

impl From<FailureClass> for ReasonKind {
    fn from(class: FailureClass) -> Self {
        match class {
            FailureClass::Device => Self::Device,
            FailureClass::Encoder => Self::Encoder,
            FailureClass::Session => Self::Session,
            FailureClass::Version => Self::Version,
            FailureClass::Filter => Self::Filter,
            FailureClass::Decode => Self::Decode,
            FailureClass::Media | FailureClass::Input | FailureClass::Disk | FailureClass::Unknown => Self::Unknown,
        }
    }
}

impl ReasonKind {
    /// Returns whether the same question may have another answer in a while, without anything having been changed.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Session | Self::TimedOut)
    }
}

impl Reason {
    /// Returns a reason without advice or evidence.
    pub fn new(kind: ReasonKind, because: impl Into<String>) -> Self {
        Self { kind, because: because.into(), advice: None, evidence: None }
    }

    /// Returns it with what to do about it.
    #[must_use]
    pub fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// Returns it with the words that show it.
    #[must_use]
    pub fn shown_by(self, evidence: impl Into<String>) -> Self {
        Self { evidence: Some(evidence.into()), ..self }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.because)?;
        self.advice.iter().try_for_each(|advice| write!(f, "; {advice}"))
    }
}

impl Verdict {
    /// Returns which entry of the profile's table does it.
    pub fn entry(&self) -> Option<usize> {
        match self {
            Self::Yes { entry } => Some(*entry),
            Self::No { .. } => None,
        }
    }

    /// Returns why not.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Yes { .. } => None,
            Self::No { reason } => Some(reason),
        }
    }
}

impl Capabilities {
    /// Returns a card that keeps all that its profile promises under `facts`. For tests and for software; a card has to be seen.
    pub fn promised(profile: &Profile, device: &str, facts: Facts) -> Self {
        let all = |when: &[Condition]| Condition::all_hold(when, &facts);
        let mut decoders: Vec<Decoding> = Vec::new();
        for (entry, decode) in profile.decoders.iter().enumerate().filter(|(_, decode)| all(&decode.when)) {
            for (codec, depth) in decode.codecs.iter().flat_map(|c| decode.depth.iter().map(move |d| (c, *d))) {
                if decoders.iter().all(|known| known.codec != *codec || known.depth != depth) {
                    decoders.push(Decoding { codec: codec.clone(), depth, verdict: Verdict::Yes { entry } });
                }
            }
        }
        let mut ops: Vec<Filtering> = Vec::new();
        for (entry, op) in profile.ops.iter().enumerate().filter(|(_, op)| all(&op.when)) {
            for depth in &op.depth {
                if ops.iter().all(|known| known.op != op.op || known.depth != *depth) {
                    ops.push(Filtering { op: op.op, depth: *depth, verdict: Verdict::Yes { entry } });
                }
            }
        }
        let mut encoders: Vec<Encoding> = Vec::new();
        for (entry, encode) in profile.encoders.iter().enumerate().filter(|(_, encode)| all(&encode.when)) {
            for depth in &encode.depth {
                if encoders.iter().all(|known| known.codec != encode.codec || known.depth != *depth) {
                    let (codec, rate) = (encode.codec.clone(), encode.rate_prefer.first().copied());
                    encoders.push(Encoding { codec, depth: *depth, rate, verdict: Verdict::Yes { entry } });
                }
            }
        }
        Self { decoders, ops, encoders, ..Self::unknown(profile, device, facts) }
    }

    /// Returns a card about which nothing is known yet.
    pub fn unknown(profile: &Profile, device: &str, facts: Facts) -> Self {
        let limit =
            |(name, limit): (&String, &crate::profile::SessionLimit)| Some((name.clone(), limit.under(&facts)?));
        Self {
            id: card_id(&profile.id, device),
            profile: profile.id.clone(),
            title: profile.title.clone(),
            device: device.to_owned(),
            name: facts.text("device.name").map(str::to_owned),
            driver: facts.text("driver.name").or_else(|| facts.text("driver.version")).map(str::to_owned),
            unusable: None,
            decoders: Vec::new(),
            ops: Vec::new(),
            encoders: Vec::new(),
            session_limits: profile.limits.iter().filter_map(limit).collect(),
            facts,
        }
    }

    /// Returns the entry of the profile's table that decodes this.
    pub fn decoder(&self, codec: &str, depth: u8) -> Option<usize> {
        let found = self.decoders.iter().find(|known| known.codec == codec && known.depth == depth);
        found.and_then(|known| known.verdict.entry())
    }

    /// Returns the entry of the profile's table that does this.
    pub fn op(&self, op: OpKind, depth: u8) -> Option<usize> {
        let found = self.ops.iter().find(|known| known.op == op && known.depth == depth);
        found.and_then(|known| known.verdict.entry())
    }

    /// Returns the entry of the profile's table that encodes this, and how the rate is controlled.
    pub fn encoder(&self, codec: &str, depth: u8) -> Option<(usize, RateMode)> {
        let found = self.encoders.iter().find(|known| known.codec == codec && known.depth == depth)?;
        Some((found.verdict.entry()?, found.rate?))
    }

    /// Returns whether it can do anything at all.
    pub fn is_useful(&self) -> bool {
        let can = self.verdicts().any(|verdict| verdict.entry().is_some());
        self.unusable.is_none() && can
    }

    /// Returns every verdict about it.
    pub fn verdicts(&self) -> impl Iterator<Item = &Verdict> {
        let decoders = self.decoders.iter().map(|known| &known.verdict);
        let ops = self.ops.iter().map(|known| &known.verdict);
        decoders.chain(ops).chain(self.encoders.iter().map(|known| &known.verdict))
    }
}

impl Detection {
    /// Returns whether asking again would give the same answers, as long as nothing is changed.
    pub fn is_settled(&self) -> bool {
        let reasons =
            self.cards.iter().flat_map(|card| card.unusable.iter().chain(card.verdicts().filter_map(Verdict::reason)));
        reasons.into_iter().all(|reason| !reason.kind.may_pass())
    }

    /// Returns the card that is called `id`, or the first one under the profile `id`.
    pub fn card(&self, id: &str) -> Option<&Capabilities> {
        let named = self.cards.iter().find(|card| card.id == id);
        named.or_else(|| self.cards.iter().find(|card| card.profile == id))
    }
}

fn card_id(profile: &str, device: &str) -> String {
    if device.is_empty() { profile.to_owned() } else { format!("{profile}:{device}") }
}
