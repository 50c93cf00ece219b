//! Finds what a player names in an address.

use exstreamtv_model::{Channel, ChannelId, ChannelNumber};
use exstreamtv_store::Store;

use crate::http::{origin::BaseUrl, problem::ApiError, state::TuneError};

/// Returns the channel with this number, if it can be watched.
///
/// # Errors
/// When there is none, when it is disabled, when the database fails.
pub async fn by_number(store: &Store, number: &str) -> Result<Channel, ApiError> {
    let number: ChannelNumber = number.parse().map_err(|_| ApiError::no_channel(number))?;
    let channel = store.channels().find_by_number(&number).await?.ok_or_else(|| ApiError::no_channel(number))?;
    if channel.enabled { Ok(channel) } else { Err(TuneError::Disabled.into()) }
}

/// Returns the absolute address of a channel's logo.
pub fn logo_url(channel: &Channel, base: &BaseUrl) -> Option<String> {
    let logo = channel.logo.as_deref()?;
    Some(if logo.starts_with('/') { base.join(logo) } else { logo.to_owned() })
}

/// Splits "12.ts" into an id or a sequence number and its ending.
pub fn numbered<'a>(file: &'a str, ending: &str) -> Option<&'a str> {
    let stem = file.strip_suffix(ending)?.strip_suffix('.')?;
    // One spelling for each number: a second one would be a second entry in every cache.
    let plain = !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_digit()) && (stem == "0" || !stem.starts_with('0'));
    plain.then_some(stem)
}

/// Reads a channel id as playlists write it.
pub fn channel_id(text: &str) -> Option<ChannelId> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_has_one_address_only() {
        assert_eq!(numbered("12.ts", "ts"), Some("12"));
        assert_eq!(numbered("0.ts", "ts"), Some("0"));
        for odd in ["012.ts", "+12.ts", "-1.ts", ".ts", "12.TS", "12", "12.ts.ts", "1 .ts"] {
            assert_eq!(numbered(odd, "ts"), None, "{odd}");
        }
    }
}
