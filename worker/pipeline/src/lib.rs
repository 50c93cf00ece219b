//! From facts to an FFmpeg command line.
//!
//! Does: decide how a source becomes exactly what a channel sends, and write the decision down as arguments.
//! Does not: run anything, read a file, ask what hardware is there; facts come in as arguments.
//! Invariant: the coded video and audio parameters depend on the profile, and on the card that encodes, alone, so that runs of different sources can be
//! joined frame to frame; a path is always one whole argument and never part of a filter graph.

pub mod cards;
pub mod command_line;
pub mod downmix;
pub mod encoding;
pub mod filter;
pub mod geometry;
pub mod picture;
pub mod plan;
pub mod protocols;
pub mod slate;
pub mod sound;
pub mod subtitles;
pub mod watermark;

pub use cards::{Cards, plan_on};
pub use command_line::command_line;
pub use plan::{Abilities, Plan, plan};
pub use protocols::{SourceKind, allowed_protocols};
