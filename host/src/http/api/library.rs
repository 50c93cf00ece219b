//! `/api/v1/library`: the files there are, and the scan that finds them.

pub mod events;
pub mod media;
pub mod picks;
pub mod scan;
pub mod status;
