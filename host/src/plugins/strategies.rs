//! The front that the rest of the host asks: typed questions, checked answers.
//!
//! Does: turn questions into documents and back, check answers, and let the built-in strategies answer where a plugin does not.
//! Does not: know how a plugin is reached; that is [`super::registry`].
//! Invariant: a plan, a pick and a proposal never fail; what is returned has passed the check of its contract.

use exstreamtv_model::{
    pick::{AudioAnswer, AudioRequest, SubtitleAnswer, SubtitleRequest},
    incident::{ProposeAnswer, ProposeRequest},
    schedule::{MAIN_POOL, PlanAnswer, PlanRequest, PoolNeed, PoolSource, Preparation, PrepareRequest},
};

use super::fallback;

/// The strategy of a channel that names none, built into the host.
pub const SEQUENCE: &str = "exstreamtv.sequence";

/// Asks strategies. Cheap to clone; all clones share the plugins.
#[derive(Debug, Clone)]
pub struct Strategies {}

/// A plan, and who made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The plan; it has passed [`PlanAnswer::check`].
    pub answer: PlanAnswer,
    /// Which strategy made it: the one that was asked, or the built-in one.
    pub by: String,
    /// Why the built-in strategy answered, in words for people; `None` where the one that was asked did.
    pub fallback: Option<String>,
}

/// Why a strategy does not say what it needs; fits after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrategyError {
    /// There is no such strategy.
    #[error("find a strategy named {strategy:?}: see `exstreamtv plugin list`")]
    Unknown {
        /// What was asked for.
        strategy: String,
    },
}

impl Strategies {
    /// Returns strategies without any plugin: the built-in ones answer everything.
    pub fn built_in() -> Self {
        Self {}
    }

    /// Asks a strategy what its settings need and what is wrong with them. One that does not answer this question draws from the channel's collection.
    ///
    /// # Errors
    /// If there is no such strategy, or it fails.
    pub async fn prepare(&self, strategy: &str, _request: PrepareRequest) -> Result<Preparation, StrategyError> {
        match strategy {
            SEQUENCE => Ok(channel_pool()),
            other => Err(StrategyError::Unknown { strategy: other.to_owned() }),
        }
    }

    /// Asks a strategy for a plan. The request holds all items of all pools, however many; a plugin reads those beyond the first page by itself.
    pub async fn plan(&self, strategy: &str, request: PlanRequest) -> Planned {
        let why = (strategy != SEQUENCE).then(|| format!("there is no strategy named {strategy:?}"));
        Planned { answer: fallback::plan(&request), by: SEQUENCE.to_owned(), fallback: why }
    }

    /// Asks the configured picker which sound is played.
    pub async fn pick_audio(&self, request: AudioRequest) -> AudioAnswer {
        fallback::pick_audio(&request)
    }

    /// Asks the configured picker which subtitles are shown.
    pub async fn pick_subtitle(&self, request: SubtitleRequest) -> SubtitleAnswer {
        fallback::pick_subtitle(&request)
    }

    /// Asks the configured resolver what may be done about an incident.
    pub async fn propose(&self, request: ProposeRequest) -> ProposeAnswer {
        fallback::propose(&request)
    }
}

/// What a strategy needs that does not say: the channel's collection.
fn channel_pool() -> Preparation {
    let main = PoolNeed { key: MAIN_POOL.to_owned(), source: PoolSource::Channel };
    Preparation { faults: vec![], pools: vec![main] }
}
