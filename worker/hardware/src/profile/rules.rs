//! The tables about limits, quirks, failures and what is done about them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{OpKind, RateMode};
use crate::{Condition, Facts, Version, pattern::Pattern};

/// How many encoders may run at once.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SessionLimit {
    /// What is counted together.
    pub scope: Scope,
    /// The most where nothing else is known.
    pub default: u32,
    /// The most by the driver's version; the first that fits counts.
    #[serde(default)]
    pub by_driver: Vec<DriverLimit>,
    /// When there is no limit; all must hold.
    #[serde(default)]
    pub unlimited_if: Vec<Condition>,
    /// Whether a failure of class "session" lowers it for an hour.
    #[serde(default)]
    pub learn: bool,
    /// What is done with one more.
    pub on_full: OnFull,
    /// Who says so.
    pub source: String,
}

/// The most by the driver's version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DriverLimit {
    /// For drivers below this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lt: Option<String>,
    /// For drivers from this version on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ge: Option<String>,
    /// The most.
    pub max: u32,
}

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All cards and all processes of the machine.
    System,
    /// Each card.
    Device,
}

/// What is done with one encoder more than may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnFull {
    /// It encodes in software.
    Software,
    /// It waits.
    Wait,
    /// It takes another card, or software where there is none.
    NextDevice,
}

/// Something that goes wrong under some circumstances, and what is done about it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Quirk {
    /// Its name, by which it can be switched off.
    pub id: String,
    /// What goes wrong.
    pub title: String,
    /// When; all must hold.
    pub when: Vec<Condition>,
    /// What is done about it.
    pub set: Effect,
    /// Who says so.
    pub source: String,
}

/// What is done about a quirk.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Effect {
    /// The source is decoded in software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode: Option<Software>,
    /// The picture is encoded in software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encode: Option<Software>,
    /// These are done in software.
    pub ops: BTreeMap<OpKind, Software>,
    /// Arguments in front of the input, behind the decoder's.
    pub decode_args: Vec<String>,
    /// Arguments of the encoder, behind its own.
    pub encode_args: Vec<String>,
    /// Options of the encoder that are left out with their values ("-b_ref_mode").
    pub encode_without: Vec<String>,
    /// Bitstream filters behind the encoder, after its own.
    pub encode_bsf: Vec<String>,
    /// Filters right behind the decoder or its upload.
    pub after_decode: Vec<String>,
    /// Filters right behind each download.
    pub after_download: Vec<String>,
    /// Filters in front of the tone mapping.
    pub before_tonemap: Vec<String>,
    /// Colour tags are written again in front of the encoder.
    pub retag: bool,
    /// How the rate is controlled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateMode>,
    /// Environment of FFmpeg.
    pub env: BTreeMap<String, String>,
    /// The whole card is of no use; why, in words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
}

/// "software".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Software {
    /// Not by the card.
    Software,
}

/// What words of FFmpeg mean.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The words.
    pub regex: Pattern,
    /// What failed.
    pub class: FailureClass,
    /// What it means, in words for people; fits after "no: ".
    pub because: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The card, or its driver.
    Device,
    /// The encoder, for every source.
    Encoder,
    /// Too many encoders at once.
    Session,
    /// Driver and FFmpeg do not understand each other.
    Version,
    /// A filter, for this chain.
    Filter,
    /// The decoder, for this source.
    Decode,
    /// The file is damaged.
    Media,
    /// The file cannot be opened.
    Input,
    /// A disk is full.
    Disk,
    /// Nobody knows.
    Unknown,
}

impl FailureClass {
    /// Returns whether less hardware may help.
    pub fn falls_back(self) -> bool {
        !matches!(self, Self::Media | Self::Input | Self::Disk)
    }
}

/// What is tried when something fails.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// In this order.
    pub rungs: Vec<Rung>,
    /// How long a rung that failed for a kind of source is not tried again.
    pub remember_s: u64,
    /// When a card is left alone.
    pub quarantine: Quarantine,
}

/// How much the card does.
pub use exstreamtv_model::order::CardRung as Rung;

/// When a card is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// After so many failures.
    pub after: u32,
    /// Of these classes.
    pub classes: Vec<FailureClass>,
    /// For so long, the first time, the second time, …; the last one counts from then on.
    pub backoff_s: Vec<u64>,
}

impl Effect {
    /// Adds what another quirk does; where both say something that can be said once, this one stays.
    pub fn add(&mut self, other: &Self) {
        self.decode = self.decode.or(other.decode);
        self.encode = self.encode.or(other.encode);
        self.rate = self.rate.or(other.rate);
        self.retag |= other.retag;
        self.unusable = self.unusable.take().or_else(|| other.unusable.clone());
        self.ops.extend(&other.ops);
        self.env.extend(other.env.clone());
        let lists = [
            (&mut self.decode_args, &other.decode_args),
            (&mut self.encode_args, &other.encode_args),
            (&mut self.encode_without, &other.encode_without),
            (&mut self.encode_bsf, &other.encode_bsf),
            (&mut self.after_decode, &other.after_decode),
            (&mut self.after_download, &other.after_download),
            (&mut self.before_tonemap, &other.before_tonemap),
        ];
        for (ours, theirs) in lists {
            ours.extend(theirs.iter().cloned());
        }
    }

    /// Returns an encoder's arguments with what is left out and what comes behind.
    pub fn on_encoder(&self, args: Vec<String>) -> Vec<String> {
        let mut kept = Vec::new();
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            if self.encode_without.contains(&arg) {
                // Its value goes with it.
                _ = args.next();
            } else {
                kept.push(arg);
            }
        }
        kept.extend(self.encode_args.iter().cloned());
        kept
    }
}

impl SessionLimit {
    /// Returns how many may run under these facts; `None` where there is no limit.
    pub fn under(&self, facts: &Facts) -> Option<u32> {
        if !self.unlimited_if.is_empty() && Condition::all_hold(&self.unlimited_if, facts) {
            return None;
        }
        let driver = facts.text("driver.version").and_then(Version::parse);
        let row = driver.and_then(|driver| self.by_driver.iter().find(|row| row.covers(&driver)));
        Some(row.map_or(self.default, |row| row.max))
    }
}

impl DriverLimit {
    fn covers(&self, driver: &Version) -> bool {
        let version = |text: &Option<String>| text.as_deref().and_then(Version::parse);
        version(&self.lt).is_none_or(|below| *driver < below) && version(&self.ge).is_none_or(|from| *driver >= from)
    }
}
