//! Scenes with a known end, and 256 simulated evenings with everything going wrong.

use super::*;
use crate::supervision::BudgetRules;

const RATE: i64 = 30;
/// Where a simulated channel begins: six seconds before the live frame.
const FIRST: i64 = 120;

fn policy() -> Policy {
    Policy {
        lead: 3 * RATE,
        second: RATE,
        gop: 2 * RATE,
        slate_after_ms: 1_000,
        stall_ms: 2_000,
        start_ms: 8_000,
        prepare: 10 * RATE,
        supervision: Rules::default(),
    }
}

fn slots(lengths: &[i64]) -> Vec<Slot> {
    let starts = lengths.iter().scan(0, |at, length| Some(std::mem::replace(at, *at + length)));
    let slot = |(n, (first, length)): (usize, (i64, &i64))| Slot {
        entry: PlayoutEntryId(n as i64 + 1),
        first,
        end: first + length,
        content: Content::Playable,
        means: Means::default(),
    };
    starts.zip(lengths).enumerate().map(slot).collect()
}

fn at(now_ms: i64, live: i64, next: i64) -> Moment {
    Moment { now_ms, live, next, waiting_ms: 0, silent_ms: 0 }
}

fn budget() -> RestartBudget {
    RestartBudget::new(BudgetRules::default())
}

fn step(conductor: &mut Conductor, moment: Moment) -> Option<Action> {
    conductor.step(moment, &mut budget())
}

fn drain(conductor: &mut Conductor, moment: Moment) -> Vec<Action> {
    std::iter::from_fn(|| step(conductor, moment)).take(20).collect()
}

fn on_schedule(lengths: &[i64]) -> Conductor {
    let mut conductor = Conductor::new(policy());
    conductor.set_slots(slots(lengths));
    conductor
}

#[test]
fn a_cold_channel_starts_where_the_wall_clock_is() {
    let mut conductor = on_schedule(&[900, 900]);
    let actions = drain(&mut conductor, at(0, 480, 300));
    let start = Action::Start { run: RunId(1), entry: PlayoutEntryId(1), first: 300, end: 900, rung: Rung::First };
    assert_eq!(actions, [start, Action::Air { run: RunId(1) }]);
}

#[test]
fn the_next_run_is_started_before_it_is_needed_and_goes_on_air_at_the_join() {
    let mut conductor = on_schedule(&[900, 900]);
    drain(&mut conductor, at(0, 480, 300));
    conductor.joined(RunId(1), 1_000);
    let ahead = drain(&mut conductor, at(9_000, 570, 660));
    assert_eq!(
        ahead,
        [Action::Start { run: RunId(2), entry: PlayoutEntryId(2), first: 900, end: 1800, rung: Rung::First }]
    );
    conductor.finished(RunId(1), Outcome::Completed { early: None }, 17_000);
    assert_eq!(drain(&mut conductor, at(17_000, 810, 900)), [Action::Air { run: RunId(2) }]);
}

#[test]
fn a_killed_run_is_started_again_at_once_and_no_slate_shows_if_it_is_quick() {
    let mut conductor = on_schedule(&[9_000]);
    drain(&mut conductor, at(0, 480, 300));
    conductor.joined(RunId(1), 1_000);
    conductor.finished(RunId(1), Outcome::Failed(Cause::FfmpegCrashed), 10_000);
    let again =
        Action::Start { run: RunId(2), entry: PlayoutEntryId(1), first: 870, end: 9_000, rung: Rung::SameCommand };
    assert_eq!(drain(&mut conductor, at(10_000, 780, 870)), [again, Action::Air { run: RunId(2) }]);
    assert!(!conductor.slate_on());
}

/// A channel whose first item could be replaced by what comes next.
fn with_next(lengths: &[i64]) -> Conductor {
    let mut conductor = Conductor::new(policy());
    let mut slots = slots(lengths);
    slots[0].means.next_frames = 300;
    conductor.set_slots(slots);
    conductor
}

