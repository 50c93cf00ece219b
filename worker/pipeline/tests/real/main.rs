//! What the real FFmpeg makes of our command lines.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod downmix;
mod harness;
mod images;
mod runs;
mod slates;
mod surfaces;
mod text;
mod visual;
