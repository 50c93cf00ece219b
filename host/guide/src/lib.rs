//! The documents that tell clients what is on: the M3U lineup and the XMLTV guide.
//!
//! Does: write channels and playout rows as M3U and XMLTV, in the dialect that Kodi, Jellyfin, Plex and the DTD agree on.
//! Does not: query a store, resolve a source, read a clock or know how URLs are made; everything comes as arguments.
//! Invariant: what is written depends on the arguments alone and is well-formed whatever they hold.

mod identity;
pub mod m3u;
mod rows;
mod text;
pub mod xmltv;

pub use identity::channel_guide_id;
pub use m3u::{M3uEntry, write_m3u};
pub use xmltv::{ChannelView, ProgrammeView, XmltvChannels, XmltvProgrammes};
