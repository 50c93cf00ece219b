//! What the planner asks of strategies.
//!
//! Does: name the two questions, so that tests can answer them.
//! Does not: answer; [`Strategies`] does.

use exstreamtv_model::schedule::{PlanRequest, Preparation, PrepareRequest};
use futures::{FutureExt, future::BoxFuture};

use crate::plugins::{self, Strategies, StrategyError};

/// Answers the questions of the planner.
pub trait Ask: Send + Sync {
    /// Asks a strategy what is wrong with its settings, and what they draw from.
    fn prepare<'a>(
        &'a self,
        strategy: &'a str,
        request: PrepareRequest,
    ) -> BoxFuture<'a, Result<Preparation, StrategyError>>;

    /// Asks a strategy for a plan; there always is one, and it has passed its check.
    fn plan<'a>(&'a self, strategy: &'a str, request: PlanRequest) -> BoxFuture<'a, plugins::Planned>;
}

impl Ask for Strategies {
    fn prepare<'a>(
        &'a self,
        strategy: &'a str,
        request: PrepareRequest,
    ) -> BoxFuture<'a, Result<Preparation, StrategyError>> {
        Strategies::prepare(self, strategy, request).boxed()
    }

    fn plan<'a>(&'a self, strategy: &'a str, request: PlanRequest) -> BoxFuture<'a, plugins::Planned> {
        Strategies::plan(self, strategy, request).boxed()
    }
}
