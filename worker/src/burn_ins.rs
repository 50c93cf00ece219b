//! Remembers which subtitles kept a run from beginning, so that the next attempt plays without them.
//!
//! Does: note how runs with subtitles end, take the subtitles off orders that would end the same way.
//! Does not: repeat anything; the host orders again.
//! Invariant: of two runs of the same file in a row, the second has no subtitles if the first gave no picture.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    time::Duration,
};

use exstreamtv_model::{
    PlayOrder, RunId,
    health::RunEnd,
    order::{BurnIn, Source},
};
use tokio::time::Instant;

/// How long subtitles are left out. What broke the run may have been the file itself, which comes back.
const LEFT_OUT_FOR: Duration = Duration::from_secs(10 * 60);

/// A run that is cancelled without a picture after this long was hung; an earlier cancel has other reasons.
const HUNG_AFTER: Duration = Duration::from_secs(4);

/// How many are remembered.
const MOST: usize = 16;

/// Subtitles of one file.
type Subtitles = (PathBuf, BurnIn);

/// The memory.
#[derive(Debug, Default)]
pub struct BurnIns {
    under_way: BTreeMap<RunId, (Subtitles, Instant)>,
    broken: VecDeque<(Subtitles, Instant)>,
}

impl BurnIns {
    /// Takes the subtitles off `order` if they broke a run lately; returns whether it did.
    pub fn leave_out(&mut self, now: Instant, order: &mut PlayOrder) -> bool {
        self.broken.retain(|(_, since)| now < *since + LEFT_OUT_FOR);
        let Source::File { path, subtitles, .. } = &mut order.source else { return false };
        let Some(wanted) = subtitles.take() else { return false };
        let wanted = (path.clone(), wanted);
        if self.broken.iter().any(|(broken, _)| *broken == wanted) {
            return true;
        }
        *subtitles = Some(wanted.1.clone());
        self.under_way.insert(order.run, (wanted, now));
        false
    }

    /// The run gave pictures: its subtitles are good.
    pub fn good(&mut self, run: RunId) {
        self.under_way.remove(&run);
    }

    /// The run is over.
    pub fn ended(&mut self, now: Instant, run: RunId, end: &RunEnd) {
        let Some((subtitles, since)) = self.under_way.remove(&run) else { return };
        let broke = match end {
            RunEnd::Completed => false,
            RunEnd::Cancelled => now >= since + HUNG_AFTER,
            RunEnd::Failed { .. } | RunEnd::Killed { .. } | RunEnd::NotStarted { .. } => true,
        };
        if broke {
            self.broken.truncate(MOST - 1);
            self.broken.push_front((subtitles, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::{MediaProbe, OutputProfile};

    use super::*;

    fn order(run: i64, subtitles: &str) -> PlayOrder {
        let probe = MediaProbe {
            container: String::new(),
            duration_ms: 1,
            bitrate_bps: None,
            streams: vec![],
            chapters: vec![],
        };
        let source = Source::File {
            path: "/m/film.mkv".into(),
            probe,
            in_point_ms: 0,
            video: Some(0),
            audio: None,
            downmix: None,
            subtitles: Some(BurnIn::Sidecar { path: subtitles.into() }),
        };
        PlayOrder {
            run: RunId(run),
            source,
            profile: OutputProfile::default(),
            frames: 1,
            keyframe_offset: 0,
            card: None,
            gain_db: None,
            watermark: None,
        }
    }

    fn failed() -> RunEnd {
        RunEnd::Failed { code: 1, message: String::new() }
    }

    /// Whether the next order has no subtitles after a run that went on for `age` and ended like this.
    fn left_out_after(end: &RunEnd, age: Duration, gave_pictures: bool) -> bool {
        let (mut burn_ins, start) = (BurnIns::default(), Instant::now());
        assert!(!burn_ins.leave_out(start, &mut order(1, "/m/film.srt")));
        if gave_pictures {
            burn_ins.good(RunId(1));
        }
        burn_ins.ended(start + age, RunId(1), end);
        burn_ins.leave_out(start + age, &mut order(2, "/m/film.srt"))
    }

    #[test]
    fn subtitles_are_left_out_after_a_run_that_gave_no_picture() {
        let (soon, late) = (Duration::from_secs(1), Duration::from_secs(8));
        assert!(left_out_after(&failed(), soon, false));
        assert!(left_out_after(&RunEnd::Killed { signal: 11 }, soon, false));
        assert!(left_out_after(&RunEnd::Cancelled, late, false), "it was hung");
        assert!(!left_out_after(&RunEnd::Cancelled, soon, false), "nobody wanted it any more");
        assert!(!left_out_after(&RunEnd::Completed, soon, false));
        assert!(!left_out_after(&failed(), late, true), "something else broke it");
    }

    #[test]
    fn other_subtitles_are_tried_and_the_same_ones_again_much_later() {
        let (mut burn_ins, start) = (BurnIns::default(), Instant::now());
        burn_ins.leave_out(start, &mut order(1, "/m/film.srt"));
        burn_ins.ended(start, RunId(1), &failed());
        let mut again = order(2, "/m/film.srt");
        assert!(burn_ins.leave_out(start, &mut again));
        assert!(matches!(again.source, Source::File { subtitles: None, .. }));
        assert!(!burn_ins.leave_out(start, &mut order(3, "/m/film.en.srt")));
        assert!(!burn_ins.leave_out(start + LEFT_OUT_FOR, &mut order(4, "/m/film.srt")));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut burn_ins, start) = (BurnIns::default(), Instant::now());
        for run in 0..100 {
            burn_ins.leave_out(start, &mut order(run, &format!("/m/{run}.srt")));
            burn_ins.ended(start, RunId(run), &failed());
        }
        assert_eq!((burn_ins.broken.len(), burn_ins.under_way.len()), (MOST, 0));
        assert!(burn_ins.leave_out(start, &mut order(100, "/m/99.srt")), "the newest is kept");
    }
}
