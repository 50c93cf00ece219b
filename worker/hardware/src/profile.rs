//! Hardware profiles: what a family of cards is, needs, can do and gets wrong, as data.
//!
//! Does: define the tables of a profile file, and a profile as it is when everything it inherits and everything that a user overrides is in place.
//! Does not: know a card; what is here is promised by the family, and [`crate::detect`] finds out what a card keeps of it.
//! Invariant: a [`Profile`] has passed every check of [`crate::profiles`].

mod coding;
mod device;
mod filtering;
mod rules;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use coding::{Decode, Encode, RateMode, Where};
pub use device::{Build, Capture, Device, Enumerate, Evidence, Exclusion, Expectation, Needs, Probe, Smoke};
pub use filtering::{Formats, Op, OpKind, Surface, SurfaceMap};
pub use rules::{
    DriverLimit, Effect, Failure, FailureClass, Fallback, OnFull, Quarantine, Quirk, Rung, Scope, SessionLimit,
    Software,
};

/// The version of the file format.
pub const SCHEMA: u32 = 1;

/// A profile file. What it leaves out it has from the profile that it `inherits`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProfileFile {
    /// Version of the format: 1.
    pub schema: u32,
    /// Its name in commands and configurations; lower case letters, digits and dashes. A user's file with the id of a shipped one overrides its tables.
    pub id: String,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The id of the profile whose tables it has where it has none of its own. Its quirks and failures come before the inherited ones, and a quirk
    /// replaces the inherited one with the same id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherits: Option<String>,
    /// Whether it exists to be inherited from and is no card's profile.
    #[serde(default, rename = "abstract", skip_serializing_if = "std::ops::Not::not")]
    pub is_abstract: bool,
    /// Where it can work: "linux", "linux-x86_64", "macos-aarch64", "windows-x86_64".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platforms: Option<Vec<String>>,
    /// Profiles of a higher rank are tried first; one of rank 0 is used only when it is chosen by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// How its devices are found and opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// What of FFmpeg it uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
    /// What is asked before anything is decoded or encoded, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<Vec<Probe>>,
    /// How decoders, filters and encoders are tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smoke: Option<Smoke>,
    /// Where the card keeps its pictures; none for one that works on system memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surface: Option<Surface>,
    /// Decoders; the first that fits is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode: Option<Vec<Decode>>,
    /// Filters; the first that fits is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<Vec<Op>>,
    /// Encoders; the first that fits is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encode: Option<Vec<Encode>>,
    /// Limits on what runs at once, by the name that encoders call them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<BTreeMap<String, SessionLimit>>,
    /// What goes wrong, when, and what is done about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quirk: Option<Vec<Quirk>>,
    /// What FFmpeg's words mean; the first that matches counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Vec<Failure>>,
    /// What is tried when something fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
}

/// A profile with everything in place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// Its name in commands and configurations.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Where it can work.
    pub platforms: Vec<String>,
    /// Profiles of a higher rank are tried first; one of rank 0 is used only when it is chosen by name.
    pub rank: u32,
    /// How its devices are found and opened.
    pub device: Device,
    /// What of FFmpeg it uses.
    pub build: Build,
    /// What is asked before anything is decoded or encoded, in order.
    pub probes: Vec<Probe>,
    /// How decoders, filters and encoders are tried.
    pub smoke: Smoke,
    /// Where the card keeps its pictures; none for one that works on system memory.
    pub surface: Option<Surface>,
    /// Decoders; the first that fits is used.
    pub decoders: Vec<Decode>,
    /// Filters; the first that fits is used.
    pub ops: Vec<Op>,
    /// Encoders; the first that fits is used.
    pub encoders: Vec<Encode>,
    /// Limits on what runs at once.
    pub limits: BTreeMap<String, SessionLimit>,
    /// What goes wrong, when, and what is done about it.
    pub quirks: Vec<Quirk>,
    /// What FFmpeg's words mean; the first that matches counts.
    pub failures: Vec<Failure>,
    /// What is tried when something fails.
    pub fallback: Fallback,
}

impl Profile {
    /// Returns whether it can work on `platform` ("linux-x86_64").
    pub fn fits(&self, platform: &str) -> bool {
        let is_of = |place: &String| {
            platform.strip_prefix(place.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        self.platforms.iter().any(is_of)
    }

    /// Returns whether it works without a card.
    pub fn is_software(&self) -> bool {
        self.device.enumerate == Enumerate::None
    }

    /// Returns what goes wrong under these facts, in the order of the profile; `disabled` are ids of quirks that somebody switched off.
    pub fn quirks_under<'a>(
        &'a self,
        facts: &'a crate::Facts,
        disabled: &'a [String],
    ) -> impl Iterator<Item = &'a Quirk> {
        let applies =
            move |quirk: &&Quirk| !disabled.contains(&quirk.id) && crate::Condition::all_hold(&quirk.when, facts);
        self.quirks.iter().filter(applies)
    }

    /// Returns what is done about all that goes wrong under these facts.
    pub fn effect_under(&self, facts: &crate::Facts, disabled: &[String]) -> Effect {
        let mut effect = Effect::default();
        self.quirks_under(facts, disabled).for_each(|quirk| effect.add(&quirk.set));
        effect
    }

    /// Returns what FFmpeg's words mean, if they mean something.
    pub fn failure_in(&self, stderr: &str) -> Option<&Failure> {
        self.failures.iter().find(|failure| failure.regex.is_match(stderr))
    }
}
