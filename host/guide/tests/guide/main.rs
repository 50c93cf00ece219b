//! The documents, against golden files, the DTD, other people's validators, and whatever metadata may hold.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod any_metadata;
mod documents;
mod lineup;
mod scene;
mod size;
