//! The vocabulary of EXStreamTV.
//!
//! Does: name the things every part talks about (channels, media, playouts, orders, health) and how they are written down.
//! Does not: read a clock, a file, an environment variable or a random number; no I/O of any kind.
//! Invariant: a value that exists is valid; a type with rules has private fields and a fallible constructor.

pub mod cause;
pub mod channel;
pub mod chronicle;
pub mod collection;
pub mod health;
pub mod ids;
pub mod incident;
pub mod media;
pub mod metadata;
pub mod order;
pub mod pick;
pub mod playout;
pub mod profile;
pub mod schedule;
pub mod slate;
pub mod throttle;

pub use cause::Cause;
pub use channel::{Channel, ChannelNumber, ItemOrder, Schedule};
pub use chronicle::{AiredRow, ChannelIncident};
pub use collection::{Collection, CollectionSource};
pub use ids::{ChannelId, CollectionId, MediaId, PlayoutEntryId, RunId};
pub use media::{MediaItem, MediaProbe, MediaState};
pub use metadata::{MediaKind, Metadata};
pub use order::PlayOrder;
pub use playout::{EntryKind, PlayoutEntry};
pub use profile::{FrameRate, OutputProfile};
pub use slate::Screen;
pub use throttle::{ThrottleMode, ThrottleWish};
