//! The ladder of probes of one card under one profile.
//!
//! Does: ask about the node, the driver, the device, then encoders, filters and decoders with ten pictures each; end early where a rung breaks.
//! Does not: ask twice what one answer decides.
//! Invariant: between two answers there is at most one question; when there is none left, everything has a verdict.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Answer, Build, Clip, Found, Help, Question, Run, System,
    card::Card,
    decode::Onward,
    encode, gpu_list, help,
    slots::{self, Coded, Slot, Way},
    verdict::{Wanted, judge},
};
use crate::{
    Capabilities, Condition, Facts, Profile, Reason, ReasonKind,
    capabilities::{Decoding, Encoding, Filtering},
    profile::{Capture, Effect, Encode, Enumerate, OpKind, Probe, RateMode, Where},
    template::NoValue,
};

/// After so many failures of the card itself in a row the rest is not tried any more.
const DEVICE_FAILURES: u32 = 2;

/// What is asked about one card under one profile.
#[derive(Debug)]
pub struct Ladder {
    profile: Arc<Profile>,
    build: Arc<Build>,
    device: String,
    facts: Facts,
    /// Quirks that somebody switched off.
    disabled: Vec<String>,
    /// Probes that have not been asked, by their place in the profile, in an order that they can be asked in.
    probes: Vec<usize>,
    passed: Vec<String>,
    helps: BTreeMap<String, Option<Help>>,
    slots: Option<Slots>,
    pending: Option<Pending>,
    /// The decoder that is looked at again by itself, and why.
    again: Option<(usize, Reason)>,
    unusable: Option<Reason>,
    device_failures: u32,
}

#[derive(Debug)]
struct Slots {
    encoders: Vec<Slot<Coded>>,
    ops: Vec<Slot<(OpKind, u8)>>,
    decoders: Vec<Slot<Coded>>,
}

/// The question that has not been answered.
#[derive(Debug, Clone)]
enum Pending {
    Probe(usize),
    Help(String),
    Encoder(usize),
    Op(usize),
    Decoder(usize, Course),
}

/// How a decoder is tried.
#[derive(Debug, Clone, PartialEq)]
enum Course {
    /// On through scaler and encoder.
    Whole,
    /// By itself, because the whole chain failed for this reason.
    Alone(Reason),
}

impl Ladder {
    /// Returns the ladder of a device that was found; `None` stands for software.
    pub fn new(profile: Arc<Profile>, build: Arc<Build>, system: &System, found: Option<&Found>) -> Self {
        let mut facts = found.map(|found| found.facts.clone()).unwrap_or_default();
        facts.set("platform", system.platform.as_str());
        facts.set_known("kernel.version", system.kernel.as_deref());
        facts.set_known("ffmpeg.version", build.version.as_ref().map(ToString::to_string));
        if let Some(node) = found.and_then(|found| found.nodes.first()) {
            facts.set("device.node", node.path.as_str());
        }
        let device = found.map(|found| found.device.clone()).unwrap_or_default();
        let probes = in_order(&profile.probes);
        let mut ladder = Self {
            profile,
            build,
            device,
            facts,
            disabled: system.disabled_quirks.clone(),
            probes,
            passed: Vec::new(),
            helps: BTreeMap::new(),
            slots: None,
            pending: None,
            again: None,
            unusable: None,
            device_failures: 0,
        };
        ladder.unusable = ladder.before_asking(system, found);
        ladder
    }

    /// Returns the next question; `None` when everything has a verdict.
    pub fn question(&mut self) -> Option<Question> {
        loop {
            if self.unusable.is_some() {
                return None;
            }
            let pending = self.choose()?;
            if let Some(reason) = self.known_to_go_wrong(&pending) {
                self.settle(pending, Err(reason));
                continue;
            }
            match self.ask(&pending) {
                Ok(question) => {
                    self.pending = Some(pending);
                    return Some(question);
                }
                // A profile whose templates have no value is checked when it is read; this is for what a check forgot.
                Err(reason) => self.settle(pending, Err(reason)),
            }
        }
    }

