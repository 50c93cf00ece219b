//! Patterns of trouble that nobody wrote down: what was said before incidents more often than chance.
//!
//! Does: listen, remember what came before incidents and before nothing, propose sequences that tell them apart, foretell incidents by them.
//! Does not: act, read a clock, or keep anything on disk.
//! Invariants: memory is bounded whatever is said; a proposal needs [`mine::ALPHA`] over the whole life of a memory, and three separate occasions;
//! what a person decided stays; the same events at the same times give the same answers.
//!
//! A case is the window (`[t - lead - window, t - lead)`, the lead being a 120th of a window: what comes later warns nobody) before an incident at t. A
//! control is the same window of the same channel before a moment that nothing followed for a window. Neither reaches into the time of an incident
//! before it or the window after that: what is said while a channel recovers would else look like a sign. Incidents that begin within a window of
//! each other, on whatever channels, are one case: one broken server is one observation, not fifty.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_model::{Cause, ChannelId};
use serde::{Deserialize, Serialize};

use crate::{
    event::{LogEvent, LogLevel, LogSource},
    templates::TemplateId,
};

pub mod evidence;
pub mod exact;
pub mod learnt;
pub mod mine;
pub mod recent;
pub mod window;

use evidence::Evidence;
use learnt::{Decider, Learnt, LearntId, Record, Sample, Standing, Step};
use mine::Found;
use recent::Recent;
use window::{Item, Whose, Window, holds};

/// Patterns that are known.
pub const MOST_PATTERNS: usize = 200;
/// Predictions that are open.
const MOST_OPEN: usize = 1_000;
/// What comes later than this part of a window before an incident warns nobody.
const LEAD: i32 = 120;
/// Windows between what counts as separate occasions, and how many a proposal needs.
const OCCASION: i32 = 5;
const LEAST_OCCASIONS: usize = 3;
/// Of a channel of which enough quiet windows are known, every so-manieth is kept.
const THINNED: u32 = 8;
/// A better sequence replaces a proposal that it contains, or is contained in, when it is so much less likely by chance.
const MUCH_SURER: f64 = 1e-3;
/// The same figures give the same odds but for the last digits.
const ALIKE: f64 = 1.0 + 1e-9;

/// What a template says, and who says it.
pub type Wording<'a> = &'a dyn Fn(TemplateId) -> Option<(LogSource, String)>;

/// An incident that is to be expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Foretold {
    /// By which pattern.
    #[cfg_attr(feature = "openapi", schema(value_type = i64))]
    pub pattern: LearntId,
    /// Where.
    pub channel: ChannelId,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Until when it comes, if it comes.
    pub until: DateTime<Utc>,
    /// The odds of it.
    pub probability: f64,
    /// What is likeliest to go wrong.
    pub leads_to: Option<Cause>,
}

/// What is new.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// A sequence was found.
    Proposed(Box<Learnt>),
    /// Evidence confirmed a pattern.
    Confirmed(Box<Learnt>),
    /// A pattern foretold nothing, or was not heard of any more.
    GivenUp(LearntId),
    /// A confirmed pattern was seen: an incident is to be expected.
    Foretold(Foretold),
}

/// Everything that was learnt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// How often sequences were looked for.
    pub looks: u32,
    /// Windows before incidents and before nothing, the oldest first.
    pub windows: Vec<Window>,
    /// The patterns.
    pub patterns: Vec<Learnt>,
}

/// What changed since it was written down last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// How often sequences were looked for.
    pub looks: u32,
    /// New windows.
    pub windows: Vec<Window>,
    /// Patterns that are new or different.
    pub patterns: Vec<Learnt>,
    /// Patterns that are no more.
    pub gone: Vec<LearntId>,
}

impl Changes {
    /// Says whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.patterns.is_empty() && self.gone.is_empty()
    }
}

/// Learns.
#[derive(Debug)]
pub struct Learner {
    window: TimeDelta,
    recent: Recent,
    evidence: Evidence,
    patterns: BTreeMap<LearntId, Learnt>,
    watched: BTreeMap<ChannelId, Watch>,
    open: Vec<Foretold>,
    looks: u32,
    last_id: i64,
    last_case: Option<DateTime<Utc>>,
    fresh: VecDeque<Window>,
    touched: BTreeSet<LearntId>,
    gone: Vec<LearntId>,
    learns: bool,
}

