//! The contract `exstreamtv.resolver/1`.
//!
//! Does: say what a resolver is, and in which ways it may decline.
//! Does not: act. The host decides what is done, does it, limits it and takes it back.
//! Invariant: the same request gives the same answer; the time stands in the request.

use exstreamtv_model::incident::{ProposeAnswer, ProposeRequest};

/// Proposes what may be done when something is wrong.
pub trait Resolver: Send + Sync {
    /// Returns proposals, the best first; none of them means "call a person".
    ///
    /// Stay inside [`ProposeRequest::limits`]: the host refuses an answer that does not. What was tried before stands in
    /// [`ProposeRequest::history`], with a word on whether it helped.
    ///
    /// # Errors
    /// Says why there is no answer; the host then calls a person.
    fn propose(&self, request: &ProposeRequest) -> Result<ProposeAnswer, ProposeError>;
}

/// Why a resolver has no answer; reads well after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProposeError {
    /// The answer would come too late.
    #[error("propose something in time")]
    Late,
    /// A reason of the strategy's own.
    #[error("propose something: {reason}")]
    Declined {
        /// What stands in the way, and what can be done about it.
        reason: String,
    },
}