    /// Takes over the answer to the last question.
    pub fn answer(&mut self, answer: &Answer) {
        match self.pending.take() {
            None => {}
            Some(Pending::Probe(at)) => self.probed(at, answer),
            Some(Pending::Help(encoder)) => {
                let help = match answer {
                    Answer::Ran { stdout, .. } => Some(help(stdout)),
                    _ => None,
                };
                self.helps.insert(encoder, help);
            }
            Some(pending) => {
                let result = judge(answer, &self.wanted(&pending), &self.profile);
                self.settle(pending, result);
            }
        }
    }

    /// Returns what was found out.
    pub fn finish(self) -> Capabilities {
        let mut card = Capabilities::unknown(&self.profile, &self.device, self.facts);
        card.unusable = self.unusable;
        let Some(Slots { encoders, ops, decoders }) = self.slots else { return card };
        let encoding = |slot: &Slot<Coded>| Encoding {
            codec: slot.key.0.clone(),
            depth: slot.key.1,
            rate: slot.won().and_then(|way| way.rate),
            verdict: slot.verdict(),
        };
        let decoding =
            |slot: &Slot<Coded>| Decoding { codec: slot.key.0.clone(), depth: slot.key.1, verdict: slot.verdict() };
        let filtering =
            |slot: &Slot<(OpKind, u8)>| Filtering { op: slot.key.0, depth: slot.key.1, verdict: slot.verdict() };
        card.encoders = encoders.iter().map(encoding).collect();
        card.decoders = decoders.iter().map(decoding).collect();
        card.ops = ops.iter().map(filtering).collect();
        card
    }

    /// What is clear without a question.
    fn before_asking(&self, system: &System, found: Option<&Found>) -> Option<Reason> {
        let denied = found.and_then(|found| found.denial(&system.user));
        denied.or_else(|| self.excluded()).or_else(|| self.unbuilt())
    }

    fn excluded(&self) -> Option<Reason> {
        let holds = |exclusion: &&crate::profile::Exclusion| Condition::all_hold(&exclusion.when, &self.facts);
        let excluded = self.profile.device.exclude.iter().find(holds)?;
        Some(Reason::new(ReasonKind::NotHardware, excluded.because.clone()))
    }

    fn unbuilt(&self) -> Option<Reason> {
        let lacks = self.build.lacks(&self.profile.build.need);
        if lacks.is_empty() {
            return None;
        }
        let because = format!("this FFmpeg ({}) was built without {}", self.build.version_text, lacks.join(", "));
        let reason = Reason::new(ReasonKind::Build, because);
        Some(Reason { advice: self.profile.build.advice.clone(), ..reason })
    }

    fn choose(&mut self) -> Option<Pending> {
        while let Some(at) = self.probes.first().copied() {
            self.probes.remove(0);
            if self.profile.probes[at].after().iter().all(|id| self.passed.contains(id)) {
                return Some(Pending::Probe(at));
            }
        }
        if self.slots.is_none() {
            self.slots = Some(self.make_slots());
        }
        if let Some((at, reason)) = self.again.take() {
            return Some(Pending::Decoder(at, Course::Alone(reason)));
        }
        self.next_encoder().or_else(|| self.next_op()).or_else(|| self.next_decoder())
    }

    fn make_slots(&self) -> Slots {
        let (profile, build, facts) = (&self.profile, &self.build, &self.facts);
        let mut slots = Slots {
            encoders: slots::encoders(profile, build, facts),
            ops: slots::ops(profile, build, facts),
            decoders: slots::decoders(profile, build, facts),
        };
        if profile.is_software() {
            believe(&mut slots, build);
        }
        // What a card's profile does in system memory is software's work.
        for slot in &mut slots.ops {
            while slot.next_way().is_some_and(|way| profile.ops[way.entry].on.as_deref() == Some("system")) {
                slot.tried(Ok(()));
            }
        }
        slots
    }

