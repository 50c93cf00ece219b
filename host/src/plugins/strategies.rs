//! The front that the rest of the host asks: typed questions, checked answers.
//!
//! Does: turn questions into documents and back, check answers, and let the built-in strategies answer where a plugin does not.
//! Does not: know how a plugin is reached; that is the registry.
//! Invariant: a plan, a pick and a proposal never fail; what is returned has passed the check of its contract.

use std::{fmt, sync::Arc};

use exstreamtv_model::{
    incident::{ProposeAnswer, ProposeRequest},
    pick::{AudioAnswer, AudioRequest, SubtitleAnswer, SubtitleRequest},
    schedule::{MAIN_POOL, PlanAnswer, PlanRequest, PoolNeed, PoolSource, Preparation, PrepareRequest},
};
use exstreamtv_plugin_sdk::Scheduler;
use exstreamtv_schedulers::Sequence;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    fallback,
    fault::CallFault,
    plan,
    question::{Limits, NoQueries, Queries, Question},
    registry::{Options, Registry},
    view::{PluginView, RefusedView},
};
use crate::{
    clock::{Clock, SystemClock},
    lifecycle::Lifecycle,
};

/// The strategy of a channel that names none; the host has it built in.
pub const SEQUENCE: &str = Sequence::ID;

/// Which plugins answer what is not asked of one by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Who picks the sound; empty: the built-in picker.
    pub audio_picker: String,
    /// Who picks the subtitles; empty: the built-in picker.
    pub subtitle_picker: String,
    /// Who proposes what to do about an incident; empty: a person is called.
    pub resolver: String,
}

/// Asks strategies. Cheap to clone; all clones share the plugins.
#[derive(Clone)]
pub struct Strategies {
    registry: Arc<Registry>,
    choice: Arc<Choice>,
    life: Lifecycle,
}

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
    /// It gave no answer.
    #[error("ask {strategy} what it needs")]
    Failed {
        /// Which strategy.
        strategy: String,
        /// Why not.
        #[source]
        source: CallFault,
    },
}

impl Strategies {
    /// Returns strategies without any plugin: the built-in ones answer everything.
    pub fn built_in() -> Self {
        let life = Lifecycle::default();
        let registry = Registry::empty(Arc::new(SystemClock), life.clone());
        Self { registry: Arc::new(registry), choice: Arc::default(), life }
    }

    /// Looks for plugins and returns strategies that ask them.
    pub async fn start(options: Options, choice: Choice, clock: Arc<dyn Clock>, life: &Lifecycle) -> Self {
        let safe_mode = options.safe_mode;
        let registry = Registry::open(options, clock, life.clone()).await;
        let chosen = [&choice.audio_picker, &choice.subtitle_picker, &choice.resolver];
        for id in chosen.into_iter().filter(|id| !safe_mode && !id.is_empty() && !registry.has(id)) {
            tracing::warn!(
                plugin.id = id,
                "[plugins] names a plugin that was not found: the built-in strategy answers instead"
            );
        }
        Self { registry: Arc::new(registry), choice: Arc::new(choice), life: life.clone() }
    }

    /// Asks a strategy what its settings need and what is wrong with them. One that does not answer this question draws from the channel's
    /// collection.
    ///
    /// # Errors
    /// If there is no such strategy, or it fails.
    pub async fn prepare(&self, strategy: &str, request: PrepareRequest) -> Result<Preparation, StrategyError> {
        let known = self.registry.has(strategy);
        // The shipped library may be missing or fail; this one strategy the host knows by heart.
        let built_in = (strategy == SEQUENCE).then(|| Sequence.prepare(&request));
        let answer = if known { self.ask(strategy, "prepare", request).await } else { Err(CallFault::UnknownMethod) };
        match (answer, built_in) {
            (Ok(preparation), _) | (Err(_), Some(preparation)) => Ok(preparation),
            (Err(_), None) if !known => Err(StrategyError::Unknown { strategy: strategy.to_owned() }),
            (Err(CallFault::UnknownMethod), None) => Ok(channel_pool()),
            (Err(source), None) => Err(StrategyError::Failed { strategy: strategy.to_owned(), source }),
        }
    }

    /// Asks a strategy for a plan. The request holds all items of all pools, however many; a plugin reads those beyond the first page by itself.
    #[tracing::instrument(name = "plugin.decide", skip_all, fields(plugin.id = strategy, method = "plan"))]
    pub async fn plan(&self, strategy: &str, mut request: PlanRequest) -> Planned {
        let kept = plan::Kept::take(&mut request.state);
        let request = Arc::new(request);
        let why = match self.ask_for_plan(strategy, &request).await {
            Ok(answer) => return Planned { answer, by: strategy.to_owned(), fallback: None },
            Err(why) => why,
        };
        tracing::warn!(channel.id = request.channel, why, "the built-in schedule answers instead of the strategy");
        let asked = strategy.to_owned();
        let answer = self.blocking(move || plan::instead_of(&asked, &request, kept)).await;
        Planned { answer, by: SEQUENCE.to_owned(), fallback: Some(why) }
    }