/// A channel on air.
#[derive(Debug)]
struct Watch {
    /// The next moment that nothing may have followed.
    quiet: DateTime<Utc>,
    /// Something is wrong with it.
    broken: bool,
    /// When something was last wrong.
    healed: Option<DateTime<Utc>>,
}

impl Learner {
    /// Goes on with what was learnt before; `window` is how long before an incident its signs are looked for.
    pub fn new(window: TimeDelta, memory: Memory) -> Self {
        let mut evidence = Evidence::default();
        memory.windows.into_iter().for_each(|window| evidence.keep(window));
        let last_case = evidence.cases().last().map(|window| window.at);
        let patterns: BTreeMap<_, _> =
            memory.patterns.into_iter().take(MOST_PATTERNS).map(|pattern| (pattern.id, pattern)).collect();
        let last_id = patterns.last_key_value().map_or(0, |(id, _)| id.0);
        Self {
            window,
            recent: Recent::new(window),
            evidence,
            patterns,
            watched: BTreeMap::new(),
            open: Vec::new(),
            looks: memory.looks,
            last_id,
            last_case,
            fresh: VecDeque::new(),
            touched: BTreeSet::new(),
            gone: Vec::new(),
            learns: true,
        }
    }

    /// Learns from now on, or only looks for what was learnt.
    pub fn set_learning(&mut self, learns: bool) {
        self.learns = learns;
    }

    /// Takes what somebody said.
    pub fn take(&mut self, event: &LogEvent) -> Vec<News> {
        if event.level < LogLevel::Info || !self.recent.take(event) {
            return Vec::new();
        }
        let ends_with = |pattern: &&Learnt| pattern.steps.last().is_some_and(|step| step.template == event.template);
        let looked_for = self.patterns.values().filter(|pattern| pattern.standing.is_looked_for()).filter(ends_with);
        let ids: Vec<_> = looked_for.map(|pattern| pattern.id).collect();
        ids.into_iter().flat_map(|id| self.look_for(id, event)).collect()
    }

    fn look_for(&mut self, id: LearntId, event: &LogEvent) -> Vec<News> {
        let Some(pattern) = self.patterns.get(&id) else { return Vec::new() };
        let (items, probability, leads_to) = (pattern.items(), pattern.probability(), pattern.likeliest());
        let confirmed = pattern.standing == Standing::Confirmed;
        let until = event.timestamp + self.window + self.lead();
        let healthy = self.watched.iter().filter(|(_, watch)| !watch.broken).map(|(channel, _)| *channel);
        let concerned: Vec<_> = healthy.filter(|channel| self.concerns(*channel, &items, event)).collect();
        let mut news = Vec::new();
        for channel in concerned {
            let known = self.open.iter().any(|open| open.pattern == id && open.channel == channel);
            if known || self.open.len() >= MOST_OPEN {
                continue;
            }
            let foretold = Foretold { pattern: id, channel, since: event.timestamp, until, probability, leads_to };
            news.extend(confirmed.then(|| News::Foretold(foretold.clone())));
            self.open.push(foretold);
        }
        if let Some(pattern) = self.patterns.get_mut(&id) {
            pattern.seen = pattern.seen.max(event.timestamp);
        }
        news
    }

    /// Says whether a channel has just heard the end of a sequence, and the rest before.
    fn concerns(&self, channel: ChannelId, items: &[Item], event: &LogEvent) -> bool {
        let possible = items.last().is_some_and(|item| match item.whose {
            Whose::Own => event.channel_id == Some(channel),
            Whose::General => event.channel_id.is_none(),
            Whose::Shared => event.channel_id.is_some_and(|other| other != channel),
        });
        let end = event.timestamp + TimeDelta::milliseconds(1);
        possible && holds(&self.recent.window(channel, end - self.window, end), items)
    }