    fn next_encoder(&mut self) -> Option<Pending> {
        let slots = self.slots.as_mut()?;
        for (at, slot) in slots.encoders.iter_mut().enumerate() {
            while let Some(way) = slot.next_way() {
                let encode = &self.profile.encoders[way.entry];
                let Some(help) = self.helps.get(&encode.encoder) else {
                    return Some(Pending::Help(encode.encoder.clone()));
                };
                let surface = self.profile.surface.as_ref().map(|surface| surface.name.as_str());
                let refusal = help.as_ref().and_then(|help| encode::refusal(encode, help, surface, &self.build));
                match refusal {
                    Some(reason) => slot.tried(Err(reason)),
                    None => return Some(Pending::Encoder(at)),
                }
            }
        }
        None
    }

    fn next_op(&self) -> Option<Pending> {
        let slots = self.slots.as_ref()?;
        slots.ops.iter().position(|slot| slot.next_way().is_some()).map(Pending::Op)
    }

    fn next_decoder(&self) -> Option<Pending> {
        let slots = self.slots.as_ref()?;
        let at = slots.decoders.iter().position(|slot| slot.next_way().is_some())?;
        Some(Pending::Decoder(at, Course::Whole))
    }

    /// What channels will leave to software anyway need not be tried.
    fn known_to_go_wrong(&self, pending: &Pending) -> Option<Reason> {
        let facts = self.circumstances(pending);
        let stops = |set: &Effect| match pending {
            Pending::Encoder(_) => set.encode.is_some(),
            Pending::Decoder(..) => set.decode.is_some(),
            Pending::Op(at) => {
                let op = self.slots.as_ref().and_then(|slots| slots.ops.get(*at)).map(|slot| slot.key.0);
                op.is_some_and(|op| set.ops.contains_key(&op))
            }
            Pending::Probe(_) | Pending::Help(_) => false,
        };
        let quirk = self.profile.quirks_under(&facts, &self.disabled).find(|quirk| stops(&quirk.set))?;
        let advice = format!("where it does not, write disabled_quirks = [{:?}] into [hardware]", quirk.id);
        Some(Reason::new(ReasonKind::Quirk, quirk.title.clone()).advise(advice))
    }

    /// What quirks may ask about what is tried.
    fn circumstances(&self, pending: &Pending) -> Facts {
        let mut facts = self.facts.clone();
        let [width, height] = self.profile.smoke.size.map(i64::from);
        let mut filters: Vec<&str> = Vec::new();
        let slots = self.slots.as_ref();
        let encoder = match pending {
            Pending::Encoder(at) => slots.and_then(|slots| slots.encoders.get(*at)),
            // The encoder at the end of a decoder's chain.
            Pending::Decoder(..) => slots.and_then(|slots| slots.encoders.iter().find(|slot| slot.won().is_some())),
            _ => None,
        };
        if let Some(slot) = encoder {
            facts.set("out.codec", slot.key.0.as_str());
            facts.set("out.depth", i64::from(slot.key.1));
            facts.set("out.width", width);
            facts.set("out.height", height);
        }
        if let (Pending::Decoder(at, _), Some(slots)) = (pending, slots) {
            let (codec, depth) = &slots.decoders[*at].key;
            facts.set("in.codec", codec.as_str());
            facts.set("in.depth", i64::from(*depth));
            facts.set("in.chroma", "420");
            facts.set("in.width", width);
            facts.set("in.height", height);
            facts.set("in.width_mod_32", width % 32);
            facts.set("in.interlaced", false);
            facts.set("in.rotated", false);
            facts.set("in.decoded_on", "hardware");
            filters.extend(self.onward(*depth).scale.map(|op| op.filter.as_str()));
        }
        if let (Pending::Op(at), Some(slots)) = (pending, slots) {
            let slot = &slots.ops[*at];
            filters.extend(slot.next_way().map(|way| self.profile.ops[way.entry].filter.as_str()));
            facts.set("chain.ops", vec![slot.key.0.name()]);
            facts.set("chain.overlays", i64::from(slot.key.0 == OpKind::Overlay));
        }
        facts.set("chain.has", filters);
        facts
    }

