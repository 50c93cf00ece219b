//! One run of FFmpeg on the channel's timeline.
//!
//! Does: translate the run's clock, decide which of its pictures can go on air, and group them.
//! Does not: fill gaps or place sound; it says where things belong.
//! Invariant: a group it hands out begins at or after the index the timeline has reached, ends before the run's end, and follows a keyframe
//! without a missing picture.

use bytes::Bytes;

use super::{
    RunSummary,
    group::{Group, Grown},
};
use crate::{AccessUnit, FrameGrid};

/// Sound frames kept until the first picture says what their times mean: ten seconds.
const EARLY_SOUND_FRAMES: usize = 470;
/// A picture this far from its predecessor carries a wrong time.
const MAX_JUMP_MS: i64 = 10_000;

/// The current run.
#[derive(Debug)]
pub(super) struct Run {
    grid: FrameGrid,
    first_index: i64,
    end_index: i64,
    /// The run's time of its first keyframe, which is shown at `first_index`.
    origin_pts: Option<i64>,
    /// Where the last picture belonged, on air or not.
    last_index: i64,
    last_dts: i64,
    max_jump_frames: i64,
    /// Pictures not yet complete; `None` while the run waits for a keyframe.
    group: Option<Group>,
    early_sound: Vec<AccessUnit>,
    pub(super) summary: RunSummary,
}

impl Run {
    pub(super) fn new(grid: FrameGrid, first_index: i64, end_index: i64) -> Self {
        Self {
            grid,
            first_index,
            end_index,
            origin_pts: None,
            last_index: first_index,
            last_dts: 0,
            max_jump_frames: grid.frames_in(MAX_JUMP_MS),
            group: None,
            early_sound: Vec::new(),
            summary: RunSummary::default(),
        }
    }

    /// Takes a picture; returns the group that it completes.
    pub(super) fn picture(&mut self, unit: AccessUnit, keyframe: bool, reached: i64) -> Option<Group> {
        let Some(index) = self.place(&unit, keyframe) else {
            self.summary.skipped_frames += 1;
            return None;
        };
        // A B picture can be shown without a hole though the later picture that it refers to was lost: only decoding times tell.
        let follows_loss = self.grid.nearest_frames(unit.dts.saturating_sub(self.last_dts)) > 1;
        self.last_dts = unit.dts;
        if keyframe {
            self.restart(index, reached);
        } else if follows_loss && self.group.is_some() {
            self.damage();
        }
        let Some(group) = &mut self.group else {
            self.summary.skipped_frames += 1;
            return None;
        };
        match group.add(index, unit) {
            Grown::Pending => None,
            Grown::Complete => self.complete(),
            Grown::Damaged => {
                self.damage();
                None
            }
        }
    }

    /// Translates a sound frame's time to the channel's clock; keeps it back while that is not known.
    pub(super) fn sound(&mut self, unit: AccessUnit) -> Option<(i64, Bytes)> {
        match self.origin_pts {
            Some(origin) => Some((self.translate(unit.pts, origin), unit.data)),
            None => {
                if self.early_sound.len() < EARLY_SOUND_FRAMES {
                    self.early_sound.push(unit);
                }
                None
            }
        }
    }

    /// Returns the sound that came before the first keyframe, on the channel's clock.
    pub(super) fn take_early_sound(&mut self) -> Vec<(i64, Bytes)> {
        let Some(origin) = self.origin_pts else { return Vec::new() };
        let early = std::mem::take(&mut self.early_sound);
        early.into_iter().map(|unit| (self.translate(unit.pts, origin), unit.data)).collect()
    }

    /// Drops what is incomplete; the run can join again at its next keyframe.
    pub(super) fn interrupt(&mut self) {
        if let Some(group) = self.group.take() {
            self.summary.skipped_frames += group.len();
        }
    }

    /// Returns where a picture is shown, or `None` for one that cannot be placed.
    fn place(&mut self, unit: &AccessUnit, keyframe: bool) -> Option<i64> {
        if keyframe {
            self.origin_pts.get_or_insert(unit.pts);
        }
        let since_first = self.grid.nearest_frames(unit.pts.saturating_sub(self.origin_pts?));
        let index = self.first_index.saturating_add(since_first);
        if index.abs_diff(self.last_index) > self.max_jump_frames.unsigned_abs() {
            self.damage();
            return None;
        }
        self.last_index = index;
        Some(index)
    }

    /// Begins anew with the keyframe shown at `index`, if it can go on air.
    fn restart(&mut self, index: i64, reached: i64) {
        // GOPs are closed: whatever is incomplete before a keyframe has lost a picture.
        if self.group.as_ref().is_some_and(|group| group.len() > 0) {
            self.damage();
        }
        self.group = (reached..self.end_index).contains(&index).then(|| Group::at(index));
    }

    fn complete(&mut self) -> Option<Group> {
        let group = self.group.take()?;
        let next = group.base() + group.len();
        if next > self.end_index {
            // Part of it is shown after the end, and the rest cannot be decoded without that part.
            self.summary.skipped_frames += group.len();
            return None;
        }
        self.summary.frames += group.len();
        self.summary.joined_at.get_or_insert(group.base());
        self.summary.ended_at = Some(next);
        self.group = Some(Group::at(next));
        Some(group)
    }

    fn damage(&mut self) {
        self.summary.damages += 1;
        self.interrupt();
    }

    fn translate(&self, pts: i64, origin: i64) -> i64 {
        self.grid.pts(self.first_index).saturating_add(pts.saturating_sub(origin))
    }
}
