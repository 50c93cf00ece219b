//! Plugins through the front door: the host's own program, real libraries, and libraries that misbehave in every way we could think of.

#![expect(clippy::unwrap_used, reason = "tests")]

mod bad;
mod command_line;
mod found;
mod stage;
