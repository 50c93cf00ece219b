//! How a job goes on, for who wants to know.

use serde::Serialize;
use tokio::sync::broadcast;
use utoipa::ToSchema;

/// How a job goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Progress {
    /// "create", "verify" or "restore".
    pub job: &'static str,
    /// Which backup.
    pub backup: String,
    /// What is being done.
    pub step: Step,
    /// Bytes that are done of this step, where it has any.
    pub done_bytes: u64,
    /// Bytes that there are.
    pub total_bytes: u64,
    /// Why it failed.
    pub error: Option<String>,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The database is copied at one instant.
    Snapshot,
    /// The copy is read from end to end.
    Check,
    /// The copy is compressed.
    Pack,
    /// What was written is read again.
    Verify,
    /// The backup is unpacked beside the database.
    Unpack,
    /// The database is replaced.
    Replace,
    /// All is done.
    Done,
    /// It failed; nothing has changed.
    Failed,
}

/// Tells how jobs go on; nobody has to listen.
#[derive(Debug, Clone)]
pub struct Reporter {
    news: broadcast::Sender<Progress>,
}

impl Default for Reporter {
    fn default() -> Self {
        Self { news: broadcast::channel(KEPT).0 }
    }
}

impl Reporter {
    /// Tells of what comes.
    pub fn subscribe(&self) -> broadcast::Receiver<Progress> {
        self.news.subscribe()
    }

    pub(super) fn tell(&self, progress: Progress) {
        // Nobody has to listen.
        let _ = self.news.send(progress);
    }
}

/// News that a slow listener may be behind.
const KEPT: usize = 256;
