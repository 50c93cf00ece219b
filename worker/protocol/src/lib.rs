//! What host and worker say to each other, and how it is framed.
//!
//! Does: define the messages, their limits and their length-prefixed JSON framing.
//! Does not: open a socket, spawn a process, pass a descriptor.
//! Invariant: a message from the other side is parsed or refused, never trusted; unknown members are ignored, so that
//! either side may be one version ahead.

pub mod cards;
pub mod framing;
pub mod message;
pub mod restrictions;
pub mod testimony;

pub use cards::{CardPart, Cards, PlanStep, ProfileText};
pub use framing::{DecodeError, Decoder, EncodeError, MAX_FRAME_BYTES, encode};
pub use message::{Command, FfmpegFacts, FfmpegFault, PROTOCOL_VERSION, Report};
pub use restrictions::Restrictions;
pub use testimony::{Testimony, Word};
