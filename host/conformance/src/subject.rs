//! What is checked, as the checks see it: a library, its plugins and their instances.
//!
//! Does: name what a check may do with a library, so that checks can be tested without one.
//! Does not: load anything; `loaded` does, through the loader.

use std::{sync::Arc, time::Duration};

use crate::ask::Ask;

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// With an answer.
    Answer(Vec<u8>),
    /// There is no such method.
    UnknownMethod,
    /// The library describes no such id.
    UnknownId,
    /// The request is not the method's document, and why.
    BadInput(String),
    /// There is no answer, and why.
    Failed(String),
    /// It would come too late.
    Timeout,
    /// The plugin has a bug and noticed.
    Panic(String),
    /// The sink took no more.
    SinkRefused,
    /// Anything that the interface has no word for, or not here.
    Odd(String),
}

/// What the host offers during a call.
pub struct Offer {
    /// How long the plugin may take.
    pub deadline: Duration,
    /// After how many bytes the sink refuses; `None` for the method's own limit.
    pub sink_bytes: Option<usize>,
    /// The question whose pools `pool_page` queries read; `None` where there are none.
    pub pools: Option<Arc<Ask>>,
}

/// A library of plugins.
pub trait Library: Sync {
    /// Makes an instance.
    ///
    /// # Errors
    /// Says how the library declined.
    fn create(&self, id: &str, config: &[u8]) -> Result<Box<dyn Instance>, Reply>;
}

/// A strategy at work.
pub trait Instance: Send {
    /// Asks it something.
    fn call(&mut self, method: &str, request: &[u8], offer: &Offer) -> Reply;

    /// Returns whether it has an extension.
    fn has_extension(&mut self, id: &str) -> bool;
}

impl Reply {
    /// Returns the reply in words that fit after "it ended with".
    pub fn story(&self) -> String {
        match self {
            Self::Answer(_) => "an answer".into(),
            Self::UnknownMethod => "unknown method".into(),
            Self::UnknownId => "unknown id".into(),
            Self::BadInput(why) => format!("bad input ({why})"),
            Self::Failed(why) => format!("a failure ({why})"),
            Self::Timeout => "a timeout".into(),
            Self::Panic(why) => format!("a panic ({why})"),
            Self::SinkRefused => "an output that was refused".into(),
            Self::Odd(what) => what.clone(),
        }
    }

    /// Returns whether the plugin declined in good order.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::UnknownMethod | Self::BadInput(_) | Self::Failed(_) | Self::Timeout)
    }
}
