//! What to do about each cause.

use exstreamtv_model::Cause;

/// Returns what helps most against a cause, for whoever runs the server.
pub fn what_to_do(cause: Cause) -> &'static str {
    match cause {
        Cause::Starting | Cause::RestartOrdered => "nothing: the channel was starting",
        Cause::NothingScheduled => "give the channel a schedule without holes, or filler",
        Cause::NoCapacity => "raise [supervision] max_channels_on_air, show fewer channels, or use the video card",
        Cause::SourceMissing => "look whether the file was moved or its disk is not mounted, then scan the library",
        Cause::SourceForbidden => "let the server read the file, or give the source a valid token",
        Cause::SourceUnreachable => {
            "look whether the server or disk that holds the file answers, and at the network between"
        }
        Cause::SourceDamaged => {
            "replace the file, or take it out of the collection: it will fail at the same place again"
        }
        Cause::FormatUnknown => "convert the file, or use an FFmpeg that can decode it",
        Cause::EndedEarly => "look whether the file is complete: it is shorter than its header says",
        Cause::FfmpegCrashed => {
            "if nobody ended FFmpeg, look at its last words in the dossier; if it comes back with the same file, replace the file or update FFmpeg"
        }
        Cause::FfmpegHung => {
            "look whether the source stalls; if several channels hang at once, look at the disk or server that they share"
        }
        Cause::FfmpegSlow => "encode a smaller picture or fewer channels, or use the video card",
        Cause::FfmpegGarbled => "look at the dossier; if it comes back with the same file, convert or replace the file",
        Cause::FfmpegMissing => {
            "install FFmpeg 5.1 or newer, or name it in [ffmpeg] ffmpeg and ffprobe; `exstreamtv doctor` checks it"
        }
        Cause::HardwareFailed => {
            "look at `exstreamtv hardware` and the driver; [hardware] accel = \"software\" does without the card"
        }
        Cause::WorkerLost => {
            "look whether the system ended it: out of memory is the commonest reason (`dmesg`, /api/v1/logs?source=system)"
        }
        Cause::WorkerHung => "look at load and memory of the machine at that time (/api/v1/logs?source=system)",
        Cause::DiskFull => "free space on the disk of the data folder; `exstreamtv doctor` names it",
        Cause::OutOfMemory => "show fewer channels, or give the machine more memory",
        _ => "look at the dossier and the log around that time",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_own_advice() {
        for cause in Cause::ALL {
            assert!(!what_to_do(cause).starts_with("look at the dossier and the log"), "{cause:?}");
        }
    }
}
