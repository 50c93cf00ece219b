//! What the host says about the past: what was really on air, and what went wrong.
//!
//! Does: read the as-run timeline and the incidents of a channel, and order a restart.
//! Does not: judge them; `air` compares the timeline with pictures.
//! Invariant: everything comes oldest first, as it happened.

use serde::Deserialize;

use super::{Channel, Page, rfc3339};
use crate::host::Host;

/// One stretch of what was on air.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Aired {
    /// First moment.
    pub start_ms: i64,
    /// First moment of what followed.
    pub stop_ms: i64,
    /// "programme", "filler" or "slate".
    pub kind: String,
    /// What was played.
    pub media: Option<String>,
    /// Where in it the stretch began.
    pub in_point_ms: i64,
    /// Why it was a slate.
    pub cause: Option<String>,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Incident {
    /// Why, as a word.
    pub cause: String,
    /// The code that viewers were shown.
    pub code: String,
    /// When it began.
    pub began_ms: i64,
    /// When the programme was back.
    pub ended_ms: Option<i64>,
    /// How often something failed until then.
    pub failures: u32,
    /// What the channel should have shown.
    pub title: String,
}

impl Host {
    /// Returns what a channel really sent between two moments.
    pub fn aired(&self, channel: &Channel, from_ms: i64, to_ms: i64) -> Vec<Aired> {
        let (from, to) = (rfc3339(from_ms), rfc3339(to_ms));
        self.pages(&format!("/api/v1/channels/{}/timeline?to={to}&limit=500&from={from}", channel.id), "from")
    }

    /// Returns the newest incidents of a channel.
    pub fn incidents(&self, channel: &Channel) -> Vec<Incident> {
        let page: Page<Incident> = self.get(&format!("/api/v1/incidents?channel={}&limit=100", channel.id));
        page.items.into_iter().rev().collect()
    }

    /// Orders a restart of a channel.
    ///
    /// # Panics
    /// When it is refused.
    pub fn restart(&self, channel: &Channel) {
        let path = format!("/api/v1/channels/{}/restart", channel.id);
        let answer = self.http.post(self.at(&path)).send().unwrap_or_else(|error| panic!("post {path}: {error}"));
        let (status, text) = (answer.status().as_u16(), answer.text().unwrap_or_default());
        assert_eq!(status, 202, "{path}: {text}");
    }
}
