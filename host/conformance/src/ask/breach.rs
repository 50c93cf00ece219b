//! Why an answer is not a good one.

use exstreamtv_model::{incident::ProposalFault, pick::PickFault, schedule::AnswerFault};

/// The first rule that an answer breaks; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum Breach {
    /// The answer is not JSON.
    #[error("read the answer as JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    /// The answer is JSON, but not the contract's document.
    #[error("read the answer as the contract's document: {0}")]
    NotTheDocument(#[source] serde_json::Error),
    /// The answer says something that the contract has no word for.
    #[error("find a meaning for the answer's member {path:?}; is it misspelt?")]
    UnknownMember {
        /// Where it is.
        path: String,
    },
    /// A preparation names a pool twice, or gives it no name.
    #[error("tell the pools apart: {key:?} is no name, or there twice")]
    PoolKey {
        /// The name.
        key: String,
    },
    /// A fault of settings says nothing.
    #[error("show a settings fault without words to a person (path {path:?})")]
    SilentFault {
        /// Where the fault is.
        path: String,
    },
    /// The timeline cannot go on air.
    #[error(transparent)]
    Timeline(#[from] AnswerFault),
    /// The choice cannot be used.
    #[error(transparent)]
    Pick(#[from] PickFault),
    /// The proposals cannot be used.
    #[error(transparent)]
    Proposal(#[from] ProposalFault),
}
