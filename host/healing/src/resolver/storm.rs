//! Storms in virtual time: a day of faults on many channels, and what must hold at every moment of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use exstreamtv_model::{
    ChannelId,
    incident::{Action, IssueType, Risk},
};

use super::{
    tests::{issue, proposal},
    *,
};
use limits::{COOL_DOWN_MS, SWAPS_PER_HOUR};

const DAY_MS: i64 = 24 * HOUR_MS;
const STEP_MS: i64 = 30_000;
const CHANNELS: i64 = 6;
const MOST_AN_HOUR: u32 = 12;

/// A generator whose numbers are the same everywhere (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.roll().is_multiple_of(n)
    }
}

/// What is wrong with a place, and what would help; nothing may.
#[derive(Debug, Clone, Copy)]
struct Fault {
    issue: IssueType,
    cure: Option<Deed>,
    since_ms: i64,
    ends_ms: i64,
}

struct World {
    dice: Dice,
    faults: BTreeMap<Option<ChannelId>, Fault>,
    resolver: Resolver,
    pressure: Pressure,
    now_ms: i64,
    /// Steps that somebody is at, with the moment at which they answer.
    work: VecDeque<(i64, AttemptId, Phase, bool)>,
    deeds: BTreeMap<AttemptId, (IssueKey, Deed)>,
    begun_ms: Vec<i64>,
    swaps: BTreeMap<IssueKey, Vec<i64>>,
    brought_back: BTreeSet<IssueKey>,
    acted: BTreeMap<Option<ChannelId>, i64>,
    calls: usize,
    healed: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let settings = Settings { max_auto_fixes_per_hour: MOST_AN_HOUR, ..Settings::default() };
        Self {
            dice: Dice(seed),
            faults: BTreeMap::new(),
            resolver: Resolver::new(settings, Memory::default()),
            pressure: Pressure::default(),
            now_ms: 1_700_000_000_000,
            work: VecDeque::new(),
            deeds: BTreeMap::new(),
            begun_ms: vec![],
            swaps: BTreeMap::new(),
            brought_back: BTreeSet::new(),
            acted: BTreeMap::new(),
            calls: 0,
            healed: 0,
        }
    }

    fn step(&mut self) {
        self.now_ms += STEP_MS;
        self.break_things();
        self.weigh();
        self.answer();
        let issues = self.faults.iter().map(|(place, fault)| self.issue(*place, fault)).collect();
        self.resolver.see(issues, self.now_ms);
        for effect in self.resolver.advance(self.now_ms, &self.pressure) {
            self.perform(effect);
        }
        self.check_invariants();
    }

    fn break_things(&mut self) {
        let now_ms = self.now_ms;
        let before: Vec<_> = self.faults.keys().copied().collect();
        self.faults.retain(|_, fault| now_ms < fault.ends_ms);
        // Half an hour of storm follows half an hour of peace.
        let odds = if (now_ms / (HOUR_MS / 2)) % 2 == 0 { 12 } else { 400 };
        let places = (0..CHANNELS).map(|n| Some(ChannelId(n))).chain([None]);
        for place in places {
            // What ends is seen to end before anything else begins there.
            if !self.dice.one_in(odds) || before.contains(&place) {
                continue;
            }
            let deeds = Deed::ALL;
            let cure = deeds[usize::try_from(self.dice.roll() % deeds.len() as u64).unwrap()];
            let issue = match (place, self.dice.roll() % 4) {
                (None, roll) if roll < 2 => IssueType::DbPoolExhausted,
                (None, _) => IssueType::MemoryPressure,
                (_, 0) => IssueType::FfmpegHang,
                (_, 1) => IssueType::FfmpegCrash,
                (_, 2) => IssueType::UrlExpired,
                _ => IssueType::SourceUnavailable,
            };
            let key = IssueKey { issue, channel: place };
            // What was brought back and fails again counts; what fails by itself is nobody's swap.
            if self.brought_back.remove(&key) {
                self.swap(key, Deed::RestartRun, 1);
            }
            let lasts_ms = i64::try_from(self.dice.roll() % 90).unwrap() * MINUTE_MS;
            let cure = Some(cure).filter(|deed| *deed != Deed::CallPerson);
            self.faults.insert(place, Fault { issue, cure, since_ms: now_ms, ends_ms: now_ms + lasts_ms });
        }
    }

    fn weigh(&mut self) {
        self.pressure = match self.dice.roll() % 20 {
            0 => Pressure { restarts: u32::try_from(self.dice.roll() % 8).unwrap(), ..Pressure::default() },
            1 => Pressure { pool: 0.95, ..Pressure::default() },
            2 => Pressure { open_breakers: (0..CHANNELS / 2).map(ChannelId).collect(), ..Pressure::default() },
            _ => Pressure::default(),
        };
    }

    fn issue(&self, place: Option<ChannelId>, fault: &Fault) -> Issue {
        let key = IssueKey { issue: fault.issue, channel: place };
        issue(key, &Deed::ALL, fault.since_ms)
    }

    fn answer(&mut self) {
        let now_ms = self.now_ms;
        let due: Vec<_> = self.work.iter().filter(|(at_ms, ..)| *at_ms <= now_ms).copied().collect();
        self.work.retain(|(at_ms, ..)| *at_ms > now_ms);
        for (_, id, phase, ok) in due {
            let (key, deed) = self.deeds[&id];
            if phase == Phase::Probing && ok {
                self.faults.remove(&key.channel);
                self.swap(key, deed, 1);
                if deed.interrupts() {
                    self.brought_back.insert(key);
                }
            }
            let answer = if ok { Ok(String::new()) } else { Err(String::new()) };
            self.resolver.answer(id, phase, answer, now_ms);
        }
    }

    fn perform(&mut self, effect: Effect) {
        // One in thirty never answers.
        let at_ms = if self.dice.one_in(30) { i64::MAX } else { self.now_ms + STEP_MS / 2 };
        match effect {
            Effect::Ask(issue) => self.resolver.proposed(issue.key, proposals()),
            Effect::Check(id, key, _) => {
                self.begin(id, key);
                let holds = !self.dice.one_in(10);
                self.work.push_back((at_ms, id, Phase::Checking, holds));
            }
            Effect::Cover(id, _) => {
                self.work.push_back((at_ms, id, Phase::Covering, true));
            }
            Effect::Perform(id, ..) => self.work.push_back((at_ms, id, Phase::Acting, true)),
            Effect::Probe(id, key, _) => {
                let cure = self.faults.get(&key.channel).is_none_or(|fault| fault.cure == Some(self.deeds[&id].1));
                self.work.push_back((at_ms, id, Phase::Probing, cure));
            }
            Effect::Undo(id, key, _) => {
                // What stood in was there for a moment.
                self.swap(key, self.deeds[&id].1, 2);
                self.work.push_back((at_ms, id, Phase::Undoing, true));
            }
            Effect::Resolved(told) if told.outcome == Outcome::Called => self.calls += 1,
            Effect::Resolved(told) => {
                self.healed += usize::from(told.outcome == Outcome::Healed);
                self.work.retain(|(_, id, ..)| *id != told.id);
            }
            Effect::Keep(_) | Effect::Learnt(..) | Effect::Uncover(_) => {}
        }
    }

    /// The picture changes by what the healer did; that is never one time too many.
    fn swap(&mut self, key: IssueKey, deed: Deed, count: usize) {
        if !deed.interrupts() {
            return;
        }
        let times = self.swaps.entry(key).or_default();
        times.extend(std::iter::repeat_n(self.now_ms, count));
        let recent = recent(times, self.now_ms);
        assert!(recent <= SWAPS_PER_HOUR, "{key:?} swaps {recent} times an hour");
    }

    /// What is begun is begun within every limit.
    fn begin(&mut self, id: AttemptId, key: IssueKey) {
        let attempt = &self.resolver.running[&id];
        let deed = attempt.so_far.deed;
        let giving = deed == Deed::ExpandPool;
        assert!(self.pressure.restarts <= STORM_RESTARTS, "it acts in a storm");
        assert!(self.pressure.pool < POOL_PRESSURE || giving, "it acts under pressure of the pool");
        let broken = key.channel.is_some_and(|channel| self.pressure.open_breakers.contains(&channel));
        assert!(!broken, "it acts on an open breaker");
        assert!(attempt.so_far.risk <= RiskLevel::Medium || attempt.so_far.approval.is_some(), "nobody was asked");
        self.deeds.insert(id, (key, deed));
        self.begun_ms.push(self.now_ms);
        self.acted.insert(key.channel, self.now_ms);
    }

    fn check_invariants(&self) {
        let now_ms = self.now_ms;
        assert!(recent(&self.begun_ms, now_ms) <= MOST_AN_HOUR as usize, "more fixes in an hour than allowed");
        assert!(self.resolver.is_sound(), "two deeds on one channel");
        for case in self.resolver.cases() {
            let until_ms = case.cool_until_ms.unwrap_or(now_ms);
            assert!(until_ms <= now_ms + COOL_DOWN_MS, "a cool-down that does not end");
        }
    }
}

