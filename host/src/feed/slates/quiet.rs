//! Who needs the machine more than a slate does.
//!
//! Invariant: renderings that can wait do so while anybody asks for quiet, but not for ever.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

/// How long a rendering waits at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// Counts those who want quiet.
#[derive(Debug, Clone)]
pub(super) struct Quiet {
    wanted: Arc<watch::Sender<usize>>,
}

/// Wants quiet for as long as it lives.
#[derive(Debug)]
pub struct Hush {
    quiet: Quiet,
}

impl Default for Quiet {
    fn default() -> Self {
        Self { wanted: Arc::new(watch::channel(0).0) }
    }
}

impl Quiet {
    pub(super) fn hush(&self) -> Hush {
        self.wanted.send_modify(|wanted| *wanted += 1);
        Hush { quiet: self.clone() }
    }

    pub(super) fn is_quiet(&self) -> bool {
        *self.wanted.borrow() == 0
    }

    /// Returns when nobody wants quiet any more, or after a while.
    pub(super) async fn wait(&self) {
        let mut wanted = self.wanted.subscribe();
        let quiet = wanted.wait_for(|wanted| *wanted == 0);
        if tokio::time::timeout(PATIENCE, quiet).await.is_err() {
            tracing::debug!("a slate is rendered though a channel is still starting");
        }
    }
}

impl Drop for Hush {
    fn drop(&mut self) {
        self.quiet.wanted.send_modify(|wanted| *wanted = wanted.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_rendering_waits_for_all_who_want_quiet() {
        let quiet = Quiet::default();
        let (one, other) = (quiet.hush(), quiet.hush());
        drop(one);
        assert!(!quiet.is_quiet());
        assert!(quiet.wait().now_or_never().is_none());
        drop(other);
        assert!(quiet.wait().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_rendering_does_not_wait_for_ever() {
        let quiet = Quiet::default();
        let _hush = quiet.hush();
        quiet.wait().await;
        assert!(!quiet.is_quiet(), "it went on in spite of it");
    }
}