#[test]
fn a_slate_that_is_ordered_stays_until_something_is_ordered_or_its_time_is_over() {
    let mut conductor = on_schedule(&[9_000]);
    drain(&mut conductor, at(0, 480, 300));
    conductor.joined(RunId(1), 1_000);
    conductor.order_slate(40_000);
    let actions = drain(&mut conductor, at(10_000, 780, 870));
    assert!(
        matches!(actions[0], Action::Cancel { run: RunId(1), cause: Some(Cause::RestartOrdered), .. }),
        "{actions:?}"
    );
    assert!(!actions.iter().any(|action| matches!(action, Action::Start { .. })), "{actions:?}");
    drain(&mut conductor, at(20_000, 1_080, 1_080));
    assert!(conductor.slate_on());
    conductor.order(Rung::SameCommand);
    let again = drain(&mut conductor, at(21_000, 1_110, 1_140));
    assert!(matches!(again[0], Action::Start { run: RunId(2), rung: Rung::SameCommand, .. }), "{again:?}");
    let mut forgotten = on_schedule(&[9_000]);
    forgotten.order_slate(40_000);
    assert!(!drain(&mut forgotten, at(0, 480, 300)).iter().any(|action| matches!(action, Action::Start { .. })));
    assert!(
        drain(&mut forgotten, at(40_000, 1_680, 1_680)).iter().any(|action| matches!(action, Action::Start { .. }))
    );
}

#[test]
fn what_comes_next_stands_in_by_order_for_its_own_length_and_leaves_by_order() {
    let mut conductor = with_next(&[9_000, 900]);
    drain(&mut conductor, at(0, 480, 300));
    conductor.joined(RunId(1), 1_000);
    conductor.order(Rung::NextItem);
    let actions = drain(&mut conductor, at(10_000, 780, 870));
    let start = Action::Start { run: RunId(2), entry: PlayoutEntryId(1), first: 870, end: 1_170, rung: Rung::NextItem };
    assert!(actions.contains(&start), "{actions:?}");
    conductor.joined(RunId(2), 11_000);
    assert!(conductor.stands_in());
    assert!(matches!(conductor.order_back(900), Some(Action::Cancel { run: RunId(2), cause: None, .. })));
    assert!(!conductor.stands_in());
    // An order for what is not there is none.
    let mut bare = on_schedule(&[9_000]);
    drain(&mut bare, at(0, 480, 300));
    bare.joined(RunId(1), 1_000);
    bare.order(Rung::Filler);
    assert_eq!(drain(&mut bare, at(10_000, 780, 870)), []);
}

#[test]
fn with_memory_short_nothing_is_prepared_long_before_its_time() {
    let mut conductor = on_schedule(&[900, 900]);
    drain(&mut conductor, at(0, 480, 300));
    conductor.joined(RunId(1), 1_000);
    drain(&mut conductor, at(9_000, 570, 660));
    assert!(matches!(conductor.spare(true), Some(Action::Cancel { run: RunId(2), .. })));
    assert_eq!(drain(&mut conductor, at(9_100, 573, 663)), []);
    assert!(matches!(drain(&mut conductor, at(15_000, 750, 845))[..], [Action::Start { .. }]), "it begins too late");
}

#[test]
fn a_silent_run_is_covered_after_a_second_and_ended_after_two() {
    let mut conductor = on_schedule(&[9_000]);
    drain(&mut conductor, at(0, 480, 300));
    conductor.gave(RunId(1), 300);
    conductor.joined(RunId(1), 1_000);
    let silent =
        |waiting_ms, live, next| Moment { now_ms: 20_000 + waiting_ms, live, next, waiting_ms, silent_ms: waiting_ms };
    assert_eq!(drain(&mut conductor, silent(900, 807, 870)), []);
    assert_eq!(step(&mut conductor, silent(1_100, 813, 870)), Some(Action::Slate { until: 873 }));
    let hung = step(&mut conductor, silent(2_000, 840, 900));
    assert!(matches!(hung, Some(Action::Cancel { run: RunId(1), .. })), "{hung:?}");
}

