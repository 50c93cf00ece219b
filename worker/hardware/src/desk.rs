//! Which card takes part in a run, and how much of the work it does.
//!
//! Does: count encoding sessions, remember what failed with what kind of source, leave a card alone that failed again and again.
//! Does not: read a clock, start anything or look at a card; times are arguments, in milliseconds of any clock that never steps back.
//! Invariant: a limit that is known is never exceeded; whatever is remembered against a card ends; software is always there.

use std::collections::BTreeMap;

use exstreamtv_model::{
    media::{FieldOrder, Stream, VideoStream},
    order::CardUse,
};
use serde::{Deserialize, Serialize};

use crate::{
    Capabilities, Profile,
    profile::{FailureClass, OnFull, Rung, Scope},
    profiles::SOFTWARE,
};

/// How long a learnt limit counts: the program that took the other sessions may have ended.
const LEARNT_FOR_MS: i64 = 60 * 60 * 1_000;

/// Failures that nobody understands count against a card when there are two of them within this time; anything can kill a process once.
const UNCLEAR_WITHIN_MS: i64 = 10 * 60 * 1_000;

/// What is alike for a card: it decodes, filters or encodes all such sources or none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(String);

impl Kind {
    /// Returns the kind of a picture to which `extras` are done ("text", "images").
    pub fn of(stream: &Stream, video: &VideoStream, extras: &[&str]) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let interlaced = matches!(video.field_order, FieldOrder::TopFirst | FieldOrder::BottomFirst);
        let transfer = text(&video.color.transfer);
        let parts = [stream.codec.clone(), text(&stream.profile), text(&video.pixel_format), transfer];
        let mut kind = parts.join("/");
        if interlaced {
            kind.push_str("/interlaced");
        }
        extras.iter().for_each(|extra| kind.extend(["/", extra]));
        Self(kind)
    }

    /// Returns it for people.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names one assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// Who does a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// To be named when the run ends.
    pub ticket: Ticket,
    /// The card, and how much it does; none where the processor does everything.
    pub card: Option<CardUse>,
    /// Why, in words for people.
    pub why: String,
}

/// How a run failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing<'a> {
    /// FFmpeg's words.
    pub words: &'a str,
    /// Whether it had given pictures.
    pub gave: bool,
    /// Whether it played to its end all the same: then nothing counts but that FFmpeg decoded by the processor what the card should have.
    pub completed: bool,
}

/// What came of a failure, for people and logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blamed {
    /// The card.
    pub card: String,
    /// What failed.
    pub class: FailureClass,
    /// What FFmpeg's words mean.
    pub because: String,
    /// What is done from now on.
    pub consequence: String,
}

/// A card, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CardStanding {
    /// Its id.
    pub id: String,
    /// Encoders that run on it.
    pub sessions: u32,
    /// How many may run at once, where that is limited.
    pub most_sessions: Option<u32>,
    /// For how long it is left alone, milliseconds; 0 where it is not.
    pub quarantined_for_ms: i64,
    /// What it failed with lately.
    pub avoided: Vec<Avoided>,
}

/// A kind of source with which a card does less for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Avoided {
    /// Codec, profile, pixel format, transfer and what is done to it.
    pub kind: String,
    /// How much the card does instead.
    pub rung: Rung,
    /// For how much longer, milliseconds.
    pub for_ms: i64,
    /// Why.
    pub because: String,
}

/// Everything that is known about cards and runs.
#[derive(Debug, Default)]
pub struct Desk {
    seats: Vec<Seat>,
    given: BTreeMap<Ticket, Given>,
    memory: BTreeMap<(String, Kind), Memory>,
    unclear: BTreeMap<(String, Kind), i64>,
    learnt: BTreeMap<String, (u32, i64)>,
    next: u64,
}

#[derive(Debug)]
struct Seat {
    profile: Profile,
    can: Capabilities,
    failures: u32,
    quarantines: usize,
    left_alone_until_ms: i64,
}

