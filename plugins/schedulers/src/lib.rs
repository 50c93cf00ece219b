//! The shipped schedulers.
//!
//! Does: fill a channel's time from what it may play.
//! Does not: read a clock, a file, the environment or a random number that is not in the request.
//! Invariant: the same request gives the same answer, on any machine and in any version.

mod sequence;

pub use sequence::Sequence;