    fn card(&self, pending: &Pending) -> Card<'_> {
        let effect = self.profile.effect_under(&self.circumstances(pending), &self.disabled);
        Card { profile: &self.profile, device: &self.device, effect }
    }

    fn ask(&self, pending: &Pending) -> Result<Question, Reason> {
        let card = self.card(pending);
        let smoke = &self.profile.smoke;
        let run = |about: String, args: Result<Vec<String>, NoValue>, clip| {
            let args = args.map_err(|error| Reason::new(ReasonKind::Untried, format!("the profile cannot {error}")))?;
            Ok(Question::Run(Run {
                about: format!("{} {about}", self.label()),
                args,
                env: self
                    .profile
                    .device
                    .env
                    .iter()
                    .chain(&card.effect.env)
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect(),
                timeout_ms: smoke.timeout_ms,
                clip,
                exclusive: smoke.exclusive.clone(),
            }))
        };
        match pending {
            Pending::Probe(at) => self.ask_probe(&card, &self.profile.probes[*at]),
            Pending::Help(encoder) => Ok(Question::Run(Run::list(&["-h", &format!("encoder={encoder}")]))),
            Pending::Encoder(at) => {
                let (slot, way) = self.encoder_slot(*at)?;
                let args = card.try_encoder(&self.profile.encoders[way.entry], way.rate);
                run(format!("encode {} {}", slot.key.0, slot.key.1), args, None)
            }
            Pending::Op(at) => {
                let (slot, way) = pick(self.slots.as_ref().map(|slots| &slots.ops), *at)?;
                let surface = self.profile.surface.as_ref();
                let surface = surface.ok_or_else(|| Reason::new(ReasonKind::Untried, "there is no surface"))?;
                let args = card.try_op(&self.profile.ops[way.entry], slot.key.1, surface);
                run(format!("{} {}", slot.key.0.name(), slot.key.1), args, None)
            }
            Pending::Decoder(at, course) => {
                let (slot, way) = pick(self.slots.as_ref().map(|slots| &slots.decoders), *at)?;
                let (codec, depth) = slot.key.clone();
                let clip = Clip { codec, depth, size: card.size(None) };
                let onward = if *course == Course::Whole { self.onward(depth) } else { Onward::default() };
                let args = card.try_decoder(&self.profile.decoders[way.entry], depth, onward);
                run(format!("decode {} {depth}", slot.key.0), args, Some(clip))
            }
        }
    }

    fn ask_probe(&self, card: &Card<'_>, probe: &Probe) -> Result<Question, Reason> {
        match probe {
            Probe::Read { path, .. } => Ok(Question::Read { path: path.clone() }),
            Probe::Run { id, args, timeout_ms, .. } => {
                let args = card.probe_args(args);
                let args =
                    args.map_err(|error| Reason::new(ReasonKind::Untried, format!("the profile cannot {error}")))?;
                Ok(Question::Run(Run {
                    about: format!("{} {id}", self.label()),
                    args,
                    env: self.profile.device.env.clone(),
                    timeout_ms: *timeout_ms,
                    clip: None,
                    exclusive: None,
                }))
            }
        }
    }

    fn label(&self) -> String {
        if self.device.is_empty() { self.profile.id.clone() } else { format!("{}:{}", self.profile.id, self.device) }
    }

    fn encoder_slot(&self, at: usize) -> Result<(&Slot<Coded>, Way), Reason> {
        pick(self.slots.as_ref().map(|slots| &slots.encoders), at)
    }

    /// On to the first encoder that works, through the scaler if there is one: the way that channels take.
    fn onward(&self, depth: u8) -> Onward<'_> {
        let Some(slots) = &self.slots else { return Onward::default() };
        let scale = slots.ops.iter().find(|slot| slot.key == (OpKind::Scale, depth)).and_then(Slot::won);
        let scale = scale.map(|way| &self.profile.ops[way.entry]);
        let won = slots.encoders.iter().find_map(Slot::won);
        let encode = won.and_then(|way| Some((&self.profile.encoders[way.entry], way.rate?)));
        let fits = |(encode, _): &(&Encode, RateMode)| scale.is_some() || encode.on == Where::System;
        Onward { scale, encode: encode.filter(fits) }
    }

    fn wanted(&self, pending: &Pending) -> Wanted {
        let smoke = &self.profile.smoke;
        let mut wanted =
            Wanted { exit_zero: true, frames: smoke.frames, timeout_ms: smoke.timeout_ms, ..Wanted::default() };
        match pending {
            Pending::Encoder(_) => {
                wanted.has.clone_from(&smoke.encode.has);
                wanted.not.clone_from(&smoke.encode.not);
            }
            Pending::Decoder(..) => {
                wanted.has.clone_from(&smoke.decode.has);
                wanted.not.clone_from(&smoke.decode.not);
            }
            Pending::Probe(_) | Pending::Help(_) | Pending::Op(_) => {}
        }
        wanted
    }

    fn probed(&mut self, at: usize, answer: &Answer) {
        let profile = Arc::clone(&self.profile);
        let probe = &profile.probes[at];
        let (text, result, optional) = match probe {
            Probe::Read { missing, advice, .. } => {
                let text = if let Answer::File(text) = answer { text.clone() } else { None };
                let reason = missing.as_ref().filter(|_| text.is_none()).map(|because| Reason {
                    advice: advice.clone(),
                    ..Reason::new(ReasonKind::Device, because.clone())
                });
                (text.unwrap_or_default(), reason.map_or(Ok(()), Err), false)
            }
            Probe::Run { expect, timeout_ms, optional, .. } => {
                let wanted = Wanted {
                    exit_zero: expect.exit_zero,
                    frames: expect.frames,
                    has: expect.has.clone(),
                    not: expect.not.clone(),
                    timeout_ms: *timeout_ms,
                };
                let text = if let Answer::Ran { stderr, .. } = answer { stderr.clone() } else { String::new() };
                (text, judge(answer, &wanted, &profile), *optional)
            }
        };
        self.capture(probe.captures(), &text);
        match result {
            Ok(()) => self.passed.push(probe.id().to_owned()),
            Err(_) if optional => {}
            Err(reason) => self.unusable = Some(reason),
        }
        self.unusable = self.unusable.take().or_else(|| self.excluded());
    }

    fn capture(&mut self, captures: &[Capture], text: &str) {
        let mut fresh = Facts::default();
        for Capture { fact, regex, all, value } in captures {
            let found = regex.capture(text);
            match (value, found) {
                (_, None) => {}
                // Of several ways to find something out the first counts.
                _ if fresh.get(fact).is_some() => {}
                (Some(value), Some(_)) => fresh.set(fact.as_str(), value.clone()),
                (None, Some(_)) if *all => fresh.set(fact.as_str(), regex.capture_all(text)),
                (None, Some(found)) => fresh.set(fact.as_str(), found),
            }
        }
        self.facts = self.facts.and(&fresh);
        if self.profile.device.enumerate == Enumerate::Nvidia {
            let ours = gpu_list(text).into_iter().find(|gpu| gpu.index.to_string() == self.device);
            if let Some(gpu) = ours {
                self.facts.set("device.name", gpu.name);
                self.facts.set("gpu.sm", gpu.sm);
            }
        }
    }

    fn settle(&mut self, pending: Pending, result: Result<(), Reason>) {
        match &result {
            // OpenCL beside the card may be missing, or crash, without the card being any worse.
            _ if self.is_mapped(&pending) => {}
            Err(reason) if reason.kind == ReasonKind::Device => self.device_failures += 1,
            _ => self.device_failures = 0,
        }
        let Some(slots) = &mut self.slots else {
            self.unusable = result.err();
            return;
        };
        match (pending, result) {
            (Pending::Probe(_), result) => self.unusable = result.err(),
            (Pending::Help(encoder), _) => _ = self.helps.insert(encoder, None),
            (Pending::Encoder(at), result) => slots.encoders[at].tried(result),
            (Pending::Op(at), result) => slots.ops[at].tried(result),
            (Pending::Decoder(at, Course::Whole), Err(reason)) if needs_a_second_look(&reason) => {
                self.again = Some((at, reason));
            }
            (Pending::Decoder(at, Course::Whole), result) => slots.decoders[at].tried(result),
            // It decodes, but what it decodes does not get any further on the card.
            (Pending::Decoder(at, Course::Alone(reason)), Ok(())) => slots.decoders[at].tried(Err(alone(reason))),
            (Pending::Decoder(at, Course::Alone(_)), result) => slots.decoders[at].tried(result),
        }
        if self.device_failures >= DEVICE_FAILURES {
            self.give_up();
        }
    }

    /// Returns whether what is asked about needs something beside the card.
    fn is_mapped(&self, pending: &Pending) -> bool {
        let Pending::Op(at) = pending else { return false };
        let own = self.profile.surface.as_ref().map(|surface| surface.name.as_str());
        let way = pick(self.slots.as_ref().map(|slots| &slots.ops), *at).map(|(_, way)| way);
        way.is_ok_and(|way| self.profile.ops[way.entry].on.as_deref().is_some_and(|on| Some(on) != own))
    }

    /// Nothing is gained by asking a dead card on.
    fn give_up(&mut self) {
        let reason = Reason::new(ReasonKind::Device, "the card stopped answering while it was tried")
            .advise("see the kernel's messages (dmesg); a restart of the machine may help");
        self.again = None;
        if let Some(Slots { encoders, ops, decoders }) = &mut self.slots {
            encoders.iter_mut().chain(decoders).for_each(|slot| slot.give_up(&reason));
            ops.iter_mut().for_each(|slot| slot.give_up(&reason));
        }
    }
}