fn recent(times: &[i64], now_ms: i64) -> usize {
    times.iter().rev().take_while(|at_ms| now_ms - **at_ms < HOUR_MS).count()
}

fn proposals() -> Vec<Proposal> {
    vec![
        proposal(Action::Restart, Risk::Medium, 0.8),
        proposal(Action::Refresh, Risk::Safe, 0.7),
        proposal(Action::Fallback, Risk::Safe, 0.6),
        proposal(Action::Expand, Risk::Low, 0.6),
        proposal(Action::Reduce, Risk::Medium, 0.5),
        proposal(Action::Escalate, Risk::Safe, 1.0),
    ]
}

/// Lives through a day of each seed.
fn days(seeds: std::ops::Range<u64>) {
    let (mut healed, days) = (0, seeds.end - seeds.start);
    for seed in seeds {
        let mut world = World::new(seed);
        let end_ms = world.now_ms + DAY_MS;
        while world.now_ms < end_ms {
            world.step();
        }
        assert!(world.healed > 0 && world.calls > 0, "seed {seed}: {} healed, {} calls", world.healed, world.calls);
        healed += world.healed;
        nobody_is_locked_out(&mut world, seed);
    }
    assert!(healed as u64 > 10 * days, "{healed} healed in {days} days");
}

#[test]
fn a_day_of_storms_breaks_no_limit_locks_nobody_out_and_swaps_no_picture_to_and_fro_1() {
    days(0..64);
}