    /// Something goes wrong on a channel. Says what that teaches; `wording` says what templates say.
    pub fn incident_begins(
        &mut self,
        channel: ChannelId,
        cause: Cause,
        at: DateTime<Utc>,
        wording: Wording<'_>,
    ) -> Vec<News> {
        let (window, lead) = (self.window, self.lead());
        let watch = self.watched.entry(channel).or_insert(Watch { quiet: at, broken: false, healed: None });
        // One that comes back after its end is no new one.
        let known = watch.healed.is_some_and(|healed| at <= healed);
        if std::mem::replace(&mut watch.broken, true) || known {
            return Vec::new();
        }
        let clean = watch.healed.is_none_or(|healed| at - healed >= window * 2);
        self.settle(channel, at);
        // One cause that breaks many channels is one observation.
        if !self.learns || !clean || self.last_case.is_some_and(|last| at - last < window) {
            return Vec::new();
        }
        let (from, to) = (at - lead - window, at - lead);
        let case =
            Window { channel, at, before_incident: true, weight: 1, items: self.recent.window(channel, from, to) };
        let shared = self.recent.shared(channel, from, to);
        self.last_case = Some(at);
        self.keep(case.clone());
        self.looks = self.looks.saturating_add(1);
        self.learn(&case, &Sample { channel, at, cause, shared }, wording)
    }

    /// Predictions for a channel come true.
    fn settle(&mut self, channel: ChannelId, at: DateTime<Utc>) {
        let (lead, occasion) = (self.lead(), self.window * OCCASION);
        for foretold in self.open.extract_if(.., |open| open.channel == channel) {
            // Too late to warn anybody, or over already: neither right nor wrong.
            let in_time = foretold.since <= at - lead && at <= foretold.until;
            let pattern = self.patterns.get_mut(&foretold.pattern).filter(|_| in_time);
            if let Some(pattern) = pattern {
                pattern.came_true(at, occasion);
                self.touched.insert(pattern.id);
            }
        }
    }

    /// The programme is back on a channel.
    pub fn incident_ends(&mut self, channel: ChannelId, at: DateTime<Utc>) {
        let quiet = at + self.window * 2 + self.lead();
        if let Some(watch) = self.watched.get_mut(&channel) {
            *watch = Watch { quiet, broken: false, healed: Some(at) };
        }
    }

    /// Lets time pass; `on_air` are the channels that could fail.
    pub fn pass_time(&mut self, now: DateTime<Utc>, on_air: &BTreeSet<ChannelId>) -> Vec<News> {
        let first = now + self.window + self.lead();
        self.watched.retain(|channel, _| on_air.contains(channel));
        for channel in on_air {
            self.watched.entry(*channel).or_insert(Watch { quiet: first, broken: false, healed: None });
        }
        self.note_quiet(now);
        self.close_predictions(now);
        self.recent.forget(now);
        self.weigh(now)
    }

    /// Keeps windows that nothing followed.
    fn note_quiet(&mut self, now: DateTime<Utc>) {
        let (window, lead) = (self.window, self.lead());
        let channels: Vec<_> = self.watched.iter().filter(|(_, watch)| !watch.broken).map(|(id, _)| *id).collect();
        for channel in channels {
            let Some(watch) = self.watched.get_mut(&channel) else { continue };
            if now - watch.quiet > window * 2 {
                // Nobody looked for long, and what was said then is forgotten.
                watch.quiet = now;
            }
            if now - watch.quiet < window + lead {
                continue;
            }
            let at = watch.quiet;
            let weight = if self.evidence.controls_of(channel) < evidence::MOST_OF_CHANNEL { 1 } else { THINNED };
            watch.quiet = at + window * i32::try_from(weight).unwrap_or(1);
            if self.learns {
                let items = self.recent.window(channel, at - lead - window, at - lead);
                self.keep(Window { channel, at, before_incident: false, weight, items });
            }
        }
    }

    fn close_predictions(&mut self, now: DateTime<Utc>) {
        let (late, watched) = (now - self.lead(), &self.watched);
        for over in self.open.extract_if(.., |open| open.until < late || !watched.contains_key(&open.channel)) {
            // Whoever tunes out takes the answer with him.
            let pattern = self.patterns.get_mut(&over.pattern).filter(|_| over.until < late);
            if let Some(pattern) = pattern {
                pattern.did_not_come_true();
                self.touched.insert(pattern.id);
            }
        }
    }

