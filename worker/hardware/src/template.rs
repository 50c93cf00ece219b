//! Arguments and filters with places for values.
//!
//! Does: know the closed set of places, find them, fill them in.
//! Does not: quote; a value that is filled in is a number or a name of ours, never a path of somebody's file in a filter.
//! Invariant: a template that exists names known places only, and what is filled in has no braces left.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// A place for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Placeholder {
    /// Which device: its index or its node, as the profile's enumeration names it.
    Device,
    /// Width in samples.
    W,
    /// Height in samples.
    H,
    /// Left.
    X,
    /// Top.
    Y,
    /// Pixel format of the samples.
    Fmt,
    /// Bits a sample.
    Depth,
    /// Mean bit rate, bits a second.
    Bitrate,
    /// Most bits in a second.
    Maxrate,
    /// Decoder buffer, bits.
    Bufsize,
    /// Frames between keyframes.
    Gop,
    /// Pictures a second, "30000/1001".
    Fps,
    /// H.264 or HEVC level, "4.1".
    Level,
    /// Tone mapping curve, "hable".
    Alg,
    /// From 0 to 1.
    Opacity,
    /// Several arguments: the device's `init`. An argument of its own.
    Init,
}

const NAMES: [(&str, Placeholder); 16] = [
    ("device", Placeholder::Device),
    ("w", Placeholder::W),
    ("h", Placeholder::H),
    ("x", Placeholder::X),
    ("y", Placeholder::Y),
    ("fmt", Placeholder::Fmt),
    ("depth", Placeholder::Depth),
    ("bitrate", Placeholder::Bitrate),
    ("maxrate", Placeholder::Maxrate),
    ("bufsize", Placeholder::Bufsize),
    ("gop", Placeholder::Gop),
    ("fps", Placeholder::Fps),
    ("level", Placeholder::Level),
    ("alg", Placeholder::Alg),
    ("opacity", Placeholder::Opacity),
    ("init", Placeholder::Init),
];

impl Placeholder {
    /// Returns its name, without braces.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }
}

/// A text with places for values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(Placeholder),
}

/// What is filled in, by place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<Placeholder, String>);

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A place that does not exist.
    #[error("{{{name}}} is no placeholder; there are {}", known())]
    Unknown {
        /// What stands between the braces.
        name: String,
    },
    /// A brace without its partner.
    #[error("a brace has no partner in {text:?}")]
    Unbalanced {
        /// The whole text.
        text: String,
    },
}

/// A place for which there is no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fill in {template:?}: nothing is known for {{{}}}", .place.name())]
pub struct NoValue {
    /// The place.
    pub place: Placeholder,
    /// The text.
    pub template: String,
}

fn known() -> String {
    NAMES.map(|(name, _)| format!("{{{name}}}")).join(" ")
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// It names a place that does not exist, or has a brace without a partner.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let unbalanced = || TemplateError::Unbalanced { text: text.to_owned() };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or_else(unbalanced)?;
            let place = NAMES.iter().find(|(known, _)| *known == name).map(|(_, place)| *place);
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Place(place.ok_or_else(|| TemplateError::Unknown { name: name.to_owned() })?));
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        let stray = parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains('}')));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        if stray { Err(unbalanced()) } else { Ok(Self { parts }) }
    }

    /// Returns the places in it.
    pub fn places(&self) -> impl Iterator<Item = Placeholder> {
        self.parts.iter().filter_map(|part| match part {
            Part::Place(place) => Some(*place),
            Part::Text(_) => None,
        })
    }

    /// Returns the place that is all there is of it, if it is one.
    pub fn as_place(&self) -> Option<Placeholder> {
        match self.parts.as_slice() {
            [Part::Place(place)] => Some(*place),
            _ => None,
        }
    }

    /// Returns the text with all values filled in.
    ///
    /// # Errors
    /// A place has no value.
    pub fn fill(&self, values: &Values) -> Result<String, NoValue> {
        self.parts.iter().try_fold(String::new(), |mut text, part| {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Place(place) => text
                    .push_str(values.get(*place).ok_or_else(|| NoValue { place: *place, template: self.to_string() })?),
            }
            Ok(text)
        })
    }

    /// Returns all of `templates` with values filled in.
    ///
    /// # Errors
    /// A place has no value.
    pub fn fill_all(templates: &[Self], values: &Values) -> Result<Vec<String>, NoValue> {
        templates.iter().map(|template| template.fill(values)).collect()
    }
}

impl Values {
    /// Returns these with `place` filled by `value`.
    #[must_use]
    pub fn with(mut self, place: Placeholder, value: impl ToString) -> Self {
        self.0.insert(place, value.to_string());
        self
    }

    /// Returns the value of a place.
    pub fn get(&self, place: Placeholder) -> Option<&str> {
        self.0.get(&place).map(String::as_str)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Place(place) => write!(f, "{{{}}}", place.name()),
        })
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        Self::parse(&text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.to_string()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Template {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names = NAMES.map(|(name, _)| name).join("|");
        schemars::json_schema!({
            "type": "string",
            "description": "A text with places for values between braces.",
            "pattern": format!("^([^{{}}]|\\{{({names})\\}})*$"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_the_rest_stays() {
        let template = Template::parse("scale_cuda={w}:{h}:format={fmt}").unwrap();
        let values = Values::default().with(Placeholder::W, 320).with(Placeholder::H, 180);
        let missing = template.fill(&values).unwrap_err();
        assert_eq!(missing.to_string(), "fill in \"scale_cuda={w}:{h}:format={fmt}\": nothing is known for {fmt}");
        let values = values.with(Placeholder::Fmt, "nv12");
        assert_eq!(template.fill(&values).unwrap(), "scale_cuda=320:180:format=nv12");
        assert_eq!(template.to_string(), "scale_cuda={w}:{h}:format={fmt}");
    }

    #[test]
    fn unknown_places_and_lonely_braces_are_refused() {
        let unknown = Template::parse("a={width}").unwrap_err().to_string();
        assert!(unknown.starts_with("{width} is no placeholder; there are {device} {w}"), "{unknown}");
        for text in ["{", "a}", "{w", "{w}}", "{{w}}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
