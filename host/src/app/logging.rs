//! Where log lines go: stderr, for people on a terminal, as plain lines elsewhere.
//!
//! Invariant: the filter can change while the host runs.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, Registry, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt};

/// Changes what is logged.
#[derive(Debug, Clone)]
pub struct Logs {
    filter: Option<reload::Handle<EnvFilter, Registry>>,
}

/// Starts logging. A filter that cannot be understood falls back to `info` and says so.
pub fn start(filter: &str) -> Logs {
    let (layer, handle) = reload::Layer::new(parse(filter));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).with_target(false);
    // A second start happens in tests only, where the first one's logger serves both.
    let started = tracing_subscriber::registry().with(layer).with(lines).try_init();
    Logs { filter: started.is_ok().then_some(handle) }
}

impl Logs {
    /// Takes another filter.
    pub fn set(&self, filter: &str) {
        if let Some(handle) = &self.filter
            && let Err(error) = handle.reload(parse(filter))
        {
            tracing::warn!(%error, "the log filter could not be changed");
        }
    }
}

fn parse(filter: &str) -> EnvFilter {
    EnvFilter::try_new(filter).unwrap_or_else(|error| {
        eprintln!("exstreamtv: [server] log = {filter:?} cannot be understood ({error}); logging info");
        EnvFilter::new("info")
    })
}