    fn weigh(&mut self, now: DateTime<Utc>) -> Vec<News> {
        let mut news = Vec::new();
        for pattern in self.patterns.values_mut() {
            let Some(becomes) = pattern.weigh(now) else { continue };
            self.touched.insert(pattern.id);
            news.push(match becomes {
                Standing::Confirmed => News::Confirmed(Box::new(pattern.clone())),
                _ => News::GivenUp(pattern.id),
            });
        }
        news
    }

    fn learn(&mut self, case: &Window, sample: &Sample, wording: Wording<'_>) -> Vec<News> {
        for pattern in self.patterns.values_mut() {
            let items = pattern.items();
            if case.holds(&items) && pattern.standing != Standing::Expired {
                pattern.statistics = mine::count(&self.evidence, &items, self.looks);
                pattern.remember(sample.clone());
                self.touched.insert(pattern.id);
            }
        }
        let found = mine::mine(&self.evidence, case, self.looks);
        let often = found.into_iter().filter(|found| self.occasions(&found.items) >= LEAST_OCCASIONS);
        let often: Vec<_> = often.collect();
        often.into_iter().filter_map(|found| self.propose(found, sample, wording)).collect()
    }

    fn occasions(&self, items: &[Item]) -> usize {
        let (mut last, mut occasions) = (None::<DateTime<Utc>>, 0);
        for window in self.evidence.cases().filter(|window| window.holds(items)) {
            if last.is_none_or(|last| window.at - last >= self.window * OCCASION) {
                (last, occasions) = (Some(window.at), occasions + 1);
            }
        }
        occasions
    }

    fn propose(&mut self, found: Found, sample: &Sample, wording: Wording<'_>) -> Option<News> {
        let step = |item: &Item| {
            let (source, text) = wording(item.template)?;
            Some(Step { whose: item.whose, template: item.template, source, text })
        };
        let steps = found.items.iter().map(step).collect::<Option<Vec<_>>>()?;
        let (going, staying): (Vec<_>, Vec<_>) =
            self.patterns.values().partition(|known| gives_way(known, &found) || known.standing == Standing::Expired);
        let staying: Vec<_> = staying.into_iter().map(Learnt::items).collect();
        let staying: Vec<&[Item]> = staying.iter().map(Vec::as_slice).collect();
        if !mine::tells_more(&self.evidence, &found.items, &staying) {
            return None;
        }
        let related = |known: &&&Learnt| mine::related(&known.items(), &found.items);
        let going: Vec<_> = going.iter().filter(related).map(|known| known.id).collect();
        going.iter().for_each(|id| self.remove(*id));
        self.make_room().then(|| self.begin(steps, found, sample))
    }

    fn begin(&mut self, steps: Vec<Step>, found: Found, sample: &Sample) -> News {
        self.last_id += 1;
        let mut pattern = Learnt {
            id: LearntId(self.last_id),
            steps,
            standing: Standing::Proposed,
            statistics: found.statistics,
            leads_to: BTreeMap::new(),
            samples: VecDeque::new(),
            record: Record::default(),
            proposed: sample.at,
            decided: None,
            seen: sample.at,
            last_occasion: None,
        };
        pattern.remember(sample.clone());
        self.touched.insert(pattern.id);
        self.patterns.insert(pattern.id, pattern.clone());
        News::Proposed(Box::new(pattern))
    }

    /// Makes room for one more pattern, if there is one that nobody decided on.
    fn make_room(&mut self) -> bool {
        if self.patterns.len() < MOST_PATTERNS {
            return true;
        }
        let undecided =
            self.patterns.values().filter(|one| matches!(one.standing, Standing::Expired | Standing::Proposed));
        let weakest = undecided.min_by_key(|one| (one.standing == Standing::Proposed, one.seen)).map(|one| one.id);
        weakest.into_iter().for_each(|id| self.remove(id));
        weakest.is_some()
    }

    fn remove(&mut self, id: LearntId) {
        self.patterns.remove(&id);
        self.touched.remove(&id);
        self.open.retain(|open| open.pattern != id);
        self.gone.push(id);
    }

    fn keep(&mut self, window: Window) {
        if self.fresh.len() >= evidence::MOST_WINDOWS {
            self.fresh.pop_front();
        }
        self.fresh.push_back(window.clone());
        self.evidence.keep(window);
    }