#[derive(Debug)]
struct Given {
    card: String,
    kind: Kind,
    rung: Rung,
    limit: Option<String>,
}

#[derive(Debug)]
struct Memory {
    rung: Rung,
    until_ms: i64,
    because: String,
}

impl Desk {
    /// Uses these cards from now on, the best first. What runs keeps what it has, and what is remembered stays.
    pub fn use_cards(&mut self, cards: Vec<(Profile, Capabilities)>) {
        let mut known: BTreeMap<String, Seat> =
            std::mem::take(&mut self.seats).into_iter().map(|seat| (seat.can.id.clone(), seat)).collect();
        let seat = |(profile, can): (Profile, Capabilities)| match known.remove(&can.id) {
            Some(seat) => Seat { profile, can, ..seat },
            None => Seat { profile, can, failures: 0, quarantines: 0, left_alone_until_ms: 0 },
        };
        self.seats = cards.into_iter().map(seat).collect();
    }

    /// Decides who does a run of this kind; `wish` is the id of a card or of a profile, or "software".
    pub fn assign(&mut self, kind: &Kind, wish: Option<&str>, now_ms: i64) -> Assignment {
        self.forget(now_ms);
        let ticket = Ticket(self.next);
        self.next += 1;
        let mut whys = Vec::new();
        for at in self.by_load() {
            let seat = &self.seats[at];
            if wish.is_some_and(|wish| wish != seat.can.id && wish != seat.profile.id) {
                continue;
            }
            match self.offer(seat, kind, now_ms) {
                Ok((rung, limit, why)) => {
                    let card = seat.can.id.clone();
                    let given = Given { card: card.clone(), kind: kind.clone(), rung, limit };
                    self.given.insert(ticket, given);
                    whys.push(why);
                    return Assignment { ticket, card: Some(CardUse { id: card, rung }), why: whys.join("; ") };
                }
                Err((why, last)) => {
                    whys.push(format!("{}: {why}", seat.can.id));
                    if last {
                        break;
                    }
                }
            }
        }
        let why = match wish {
            _ if !whys.is_empty() => whys.join("; "),
            Some(wish) => format!("the configuration says {wish}, and there is no such card"),
            None => "no card is used".to_owned(),
        };
        let why = if wish == Some(SOFTWARE) { "the configuration says software".to_owned() } else { why };
        Assignment { ticket, card: None, why }
    }

    /// Returns whether there is no card at all.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// The run is over, however it ended; its session is free.
    pub fn over(&mut self, ticket: Ticket) {
        self.given.remove(&ticket);
    }

    /// The run failed; says what the card has to do with it. Its session is free.
    pub fn failed(&mut self, ticket: Ticket, failing: Failing<'_>, now_ms: i64) -> Option<Blamed> {
        let given = self.given.remove(&ticket)?;
        let at = self.seats.iter().position(|seat| seat.can.id == given.card)?;
        let failure = self.seats[at].profile.failure_in(failing.words);
        let class = failure.map_or(FailureClass::Unknown, |failure| failure.class);
        let because = failure.map_or_else(|| "nobody knows why".to_owned(), |failure| failure.because.clone());
        let consequence = match class {
            _ if failing.completed && class != FailureClass::Decode => return None,
            FailureClass::Media | FailureClass::Input | FailureClass::Disk => return None,
            FailureClass::Session => self.learn(at, &given, now_ms),
            FailureClass::Unknown if failing.gave && !self.is_second(&given, now_ms) => return None,
            class => self.climb_down(at, &given, (class, failing.gave), &because, now_ms),
        };
        Some(Blamed { card: given.card, class, because, consequence })
    }

