//! The checks against real libraries, built on the spot.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "plugin/bad.rs"]
mod bad;
#[path = "plugin/good.rs"]
mod good;
#[path = "plugin/new.rs"]
mod new;
#[path = "plugin/workshop.rs"]
mod workshop;
