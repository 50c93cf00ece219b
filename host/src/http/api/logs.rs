//! `/api/v1/logs`: what the server, FFmpeg, media servers and the machine say.

pub mod context;
pub mod counts;
pub mod get;
pub mod list;
pub mod stream;
pub mod templates;
mod wanted;
