//! Starts tasks and ends them.
//!
//! Does: spawn, count and cancel every task of the host; tell when all have ended.
//! Does not: decide when to stop; that is `app`.
//! Invariant: no task of the host lives outside a [`Lifecycle`].

use std::{future::Future, time::Duration};

use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The life of the host: its tasks and the signal to end them.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Lifecycle {
    /// Starts a task; it should end soon after [`Self::stopping`] says so.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(task)
    }

    /// Runs blocking work on the blocking pool.
    pub fn spawn_blocking<F, T>(&self, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.tasks.spawn_blocking(work)
    }

    /// Returns the signal that tells tasks to end.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Returns the tracker, for parts that spawn their own tasks.
    pub fn tasks(&self) -> TaskTracker {
        self.tasks.clone()
    }

    /// Tells every task to end and waits at most `patience`; returns whether all have ended.
    pub async fn stop(&self, patience: Duration) -> bool {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(patience, self.tasks.wait()).await.is_ok()
    }
}