    async fn ask_for_plan(&self, strategy: &str, request: &Arc<PlanRequest>) -> Result<PlanAnswer, String> {
        if !self.registry.has(strategy) {
            if strategy != SEQUENCE {
                return Err(format!("there is no strategy named {strategy:?}"));
            }
            let request = Arc::clone(request);
            return self.blocking(move || plan::built_in(&request)).await;
        }
        let sent = Arc::clone(request);
        let document = self.blocking(move || plan::document(&sent)).await?;
        let queries: Arc<dyn Queries> = request.clone();
        let question = Question { method: "plan".into(), input: document.into(), limits: Limits::of("plan"), queries };
        let fault = |fault: CallFault| format!("{strategy} failed to {fault}");
        let bytes = self.registry.ask(strategy, question).await.map_err(fault)?;
        let asked = Arc::clone(request);
        let answer = self.blocking(move || plan::read(&bytes, &asked)).await;
        answer.map_err(|text| {
            let invalid = CallFault::Invalid { text };
            self.registry.failed(strategy, &invalid);
            fault(invalid)
        })
    }

    /// Asks the configured picker which sound is played.
    pub async fn pick_audio(&self, request: AudioRequest) -> AudioAnswer {
        let check = |answer: &AudioAnswer, request: &AudioRequest| answer.check(request).map_err(|e| e.to_string());
        let picked = self.ask_and_check(&self.choice.audio_picker, "pick_audio", &request, check).await;
        picked.unwrap_or_else(|| fallback::pick_audio(&request))
    }

    /// Asks the configured picker which subtitles are shown.
    pub async fn pick_subtitle(&self, request: SubtitleRequest) -> SubtitleAnswer {
        let check =
            |answer: &SubtitleAnswer, request: &SubtitleRequest| answer.check(request).map_err(|e| e.to_string());
        let picked = self.ask_and_check(&self.choice.subtitle_picker, "pick_subtitle", &request, check).await;
        picked.unwrap_or_else(|| fallback::pick_subtitle(&request))
    }

    /// Asks the configured resolver what may be done about an incident.
    pub async fn propose(&self, request: ProposeRequest) -> ProposeAnswer {
        let check = |answer: &ProposeAnswer, request: &ProposeRequest| answer.check(request).map_err(|e| e.to_string());
        let proposed = self.ask_and_check(&self.choice.resolver, "propose", &request, check).await;
        proposed.unwrap_or_else(|| fallback::propose(&request))
    }

    /// Puts any document to a plugin and returns its answer as it is, for `plugin call`.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn call(&self, id: &str, method: &str, document: &[u8]) -> Result<Vec<u8>, CallFault> {
        let queries: Arc<dyn Queries> = match serde_json::from_slice::<PlanRequest>(document) {
            Ok(request) if method == "plan" => Arc::new(request),
            _ => Arc::new(NoQueries),
        };
        let question =
            Question { method: method.to_owned(), input: document.into(), limits: Limits::of(method), queries };
        self.registry.ask(id, question).await
    }

    /// Returns every plugin that was found.
    pub fn list(&self) -> Vec<PluginView> {
        self.registry.list()
    }

    /// Returns every library that cannot be used.
    pub fn refused(&self) -> Vec<RefusedView> {
        self.registry.refused()
    }

    /// Returns what a person should look after, in words; nothing if all is well.
    pub fn troubles(&self) -> Vec<String> {
        self.registry.troubles()
    }

    /// Returns whether a plan can be asked of this strategy.
    pub fn is_scheduler(&self, id: &str) -> bool {
        id == SEQUENCE || self.registry.contract(id) == Some("exstreamtv.scheduler/1")
    }

    /// Asks a plugin and checks its answer; `None` where the built-in strategy has to answer.
    async fn ask_and_check<Q, A>(
        &self,
        id: &str,
        method: &str,
        request: &Q,
        check: fn(&A, &Q) -> Result<(), String>,
    ) -> Option<A>
    where
        Q: Serialize + Clone,
        A: DeserializeOwned,
    {
        if id.is_empty() || !self.registry.has(id) {
            tracing::debug!(plugin.id = id, method, "there is no such plugin: the built-in strategy answers");
            return None;
        }
        let answer = self.ask::<Q, A>(id, method, request.clone()).await;
        let checked = answer.and_then(|answer| match check(&answer, request) {
            Ok(()) => Ok(answer),
            Err(text) => {
                let invalid = CallFault::Invalid { text };
                self.registry.failed(id, &invalid);
                Err(invalid)
            }
        });
        checked.inspect_err(|why| tracing::warn!(plugin.id = id, method, %why, "the built-in strategy answers instead of the plugin")).ok()
    }

    /// Asks a plugin; an answer that is not the document that it should be is a failure of the plugin.
    async fn ask<Q: Serialize, A: DeserializeOwned>(&self, id: &str, method: &str, request: Q) -> Result<A, CallFault> {
        // The documents of the model are plain data, which JSON can always hold.
        let input = serde_json::to_vec(&request).unwrap_or_default().into();
        let question =
            Question { method: method.to_owned(), input, limits: Limits::of(method), queries: Arc::new(NoQueries) };
        let bytes = self.registry.ask(id, question).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let invalid = CallFault::Invalid { text: error.to_string() };
            self.registry.failed(id, &invalid);
            invalid
        })
    }

    /// Runs work that may take a while.
    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        match self.life.spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

impl fmt::Debug for Strategies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strategies").field("choice", &self.choice).finish_non_exhaustive()
    }
}

/// What a strategy needs that does not say: the channel's collection.
fn channel_pool() -> Preparation {
    let main = PoolNeed { key: MAIN_POOL.to_owned(), source: PoolSource::Channel };
    Preparation { faults: vec![], pools: vec![main] }
}
