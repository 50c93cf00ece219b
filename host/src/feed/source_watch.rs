//! Looks now and then whether a file that was missing is there again.
//!
//! Does: try to open it, beside the feed.
//! Does not: read it, or wait for a disk that does not answer.
//! Invariant: one look at a time, and none for a feed that misses nothing.

use std::{fs::File, path::PathBuf, time::Duration};

use exstreamtv_model::PlayoutEntryId;
use tokio::{task::JoinHandle, time::Instant};

use crate::lifecycle::Lifecycle;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(2);

/// Watches one file at a time.
#[derive(Debug)]
pub struct SourceWatch {
    life: Lifecycle,
    look: Option<(PlayoutEntryId, JoinHandle<bool>)>,
    not_before: Instant,
}

impl SourceWatch {
    /// Returns a watch that looks at nothing.
    pub fn new(life: Lifecycle) -> Self {
        Self { life, look: None, not_before: Instant::now() }
    }

    /// Looks at the file of `entry`, unless it did so a moment ago.
    pub fn look(&mut self, entry: PlayoutEntryId, path: PathBuf) {
        let now = Instant::now();
        if self.look.is_none() && now >= self.not_before {
            self.not_before = now + PAUSE;
            let opens = move || File::open(&path).and_then(|file| file.metadata()).is_ok_and(|is| is.is_file());
            self.look = Some((entry, self.life.spawn_blocking(opens)));
        }
    }

    /// Returns the entry whose file is there again; may be dropped at any await.
    pub async fn found(&mut self) -> PlayoutEntryId {
        loop {
            let Some((entry, look)) = &mut self.look else { return std::future::pending().await };
            let (entry, is_there) = (*entry, look.await.unwrap_or(false));
            self.look = None;
            if is_there {
                return entry;
            }
        }
    }
}