#[test]
fn a_run_that_gives_bytes_and_no_picture_is_ended_and_called_by_its_name() {
    let mut conductor = on_schedule(&[9_000]);
    drain(&mut conductor, at(0, 480, 300));
    conductor.gave_bytes(RunId(1));
    let waiting = Moment { now_ms: 8_000, live: 720, next: 600, waiting_ms: 8_000, silent_ms: 8_000 };
    let ended = step(&mut conductor, waiting);
    assert!(matches!(ended, Some(Action::Cancel { cause: Some(Cause::FfmpegGarbled), .. })), "{ended:?}");
}

#[test]
fn a_file_that_ends_early_is_followed_by_slate_and_the_next_item_is_on_time() {
    let mut conductor = on_schedule(&[9_000, 900]);
    drain(&mut conductor, at(0, 480, 300));
    conductor.joined(RunId(1), 1_000);
    conductor.finished(RunId(1), Outcome::Completed { early: None }, 10_000);
    assert_eq!(step(&mut conductor, at(10_000, 840, 860)), Some(Action::Slate { until: 900 }));
    assert_eq!(
        step(&mut conductor, at(290_000, 8_950, 9_000)).map(|a| matches!(a, Action::Start { first: 9_000, .. })),
        Some(true)
    );
}

#[test]
fn a_run_two_frames_short_is_followed_by_the_next_one_at_once() {
    let mut conductor = on_schedule(&[900, 900]);
    drain(&mut conductor, at(0, 480, 300));
    conductor.joined(RunId(1), 1_000);
    drain(&mut conductor, at(9_000, 570, 660));
    conductor.finished(RunId(1), Outcome::Completed { early: None }, 17_000);
    assert_eq!(drain(&mut conductor, at(17_000, 810, 898)), [Action::Air { run: RunId(2) }]);
}

#[test]
fn while_a_cold_channel_waits_for_its_programme_the_slate_takes_no_more_time_than_it_is_seen() {
    let mut conductor = on_schedule(&[9_000]);
    drain(&mut conductor, at(0, 480, 300));
    let late = |waiting_ms, next| {
        let live = 480 + waiting_ms * RATE / 1000;
        Moment { now_ms: waiting_ms, live, next, waiting_ms, silent_ms: waiting_ms }
    };
    assert_eq!(step(&mut conductor, late(1_000, 300)), Some(Action::Slate { until: 330 }));
    assert_eq!(step(&mut conductor, late(1_500, 330)), Some(Action::Slate { until: 345 }));
}

#[test]
fn the_slate_waits_where_a_run_that_it_has_overtaken_comes_back() {
    let mut conductor = on_schedule(&[9_000]);
    drain(&mut conductor, at(0, 480, 300));
    let late = |waiting_ms, next| {
        let live = 480 + waiting_ms * RATE / 1000;
        Moment { now_ms: waiting_ms, live, next, waiting_ms, silent_ms: 0 }
    };
    assert_eq!(step(&mut conductor, late(1_000, 300)), Some(Action::Slate { until: 330 }));
    conductor.gave(RunId(1), 330);
    assert_eq!(step(&mut conductor, late(3_000, 330)), Some(Action::Slate { until: 360 }));
    assert_eq!(step(&mut conductor, late(4_000, 360)), None);
    conductor.joined(RunId(1), 1_000);
    assert!(!conductor.slate_on());
}

#[test]
fn a_run_that_viewers_wait_for_has_the_machine_to_itself() {
    let mut conductor = on_schedule(&[450, 900]);
    let start = Action::Start { run: RunId(1), entry: PlayoutEntryId(1), first: 300, end: 450, rung: Rung::First };
    assert_eq!(drain(&mut conductor, at(0, 480, 300)), [start, Action::Air { run: RunId(1) }]);
    conductor.joined(RunId(1), 1_000);
    assert!(matches!(drain(&mut conductor, at(300, 489, 310))[..], [Action::Start { run: RunId(2), first: 450, .. }]));
}

