//! What a strategy author writes against.
//!
//! A plugin holds *strategies*. A strategy is a function from a document to a document: the host asks, the strategy decides, the host
//! acts. There is one trait per kind:
//!
//! | trait | decides | documents |
//! |---|---|---|
//! | [`Scheduler`] | what is on air from when to when | [`schedule`] |
//! | [`Picker`] | which sound and which subtitles of a file are played | [`pick`] |
//! | [`Resolver`] | what may be done when something is wrong | [`incident`] |
//!
//! To write one: make a crate of type `cdylib`, implement a trait, name it in [`export_plugins!`], put a `NAME.plugin.toml` beside the library, and
//! run `exstreamtv plugin check` on it. `exstreamtv plugin new` does the first steps; `plugins/README.md` tells the whole story on one page.
//!
//! The rules, which the check tests:
//!
//! - The same request gives the same answer, on any machine and on any day: no clock, no randomness but the request's seed, no files, no network, no
//!   environment, nothing kept between calls. What a scheduler has to remember it returns as its state.
//! - An answer is valid: no gaps, no overlaps, nothing that was not offered. The documents' `check` methods are what the host runs.
//! - Input may be anything. Documents of a newer host hold members that are not known here; they are ignored.
//!
//! Does: name the trait of each kind of strategy, carry the calls through the C interface, and hold the [`kit`] with which an author tests.
//! Does not: act; and no `unsafe` is left for the author.
//! Invariant: nothing here reads a clock, a file, the environment or a random number.

mod answer;
mod export;
mod glue;
mod host;
pub mod kit;
mod picker;
mod resolver;
mod scheduler;

/// The C interface, for those who look behind the curtain.
pub use exstreamtv_plugin_api as api;

pub use api::{LogLevel, Status};
pub use export::{About, Export, Exported, Library, Start, StartError};
pub use exstreamtv_model::{EntryKind, MediaId, MediaKind, collection::MediaQuery, incident, media, pick, schedule};
pub use host::{Host, QueryError};
pub use kit::{KitFault, check_answer, plan_in_windows};
pub use picker::{PickError, Picker};
pub use resolver::{ProposeError, Resolver};
pub use scheduler::{PlanError, Scheduler};
/// Settings, configurations and states are values of this crate.
pub use serde_json;

/// The examples of the page for authors, which are compiled like those here.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct PageForAuthors;
