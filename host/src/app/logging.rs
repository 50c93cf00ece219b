//! Where log lines go: to stderr, for people on a terminal, as plain lines elsewhere; and to the collector.
//!
//! Invariant: the filter of the lines can change while the host runs, and takes nothing from the collector.

use std::{io::IsTerminal, sync::Arc};

use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::LevelFilter, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

use crate::logs::{Intake, ear::Ear};

/// Changes what is logged.
#[derive(Clone)]
pub struct Logs {
    /// Where everything that is logged is said, too.
    pub intake: Arc<Intake>,
    filter: Option<reload::Handle<EnvFilter, Registry>>,
}

/// Starts logging. A filter that cannot be understood falls back to `info` and says so.
pub fn start(filter: &str) -> Logs {
    let (layer, handle) = reload::Layer::new(parse(filter));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).with_target(false);
    let intake = Arc::new(Intake::default());
    let ear = Ear::new(Arc::clone(&intake)).with_filter(LevelFilter::INFO);
    // A second start happens in tests only, where the first one's logger serves both.
    let started = tracing_subscriber::registry().with(lines.with_filter(layer)).with(ear).try_init();
    Logs { intake, filter: started.is_ok().then_some(handle) }
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
