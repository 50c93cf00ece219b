//! From the bytes of a request to the bytes of an answer.
//!
//! Does: find the method, read the document, make the pools whole, ask the strategy, write its answer.
//! Does not: touch a pointer or catch a panic; that is `glue`.
//! Invariant: input from outside gives an answer or an error, never a panic; what is not known in it is ignored.

use std::error::Error;

use exstreamtv_model::schedule::{PlanRequest, Pool, PoolPageRequest};
use exstreamtv_plugin_api::{
    METHOD_PICK_AUDIO, METHOD_PICK_SUBTITLE, METHOD_PLAN, METHOD_PREPARE, METHOD_PROPOSE, Status,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Host, PickError, Picker, PlanError, ProposeError, QueryError, Resolver, Scheduler, StartError};

/// A strategy of any contract.
pub(crate) enum Strategy {
    Scheduler(Box<dyn Scheduler>),
    Picker(Box<dyn Picker>),
    Resolver(Box<dyn Resolver>),
}

impl Strategy {
    /// Answers one request.
    pub(crate) fn answer(&self, host: &Host, method: &str, input: &[u8]) -> Result<Vec<u8>, CallError> {
        match (self, method) {
            (Self::Scheduler(scheduler), METHOD_PREPARE) => write(&scheduler.prepare(&read(input)?)),
            (Self::Scheduler(scheduler), METHOD_PLAN) => {
                let mut request: PlanRequest = read(input)?;
                request.pools.iter_mut().try_for_each(|pool| complete(pool, host))?;
                write(&scheduler.plan(&request)?)
            }
            (Self::Picker(picker), METHOD_PICK_AUDIO) => write(&picker.pick_audio(&read(input)?)?),
            (Self::Picker(picker), METHOD_PICK_SUBTITLE) => write(&picker.pick_subtitle(&read(input)?)?),
            (Self::Resolver(resolver), METHOD_PROPOSE) => write(&resolver.propose(&read(input)?)?),
            _ => Err(CallError::UnknownMethod { method: method.chars().take(64).collect() }),
        }
    }
}

fn read<T: DeserializeOwned>(input: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(input).map_err(|source| CallError::Read { source })
}

fn write(answer: &impl Serialize) -> Result<Vec<u8>, CallError> {
    serde_json::to_vec(answer).map_err(|source| CallError::Write { source })
}

/// Reads what the host left out of a pool.
fn complete(pool: &mut Pool, host: &Host) -> Result<(), CallError> {
    while (pool.items.len() as u64) < pool.count {
        let offset = pool.items.len() as u64;
        let limit = u32::try_from(pool.count - offset).map_or(PAGE_ITEMS, |missing| missing.min(PAGE_ITEMS));
        let request = PoolPageRequest { pool: pool.key.clone(), offset, limit };
        let page = host.pool_page(&request).map_err(|source| CallError::Page { pool: pool.key.clone(), source })?;
        if page.items.is_empty() {
            break; // Media vanished since the host counted.
        }
        pool.items.extend(page.items);
    }
    pool.count = pool.items.len() as u64;
    Ok(())
}

/// How many items the SDK asks for at once.
const PAGE_ITEMS: u32 = 2_000;

/// Why a call has no answer; reads well after "failed to".
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("find the method {method:?}: this plugin does not have it")]
    UnknownMethod { method: String },
    #[error("read the request")]
    Read {
        #[source]
        source: serde_json::Error,
    },
    #[error("read the rest of the pool {pool:?}")]
    Page {
        pool: String,
        #[source]
        source: QueryError,
    },
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Pick(#[from] PickError),
    #[error(transparent)]
    Propose(#[from] ProposeError),
    #[error("write the answer")]
    Write {
        #[source]
        source: serde_json::Error,
    },
}

impl CallError {
    fn status(&self) -> Status {
        match self {
            Self::UnknownMethod { .. } | Self::Pick(PickError::UnknownMethod { .. }) => Status::UNKNOWN_METHOD,
            Self::Read { .. } | Self::Plan(PlanError::BadWindow { .. } | PlanError::BadItem { .. }) => {
                Status::BAD_INPUT
            }
            Self::Plan(PlanError::Late) | Self::Pick(PickError::Late) | Self::Propose(ProposeError::Late) => {
                Status::TIMEOUT
            }
            Self::Page { source: QueryError::Refused { status: Status::TIMEOUT, .. }, .. } => Status::TIMEOUT,
            Self::Page { .. } | Self::Plan(_) | Self::Pick(_) | Self::Propose(_) | Self::Write { .. } => Status::FAILED,
        }
    }
}

/// What crosses the boundary in place of an answer.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn new(status: Status, error: &dyn Error) -> Self {
        Self { status, text: chain(error) }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::new(error.status(), &error)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::new(Status::BAD_INPUT, &error)
    }
}

/// Returns the error and all its causes in one line.
fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
