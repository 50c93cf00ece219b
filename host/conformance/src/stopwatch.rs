//! How long something took.

use std::time::{Duration, Instant};

/// Measures time from its start.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[expect(
        clippy::disallowed_methods,
        reason = "real time is what is measured here, and no runtime is around to pause it"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns how long ago it was started.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
