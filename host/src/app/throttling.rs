//! Says which channels send more than the server's target bit rate.
//!
//! Does: look at every channel at the start and at a reload.
//! Does not: hold anybody back.

use exstreamtv_store::Store;

use crate::config::StreamThrottler;

/// Warns of each channel whose viewers the configured target would starve; it is raised for them.
pub(super) async fn remark(store: &Store, throttler: &StreamThrottler) {
    // A database that cannot be read has been complained about.
    for channel in store.channels().list().await.unwrap_or_default() {
        if channel.throttle.target_bitrate_bps.is_some() {
            continue;
        }
        let who = format!("channel {}", channel.number);
        if let Some(remark) = throttler.remark(&who, &channel.profile) {
            tracing::warn!(channel.id = %channel.id, "{remark}");
        }
    }
}
