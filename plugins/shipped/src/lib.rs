//! The library of all shipped strategies, `libexstreamtv_shipped.so`.
//!
//! They come through the same door as everybody else's: the host finds this library, reads its sidecar, loads it and calls it.
//!
//! Does: export strategies. A new one is a line here, a table in `exstreamtv_shipped.plugin.toml`, and vectors in `plugins/vectors`.
//! Does not: hold any of them; they live in `schedulers`, `pickers` and `resolvers`, which the host and their tests can use without this library.
//! Invariant: the sidecar says what the library says; every vector of `plugins/vectors` gets the answer that is written there.

use exstreamtv_pickers::{AudioPicker, SubtitlePicker};
use exstreamtv_plugin_sdk::export_plugins;
use exstreamtv_resolvers::Recovery;
use exstreamtv_schedulers::{Balance, Sequence, TimeSlots};

export_plugins! {
    scheduler { id: Sequence::ID, name: "Sequence", vendor: "EXStreamTV" } => |_start| Ok(Box::new(Sequence));
    scheduler { id: TimeSlots::ID, name: "Time slots", vendor: "EXStreamTV" } => |_start| Ok(Box::new(TimeSlots));
    scheduler { id: Balance::ID, name: "Balance", vendor: "EXStreamTV" } => |_start| Ok(Box::new(Balance));
    picker { id: AudioPicker::ID, name: "Audio picker", vendor: "EXStreamTV" } => |_start| Ok(Box::new(AudioPicker));
    picker { id: SubtitlePicker::ID, name: "Subtitle picker", vendor: "EXStreamTV" } => |_start| Ok(Box::new(SubtitlePicker));
    resolver { id: Recovery::ID, name: "Recovery", vendor: "EXStreamTV" } => |_start| Ok(Box::new(Recovery));
}

#[cfg(test)]
mod tests;