    /// Returns how the cards do.
    pub fn standing(&self, now_ms: i64) -> Vec<CardStanding> {
        let avoided = |card: &str| {
            let of_card = self.memory.iter().filter(|((id, _), memory)| id == card && memory.until_ms > now_ms);
            let shown = of_card.map(|((_, kind), memory)| Avoided {
                kind: kind.0.clone(),
                rung: memory.rung,
                for_ms: memory.until_ms - now_ms,
                because: memory.because.clone(),
            });
            shown.collect()
        };
        let standing = |seat: &Seat| CardStanding {
            id: seat.can.id.clone(),
            sessions: self.sessions(&seat.can.id),
            most_sessions: encoder_limit(seat).and_then(|limit| self.most(seat, &limit, now_ms)),
            quarantined_for_ms: (seat.left_alone_until_ms - now_ms).max(0),
            avoided: avoided(&seat.can.id),
        };
        self.seats.iter().map(standing).collect()
    }

    /// Cards in their order; of several under one profile, that with the fewest sessions first.
    fn by_load(&self) -> Vec<usize> {
        let first = |id: &str| self.seats.iter().position(|seat| seat.profile.id == id);
        let mut order: Vec<usize> = (0..self.seats.len()).collect();
        order.sort_by_key(|at| {
            let seat = &self.seats[*at];
            (first(&seat.profile.id), self.sessions(&seat.can.id), *at)
        });
        order
    }

    /// Returns how much the card does of a run of this kind, or why it does nothing, and whether nobody else is asked then.
    fn offer(&self, seat: &Seat, kind: &Kind, now_ms: i64) -> Result<(Rung, Option<String>, String), (String, bool)> {
        if seat.left_alone_until_ms > now_ms {
            let for_s = (seat.left_alone_until_ms - now_ms).div_euclid(1_000) + 1;
            return Err((format!("it failed and is left alone for another {for_s} s"), false));
        }
        let memory = self.memory.get(&(seat.can.id.clone(), kind.clone()));
        let rung = memory.map_or(Rung::Hw, |memory| memory.rung);
        if let (Rung::Software, Some(memory)) = (rung, memory) {
            return Err((format!("with {} it failed lately: {}", kind.0, memory.because), false));
        }
        let limit = encoder_limit(seat);
        if let Some(name) = &limit
            && let Some(most) = self.most(seat, name, now_ms)
            && self.in_use(seat, name) >= most
        {
            let last = seat.profile.limits.get(name).is_some_and(|limit| limit.on_full != OnFull::NextDevice);
            return Err((format!("all {most} of its encoding sessions are taken"), last));
        }
        let why = match memory {
            Some(memory) => format!("with {} it failed lately: {}", kind.0, memory.because),
            None => "it was seen to do it".to_owned(),
        };
        Ok((rung, limit, why))
    }

