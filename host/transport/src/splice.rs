//! Puts runs and slates on the channel's one timeline.
//!
//! Does: give every picture and every sound frame its place, fill what is missing, and release all in the order of sending.
//! Does not: know time (the caller says when to give up on a run), read transport streams or write them.
//! Invariant: with a slate, pictures have consecutive indices and sound has consecutive places on the grid of 1920 ticks; without one both
//! only ever jump forward. No time that leaves ever goes back.

mod group;
mod run;
mod showing;
mod sound;

use std::{collections::VecDeque, sync::Arc};

use crate::{AccessUnit, FrameGrid, Origin, PlacedUnit, Slate, UnitKind};
use group::Group;
use run::Run;
use showing::{Showing, Shown};
use sound::Sound;

/// How long pictures wait for their sound before they go on with silence.
const SOUND_PATIENCE_MS: i64 = 1_000;

/// The timeline of one channel.
#[derive(Debug)]
pub struct Splice {
    grid: FrameGrid,
    showing: Showing,
    next_index: i64,
    run: Option<Run>,
    pictures: VecDeque<PlacedUnit>,
    sound: Sound,
    patience_frames: i64,
}

/// What became of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunSummary {
    /// Pictures that went on air.
    pub frames: i64,
    /// Where its first picture went on air.
    pub joined_at: Option<i64>,
    /// Where it would have gone on: one after its last picture on air.
    pub ended_at: Option<i64>,
    /// Pictures that did not go on air: late, beyond the end, damaged or waiting for a keyframe.
    pub skipped_frames: i64,
    /// How often pictures were missing or out of order, so that everything up to the next keyframe was lost.
    pub damages: u32,
    /// Silent frames that closed holes in its sound.
    pub silent_frames: i64,
}

impl Splice {
    /// Returns an empty timeline whose first picture will be `first_index`.
    pub fn new(grid: FrameGrid, first_index: i64, slate: Option<Arc<Slate>>) -> Self {
        let sound = Sound::new(grid, grid.sound_start(first_index), slate.as_ref().map(|slate| slate.silence()));
        Self {
            grid,
            showing: Showing::new(grid, slate),
            next_index: first_index,
            run: None,
            pictures: VecDeque::new(),
            sound,
            patience_frames: grid.frames_in(SOUND_PATIENCE_MS),
        }
    }

    /// Returns the index of the next picture to be released: everything before it is settled.
    pub fn next_index(&self) -> i64 {
        self.next_index
    }

    /// Gives the timeline a slate, or another one: while one is on air the other follows at the next keyframe of the channel's clock.
    pub fn set_slate(&mut self, slate: Arc<Slate>) {
        self.sound.set_silence(slate.silence());
        self.showing.replace(slate);
    }

    /// Begins a run whose frame `k` belongs at `first_index + k` and of which nothing at or after `end_index` is wanted. Ends any run before it.
    pub fn begin_run(&mut self, first_index: i64, end_index: i64) {
        self.end_run();
        self.sound.begin_run();
        self.run = Some(Run::new(self.grid, first_index, end_index));
    }

    /// Takes the next unit of the current run; without a run it is ignored.
    pub fn push(&mut self, unit: AccessUnit) {
        match unit.kind {
            UnitKind::Video { keyframe } => self.push_picture(unit, keyframe),
            UnitKind::Audio => self.push_sound(unit),
        }
        self.settle();
    }

    /// Ends the current run at the last picture it could supply completely, and its sound with it.
    pub fn end_run(&mut self) -> RunSummary {
        let Some(mut run) = self.run.take() else { return RunSummary::default() };
        run.interrupt();
        self.sound.close(self.grid.sound_start(self.next_index));
        let silent_frames = self.sound.end_run();
        RunSummary { silent_frames, ..run.summary }
    }

    /// Covers everything up to `until_index` with the slate. A run that goes on may join again at a later keyframe.
    pub fn fill_slate(&mut self, until_index: i64) {
        if self.showing.is_ready() && until_index > self.next_index {
            if let Some(run) = &mut self.run {
                run.interrupt();
            }
            self.bridge(until_index);
        }
    }

    /// Returns whether the current run has supplied a picture that went on air.
    pub fn has_joined(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.summary.frames > 0)
    }

    /// Returns the next unit to send.
    pub fn pop(&mut self) -> Option<PlacedUnit> {
        match (self.pictures.front(), self.sound.front_index()) {
            (Some(picture), Some(sound)) if picture.index > sound => self.sound.pop(),
            (Some(_), Some(_)) => self.pictures.pop_front(),
            // Sound that is not here yet but goes before the picture is waited for.
            (Some(picture), None) if picture.index > self.sound.next_index() => None,
            (Some(_), None) => self.pictures.pop_front(),
            (None, _) => self.sound.pop(),
        }
    }

    fn push_picture(&mut self, unit: AccessUnit, keyframe: bool) {
        let Some(run) = &mut self.run else { return };
        let group = run.picture(unit, keyframe, self.next_index);
        for (pts, data) in run.take_early_sound() {
            self.sound.accept(pts, data);
        }
        if let Some(group) = group {
            self.release(group);
        }
    }

    fn push_sound(&mut self, unit: AccessUnit) {
        let Some(run) = &mut self.run else { return };
        if let Some((pts, data)) = run.sound(unit) {
            self.sound.accept(pts, data);
        }
    }

    /// Releases a complete group of pictures, after covering any gap before it.
    fn release(&mut self, group: Group) {
        if group.base() > self.next_index {
            self.bridge(group.base());
        }
        self.showing.interrupt();
        for (shown_at, unit) in group.into_frames() {
            self.pictures.push_back(PlacedUnit {
                kind: unit.kind,
                index: self.next_index,
                pts: self.grid.pts(shown_at),
                dts: self.grid.tick(self.next_index),
                origin: Origin::Run,
                data: unit.data,
            });
            self.next_index += 1;
        }
    }

    /// Goes on to `until`, with the slate if there is one, else by a jump.
    fn bridge(&mut self, until: i64) {
        self.sound.close(self.grid.sound_start(self.next_index));
        while self.next_index < until
            && let Some(Shown { slate, keyframe, data }) = self.showing.next(self.next_index)
        {
            let index = self.next_index;
            self.pictures.push_back(PlacedUnit {
                kind: UnitKind::Video { keyframe },
                index,
                pts: self.grid.pts(index),
                dts: self.grid.tick(index),
                origin: Origin::Slate,
                data,
            });
            self.next_index += 1;
            self.sound.cover(self.grid.sound_start(self.next_index), &slate);
        }
        // Without a slate.
        self.sound.jump(self.grid.sound_start(until));
        self.next_index = until;
    }

    /// Releases the sound of released pictures, and gives up on sound that does not come.
    fn settle(&mut self) {
        let released = self.grid.sound_start(self.next_index);
        self.sound.advance(released);
        if self.next_index - self.sound.next_index() > self.patience_frames {
            self.sound.give_up_on(released);
        }
    }
}
