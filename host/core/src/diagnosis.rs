//! Tells from the end of a run, and from what FFmpeg said, why it failed.
//!
//! Does: match FFmpeg's own words, as its sources write them, against a table.
//! Does not: keep anything; the same words give the same cause.
//! Invariant: every end has a cause; words that nobody knows are a crash, never a guess at the source.

use exstreamtv_model::{Cause, health::RunEnd};

/// What FFmpeg says, in lower case, and what it means; the first line that matches wins, so the machine's own troubles come before the
/// source's, and what is precise before what is vague.
const WORDS: [(&str, Cause); 40] = [
    ("no space left on device", Cause::DiskFull),
    ("disk quota exceeded", Cause::DiskFull),
    ("cannot allocate memory", Cause::OutOfMemory),
    ("out of memory", Cause::OutOfMemory),
    ("device creation failed", Cause::HardwareFailed),
    ("failed to initialise vaapi", Cause::HardwareFailed),
    ("no nvenc capable devices found", Cause::HardwareFailed),
    ("openencodesessionex failed", Cause::HardwareFailed),
    ("cuda_error", Cause::HardwareFailed),
    ("videotoolbox", Cause::HardwareFailed),
    ("no device available for decoder", Cause::HardwareFailed),
    ("no such file or directory", Cause::SourceMissing),
    ("404 not found", Cause::SourceMissing),
    ("permission denied", Cause::SourceForbidden),
    ("operation not permitted", Cause::SourceForbidden),
    ("401 unauthorized", Cause::SourceForbidden),
    ("403 forbidden", Cause::SourceForbidden),
    ("input/output error", Cause::SourceUnreachable),
    ("stale file handle", Cause::SourceUnreachable),
    ("transport endpoint is not connected", Cause::SourceUnreachable),
    ("connection refused", Cause::SourceUnreachable),
    ("connection reset", Cause::SourceUnreachable),
    ("connection timed out", Cause::SourceUnreachable),
    ("host is down", Cause::SourceUnreachable),
    ("no route to host", Cause::SourceUnreachable),
    ("server returned 5", Cause::SourceUnreachable),
    ("failed to resolve hostname", Cause::SourceUnreachable),
    ("network is unreachable", Cause::SourceUnreachable),
    ("error in the pull function", Cause::SourceUnreachable),
    ("decoder (codec", Cause::FormatUnknown),
    ("decoder not found", Cause::FormatUnknown),
    ("no decoder", Cause::FormatUnknown),
    ("unknown codec", Cause::FormatUnknown),
    ("invalid data found when processing input", Cause::SourceDamaged),
    ("moov atom not found", Cause::SourceDamaged),
    ("is a directory", Cause::SourceDamaged),
    ("matches no streams", Cause::SourceDamaged),
    ("could not find codec parameters", Cause::SourceDamaged),
    ("error while decoding stream", Cause::SourceDamaged),
    ("corrupt", Cause::SourceDamaged),
];

/// Returns why a run ended as it did; `words` are the last errors it said before.
pub fn of_end(end: &RunEnd, words: &str) -> Cause {
    match end {
        RunEnd::Failed { message, .. } => of_words(message).or_else(|| of_words(words)).unwrap_or(Cause::FfmpegCrashed),
        RunEnd::NotStarted { message } => match of_words(message) {
            // Here it is the program that is missing or may not be run.
            Some(Cause::SourceMissing | Cause::SourceForbidden) | None => Cause::FfmpegMissing,
            Some(cause) => cause,
        },
        RunEnd::Killed { .. } => Cause::FfmpegCrashed,
        RunEnd::Completed | RunEnd::Cancelled => of_words(words).unwrap_or(Cause::EndedEarly),
    }
}

/// Returns what FFmpeg's words say about why it failed, if they say anything that is known.
pub fn of_words(words: &str) -> Option<Cause> {
    let words = words.to_lowercase();
    WORDS.iter().find(|(text, _)| words.contains(text)).map(|(_, cause)| *cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(message: &str) -> Cause {
        of_end(&RunEnd::Failed { code: 1, message: message.into() }, "")
    }

    #[test]
    fn what_ffmpeg_says_is_understood() {
        let captured = [
            ("file:/m/a.mkv: No such file or directory", Cause::SourceMissing),
            ("file:/m/a.mkv: Permission denied", Cause::SourceForbidden),
            (
                "mov,mp4,m4a,3gp,3g2,mj2: moov atom not found\nfile:/m/a.mp4: Invalid data found when processing input",
                Cause::SourceDamaged,
            ),
            ("file:/m/a.mkv: Input/output error", Cause::SourceUnreachable),
            ("Stream map '0:5' matches no streams.", Cause::SourceDamaged),
            ("Decoder (codec av1) not found for input stream #0:0", Cause::FormatUnknown),
            ("av_interleaved_write_frame(): No space left on device", Cause::DiskFull),
            ("Error while opening encoder: Cannot allocate memory", Cause::OutOfMemory),
            ("h264_nvenc: OpenEncodeSessionEx failed: out of memory (10): (no details)", Cause::OutOfMemory),
            ("h264_nvenc: OpenEncodeSessionEx failed: incompatible client key (21)", Cause::HardwareFailed),
            ("Something new under the sun", Cause::FfmpegCrashed),
            ("", Cause::FfmpegCrashed),
        ];
        for (message, cause) in captured {
            assert_eq!(failed(message), cause, "{message}");
        }
    }

    #[test]
    fn a_program_that_is_missing_is_not_mistaken_for_a_file() {
        let end =
            RunEnd::NotStarted { message: "failed to start ffmpeg: No such file or directory (os error 2)".into() };
        assert_eq!(of_end(&end, ""), Cause::FfmpegMissing);
        let end = RunEnd::NotStarted { message: "failed to write what FFmpeg reads: No space left on device".into() };
        assert_eq!(of_end(&end, ""), Cause::DiskFull);
    }

    #[test]
    fn a_run_that_ended_early_without_a_word_ended_early_and_a_killed_one_was_killed() {
        assert_eq!(of_end(&RunEnd::Completed, ""), Cause::EndedEarly);
        assert_eq!(of_end(&RunEnd::Completed, "file:/m/a.ts: Input/output error"), Cause::SourceUnreachable);
        assert_eq!(of_end(&RunEnd::Killed { signal: 9 }, "corrupt packet"), Cause::FfmpegCrashed);
    }
}
