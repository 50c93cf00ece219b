//! One endless, gapless MPEG transport stream, spliced from many FFmpeg runs.
//!
//! Does: take a run's bytes apart into access units ([`RunDemux`]), put these on the channel's timeline ([`Splice`]), write them as one
//! stream ([`TsMux`]), and keep that stream for viewers ([`Ring`], [`SegmentWindow`]).
//! Does not: read a clock, a file or a socket, wait, or start anything. Bytes and times come in, bytes and decisions go out.
//! Invariant: what leaves [`TsMux`] has no continuity error, no backward clock, no hole in pictures and none in sound, whatever went in.
//!
//! ```text
//! pipe -> RunDemux -> AccessUnit -> Splice -> PlacedUnit -> ChunkCutter(TsMux) -> Chunk -> Ring, SegmentWindow
//! ```

pub mod chunk;
pub mod codec;
pub mod demux;
pub mod grid;
pub mod mux;
pub mod playlist;
pub mod ring;
pub mod segment;
pub mod slate;
pub mod splice;
pub mod unit;
pub mod webvtt;

mod adts;
mod h264;
mod packet;

pub use chunk::{Chunk, ChunkCutter};
pub use codec::avc1_codec;
pub use demux::{DemuxStats, RunDemux};
pub use grid::{AUDIO_FRAME_TICKS, FrameGrid, REORDER_FRAMES, TICKS_PER_SECOND};
pub use mux::TsMux;
pub use playlist::{Master, Rendition, master_playlist};
pub use ring::{Position, Read, Ring};
pub use segment::{Segment, SegmentWindow};
pub use slate::{Slate, SlateError};
pub use splice::{RunSummary, Splice};
pub use unit::{AccessUnit, Origin, PlacedUnit, UnitKind};