    /// A person says that a pattern means something, or nothing; `None` if there is no such pattern.
    pub fn decide(&mut self, id: LearntId, standing: Standing, now: DateTime<Utc>) -> Option<&Learnt> {
        let pattern = self.patterns.get_mut(&id)?;
        (pattern.standing, pattern.decided) = (standing, Some((now, Decider::Person)));
        // It counts as heard of, or it would expire the moment it is confirmed.
        pattern.seen = pattern.seen.max(now);
        self.touched.insert(id);
        if !standing.is_looked_for() {
            self.open.retain(|open| open.pattern != id);
        }
        self.patterns.get(&id)
    }

    /// Forgets everything that was learnt; returns how many patterns that were.
    pub fn reset(&mut self) -> usize {
        let (known, learns) = (self.patterns.len(), self.learns);
        *self = Self { learns, ..Self::new(self.window, Memory::default()) };
        known
    }

    /// Looks for signs within another time from now on. What was learnt with the other stays; windows of another length cannot be compared.
    pub fn set_window(&mut self, window: TimeDelta) {
        if window != self.window {
            let patterns = std::mem::take(&mut self.patterns).into_values().collect();
            let (looks, learns, last_id) = (self.looks, self.learns, self.last_id);
            let (touched, gone) = (std::mem::take(&mut self.touched), std::mem::take(&mut self.gone));
            let begun = Self::new(window, Memory { looks, windows: Vec::new(), patterns });
            *self = Self { learns, last_id, touched, gone, ..begun };
        }
    }

    /// Returns every pattern, by number.
    pub fn patterns(&self) -> impl Iterator<Item = &Learnt> {
        self.patterns.values()
    }

    /// Returns the incidents that confirmed patterns foretell, the likeliest first.
    pub fn foretold(&self) -> Vec<Foretold> {
        let confirmed = |open: &&Foretold| {
            self.patterns.get(&open.pattern).is_some_and(|pattern| pattern.standing == Standing::Confirmed)
        };
        let mut all: Vec<_> = self.open.iter().filter(confirmed).cloned().collect();
        all.sort_by(|one, other| other.probability.total_cmp(&one.probability));
        all
    }

    /// Returns how many incidents and quiet stretches it knows.
    pub fn known(&self) -> (usize, usize) {
        let cases = self.evidence.cases().count();
        (cases, self.evidence.windows().count() - cases)
    }

    /// Returns everything that was learnt.
    pub fn memory(&self) -> Memory {
        Memory {
            looks: self.looks,
            windows: self.evidence.windows().cloned().collect(),
            patterns: self.patterns.values().cloned().collect(),
        }
    }

    /// Takes what is to be written down.
    pub fn take_changes(&mut self) -> Changes {
        let touched = std::mem::take(&mut self.touched);
        Changes {
            looks: self.looks,
            windows: std::mem::take(&mut self.fresh).into(),
            patterns: touched.iter().filter_map(|id| self.patterns.get(id)).cloned().collect(),
            gone: std::mem::take(&mut self.gone),
        }
    }

    /// Takes back what could not be written down.
    pub fn put_back(&mut self, changes: Changes) {
        let newer = std::mem::take(&mut self.fresh);
        self.fresh = changes.windows.into_iter().chain(newer).collect();
        while self.fresh.len() > evidence::MOST_WINDOWS {
            self.fresh.pop_front();
        }
        self.touched.extend(changes.patterns.iter().map(|pattern| pattern.id));
        self.gone.extend(changes.gone);
    }

    fn lead(&self) -> TimeDelta {
        self.window / LEAD
    }
}

/// Says whether a proposal that nobody decided on gives way to what was found now: something that contains it and is as sure, or that is related and
/// much surer.
fn gives_way(known: &Learnt, found: &Found) -> bool {
    let items = known.items();
    let (p, before) = (found.statistics.p, known.statistics.p);
    let fuller = found.items.len() > items.len() && holds(&found.items, &items) && p <= before * ALIKE;
    let surer = mine::related(&items, &found.items) && p <= before * MUCH_SURER;
    known.standing == Standing::Proposed && (fuller || surer)
}

impl Standing {
    /// Says whether patterns of this standing are looked for in what is said.
    pub fn is_looked_for(self) -> bool {
        matches!(self, Self::Proposed | Self::Confirmed)
    }
}

#[cfg(test)]
mod tests;
