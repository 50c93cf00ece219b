//! From what everybody says to what is wrong.
//!
//! Does: give every line that the server, FFmpeg, media servers and the system say one shape; keep the newest of them; fold lines that say the
//! same; name what kind of failure a line of FFmpeg is.
//! Does not: read a file, a socket or a clock, or act.
//! Invariant: whatever comes in, memory is bounded and nothing panics; the same lines in the same order give the same answers.

pub mod buffer;
pub mod classify;
pub mod event;
pub mod filter;
pub mod journal;
pub mod learning;
pub mod monitor;
pub mod patterns;
pub mod post_mortem;
pub mod prediction;
pub mod resolver;
pub mod resource;
pub mod server_logs;
pub mod system;
pub mod templates;
pub mod webhook;

pub use buffer::{Limits, LogBuffer};
pub use classify::{FfmpegError, classify};
pub use event::{Draft, EventId, LogEvent, LogLevel, LogSource};
pub use filter::Filter;
pub use templates::{Template, TemplateId, Templates};
