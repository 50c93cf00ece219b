//! Golden pairs of request and answer, as they stand in `plugins/vectors`.
//!
//! Does: read a pair, and play it through the exported functions.
//! Does not: read files; the test does.
//! Invariant: a pair that passes gave, byte for byte of meaning, the answer that is written down.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Plugins, Refusal, TestHost};

/// A request and the answer that a plugin has to give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// The plugin's id.
    pub plugin: String,
    /// The method.
    pub method: String,
    /// What is asked.
    pub request: Value,
    /// What is answered.
    pub response: Value,
}

/// Why a vector did not pass; reads well after "failed to".
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum VectorFault {
    /// There was no answer.
    #[error("play {method} of {plugin}")]
    NoAnswer {
        /// Which plugin.
        plugin: String,
        /// Which method.
        method: String,
        /// What it said.
        #[source]
        source: Refusal,
    },
    /// There was another answer.
    #[error("get the expected answer to {method} of {plugin}: got {found}")]
    Differs {
        /// Which plugin.
        plugin: String,
        /// Which method.
        method: String,
        /// What was answered.
        found: Box<Value>,
    },
}

impl Vector {
    /// Reads a vector.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Returns what the plugin answers now.
    ///
    /// # Errors
    /// Gives what the plugin said.
    pub fn answer(&self, plugins: Plugins) -> Result<Value, Refusal> {
        plugins.create(&self.plugin, b"", TestHost::default())?.ask(&self.method, &self.request)
    }

    /// Plays the request and compares the answer.
    ///
    /// # Errors
    /// Says what came instead.
    pub fn replay(&self, plugins: Plugins) -> Result<(), VectorFault> {
        let (plugin, method) = (self.plugin.clone(), self.method.clone());
        match self.answer(plugins) {
            Ok(found) if found == self.response => Ok(()),
            Ok(found) => Err(VectorFault::Differs { plugin, method, found: Box::new(found) }),
            Err(source) => Err(VectorFault::NoAnswer { plugin, method, source }),
        }
    }
}
