//! How the parts of the host are, for `/health/ready`.
//!
//! Does: ask the database now and then, and remember what it said.
//! Does not: mend anything.
//! Invariant: answering costs nothing; a part that was never asked is not healthy.

use std::time::Duration;

use exstreamtv_store::Store;
use exstreamtv_worker_protocol::FfmpegFacts;
use tokio::sync::watch;

use crate::{
    http::state::{HealthPort, PartHealth},
    library::Library,
    lifecycle::Lifecycle,
    plugins::Strategies,
};

/// How often the database is asked, and how long it may take.
const ROUND: Duration = Duration::from_secs(5);

/// Knows how the parts are.
pub struct Health {
    database: watch::Receiver<Result<usize, String>>,
    library: Library,
    ffmpeg: FfmpegFacts,
    strategies: Strategies,
}

impl Health {
    /// Starts asking.
    pub fn start(
        store: Store,
        library: Library,
        ffmpeg: FfmpegFacts,
        strategies: Strategies,
        life: &Lifecycle,
    ) -> Self {
        let (report, database) = watch::channel(Err("not asked yet".into()));
        let stopping = life.stopping();
        life.spawn(async move {
            loop {
                let _ = report.send_replace(ask(&store).await);
                tokio::select! {
                    () = stopping.cancelled() => {
                        let _ = report.send_replace(Err("the server is stopping".into()));
                        return;
                    }
                    () = tokio::time::sleep(ROUND) => {}
                }
            }
        });
        Self { database, library, ffmpeg, strategies }
    }
}

impl HealthPort for Health {
    fn parts(&self) -> Vec<PartHealth> {
        let part = |name: &str, ok, detail: String| PartHealth { name: name.into(), ok, detail };
        let database = match &*self.database.borrow() {
            Ok(channels) => part("database", true, format!("{channels} channels")),
            Err(reason) => part("database", false, reason.clone()),
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

async fn ask(store: &Store) -> Result<usize, String> {
    match tokio::time::timeout(ROUND, store.channels().list()).await {
        Ok(Ok(channels)) => Ok(channels.len()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("it does not answer".into()),
    }
}
