//! Mends what is wrong, as far as it may.
//!
//! Does: keep the resolver of `exstreamtv_healing` and what it remembers, and answer for it.
//! Does not: look or act; the [`healer`] does, beside everybody else.
//! Invariant: whatever was done, asked or learnt is in the database, and survives a restart.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use exstreamtv_healing::resolver::{
    CaseView, Memory, Resolver,
    approval::{Approval, ApprovalId, DecideError, Verdict},
    limits::Settings,
    posterior::{Record, Trial, prior},
};
use exstreamtv_store::{Store, StoreError};
use serde::Serialize;
use tokio::{sync::Notify, time::Instant};
use utoipa::ToSchema;

use crate::clock::Clock;

pub mod hands;
pub mod healer;
mod machine;
pub mod memory;
mod person;
mod probe;
mod scribe;
pub mod signs;

/// The healer, for whoever asks or answers. Cheap to clone.
#[derive(Clone)]
pub struct Healing {
    shared: Arc<Shared>,
}

struct Shared {
    resolver: Mutex<Resolver>,
    store: Store,
    /// Wall time at a moment: the healer's own time never goes back.
    began: (i64, Instant),
    wake: Notify,
}

/// How the healer stands, for people.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HealingView {
    /// The settings in force.
    pub settings: Settings,
    /// Automatic fixes in the last hour.
    pub fixes_in_last_hour: usize,
    /// What is wrong now, and what is done about it.
    pub cases: Vec<CaseView>,
    /// What was learnt.
    pub posteriors: Vec<PosteriorView>,
    /// Questions that wait for a person.
    pub pending_approvals: usize,
}

/// What is believed of a deed under some circumstances.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PosteriorView {
    /// What was tried.
    #[serde(flatten)]
    pub trial: Trial,
    /// What came of it.
    #[serde(flatten)]
    pub record: Record,
    /// What was believed before anybody tried.
    pub prior: f64,
    /// What is believed now.
    pub confidence: f64,
}

/// Why an answer is not taken; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// It cannot be.
    #[error(transparent)]
    Decide(#[from] DecideError),
    /// It cannot be written down.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Healing {
    /// Remembers what is known from before.
    pub async fn open(store: Store, clock: &dyn Clock, settings: Settings) -> Self {
        let now_ms = clock.now().timestamp_millis();
        let memory = memory::load(&store, now_ms).await.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "the healer remembers nothing");
            Memory::default()
        });
        let resolver = Mutex::new(Resolver::new(settings, memory));
        Self { shared: Arc::new(Shared { resolver, store, began: (now_ms, Instant::now()), wake: Notify::new() }) }
    }

    /// Returns how it stands.
    pub fn view(&self) -> HealingView {
        let (resolver, now_ms) = (self.lock(), self.now_ms());
        let posterior = |(trial, record): (&Trial, &Record)| {
            // What is not in the specification's table began with what was proposed then, which nobody remembers.
            let prior = prior(trial.issue, trial.deed, 0.6);
            let confidence = record.mean(prior, now_ms);
            PosteriorView { trial: trial.clone(), record: *record, prior, confidence }
        };
        HealingView {
            settings: resolver.settings(),
            fixes_in_last_hour: resolver.fixes(now_ms),
            cases: resolver.cases(),
            posteriors: resolver.posteriors().iter().map(posterior).collect(),
            pending_approvals: resolver.approvals().iter().filter(|of| of.decided_ms.is_none()).count(),
        }
    }

    /// Takes a person's answer; it is written down before it counts as given.
    ///
    /// # Errors
    /// If there is no such question, it is not open, or the database fails.
    pub async fn decide(&self, id: ApprovalId, verdict: Verdict, note: &str) -> Result<Approval, AnswerError> {
        let taken = self.lock().decide(id, verdict, note, self.now_ms());
        let told = match taken {
            Ok(told) => told,
            Err(DecideError::Unknown(id)) => return Err(self.missed(id).await?),
            Err(error) => return Err(error.into()),
        };
        tracing::info!(approval.id = id.0, deed = ?told.deed, ?verdict, "a person answered");
        self.shared.wake.notify_one();
        self.shared.store.healing().ask(&memory::approval_row(&told)).await?;
        Ok(told)
    }

    /// Returns why a question cannot be answered that the resolver does not know any more.
    async fn missed(&self, id: ApprovalId) -> Result<AnswerError, StoreError> {
        let newest = self.shared.store.healing().approvals(None, Some(id.0.saturating_add(1)), 1).await?;
        let known = newest.first().filter(|row| row.id == id.0).and_then(memory::approval_of);
        let error = known.map_or(DecideError::Unknown(id), |of| DecideError::Over { id, state: of.state });
        Ok(error.into())
    }

    /// Forgets what was learnt; returns how much that was.
    ///
    /// # Errors
    /// If the database fails; then nothing is forgotten.
    pub async fn reset_learning(&self) -> Result<u64, StoreError> {
        let forgotten = self.shared.store.healing().unlearn().await?;
        self.lock().reset_learning();
        tracing::info!(forgotten, "what the healer learnt is forgotten");
        Ok(forgotten)
    }

    /// Returns the healer's time, Unix milliseconds.
    fn now_ms(&self) -> i64 {
        let (began_ms, since) = self.shared.began;
        began_ms.saturating_add(i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    /// Locked for moments only.
    fn lock(&self) -> MutexGuard<'_, Resolver> {
        self.shared.resolver.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl Healing {
    /// Lets something be wrong that waits for a person, and returns the question.
    pub(crate) fn ask_of_tests(&self) -> Approval {
        use exstreamtv_healing::resolver::{Effect, deed::Deed, issue::Issue, issue::IssueKey, limits::Pressure};
        use exstreamtv_model::incident::{Action, IssueType, Proposal, Risk, Severity};
        let (now_ms, mut resolver) = (self.now_ms(), self.lock());
        let key = IssueKey { issue: IssueType::DbPoolExhausted, channel: None };
        let issue = Issue {
            key,
            severity: Severity::High,
            context: "readers".into(),
            since_ms: now_ms,
            evidence: vec![],
            available: vec![Deed::ExpandPool],
            on_air: false,
            channels: 0,
        };
        resolver.see(vec![issue], now_ms);
        let proposal = Proposal { action: Action::Expand, risk: Risk::High, confidence: 0.8, why: "it is full".into() };
        resolver.proposed(key, vec![proposal]);
        let effects = resolver.advance(now_ms, &Pressure::default());
        let asked = effects.into_iter().find_map(|effect| match effect {
            Effect::Keep(question) => Some(question),
            _ => None,
        });
        asked.expect("it asks nobody")
    }
}