    fn sessions(&self, card: &str) -> u32 {
        let count = self.given.values().filter(|given| given.card == card && given.limit.is_some()).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn in_use(&self, seat: &Seat, name: &str) -> u32 {
        let of_system = is_of_system(seat, name);
        let counts = |given: &&Given| given.limit.as_deref() == Some(name) && (of_system || given.card == seat.can.id);
        u32::try_from(self.given.values().filter(counts).count()).unwrap_or(u32::MAX)
    }

    /// Returns how many sessions there may be: what was learnt, or what the profile says.
    fn most(&self, seat: &Seat, name: &str, now_ms: i64) -> Option<u32> {
        let learnt = self.learnt.get(&ledger(seat, name)).filter(|(_, until_ms)| *until_ms > now_ms);
        let said = seat.can.session_limits.get(name).copied();
        match (learnt, said) {
            (Some((learnt, _)), Some(said)) => Some((*learnt).min(said)),
            (Some((learnt, _)), None) => Some(*learnt),
            (None, said) => said,
        }
    }

    fn learn(&mut self, at: usize, given: &Given, now_ms: i64) -> String {
        let seat = &self.seats[at];
        let Some(name) = &given.limit else { return "it is tried again".to_owned() };
        if !seat.profile.limits.get(name).is_some_and(|limit| limit.learn) {
            return "it is tried again".to_owned();
        }
        let most = self.in_use(seat, name);
        self.learnt.insert(ledger(seat, name), (most, now_ms + LEARNT_FOR_MS));
        format!("no more than {most} of its sessions are used for an hour")
    }

    fn is_second(&mut self, given: &Given, now_ms: i64) -> bool {
        let key = (given.card.clone(), given.kind.clone());
        let before = self.unclear.insert(key, now_ms);
        before.is_some_and(|at_ms| now_ms - at_ms <= UNCLEAR_WITHIN_MS)
    }

    fn climb_down(
        &mut self,
        at: usize,
        given: &Given,
        (class, gave): (FailureClass, bool),
        because: &str,
        now_ms: i64,
    ) -> String {
        let seat = &mut self.seats[at];
        let fallback = &seat.profile.fallback;
        let rung = next_rung(&fallback.rungs, given.rung, class, gave);
        let until_ms = now_ms + i64::try_from(fallback.remember_s * 1_000).unwrap_or(i64::MAX / 2);
        let key = (given.card.clone(), given.kind.clone());
        self.memory.insert(key, Memory { rung, until_ms, because: because.to_owned() });
        let less = format!("with {} it does less for {} s: {}", given.kind.0, fallback.remember_s, rung.word());
        let quarantine = &fallback.quarantine;
        if !quarantine.classes.contains(&class) {
            return less;
        }
        seat.failures += 1;
        if seat.failures < quarantine.after {
            return less;
        }
        let nth = seat.quarantines.min(quarantine.backoff_s.len().saturating_sub(1));
        let for_s = quarantine.backoff_s.get(nth).copied().unwrap_or(60);
        seat.failures = 0;
        seat.quarantines += 1;
        seat.left_alone_until_ms = now_ms + i64::try_from(for_s * 1_000).unwrap_or(i64::MAX / 2);
        format!("{less}; it failed {} times and is left alone for {for_s} s", quarantine.after)
    }

    fn forget(&mut self, now_ms: i64) {
        self.memory.retain(|_, memory| memory.until_ms > now_ms);
        self.unclear.retain(|_, at_ms| now_ms - *at_ms <= UNCLEAR_WITHIN_MS);
        self.learnt.retain(|_, (_, until_ms)| *until_ms > now_ms);
    }
}

/// Returns the name of the limit that encoding on the card counts towards.
fn encoder_limit(seat: &Seat) -> Option<String> {
    let (entry, _) = seat.can.encoder("h264", 8)?;
    seat.profile.encoders.get(entry)?.session.clone()
}

fn is_of_system(seat: &Seat, name: &str) -> bool {
    seat.profile.limits.get(name).is_some_and(|limit| limit.scope == Scope::System)
}

/// Returns under which name a limit is remembered.
fn ledger(seat: &Seat, name: &str) -> String {
    if is_of_system(seat, name) { name.to_owned() } else { format!("{name} of {}", seat.can.id) }
}

/// Returns how much the card does after it failed on `rung`: what failed is left out, or the next rung is taken. Where not a single picture came and
/// nobody knows why, viewers do not wait for one rung after the other.
fn next_rung(rungs: &[Rung], rung: Rung, class: FailureClass, gave: bool) -> Rung {
    let wanted = match class {
        FailureClass::Unknown if !gave => Some(Rung::Software),
        FailureClass::Decode => Some(Rung::SwdecHwenc),
        FailureClass::Filter => Some(Rung::HwdecSwfilterHwenc),
        FailureClass::Device | FailureClass::Encoder | FailureClass::Version => Some(Rung::Software),
        _ => None,
    };
    let at = rungs.iter().position(|known| *known == rung).unwrap_or(rungs.len());
    let later = rungs.get(at + 1..).unwrap_or_default();
    match wanted {
        Some(wanted) if later.contains(&wanted) => wanted,
        Some(_) => Rung::Software,
        None => later.first().copied().unwrap_or(Rung::Software),
    }
}

#[cfg(test)]
mod tests;
