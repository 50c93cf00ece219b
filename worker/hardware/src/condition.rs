//! Conditions as data: a field, how it is compared, and with what.
//!
//! Does: decide whether known facts fulfil a condition.
//! Does not: parse expressions; there is no language.
//! Invariant: a fact that is not known fulfils no condition, whatever is asked about it.

use std::{cmp::Ordering, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use crate::{Version, pattern::Pattern};

/// What is known, by field. Fields that profiles may ask about are listed in [`FIELDS`]; `capture.x` is what a probe of the profile captured as `x`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(BTreeMap<String, Fact>);

/// One known thing, or the value that a condition compares with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Fact {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A text, or a version.
    Text(String),
    /// Several, of which a fact may be one (`in`); or that a chain of filters is made of (`has`).
    Several(Vec<Fact>),
}

/// Whether a fact has a certain relation to a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// What is asked about.
    pub field: String,
    /// How it is compared.
    pub op: Operator,
    /// What it is compared with.
    pub value: Fact,
}

/// How a fact is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// The same.
    Eq,
    /// Known and not the same.
    Ne,
    /// Less; texts are compared as versions.
    Lt,
    /// Less or the same.
    Le,
    /// More.
    Gt,
    /// More or the same.
    Ge,
    /// One of several.
    In,
    /// Known and none of several.
    NotIn,
    /// The several that are known have the value among them.
    Has,
    /// Known, and the value is not among them.
    HasNot,
    /// A text in which the regular expression finds something.
    Regex,
    /// A text in which the regular expression finds nothing.
    NotRegex,
}

/// Every field that a condition may ask about, beside `capture.*`.
pub const FIELDS: &[(&str, &str)] = &[
    ("platform", "operating system and processor, \"linux-x86_64\""),
    ("kernel.version", "version of the kernel"),
    ("ffmpeg.version", "version of FFmpeg; that of the release branch for development builds"),
    ("device.node", "path of the device, \"/dev/dri/renderD128\""),
    ("device.vendor", "PCI vendor, \"0x8086\""),
    ("device.id", "PCI device, \"0x4680\""),
    ("device.driver", "kernel driver, \"i915\", \"xe\", \"amdgpu\", \"nvidia\", \"bcm2835-codec\""),
    ("device.name", "what the card calls itself, \"NVIDIA GeForce RTX 3060\""),
    ("device.kind", "\"discrete\", \"integrated\", \"cpu\" or \"virtual\", where that is known"),
    ("device.compatible", "names in the device tree (several), \"brcm,bcm2711\""),
    ("driver.version", "version of the user-space or kernel driver, as the profile's probes capture it"),
    ("driver.name", "vendor text of the driver, \"Intel iHD driver for Intel(R) Gen Graphics - 23.1.1 ()\""),
    ("gpu.sm", "compute capability of an NVIDIA card, \"7.5\""),
    ("in.codec", "codec of the source, FFmpeg's name"),
    ("in.profile", "profile of the source, FFmpeg's name"),
    ("in.depth", "bits a sample of the source"),
    ("in.chroma", "chroma of the source, \"420\""),
    ("in.width", "width of the source"),
    ("in.height", "height of the source"),
    ("in.interlaced", "whether the source may be interlaced"),
    ("in.rotated", "whether the source has to be turned to be upright"),
    ("in.transfer", "transfer of the source, FFmpeg's name"),
    ("in.width_mod_32", "remainder of the source's width by 32"),
    ("in.decoded_on", "\"hardware\" or \"software\": where the source is decoded"),
    ("out.codec", "codec that is made"),
    ("out.depth", "bits a sample that are made"),
    ("out.width", "width that is made"),
    ("out.height", "height that is made"),
    ("chain.has", "filters of the chain (several)"),
    ("chain.ops", "operations of the chain (several): \"scale\", \"overlay\", \"tonemap\""),
    ("chain.overlays", "how many overlays the chain has"),
    ("chain.overlay_at_times", "whether an overlay is shown at times only"),
];

impl Facts {
    /// Notes that `field` is `fact`.
    pub fn set(&mut self, field: impl Into<String>, fact: impl Into<Fact>) {
        self.0.insert(field.into(), fact.into());
    }

    /// Notes `fact` where there is one.
    pub fn set_known(&mut self, field: impl Into<String>, fact: Option<impl Into<Fact>>) {
        if let Some(fact) = fact {
            self.set(field, fact);
        }
    }

    /// Returns what is known about `field`.
    pub fn get(&self, field: &str) -> Option<&Fact> {
        self.0.get(field)
    }

