//! A viewer who follows a playlist all the time.
//!
//! Does: poll on a thread of its own from the first playlist on, while the test does something else.
//! Does not: judge what it got; the [`Follower`] that comes back has it all.
//! Invariant: it never stops asking before it is told to leave, so a hole in what it has is a hole in what there was.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use super::Follower;

/// A viewer by HLS.
pub struct Watcher {
    leaves: Arc<AtomicBool>,
    thread: Option<JoinHandle<Follower>>,
}

impl Watcher {
    /// Tunes in and begins to follow.
    ///
    /// # Panics
    /// When there is no playlist.
    pub fn tune(url: &str) -> Self {
        let mut follower = Follower::tune(url);
        let leaves = Arc::new(AtomicBool::new(false));
        let told = leaves.clone();
        let thread = thread::spawn(move || {
            follower.follow_until(|| told.load(Ordering::Relaxed));
            follower
        });
        Self { leaves, thread: Some(thread) }
    }

    /// Leaves, and returns everything that came.
    ///
    /// # Panics
    /// When a request was answered with an error meanwhile.
    pub fn leave(mut self) -> Follower {
        self.leaves.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it is taken here alone");
        thread.join().unwrap_or_else(|_| panic!("the viewer by HLS was sent away; see above"))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.leaves.store(true, Ordering::Relaxed);
    }
}
