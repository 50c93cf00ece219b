//! Which codec is better, all else being equal.

use exstreamtv_model::pick::AudioCandidate;

/// Returns the codec's place among the preferred ones; all others come behind, and all are equal where none is preferred.
pub(super) fn place(stream: &AudioCandidate, preferred: &[String]) -> u32 {
    let place = preferred.iter().position(|codec| codec.trim().eq_ignore_ascii_case(&stream.codec));
    u32::try_from(place.unwrap_or(preferred.len())).unwrap_or(u32::MAX)
}

/// Returns how much a codec usually leaves of the sound; 0 is all of it.
pub(super) fn quality(stream: &AudioCandidate) -> u32 {
    let profile = stream.profile.as_deref().unwrap_or_default();
    match stream.codec.as_str() {
        "truehd" | "mlp" | "flac" | "alac" | "wavpack" | "tta" | "ape" | "tak" => 0,
        "dts" if profile.starts_with("DTS-HD MA") => 0,
        codec if codec.starts_with("pcm_") => 0,
        "dts" if profile.starts_with("DTS-HD") => 1,
        "dts" => 2,
        "eac3" | "opus" => 3,
        "ac3" | "ac4" => 4,
        "aac" | "vorbis" => 5,
        "mp3" | "mp2" | "wmapro" => 6,
        _ => 7,
    }
}