    /// Returns the text that is known about `field`.
    pub fn text(&self, field: &str) -> Option<&str> {
        match self.get(field) {
            Some(Fact::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns these facts and those of `others`, which win.
    pub fn and(&self, others: &Self) -> Self {
        let mut all = self.clone();
        all.0.extend(others.0.iter().map(|(field, fact)| (field.clone(), fact.clone())));
        all
    }

    /// Returns every field and its fact.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Fact)> {
        self.0.iter().map(|(field, fact)| (field.as_str(), fact))
    }
}

impl Condition {
    /// Returns whether what is known fulfils this.
    pub fn holds(&self, facts: &Facts) -> bool {
        facts.get(&self.field).is_some_and(|fact| self.op.relates(fact, &self.value))
    }

    /// Returns why this does not hold, in words for people.
    pub fn unmet(&self, facts: &Facts) -> String {
        let known = facts.get(&self.field).map_or_else(|| "not known".to_owned(), Fact::to_string);
        let (field, relation, value) = (self.field.as_str(), self.op.words(), &self.value);
        let what = match field {
            "ffmpeg.version" => "the version of FFmpeg",
            "kernel.version" => "the version of the kernel",
            "gpu.sm" => "the card's compute capability",
            "driver.name" => "the driver",
            "driver.version" => "the driver's version",
            field => field,
        };
        format!("{what} must be {relation} {value} and is {known}")
    }

    /// Returns whether `conditions` all hold; none at all do.
    pub fn all_hold(conditions: &[Self], facts: &Facts) -> bool {
        conditions.iter().all(|condition| condition.holds(facts))
    }
}

impl Operator {
    fn words(self) -> &'static str {
        match self {
            Self::Eq => "exactly",
            Self::Ne => "anything but",
            Self::Lt => "below",
            Self::Le => "at most",
            Self::Gt => "above",
            Self::Ge => "at least",
            Self::In => "one of",
            Self::NotIn => "none of",
            Self::Has => "something with",
            Self::HasNot => "something without",
            Self::Regex => "like",
            Self::NotRegex => "unlike",
        }
    }

    fn relates(self, fact: &Fact, value: &Fact) -> bool {
        let among = |one: &Fact, several: &Fact| match several {
            Fact::Several(several) => several.contains(one),
            other => other == one,
        };
        match self {
            Self::Eq => same(fact, value),
            Self::Ne => !same(fact, value),
            Self::Lt => compare(fact, value).is_some_and(Ordering::is_lt),
            Self::Le => compare(fact, value).is_some_and(Ordering::is_le),
            Self::Gt => compare(fact, value).is_some_and(Ordering::is_gt),
            Self::Ge => compare(fact, value).is_some_and(Ordering::is_ge),
            Self::In => among(fact, value),
            Self::NotIn => !among(fact, value),
            Self::Has => among(value, fact),
            Self::HasNot => !among(value, fact),
            Self::Regex => finds(fact, value) == Some(true),
            Self::NotRegex => finds(fact, value) == Some(false),
        }
    }
}

/// Patterns are checked when a profile is read; they are few and small, so they are not kept compiled.
fn finds(fact: &Fact, pattern: &Fact) -> Option<bool> {
    match (fact, pattern) {
        (Fact::Text(text), Fact::Text(pattern)) => Some(Pattern::parse(pattern).ok()?.is_match(text)),
        _ => None,
    }
}

fn same(fact: &Fact, value: &Fact) -> bool {
    match (fact, value) {
        (Fact::Text(fact), Fact::Text(value)) => fact.eq_ignore_ascii_case(value),
        (fact, value) => fact == value,
    }
}

fn compare(fact: &Fact, value: &Fact) -> Option<Ordering> {
    match (fact, value) {
        (Fact::Number(fact), Fact::Number(value)) => Some(fact.cmp(value)),
        (Fact::Text(fact), Fact::Text(value)) => Some(Version::parse(fact)?.cmp(&Version::parse(value)?)),
        _ => None,
    }
}

impl std::fmt::Display for Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::Several(several) => {
                f.write_str(&several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl From<bool> for Fact {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i64> for Fact {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Fact {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<&str> for Fact {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Fact {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Fact>> From<Vec<T>> for Fact {
    fn from(several: Vec<T>) -> Self {
        Self::Several(several.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let mut facts = Facts::default();
        facts.set("driver.version", "550.54.14");
        facts.set("in.height", 1080_i64);
        facts.set("in.interlaced", true);
        facts.set("chain.has", vec!["scale_cuda", "overlay_cuda"]);
        facts
    }

    fn holds(field: &str, op: Operator, value: impl Into<Fact>) -> bool {
        Condition { field: field.to_owned(), op, value: value.into() }.holds(&facts())
    }

    #[test]
    fn facts_are_compared_by_what_they_are() {
        assert!(holds("driver.version", Operator::Ge, "550"));
        assert!(!holds("driver.version", Operator::Lt, "550.54.14"));
        assert!(holds("in.height", Operator::In, vec![720_i64, 1080]));
        assert!(holds("in.interlaced", Operator::Eq, true));
        assert!(holds("chain.has", Operator::Has, "overlay_cuda"));
        assert!(holds("chain.has", Operator::HasNot, "pad_cuda"));
        assert!(holds("driver.version", Operator::Regex, r"^550\."));
    }

    #[test]
    fn what_is_not_known_or_of_another_kind_fulfils_nothing() {
        for op in [Operator::Eq, Operator::Ne, Operator::Lt, Operator::NotIn, Operator::HasNot, Operator::Regex] {
            assert!(!holds("gpu.sm", op, "7.5"), "{op:?}");
        }
        assert!(!holds("in.height", Operator::Lt, "2000"));
        assert!(!holds("in.height", Operator::Regex, "10"));
    }
}
