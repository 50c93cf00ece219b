//! A filter, and what it does, so that something else can do it.

use crate::geometry::Size;

/// A filter of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// As FFmpeg reads it.
    pub text: String,
    /// What it does.
    pub kind: Kind,
}

/// What a filter does to pictures. Those that a card may have a filter of its own for say what that one needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Works on pictures in system memory.
    System,
    /// Works on pictures anywhere, because it looks at their times and tags alone.
    Anywhere,
    /// Works on pictures on a card, or moves them there or back.
    Card,
    /// Makes whole pictures of fields.
    Deinterlace,
    /// Makes it larger or smaller.
    Scale {
        /// The sides before it.
        from: Size,
        /// The sides behind it.
        to: Size,
        /// Whether the matrix or the range of its samples changes, too.
        converts: bool,
    },
    /// Makes an HDR picture one of standard range.
    ToneMap,
    /// Puts bars around it.
    Pad {
        /// The sides behind it.
        to: Size,
        /// Width of the left bar.
        left: u32,
        /// Height of the upper bar.
        top: u32,
    },
    /// Says what its samples are.
    Tag,
    /// Holds the last picture for a while.
    Hold,
}

impl Filter {
    /// Returns a filter that works in system memory.
    pub fn system(text: impl Into<String>) -> Self {
        Self::new(text, Kind::System)
    }

    /// Returns a filter that works anywhere.
    pub fn anywhere(text: impl Into<String>) -> Self {
        Self::new(text, Kind::Anywhere)
    }

    /// Returns a filter of this kind.
    pub fn new(text: impl Into<String>, kind: Kind) -> Self {
        Self { text: text.into(), kind }
    }
}

/// Returns `texts` as filters that work in system memory.
pub fn in_system(texts: Vec<String>) -> Vec<Filter> {
    texts.into_iter().map(Filter::system).collect()
}

/// Returns `texts` as filters that work anywhere.
pub fn anywhere(texts: Vec<String>) -> Vec<Filter> {
    texts.into_iter().map(Filter::anywhere).collect()
}

/// Returns the texts of `filters`, as FFmpeg reads a chain.
pub fn written(filters: &[Filter]) -> String {
    filters.iter().map(|filter| filter.text.as_str()).collect::<Vec<_>>().join(",")
}
