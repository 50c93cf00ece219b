//! What is tried after what.
//!
//! Invariant: what makes no difference is no rung: without hardware nothing falls back to software, without another version no other is tried.

use exstreamtv_model::Cause;

/// How an attempt differs from the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// The first attempt at an item, as planned.
    First,
    /// The same command once more.
    SameCommand,
    /// The processor decodes, the card encodes.
    SoftwareDecode,
    /// The processor does everything.
    SoftwareAll,
    /// Another file with the same programme.
    NextSource {
        /// Which one, from 0.
        version: u8,
    },
    /// Something else for the time being.
    Filler,
    /// What comes next, for the time being. Only by order: it is no rung of the ladder.
    NextItem,
}

impl Rung {
    /// Returns whether this is a restart after a failure.
    pub fn is_restart(self) -> bool {
        self != Self::First
    }

    /// Returns whether it shows something else than what is planned.
    pub fn is_stand_in(self) -> bool {
        matches!(self, Self::Filler | Self::NextItem)
    }

    /// Returns its word for documents and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::SameCommand => "same_command",
            Self::SoftwareDecode => "software_decode",
            Self::SoftwareAll => "software_all",
            Self::NextSource { .. } => "next_source",
            Self::Filler => "filler",
            Self::NextItem => "next_item",
        }
    }
}

/// What could be played in another way, or in place of an item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Means {
    /// The card decodes.
    pub hardware_decode: bool,
    /// The card encodes.
    pub hardware_encode: bool,
    /// Other files with the same programme.
    pub versions: u8,
    /// Frames of the filler that could be shown instead; 0 if there is none.
    pub filler_frames: i64,
    /// Frames of what comes next; 0 if it is not known, or the same.
    pub next_frames: i64,
}

impl Means {
    /// Returns whether there is what a rung would play.
    pub fn allow(&self, rung: Rung) -> bool {
        match rung {
            // Without a card everything in software is the same command.
            Rung::First | Rung::SameCommand | Rung::SoftwareAll => true,
            Rung::SoftwareDecode => self.hardware_decode,
            Rung::NextSource { version } => version < self.versions,
            Rung::Filler => self.filler_frames > 0,
            Rung::NextItem => self.next_frames > 0,
        }
    }
}

/// Returns the rung after `steps` failures (1 or more), or `None` if nothing makes sense before the source changes. After the last rung it
/// begins again with the first: no item is given up before its time is over.
pub(super) fn rung(steps: u32, cause: Option<Cause>, means: Means) -> Option<Rung> {
    let rungs = rungs(cause, means);
    let count = u32::try_from(rungs.len()).ok().filter(|count| *count > 0)?;
    let index = steps.saturating_sub(1) % count;
    rungs.get(usize::try_from(index).ok()?).copied()
}

fn rungs(cause: Option<Cause>, means: Means) -> Vec<Rung> {
    let mut rungs = Vec::new();
    // A file that is not there will not be there a moment later either; whoever sees it again says so.
    if !cause.is_some_and(Cause::is_final_for_source) {
        rungs.push(Rung::SameCommand);
        if means.hardware_decode {
            rungs.push(Rung::SoftwareDecode);
        }
        if means.hardware_encode {
            rungs.push(Rung::SoftwareAll);
        }
    }
    rungs.extend((0..means.versions).map(|version| Rung::NextSource { version }));
    if means.filler_frames > 0 {
        rungs.push(Rung::Filler);
    }
    rungs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn climbed(cause: Cause, means: Means, steps: u32) -> Vec<Option<Rung>> {
        (1..=steps).map(|step| rung(step, Some(cause), means)).collect()
    }

    #[test]
    fn every_rung_is_tried_in_its_order_and_then_from_the_beginning() {
        let means =
            Means { hardware_decode: true, hardware_encode: true, versions: 2, filler_frames: 500, next_frames: 900 };
        let all = [
            Rung::SameCommand,
            Rung::SoftwareDecode,
            Rung::SoftwareAll,
            Rung::NextSource { version: 0 },
            Rung::NextSource { version: 1 },
            Rung::Filler,
            Rung::SameCommand,
        ];
        assert_eq!(climbed(Cause::FfmpegCrashed, means, 7), all.map(Some));
    }

    #[test]
    fn what_makes_no_difference_is_no_rung() {
        assert_eq!(climbed(Cause::FfmpegHung, Means::default(), 3), [Some(Rung::SameCommand); 3]);
    }

    #[test]
    fn a_missing_file_is_not_tried_again_but_another_version_is() {
        assert_eq!(climbed(Cause::SourceMissing, Means::default(), 2), [None, None]);
        let means = Means { versions: 1, hardware_encode: true, ..Means::default() };
        assert_eq!(climbed(Cause::SourceMissing, means, 1), [Some(Rung::NextSource { version: 0 })]);
    }
}
