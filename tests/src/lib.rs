//! End-to-end tests of EXStreamTV: what a viewer, a player or an administrator sees.
//!
//! Does: make media, run the real binaries, watch the channel like a player, and check what came out with code that shares nothing with the product.
//! Does not: call a crate of the product.
//! Invariant: a check here fails on a damaged capture; `ts` and `flash` are themselves tested on streams damaged on purpose.

#![expect(clippy::disallowed_methods, reason = "the outside view measures with the machine's own clocks and threads")]

pub mod air;
pub mod api;
pub mod bench;
pub mod cards;
pub mod chaos;
pub mod database;
pub mod fixtures;
pub mod flash;
pub mod guide;
pub mod healing;
pub mod hls;
pub mod host;
pub mod likeness;
pub mod patience;
pub mod picture;
pub mod plugin;
pub mod process;
pub mod stage;
pub mod tone;
pub mod translate;
pub mod ts;
pub mod viewer;
