//! The one id by which M3U and XMLTV name a channel.
//!
//! Invariant: the id never changes with the channel's number or name.

use exstreamtv_model::ChannelId;

/// Returns the channel's id in guides: `tvg-id` of the M3U, `id` of the XMLTV channel, in the form that RFC 2838 asks for.
pub fn channel_guide_id(channel: ChannelId) -> String {
    format!("c{channel}.exstreamtv")
}
