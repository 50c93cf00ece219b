//! What a strategy may ask of its host.
//!
//! Does: write log lines, and read the pages of a pool.
//! Does not: offer a clock, a file or a random number; the time and the seed stand in the request.
//! Invariant: a handle that outlives its instance does nothing; it never follows a pointer that is gone.

use std::sync::Arc;

use exstreamtv_model::schedule::{PoolPage, PoolPageRequest};
use exstreamtv_plugin_api::{LogLevel, QUERY_POOL_PAGE, Status};

use crate::glue::Link;

/// A handle on the host of one instance. Cheap to clone, and may be kept by the strategy.
#[derive(Debug, Clone)]
pub struct Host {
    link: Option<Arc<Link>>,
}

impl Host {
    /// Returns a handle on no host, for tests that make a strategy by hand: log lines vanish, questions are refused.
    pub fn none() -> Self {
        Self { link: None }
    }

    pub(crate) fn linked(link: Arc<Link>) -> Self {
        Self { link: Some(link) }
    }

    /// Writes a line to the host's log, which names the plugin by itself. From any thread.
    ///
    /// What a viewer of the guide should know belongs into the answer's notes instead.
    pub fn log(&self, level: LogLevel, message: &str) {
        if let Some(link) = &self.link {
            link.log(level, message);
        }
    }

    /// Returns some items of a pool. Only while `plan` runs, on its thread.
    ///
    /// Seldom needed: the pools of a request are already whole when a strategy sees them.
    ///
    /// # Errors
    /// Says why the host gave no page.
    pub fn pool_page(&self, request: &PoolPageRequest) -> Result<PoolPage, QueryError> {
        let link = self.link.as_ref().ok_or(QueryError::NoHost)?;
        let input = serde_json::to_vec(request).map_err(|source| QueryError::Write { source })?;
        let answer = link.query(QUERY_POOL_PAGE, &input)?;
        serde_json::from_slice(&answer).map_err(|source| QueryError::Read { source })
    }
}

/// Why the host gave no answer; reads well after "failed to".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// There is no host, or the instance has ended.
    #[error("ask the host: there is none")]
    NoHost,
    /// The question was asked outside of a call, or on another thread.
    #[error("ask the host: it answers during a call only, on the thread of that call")]
    NotDuringCall,
    /// The question could not be written.
    #[error("write the question to the host")]
    Write {
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The host does not answer.
    #[error("get an answer from the host, which said {status}: {text}")]
    Refused {
        /// How it ended.
        status: Status,
        /// What the host said.
        text: String,
    },
    /// The host's answer is not what the question asks for.
    #[error("read the host's answer")]
    Read {
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}
