//! Scenes with a known end, and 256 bad days of several channels that share one budget.

use super::*;

const ONE: PlayoutEntryId = PlayoutEntryId(1);
const TWO: PlayoutEntryId = PlayoutEntryId(2);

struct Scene {
    supervision: Supervision,
    budget: RestartBudget,
}

impl Scene {
    fn new() -> Self {
        Self { supervision: Supervision::new(Rules::default()), budget: RestartBudget::new(BudgetRules::default()) }
    }

    /// A channel that has shown something.
    fn warm() -> Self {
        let mut scene = Self::new();
        scene.start(ONE, 0);
        scene.supervision.shown(ONE, 500);
        scene
    }

    fn permit(&self, entry: PlayoutEntryId, now_ms: i64) -> Permit {
        self.supervision.permit(entry, Means::default(), now_ms, &self.budget)
    }

    fn start(&mut self, entry: PlayoutEntryId, now_ms: i64) -> Rung {
        let Permit::Start(rung) = self.permit(entry, now_ms) else { panic!("{:?}", self.permit(entry, now_ms)) };
        self.supervision.started(entry, rung, now_ms, &mut self.budget);
        rung
    }

    fn fail(&mut self, entry: PlayoutEntryId, now_ms: i64) {
        self.supervision.failed(entry, Cause::FfmpegCrashed, now_ms);
    }
}

#[test]
fn the_first_restart_is_immediate_and_the_second_waits_for_half_a_minute() {
    let mut scene = Scene::warm();
    scene.fail(ONE, 10_000);
    assert_eq!(scene.start(ONE, 10_000), Rung::SameCommand);
    scene.fail(ONE, 12_000);
    assert_eq!(scene.permit(ONE, 12_000), Permit::Wait { until_ms: 40_000 });
    assert_eq!(scene.permit(ONE, 40_000), Permit::Start(Rung::SameCommand));
}

#[test]
fn who_waits_at_a_cold_tune_is_served_sooner() {
    let mut scene = Scene::new();
    assert_eq!(scene.start(ONE, 0), Rung::First);
    let mut starts = vec![];
    let mut now_ms = 0;
    for _ in 0..4 {
        scene.fail(ONE, now_ms);
        now_ms = match scene.permit(ONE, now_ms) {
            Permit::Wait { until_ms } => until_ms,
            _ => now_ms,
        };
        scene.start(ONE, now_ms);
        starts.push(now_ms);
    }
    assert_eq!(starts, [0, 1_000, 6_000, 16_000]);
}

#[test]
fn five_failures_pause_the_channel_for_two_minutes_and_then_one_probe_decides() {
    let mut scene = Scene::warm();
    let mut now_ms = 1_000;
    for _ in 0..4 {
        scene.fail(ONE, now_ms);
        now_ms = match scene.permit(ONE, now_ms) {
            Permit::Wait { until_ms } => until_ms,
            _ => now_ms,
        };
        scene.start(ONE, now_ms);
    }
    scene.fail(ONE, 100_000);
    assert_eq!(scene.permit(ONE, 100_000), Permit::Wait { until_ms: 220_000 });
    scene.start(ONE, 220_000);
    scene.fail(ONE, 221_000);
    assert_eq!(scene.permit(ONE, 221_000), Permit::Wait { until_ms: 341_000 });
}

#[test]
fn the_next_item_starts_on_schedule_even_while_the_breaker_is_open() {
    let mut scene = Scene::warm();
    (0..5).for_each(|n| scene.fail(ONE, 1_000 + n));
    assert!(matches!(scene.permit(ONE, 50_000), Permit::Wait { .. }));
    assert_eq!(scene.permit(TWO, 50_000), Permit::Start(Rung::First));
    scene.start(TWO, 50_000);
    assert_eq!(scene.permit(PlayoutEntryId(3), 51_000), Permit::Wait { until_ms: 60_000 });
}

#[test]
fn a_missing_file_costs_no_restart_until_somebody_sees_it_again() {
    let mut scene = Scene::warm();
    scene.supervision.failed(ONE, Cause::SourceMissing, 5_000);
    assert_eq!(scene.permit(ONE, 900_000), Permit::Never);
    scene.supervision.forgive(ONE);
    assert_eq!(scene.permit(ONE, 900_000), Permit::Start(Rung::First));
    assert_eq!(scene.supervision.restarts(), 0);
}

