//! What was really sent, as a log: one stretch after the other, without a hole.
//!
//! Does: join pictures with the same label to stretches, and tell each when it begins, as it grows and when it ends.
//! Does not: know wall time (indices are frames of the channel) or keep what is over.
//! Invariant: a stretch begins where the one before it ended, unless the stream itself jumped.

use exstreamtv_model::{Cause, RunId};

/// What a picture belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// A run's picture.
    Run(RunId),
    /// A picture of the slate, and why it is shown.
    Slate(Cause),
}

/// Pictures with one label, in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// What they belong to.
    pub label: Label,
    /// The first one.
    pub first: i64,
    /// One after the last one.
    pub end: i64,
}

/// The log of one feed.
#[derive(Debug, Default)]
pub struct AsRun {
    open: Option<Stretch>,
}

impl AsRun {
    /// Takes the next picture that is sent; returns the stretch that it ends.
    pub fn sent(&mut self, index: i64, label: Label) -> Option<Stretch> {
        match &mut self.open {
            Some(open) if open.label == label && open.end == index => {
                open.end = index + 1;
                None
            }
            open => open.replace(Stretch { label, first: index, end: index + 1 }),
        }
    }

    /// Returns the stretch that still grows.
    pub fn open(&self) -> Option<Stretch> {
        self.open
    }

    /// Ends the log; returns its last stretch.
    pub fn close(&mut self) -> Option<Stretch> {
        self.open.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretches(pictures: &[(i64, Label)]) -> Vec<(i64, i64)> {
        let mut log = AsRun::default();
        let mut over: Vec<_> = pictures.iter().filter_map(|(index, label)| log.sent(*index, *label)).collect();
        over.extend(log.close());
        over.iter().map(|stretch| (stretch.first, stretch.end)).collect()
    }

    #[test]
    fn stretches_follow_each_other_without_a_hole() {
        let (run, slate) = (Label::Run(RunId(1)), Label::Slate(Cause::FfmpegHung));
        let pictures: Vec<_> = (0..100).map(|n| (n, if (40..60).contains(&n) { slate } else { run })).collect();
        assert_eq!(stretches(&pictures), [(0, 40), (40, 60), (60, 100)]);
    }

    #[test]
    fn another_run_another_reason_and_a_jump_begin_another_stretch() {
        let run = |n| Label::Run(RunId(n));
        let slate = Label::Slate;
        let pictures = [
            (0, run(1)),
            (1, run(2)),
            (2, slate(Cause::Starting)),
            (3, slate(Cause::WorkerLost)),
            (9, slate(Cause::WorkerLost)),
        ];
        assert_eq!(stretches(&pictures), [(0, 1), (1, 2), (2, 3), (3, 4), (9, 10)]);
    }
}