#[test]
fn a_day_of_storms_breaks_no_limit_locks_nobody_out_and_swaps_no_picture_to_and_fro_2() {
    days(64..128);
}

#[test]
fn a_day_of_storms_breaks_no_limit_locks_nobody_out_and_swaps_no_picture_to_and_fro_3() {
    days(128..192);
}

#[test]
fn a_day_of_storms_breaks_no_limit_locks_nobody_out_and_swaps_no_picture_to_and_fro_4() {
    days(192..256);
}

/// After the storm a fault that a restart heals is healed, on every channel, however often it was in vain before.
fn nobody_is_locked_out(world: &mut World, seed: u64) {
    world.faults.clear();
    let calm_ms = world.now_ms + 2 * HOUR_MS;
    while world.now_ms < calm_ms {
        world.now_ms += STEP_MS;
        world.answer();
        world.resolver.see(vec![], world.now_ms);
        let effects = world.resolver.advance(world.now_ms, &Pressure::default());
        effects.into_iter().for_each(|effect| world.perform(effect));
    }
    for n in 0..CHANNELS {
        let place = Some(ChannelId(n));
        let key = IssueKey { issue: IssueType::FfmpegHang, channel: place };
        let since_ms = world.now_ms;
        let acted = (0..1_000).any(|_| {
            world.now_ms += STEP_MS;
            world.resolver.see(vec![issue(key, &Deed::ALL, since_ms)], world.now_ms);
            let effects = world.resolver.advance(world.now_ms, &Pressure::default());
            let begins = effects.iter().any(|effect| matches!(effect, Effect::Check(_, of, _) if *of == key));
            effects.iter().for_each(|effect| {
                if let Effect::Ask(issue) = effect {
                    world.resolver.proposed(issue.key, proposals());
                }
            });
            begins
        });
        assert!(acted, "seed {seed}: channel {n} is locked out");
    }
}
