//! A question to a plugin: method, document, limits, and who answers its own questions meanwhile.

use std::{sync::Arc, time::Duration};

use exstreamtv_loader::QueryFault;
use exstreamtv_model::schedule::{PlanRequest, PoolItem, PoolPage, PoolPageRequest};

/// What a plugin may take and give for one method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long it may take.
    pub time: Duration,
    /// How long its answer may be.
    pub answer_bytes: usize,
}

impl Limits {
    /// Returns the limits of a method, as the header states them.
    pub fn of(method: &str) -> Self {
        const MIB: usize = 1 << 20;
        let (ms, mib) = match method {
            "plan" => (10_000, 64),
            "pick_audio" | "pick_subtitle" => (500, 8),
            "propose" => (5_000, 8),
            // `prepare`, and whatever a person tries with `plugin call`.
            _ => (2_000, 8),
        };
        Self { time: Duration::from_millis(ms), answer_bytes: mib * MIB }
    }
}

/// What the host answers while a plugin works on a question.
pub trait Queries: Send + Sync {
    /// Answers a question with a document.
    ///
    /// # Errors
    /// If there is no such question, or no answer.
    fn answer(&self, method: &str, input: &[u8]) -> Result<Vec<u8>, QueryFault>;
}

/// Answers nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoQueries;

impl Queries for NoQueries {
    fn answer(&self, method: &str, _: &[u8]) -> Result<Vec<u8>, QueryFault> {
        Err(QueryFault::UnknownMethod { method: method.to_owned() })
    }
}

/// Most items of a pool in a request or in a page.
pub const POOL_PAGE_ITEMS: usize = 2_000;

/// Answers `pool_page` from a request that holds all items.
impl Queries for PlanRequest {
    fn answer(&self, method: &str, input: &[u8]) -> Result<Vec<u8>, QueryFault> {
        if method != "pool_page" {
            return Err(QueryFault::UnknownMethod { method: method.to_owned() });
        }
        let wanted: PoolPageRequest =
            serde_json::from_slice(input).map_err(|error| QueryFault::BadInput { reason: error.to_string() })?;
        let pool = self.pools.iter().find(|pool| pool.key == wanted.pool);
        let pool = pool.ok_or_else(|| QueryFault::Failed { reason: format!("there is no pool {:?}", wanted.pool) })?;
        let offset = usize::try_from(wanted.offset).unwrap_or(usize::MAX);
        let limit = usize::try_from(wanted.limit).unwrap_or(usize::MAX).min(POOL_PAGE_ITEMS);
        let items: Vec<PoolItem> = pool.items.iter().skip(offset).take(limit).cloned().collect();
        serde_json::to_vec(&PoolPage { items }).map_err(|error| QueryFault::Failed { reason: error.to_string() })
    }
}

/// One question.
#[derive(Clone)]
pub struct Question {
    /// Which method.
    pub method: String,
    /// The document.
    pub input: Arc<[u8]>,
    /// What the plugin may take and give.
    pub limits: Limits,
    /// Who answers its questions.
    pub queries: Arc<dyn Queries>,
}