#[test]
fn an_order_overrules_every_pause_and_costs_no_restart() {
    let mut scene = Scene::warm();
    (0..5).for_each(|n| scene.fail(ONE, 1_000 + n));
    scene.supervision.spent(ONE, None);
    scene.supervision.order(ONE, Rung::SameCommand);
    assert_eq!(scene.start(ONE, 2_000), Rung::SameCommand);
    assert_eq!((scene.supervision.restarts(), scene.budget.taken(2_000)), (0, 0));
}

#[test]
fn what_went_well_for_a_minute_begins_at_the_bottom_of_the_ladder() {
    let means = Means { versions: 1, ..Means::default() };
    let mut scene = Scene::warm();
    scene.fail(ONE, 1_000);
    scene.start(ONE, 1_000);
    scene.supervision.shown(ONE, 2_000);
    scene.fail(ONE, 40_000);
    let rung = |scene: &Scene, now_ms| scene.supervision.permit(ONE, means, now_ms, &scene.budget);
    assert_eq!(rung(&scene, 40_000), Permit::Start(Rung::NextSource { version: 0 }));
    scene.start(ONE, 40_000);
    scene.supervision.shown(ONE, 41_000);
    scene.fail(ONE, 101_000);
    assert_eq!(rung(&scene, 101_000), Permit::Start(Rung::SameCommand));
}

#[test]
fn a_filler_that_is_over_gives_way_to_another_attempt() {
    let means = Means { filler_frames: 100, ..Means::default() };
    let mut scene = Scene::warm();
    scene.fail(ONE, 1_000);
    scene.start(ONE, 1_000);
    scene.fail(ONE, 2_000);
    let rung = |scene: &Scene, now_ms| scene.supervision.permit(ONE, means, now_ms, &scene.budget);
    assert_eq!(rung(&scene, 31_000), Permit::Start(Rung::Filler));
    scene.supervision.started(ONE, Rung::Filler, 31_000, &mut scene.budget);
    scene.supervision.stand_in_ended(ONE, 70_000);
    assert_eq!(rung(&scene, 70_000), Permit::Start(Rung::SameCommand));
}

#[test]
fn what_is_ordered_to_stand_in_does_so_between_attempts_until_it_is_ordered_back() {
    let means = Means { next_frames: 900, ..Means::default() };
    let mut scene = Scene::warm();
    scene.fail(ONE, 1_000);
    assert_eq!(scene.start(ONE, 1_000), Rung::SameCommand);
    scene.fail(ONE, 2_000);
    scene.supervision.order(ONE, Rung::NextItem);
    let permit = |scene: &Scene, now_ms| scene.supervision.permit(ONE, means, now_ms, &scene.budget);
    // What is not there cannot stand in.
    assert_eq!(scene.permit(ONE, 3_000), Permit::Wait { until_ms: 31_000 });
    for now_ms in [3_000, 10_000, 20_000] {
        assert_eq!(permit(&scene, now_ms), Permit::Start(Rung::NextItem));
        scene.supervision.started(ONE, Rung::NextItem, now_ms, &mut scene.budget);
        scene.supervision.stand_in_ended(ONE, now_ms + 5_000);
    }
    assert_eq!(scene.supervision.restarts(), 1, "a stand-in is no restart");
    assert_eq!(permit(&scene, 31_000), Permit::Start(Rung::SameCommand));
    scene.supervision.order_back(ONE);
    assert_eq!(permit(&scene, 30_000), Permit::Wait { until_ms: 31_000 });
}

/// Channels whose items fail by dice.
struct Day {
    channels: Vec<Channel>,
    budget: RestartBudget,
    dice: u64,
    now_ms: i64,
    restarts_ms: Vec<i64>,
}

struct Channel {
    supervision: Supervision,
    luck: i64,
    entry: i64,
    next_item_ms: i64,
    /// When the run that lives will fail, and from when on it shows something.
    fails_ms: Option<i64>,
    shows_ms: i64,
    has_shown: bool,
    restarts_ms: Vec<i64>,
    failures_ms: Vec<i64>,
    last_attempt_ms: i64,
}