/// A failure of the chain behind a decoder says nothing about the decoder.
fn needs_a_second_look(reason: &Reason) -> bool {
    matches!(reason.kind, ReasonKind::Filter | ReasonKind::Encoder | ReasonKind::Version | ReasonKind::Unknown)
}

fn alone(reason: Reason) -> Reason {
    let because =
        format!("it decodes, but its pictures do not get through the card's scaler and encoder: {}", reason.because);
    Reason { kind: ReasonKind::Filter, because, ..reason }
}

fn pick<K>(slots: Option<&Vec<Slot<K>>>, at: usize) -> Result<(&Slot<K>, Way), Reason> {
    let nothing = || Reason::new(ReasonKind::Untried, "there is nothing to try");
    let slot = slots.and_then(|slots| slots.get(at)).ok_or_else(nothing)?;
    Ok((slot, slot.next_way().ok_or_else(nothing)?))
}

/// FFmpeg's own coders and filters need no device: what it was built with works.
fn believe(slots: &mut Slots, build: &Build) {
    slots.encoders.iter_mut().filter(|slot| slot.next_way().is_some()).for_each(|slot| slot.tried(Ok(())));
    slots.ops.iter_mut().filter(|slot| slot.next_way().is_some()).for_each(|slot| slot.tried(Ok(())));
    for slot in &mut slots.decoders {
        let others: &[&str] = if slot.key.0 == "av1" { &["libdav1d", "libaom-av1", "libgav1"] } else { &[] };
        let there = build.decoders.contains(&slot.key.0) || others.iter().any(|name| build.decoders.contains(*name));
        let none =
            || Reason::new(ReasonKind::Build, format!("this FFmpeg was built without a decoder of {}", slot.key.0));
        let result = if there { Ok(()) } else { Err(none()) };
        slot.tried(result);
    }
}

/// A probe comes behind those that it is after; that there is such an order is checked when a profile is read.
fn in_order(probes: &[Probe]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    let done = |order: &[usize], id: &String| order.iter().any(|at| probes[*at].id() == id);
    while let Some(next) =
        (0..probes.len()).find(|at| !order.contains(at) && probes[*at].after().iter().all(|id| done(&order, id)))
    {
        order.push(next);
    }
    order
}