#[test]
fn without_a_schedule_there_is_slate_and_nothing_is_started() {
    let mut conductor = Conductor::new(policy());
    assert_eq!(step(&mut conductor, at(0, 300, 120)), Some(Action::Slate { until: 360 }));
}

#[test]
fn a_changed_schedule_ends_the_runs_of_rows_that_are_gone() {
    let mut conductor = on_schedule(&[9_000]);
    drain(&mut conductor, at(0, 480, 300));
    let other =
        Slot { entry: PlayoutEntryId(77), first: 0, end: 9_000, content: Content::Playable, means: Means::default() };
    conductor.set_slots(vec![other]);
    let actions = drain(&mut conductor, at(100, 483, 330));
    assert!(matches!(actions[0], Action::Cancel { run: RunId(1), .. }), "{actions:?}");
    assert!(matches!(actions[1], Action::Start { entry: PlayoutEntryId(77), first: 330, .. }), "{actions:?}");
}

#[test]
fn after_a_suspend_nobody_is_shown_the_lost_hour() {
    let mut conductor = on_schedule(&[900_000]);
    assert_eq!(step(&mut conductor, at(0, 108_300, 300)), Some(Action::Skip { to: 108_300 }));
}

/// A small world: runs that start late, hang, break, end early or work, on a virtual clock.
struct World {
    conductor: Conductor,
    dice: u64,
    now_ms: i64,
    next: i64,
    sent_ms: i64,
    heard_ms: i64,
    alive: Vec<SimRun>,
    starts: Vec<(i64, PlayoutEntryId)>,
    budget: RestartBudget,
}

struct SimRun {
    id: RunId,
    first: i64,
    end: i64,
    ready_ms: i64,
    /// Frames that it makes in a second.
    speed: i64,
    breaks_at: i64,
    fate: Fate,
    aired: bool,
    in_step: bool,
}

impl SimRun {
    /// First frame that it has not made yet.
    fn made(&self, now_ms: i64) -> i64 {
        let limit = if self.fate == Fate::Fine { self.end } else { self.breaks_at.min(self.end) };
        limit.min(self.first + (now_ms - self.ready_ms).max(0) * self.speed / 1000)
    }

