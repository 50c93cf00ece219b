//! Which cap is in force on a channel.
//!
//! A target bit rate for the whole server must not starve the channels that send more: where it is only inherited, it is raised to what
//! the channel sends at its peaks. One that was set for the channel or for the session is taken at its word.

use exstreamtv_model::OutputProfile;

/// Packet headers, PES headers, tables and clock references: less than this share of the media, in percent.
const MUX_OVERHEAD_PERCENT: u64 = 8;

/// Returns what a channel sends on the average.
pub fn mean_bps(profile: &OutputProfile) -> u64 {
    muxed(u64::from(profile.video_bitrate_bps) + u64::from(profile.audio_bitrate_bps))
}

/// Returns what a channel sends for as long as it likes: the encoder's limit is half as much again as the mean.
pub fn peak_bps(profile: &OutputProfile) -> u64 {
    muxed(u64::from(profile.video_bitrate_bps) * 3 / 2 + u64::from(profile.audio_bitrate_bps))
}

/// Returns the target bit rate in force: the wish, else the inherited one, raised to what the channel sends.
pub fn effective_bps(wished: Option<u32>, inherited: u32, profile: &OutputProfile) -> u64 {
    wished.map_or_else(|| u64::from(inherited).max(peak_bps(profile)), u64::from)
}

fn muxed(media_bps: u64) -> u64 {
    media_bps * (100 + MUX_OVERHEAD_PERCENT) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inherited_cap_starves_no_channel_and_a_wish_is_taken_at_its_word() {
        let grand = OutputProfile { video_bitrate_bps: 8_000_000, ..Default::default() };
        assert_eq!(effective_bps(None, 4_000_000, &grand), peak_bps(&grand));
        assert!(peak_bps(&grand) > 12_000_000 && mean_bps(&grand) < peak_bps(&grand));
        assert_eq!(effective_bps(None, 50_000_000, &grand), 50_000_000);
        assert_eq!(effective_bps(Some(1_000_000), 4_000_000, &grand), 1_000_000);
    }
}
