//! Regular expressions that are known to be ones.
//!
//! Invariant: a pattern that exists compiles, and its size is bounded.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// Bytes that a compiled pattern may take; patterns come from users' files.
const SIZE_LIMIT_BYTES: usize = 1024 * 1024;

/// A regular expression; `^` and `$` stand for the ends of a line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// It is no regular expression, or a huge one.
    pub fn parse(text: &str) -> Result<Self, regex::Error> {
        RegexBuilder::new(text).multi_line(true).size_limit(SIZE_LIMIT_BYTES).build().map(Self)
    }

    /// Returns whether it is found in `text`.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// Returns what its first group finds in `text`; all that it finds, where it has no group.
    pub fn capture<'t>(&self, text: &'t str) -> Option<&'t str> {
        let found = self.0.captures(text)?;
        found.get(1).or_else(|| found.get(0)).map(|found| found.as_str().trim())
    }

    /// Returns what its first group finds in `text` each time.
    pub fn capture_all<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let one = |found: regex::Captures<'t>| found.get(1).or_else(|| found.get(0)).map(|found| found.as_str().trim());
        self.0.captures_iter(text).filter_map(one).collect()
    }

    /// Returns how it is written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl TryFrom<String> for Pattern {
    type Error = regex::Error;

    fn try_from(text: String) -> Result<Self, regex::Error> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.as_str().to_owned()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Pattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "A regular expression of the crate regex; `^` and `$` stand for the ends of a line." })
    }
}
