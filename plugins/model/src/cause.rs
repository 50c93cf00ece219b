//! Why a channel does not show its programme: one word for viewers, operators, the as-run log and the incidents.
//!
//! Does: name the causes, give each a code to quote and plain words.
//! Does not: find out which one it is; that is `exstreamtv_core::diagnosis`.
//! Invariant: a code never changes its meaning and is never given to another cause.

use serde::{Deserialize, Serialize};

/// Why a channel shows a slate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The channel has just been tuned and its first picture is on its way.
    Starting,
    /// Nothing is scheduled at this time.
    NothingScheduled,
    /// The machine has no room for one more channel.
    NoCapacity,
    /// Somebody ordered a restart.
    RestartOrdered,
    /// The file is not there.
    SourceMissing,
    /// The file is there and we may not read it.
    SourceForbidden,
    /// The disk or the server that holds the file does not answer or fails.
    SourceUnreachable,
    /// The file is damaged, or not what it was.
    SourceDamaged,
    /// This FFmpeg cannot decode what is in the file.
    FormatUnknown,
    /// The file ended before its time.
    EndedEarly,
    /// FFmpeg ended by itself.
    FfmpegCrashed,
    /// FFmpeg lives and gives nothing.
    FfmpegHung,
    /// FFmpeg is slower than real time.
    FfmpegSlow,
    /// FFmpeg gives something that is no television.
    FfmpegGarbled,
    /// FFmpeg cannot be started at all.
    FfmpegMissing,
    /// The graphics card failed or refuses.
    HardwareFailed,
    /// The channel's worker is gone.
    WorkerLost,
    /// The channel's worker lives and does not answer.
    WorkerHung,
    /// A disk is full.
    DiskFull,
    /// Memory ran out.
    OutOfMemory,
}

impl Cause {
    /// Every cause, in the order of the codes.
    pub const ALL: [Self; 20] = [
        Self::Starting,
        Self::NothingScheduled,
        Self::NoCapacity,
        Self::RestartOrdered,
        Self::SourceMissing,
        Self::SourceForbidden,
        Self::SourceUnreachable,
        Self::SourceDamaged,
        Self::FormatUnknown,
        Self::EndedEarly,
        Self::FfmpegCrashed,
        Self::FfmpegHung,
        Self::FfmpegSlow,
        Self::FfmpegGarbled,
        Self::FfmpegMissing,
        Self::HardwareFailed,
        Self::WorkerLost,
        Self::WorkerHung,
        Self::DiskFull,
        Self::OutOfMemory,
    ];

    /// Returns the code that a viewer can quote ("EX-21"): tens tell the part, 0 the schedule and the house, 1 the source,
    /// 2 FFmpeg, 3 the worker, 4 the machine.
    pub fn code(self) -> &'static str {
        match self {
            Self::Starting => "EX-01",
            Self::NothingScheduled => "EX-02",
            Self::NoCapacity => "EX-03",
            Self::RestartOrdered => "EX-04",
            Self::SourceMissing => "EX-11",
            Self::SourceForbidden => "EX-12",
            Self::SourceUnreachable => "EX-13",
            Self::SourceDamaged => "EX-14",
            Self::FormatUnknown => "EX-15",
            Self::EndedEarly => "EX-16",
            Self::FfmpegCrashed => "EX-21",
            Self::FfmpegHung => "EX-22",
            Self::FfmpegSlow => "EX-23",
            Self::FfmpegGarbled => "EX-24",
            Self::FfmpegMissing => "EX-25",
            Self::HardwareFailed => "EX-26",
            Self::WorkerLost => "EX-31",
            Self::WorkerHung => "EX-32",
            Self::DiskFull => "EX-41",
            Self::OutOfMemory => "EX-42",
        }
    }

    /// Returns one sentence for people who watch; no path, no jargon, no full stop.
    pub fn plain(self) -> &'static str {
        match self {
            Self::Starting => "The programme is about to begin",
            Self::NothingScheduled => "Nothing is scheduled at this time",
            Self::NoCapacity => "The server is busy with other channels",
            Self::RestartOrdered => "The channel is being restarted",
            Self::SourceMissing => "The recording cannot be found",
            Self::SourceForbidden => "The server may not read the recording",
            Self::SourceUnreachable => "The recording cannot be reached",
            Self::SourceDamaged => "The recording is damaged",
            Self::FormatUnknown => "The recording has a format that the server cannot play",
            Self::EndedEarly => "The recording ended early",
            Self::FfmpegCrashed => "The player of the server failed",
            Self::FfmpegHung => "The player of the server stopped",
            Self::FfmpegSlow => "The server is too slow for this programme",
            Self::FfmpegGarbled => "The player of the server sent no picture",
            Self::FfmpegMissing => "The player of the server cannot be started",
            Self::HardwareFailed => "The graphics card of the server failed",
            Self::WorkerLost => "A part of the server failed",
            Self::WorkerHung => "A part of the server stopped",
            Self::DiskFull => "The server has no disk space left",
            Self::OutOfMemory => "The server has no memory left",
        }
    }

    /// Returns whether something went wrong, so that an operator should know; a channel that starts or is off is as it should be.
    pub fn is_fault(self) -> bool {
        !matches!(self, Self::Starting | Self::NothingScheduled | Self::RestartOrdered)
    }

    /// Returns whether another attempt with the same source is pointless until the source has changed.
    pub fn is_final_for_source(self) -> bool {
        matches!(self, Self::SourceMissing | Self::SourceForbidden | Self::FormatUnknown)
    }

    /// Returns the word of [`Self`] in documents and in the database ("source_missing").
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::NothingScheduled => "nothing_scheduled",
            Self::NoCapacity => "no_capacity",
            Self::RestartOrdered => "restart_ordered",
            Self::SourceMissing => "source_missing",
            Self::SourceForbidden => "source_forbidden",
            Self::SourceUnreachable => "source_unreachable",
            Self::SourceDamaged => "source_damaged",
            Self::FormatUnknown => "format_unknown",
            Self::EndedEarly => "ended_early",
            Self::FfmpegCrashed => "ffmpeg_crashed",
            Self::FfmpegHung => "ffmpeg_hung",
            Self::FfmpegSlow => "ffmpeg_slow",
            Self::FfmpegGarbled => "ffmpeg_garbled",
            Self::FfmpegMissing => "ffmpeg_missing",
            Self::HardwareFailed => "hardware_failed",
            Self::WorkerLost => "worker_lost",
            Self::WorkerHung => "worker_hung",
            Self::DiskFull => "disk_full",
            Self::OutOfMemory => "out_of_memory",
        }
    }

    /// Returns the cause with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_words_and_sentences_are_told_apart() {
        let codes: HashSet<_> = Cause::ALL.iter().map(|cause| cause.code()).collect();
        let plain: HashSet<_> = Cause::ALL.iter().map(|cause| cause.plain()).collect();
        assert_eq!((codes.len(), plain.len()), (Cause::ALL.len(), Cause::ALL.len()));
        assert!(Cause::ALL.windows(2).all(|pair| pair[0] < pair[1] && pair[0].code() < pair[1].code()));
    }

    #[test]
    fn the_words_are_those_of_documents() {
        for cause in Cause::ALL {
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.word());
            assert_eq!(Cause::of_word(cause.word()), Some(cause));
        }
        assert_eq!(Cause::of_word("solar_flare"), None);
    }
}
