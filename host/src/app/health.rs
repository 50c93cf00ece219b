//! How the parts of the host are, for `/health/ready`.
//!
//! Does: put what the parts know of themselves into words.
//! Does not: mend anything, or ask the database; whoever looks after it does.
//! Invariant: answering costs nothing; a part that was never asked is not healthy.

use exstreamtv_worker_protocol::FfmpegFacts;

use crate::{
    database::{Database, view::DatabaseView},
    http::state::{HealthPort, PartHealth},
    library::Library,
    plugins::Strategies,
};

/// Knows how the parts are.
pub struct Health {
    database: Database,
    library: Library,
    ffmpeg: FfmpegFacts,
    strategies: Strategies,
}

impl Health {
    /// Knows these parts.
    pub fn new(database: Database, library: Library, ffmpeg: FfmpegFacts, strategies: Strategies) -> Self {
        Self { database, library, ffmpeg, strategies }
    }
}

impl HealthPort for Health {
    fn parts(&self) -> Vec<PartHealth> {
        let part = |name: &str, ok, detail: String| PartHealth { name: name.into(), ok, detail };
        let health = DatabaseView::of(&self.database).health;
        let database = match health.fault {
            None if health.ok => part("database", true, format!("{} channels", self.database.channels())),
            None => part("database", false, "not asked yet".into()),
            Some(fault) => part("database", false, fault),
        };
        let scan = self.library.status();
        let scan = scan.borrow();
        let files = match scan.scanning {
            true => format!("scanning: {} of {} files", scan.done(), scan.found),
            false => format!("{} files", scan.found),
        };
        let ffmpeg = part("ffmpeg", true, format!("{} at {}", self.ffmpeg.version, self.ffmpeg.path.display()));
        // Channels stay on air without a plugin, so a bad one is told and makes nobody unready.
        let troubles = self.strategies.troubles();
        let plugins = match troubles.is_empty() {
            true => format!("{} plugins", self.strategies.list().len()),
            false => troubles.join("; "),
        };
        vec![database, ffmpeg, part("library", true, files), part("plugins", true, plugins)]
    }
}