    fn is_through(&self, now_ms: i64) -> bool {
        self.fate != Fate::Hangs
            && self.made(now_ms) >= if self.fate == Fate::Fine { self.end } else { self.breaks_at.min(self.end) }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Fine,
    EndsEarly,
    Breaks,
    Hangs,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            conductor: Conductor::new(policy()),
            dice: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            now_ms: 0,
            next: FIRST,
            sent_ms: 0,
            heard_ms: 0,
            alive: vec![],
            starts: vec![],
            budget: budget(),
        };
        let lengths: Vec<i64> = (0..60).map(|_| 20 + world.roll(1_200)).collect();
        world.conductor.set_slots(slots(&lengths));
        world
    }

    fn roll(&mut self, sides: i64) -> i64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice >> 33) as i64 % sides
    }

    fn moment(&self) -> Moment {
        let live = 300 + self.now_ms * RATE / 1000;
        let since = |at_ms: i64| if self.next < live + policy().lead { self.now_ms - at_ms } else { 0 };
        let (waiting_ms, silent_ms) = (since(self.sent_ms), since(self.heard_ms));
        Moment { now_ms: self.now_ms, live, next: self.next, waiting_ms, silent_ms }
    }

    fn tick(&mut self) {
        self.now_ms += 1 + self.roll(200);
        self.read_frames();
        for round in 0.. {
            assert!(round < 50, "the conductor never comes to rest");
            let Some(action) = self.conductor.step(self.moment(), &mut self.budget) else { break };
            self.perform(action);
            self.check_invariants();
        }
    }

    fn read_frames(&mut self) {
        let horizon = self.moment().live + policy().lead;
        if self.next >= horizon {
            (self.sent_ms, self.heard_ms) = (self.now_ms, self.now_ms);
        }
        let Some(on_air) = self.conductor.on_air() else { return };
        let Some(position) = self.alive.iter().position(|run| run.id == on_air) else { return };
        let (now_ms, next) = (self.now_ms, self.next);
        let run = &mut self.alive[position];
        let reached = horizon.min(run.made(now_ms));
        if run.made(now_ms) > run.made(now_ms - 200) {
            self.heard_ms = now_ms;
            self.conductor.gave(on_air, next);
        }
        let gop = policy().gop;
        let joins_at = match run.in_step || run.first >= next {
            true => next.max(run.first),
            false => (next + gop - 1) / gop * gop,
        };
        if reached > joins_at {
            run.in_step = true;
            (self.next, self.sent_ms) = (reached, now_ms);
            self.conductor.joined(on_air, now_ms);
        }
        if run.is_through(now_ms) && (run.made(now_ms) <= self.next || !run.in_step) {
            let run = self.alive.remove(position);
            let outcome = if run.fate == Fate::Breaks {
                Outcome::Failed(Cause::FfmpegCrashed)
            } else {
                Outcome::Completed { early: None }
            };
            self.conductor.finished(run.id, outcome, self.now_ms);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Start { run, entry, first, end, .. } => {
                assert!(first >= self.next && first < end, "started on air already: {first}..{end} at {}", self.next);
                let fate = [Fate::Fine, Fate::Fine, Fate::Fine, Fate::EndsEarly, Fate::Breaks, Fate::Hangs]
                    [self.roll(6) as usize];
                let ready_ms = self.now_ms + 100 + self.roll(3_000);
                let breaks_at = first + self.roll((end - first).max(1));
                let speed = RATE + self.roll(5 * RATE);
                self.alive.push(SimRun {
                    id: run,
                    first,
                    end,
                    ready_ms,
                    speed,
                    breaks_at,
                    fate,
                    aired: false,
                    in_step: false,
                });
                self.starts.push((self.now_ms, entry));
            }
            Action::Air { run } => {
                let held = self.alive.iter_mut().find(|held| held.id == run).expect("aired a run that does not live");
                assert!(!std::mem::replace(&mut held.aired, true), "aired twice");
            }
            Action::Cancel { run, .. } => self.alive.retain(|held| held.id != run),
            Action::Slate { until } => {
                assert!(until > self.next, "slate backwards");
                self.next = until;
                self.alive.iter_mut().for_each(|run| run.in_step = false);
            }
            Action::Skip { to } => self.next = to,
        }
    }

    fn check_invariants(&self) {
        assert!(self.alive.len() <= 2, "three runs at once");
    }

    /// What was sent since the start lasts until now, but for the wait before the first picture and for one slow come-back.
    fn viewers_are_fed(&self) {
        let sent_ms = (self.next - FIRST) * 1000 / RATE;
        assert!(sent_ms >= self.now_ms - 6_000, "viewers starve at {} ms: they got {sent_ms} ms", self.now_ms);
    }
}

#[test]
fn in_256_bad_evenings_viewers_always_see_something_and_nothing_is_hammered() {
    for seed in 1..=256 {
        let mut world = World::new(seed);
        while world.now_ms < 300_000 {
            world.tick();
            if world.now_ms > 3_000 {
                world.viewers_are_fed();
            }
        }
        for entry in 1..=60 {
            let times: Vec<i64> = world.starts.iter().filter(|(_, e)| e.0 == entry).map(|(at, _)| *at).collect();
            assert!(times.windows(4).all(|four| four[3] - four[0] >= 1_000), "seed {seed}: {times:?}");
        }
    }
}
