//! The shipped pickers: which sound and which subtitles of a file are played.
//!
//! Does: read languages however they are written, read titles, rank streams, and say how channels are mixed down.
//! Does not: probe files, build FFmpeg arguments, or remember anything between calls.
//! Invariant: only what was offered is chosen; the same request gives the same answer, on any machine.

mod audio;
pub mod downmix;
pub mod language;
mod ranking;
mod subtitle;
mod text;
pub mod titles;
#[cfg(test)]
mod vectors;

pub use audio::AudioPicker;
pub use language::{Fit, Language};
pub use subtitle::SubtitlePicker;
