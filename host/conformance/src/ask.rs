//! One question to a plugin, with the judgement of its answer.
//!
//! Does: write the question as the host would, serve the pages of its pools, and name the first broken rule of an answer.
//! Does not: call anything.
//! Invariant: what is judged good here is not refused by the host for the same question.

mod breach;
mod incident;
mod members;
mod pick;
mod schedule;

use exstreamtv_model::{
    incident::{ProposeAnswer, ProposeRequest},
    pick::{AudioAnswer, AudioRequest, SubtitleAnswer, SubtitleRequest},
    schedule::{PlanAnswer, PlanRequest, Pool, PoolPage, PoolPageRequest, Preparation, PrepareRequest},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use breach::Breach;
pub use schedule::{DstWeek, dst_weeks};

use crate::contract::Method;

/// A question that the host could ask.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Are these settings right?
    Prepare(PrepareRequest),
    /// What is on air? Holds all items, of which the first of each pool are sent.
    Plan(Box<PlanRequest>),
    /// Which sound is played?
    PickAudio(AudioRequest),
    /// Which subtitles are shown?
    PickSubtitle(SubtitleRequest),
    /// What may be done?
    Propose(ProposeRequest),
}

/// When and about what a plugin is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// A day like any other.
    Ordinary,
    /// 100,000 items, a thousand tracks, ten thousand lines of evidence.
    Large,
    /// Two days around the 29th of February.
    LeapDay,
    /// Anything that the host could ask, from this seed.
    Random(u64),
}

/// Most items of a pool that are sent with a question; the rest is read by pages.
pub const SENT_ITEMS: usize = 2_000;

impl Ask {
    /// Returns the question of `method` for an occasion; a plan is drawn from the pools of `preparation`.
    pub fn on(method: Method, occasion: Occasion, settings: &Value, preparation: &Preparation) -> Self {
        match method {
            Method::Prepare => Self::Prepare(schedule::prepare(settings)),
            Method::Plan => Self::Plan(Box::new(schedule::plan(occasion, settings, preparation))),
            Method::PickAudio => Self::PickAudio(pick::audio(occasion)),
            Method::PickSubtitle => Self::PickSubtitle(pick::subtitle(occasion)),
            Method::Propose => Self::Propose(incident::propose(occasion)),
        }
    }

    /// Returns the question in a request, if the host could have asked it.
    pub fn read(method: Method, request: &[u8]) -> Option<Self> {
        let ask = match method {
            Method::Prepare => Self::Prepare(serde_json::from_slice(request).ok()?),
            Method::Plan => Self::Plan(Box::new(serde_json::from_slice(request).ok()?)),
            Method::PickAudio => Self::PickAudio(serde_json::from_slice(request).ok()?),
            Method::PickSubtitle => Self::PickSubtitle(serde_json::from_slice(request).ok()?),
            Method::Propose => Self::Propose(serde_json::from_slice(request).ok()?),
        };
        ask.is_possible().then_some(ask)
    }

    /// Returns what it asks for.
    pub fn method(&self) -> Method {
        match self {
            Self::Prepare(_) => Method::Prepare,
            Self::Plan(_) => Method::Plan,
            Self::PickAudio(_) => Method::PickAudio,
            Self::PickSubtitle(_) => Method::PickSubtitle,
            Self::Propose(_) => Method::Propose,
        }
    }

    /// Returns the request as the host sends it.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Prepare(request) => written(request),
            Self::Plan(request) => written(&schedule::sent(request)),
            Self::PickAudio(request) => written(request),
            Self::PickSubtitle(request) => written(request),
            Self::Propose(request) => written(request),
        }
    }

    /// Answers a plugin's `pool_page` query; `None` if there is no such pool.
    pub fn page(&self, query: &[u8]) -> Option<Vec<u8>> {
        let Self::Plan(request) = self else { return None };
        let query: PoolPageRequest = serde_json::from_slice(query).ok()?;
        let pool = request.pools.iter().find(|pool| pool.key == query.pool)?;
        let skipped = usize::try_from(query.offset).unwrap_or(usize::MAX);
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX).min(SENT_ITEMS);
        let items = pool.items.iter().skip(skipped).take(limit).cloned().collect();
        Some(written(&PoolPage { items }))
    }

    /// Checks an answer as the host does, and refuses members that the contract does not know.
    ///
    /// # Errors
    /// Names the first broken rule.
    pub fn judge(&self, answer: &[u8]) -> Result<(), Breach> {
        match self {
            Self::Prepare(_) => schedule::judge_preparation(&document(answer)?),
            Self::Plan(request) => Ok(document::<PlanAnswer>(answer)?.check(request)?),
            Self::PickAudio(request) => Ok(document::<AudioAnswer>(answer)?.check(request)?),
            Self::PickSubtitle(request) => Ok(document::<SubtitleAnswer>(answer)?.check(request)?),
            Self::Propose(request) => Ok(document::<ProposeAnswer>(answer)?.check(request)?),
        }
    }

    /// Returns the pools that are planned from; none for other questions.
    pub fn pools(&self) -> &[Pool] {
        if let Self::Plan(request) = self { &request.pools } else { &[] }
    }

    /// Returns whether the host could ask this: a request may fit the types and still say what no host says.
    fn is_possible(&self) -> bool {
        match self {
            Self::Prepare(request) => schedule::is_zone(&request.zone),
            Self::Plan(request) => schedule::is_possible(request),
            Self::PickAudio(request) => pick::is_possible_audio(request),
            Self::PickSubtitle(request) => pick::is_possible_subtitle(request),
            Self::Propose(_) => true,
        }
    }
}

/// Reads an answer as its document, and names the first member that the document does not have.
fn document<T: DeserializeOwned + Serialize>(answer: &[u8]) -> Result<T, Breach> {
    let value: Value = serde_json::from_slice(answer).map_err(Breach::NotJson)?;
    let document = T::deserialize(&value).map_err(Breach::NotTheDocument)?;
    let known = serde_json::to_value(&document).map_err(Breach::NotTheDocument)?;
    members::first_unknown(&value, &known).map_or(Ok(document), |path| Err(Breach::UnknownMember { path }))
}

/// Writes a document of ours.
fn written(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("documents are plain tables with text keys, which JSON cannot refuse")
}

#[cfg(test)]
mod tests;
