//! `[supervision]`: how many channels may be on air, and what is kept about failures.

use serde::{Deserialize, Serialize};

/// How many channels may be on air, and what is kept about failures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Supervision {
    /// The most channels on air at once; 0 lets the machine decide by what channels cost it.
    pub max_channels_on_air: u32,
    /// What a viewer gets whose channel finds no room.
    pub when_full: WhenFull,
    /// The most dossiers of failures that are kept; 0 keeps none.
    pub dossiers_kept: usize,
    /// The most that all of them take.
    pub dossiers_bytes: u64,
}

/// What a viewer gets whose channel finds no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// The slate, and the programme as soon as there is room.
    Slate,
    /// An answer that says when to come back (503 with Retry-After).
    Refuse,
}

impl Default for Supervision {
    fn default() -> Self {
        Self { max_channels_on_air: 0, when_full: WhenFull::Slate, dossiers_kept: 50, dossiers_bytes: 100_000_000 }
    }
}