impl Day {
    fn new(seed: u64) -> Self {
        let mut day = Self {
            channels: vec![],
            budget: RestartBudget::new(BudgetRules::default()),
            dice: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            now_ms: 0,
            restarts_ms: vec![],
        };
        for _ in 0..4 {
            let luck = day.roll(100);
            day.channels.push(Channel {
                supervision: Supervision::new(Rules::default()),
                luck,
                entry: 1,
                next_item_ms: 600_000,
                fails_ms: None,
                shows_ms: 0,
                has_shown: false,
                restarts_ms: vec![],
                failures_ms: vec![],
                last_attempt_ms: 0,
            });
        }
        day
    }

    fn roll(&mut self, sides: i64) -> i64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice >> 33) as i64 % sides
    }

    fn tick(&mut self) {
        self.now_ms += 1 + self.roll(1_500);
        for index in 0..self.channels.len() {
            let (sound, early) = (self.roll(100), self.roll(30_000));
            let now_ms = self.now_ms;
            let channel = &mut self.channels[index];
            if now_ms >= channel.next_item_ms {
                channel.entry += 1;
                channel.next_item_ms = now_ms + 600_000;
                channel.fails_ms = None;
            }
            let entry = PlayoutEntryId(channel.entry);
            match channel.fails_ms {
                Some(fails_ms) if fails_ms <= now_ms => {
                    channel.fails_ms = None;
                    channel.supervision.failed(entry, Cause::FfmpegCrashed, now_ms);
                    channel.failures_ms.push(now_ms);
                }
                Some(_) if channel.shows_ms <= now_ms => {
                    channel.has_shown = true;
                    channel.supervision.shown(entry, now_ms);
                }
                Some(_) => {}
                None => {
                    let Permit::Start(rung) = channel.supervision.permit(entry, Means::default(), now_ms, &self.budget)
                    else {
                        continue;
                    };
                    channel.supervision.started(entry, rung, now_ms, &mut self.budget);
                    channel.last_attempt_ms = now_ms;
                    channel.shows_ms = now_ms + 400;
                    channel.fails_ms = Some(if sound < channel.luck { i64::MAX } else { now_ms + early });
                    if rung.is_restart() {
                        self.restarts_ms.push(now_ms);
                        if channel.has_shown {
                            channel.restarts_ms.push(now_ms);
                        }
                    }
                }
            }
        }
        self.check_invariants();
    }

    fn check_invariants(&self) {
        let at_most_ten = self.restarts_ms.windows(11).all(|eleven| eleven[10] - eleven[0] >= 60_000);
        assert!(at_most_ten, "more than ten restarts in a minute: {:?}", self.restarts_ms);
        for channel in &self.channels {
            let apart = channel.restarts_ms.windows(2).all(|pair| pair[1] - pair[0] >= 30_000);
            assert!(apart, "restarts too close: {:?}", channel.restarts_ms);
            let silent_ms = self.now_ms - channel.last_attempt_ms;
            // The breaker's two minutes, and the budget's one when all channels fail at once, and the tick.
            assert!(channel.fails_ms.is_some() || silent_ms <= 185_000, "given up for {silent_ms} ms");
        }
    }
}

#[test]
fn on_256_bad_days_nothing_is_hammered_and_no_channel_is_given_up() {
    for seed in 1..=256 {
        let mut day = Day::new(seed);
        while day.now_ms < 3_600_000 {
            day.tick();
        }
    }
}

#[test]
fn a_card_that_fails_is_not_waited_for_because_the_next_attempt_asks_less_of_it() {
    let mut scene = Scene::new();
    scene.start(ONE, 0);
    scene.supervision.shown(ONE, 100);
    for at_ms in [10_000, 11_000, 12_000] {
        scene.supervision.failed(ONE, Cause::HardwareFailed, at_ms);
        assert_eq!(scene.start(ONE, at_ms), Rung::SameCommand);
    }
    scene.supervision.failed(ONE, Cause::FfmpegCrashed, 13_000);
    assert_eq!(scene.permit(ONE, 13_000), Permit::Wait { until_ms: 42_000 });
}
