//! What a channel of time slots promises, seen from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod breaks;
mod civil;
mod facts;
mod filler;
mod flex;
mod groups;
mod hostile;
mod lateness;
mod padding;
mod queries;
mod scene;
mod settings;
mod windows;
mod zones;
