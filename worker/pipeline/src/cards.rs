//! Plans in which a video card takes part.
//!
//! Does: decide what of a run a card does and what the processor does, where pictures change sides, and say why.
//! Does not: find out what a card can do, or choose one; both come in as arguments.
//! Invariant: a filter gets its pictures where it works, and the encoder where it takes them; whatever a card cannot do, or is known to get
//! wrong, the processor does.

mod coding;
mod known;
mod route;
mod stages;

use std::collections::BTreeMap;

use exstreamtv_hardware::{
    Capabilities, Facts, Profile, Profiles,
    profile::{Effect, OpKind, Rung, Where},
};
use exstreamtv_model::{
    OutputProfile, PlayOrder,
    media::{Stream, VideoStream},
    order::Source,
};
use serde::Serialize;

use crate::plan::{Abilities, Input, Output, Plan, plan};

use coding::Coder;
pub use coding::Encoder;
use route::{Route, Written};

/// A card that may be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// What its family is.
    pub profile: Profile,
    /// What it was seen to do.
    pub can: Capabilities,
    /// Quirks that somebody switched off.
    pub disabled_quirks: Vec<String>,
}

/// Cards by their ids.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cards(BTreeMap<String, Card>);

impl Cards {
    /// Returns the cards among `found` whose profile is known.
    pub fn new(profiles: &Profiles, found: Vec<Capabilities>, disabled_quirks: &[String]) -> Self {
        let card = |can: Capabilities| {
            let profile = profiles.get(&can.profile)?.clone();
            Some((can.id.clone(), Card { profile, can, disabled_quirks: disabled_quirks.to_vec() }))
        };
        Self(found.into_iter().filter_map(card).collect())
    }

    /// Returns the card called `id`.
    pub fn get(&self, id: &str) -> Option<&Card> {
        self.0.get(id)
    }
}

/// What a card has to do with a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnCard {
    /// Its id.
    pub id: String,
    /// How much it was asked to do.
    pub rung: Rung,
    /// Environment of FFmpeg.
    pub env: BTreeMap<String, String>,
    /// Global arguments: they open the card. None where the processor does everything after all.
    pub init: Vec<String>,
    /// Arguments in front of the input.
    pub decoder: Vec<String>,
    /// Everything that the encoder is told, where the card encodes.
    pub encoder: Option<Encoder>,
    /// What is done where, in order.
    pub steps: Vec<Step>,
}

/// One step of a plan, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What is done: "decode", "scale", "move to the card".
    pub what: String,
    /// Who does it: the card's id, or "processor".
    pub who: String,
    /// Arguments or filters.
    pub how: String,
    /// Why it is done there and so.
    pub why: String,
}

/// Who does what no card does.
pub const PROCESSOR: &str = "processor";

/// Returns how `order` is carried out, on its card as far as that goes.
pub fn plan_on(order: &PlayOrder, abilities: Abilities, cards: &Cards) -> Plan {
    let plan = plan(order, abilities);
    let chosen = order.card.as_ref().and_then(|used| Some((cards.get(&used.id)?, used.rung)));
    match (chosen, picture(order, &plan)) {
        (Some((card, rung)), Some((stream, video))) if plan.output == Output::Stream => {
            Task { card, rung, stream, video, profile: &order.profile }.take_part(plan)
        }
        _ => plan,
    }
}

/// Returns the picture that the plan shows, if it is one of a file.
fn picture<'o>(order: &'o PlayOrder, plan: &Plan) -> Option<(&'o Stream, &'o VideoStream)> {
    let Source::File { probe, video: Some(index), .. } = &order.source else { return None };
    let is_read = matches!(plan.inputs.get(plan.video.input), Some(Input::File { .. }));
    probe.video().find(|(stream, _)| stream.index == *index).filter(|_| is_read)
}

/// A run in which a card takes part.
struct Task<'a> {
    card: &'a Card,
    rung: Rung,
    stream: &'a Stream,
    video: &'a VideoStream,
    profile: &'a OutputProfile,
}

/// What a card may still do; quirks only ever take away, so it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Share {
    decode: bool,
    encode: bool,
    /// Done by the processor, and the quirks that say so.
    kept_off: BTreeMap<OpKind, String>,
    whys: BTreeMap<&'static str, String>,
}

impl Share {
    fn of(rung: Rung) -> Self {
        let mut whys = BTreeMap::new();
        if rung == Rung::SwdecHwenc {
            whys.insert(DECODE, "the card failed with such a file lately, so it does less for a while".to_owned());
        }
        Self { decode: rung != Rung::SwdecHwenc, encode: true, kept_off: BTreeMap::new(), whys }
    }

    /// Takes away what a quirk forbids; returns whether that changed anything.
    fn give_up(&mut self, quirk: &exstreamtv_hardware::profile::Quirk) -> bool {
        let before = self.clone();
        let why = format!("{} ({})", quirk.title, quirk.id);
        if quirk.set.decode.is_some() && std::mem::take(&mut self.decode) {
            self.whys.insert(DECODE, why.clone());
        }
        if quirk.set.encode.is_some() && std::mem::take(&mut self.encode) {
            self.whys.insert(ENCODE, why.clone());
        }
        for op in quirk.set.ops.keys() {
            self.kept_off.entry(*op).or_insert_with(|| why.clone());
        }
        *self != before
    }
}

const DECODE: &str = "decode";
const ENCODE: &str = "encode";

impl Task<'_> {
    fn take_part(&self, plan: Plan) -> Plan {
        if self.rung == Rung::Software {
            return plan;
        }
        let mut share = Share::of(self.rung);
        loop {
            let (decoder, encoder) = (self.decoder(&share), self.encoder(&share));
            let Some(route) = self.route(&plan, &share, decoder.as_ref().ok(), encoder.as_ref().ok()) else {
                return self.leave(plan, &decoder, &encoder);
            };
            let facts = self.facts(&route, decoder.is_ok());
            let quirks: Vec<_> = self.card.profile.quirks_under(&facts, &self.card.disabled_quirks).collect();
            if let Some(why) = quirks.iter().find_map(|quirk| quirk.set.unusable.clone()) {
                let none = || Err::<Coder<'_>, String>(why.clone());
                return self.leave(plan, &none(), &none());
            }
            let lowered: Vec<bool> = quirks.iter().map(|quirk| share.give_up(quirk)).collect();
            if !lowered.contains(&true) {
                let mut effect = Effect::default();
                quirks.iter().for_each(|quirk| effect.add(&quirk.set));
                let noted = quirks.iter().map(|quirk| format!("{} ({}; {})", quirk.title, quirk.id, quirk.source));
                return self.with_card(plan, &route, (decoder, encoder), &effect, noted.collect());
            }
        }
    }

    /// Returns what is known, as conditions of quirks ask for it.
    fn facts(&self, route: &Route<'_>, decoded_on_card: bool) -> Facts {
        let mut facts = self.known();
        facts.set("in.decoded_on", if decoded_on_card { "hardware" } else { "software" });
        route.describe(&mut facts);
        facts
    }

    /// The processor does everything; says why.
    fn leave<D, E>(&self, mut plan: Plan, decoder: &Result<D, String>, encoder: &Result<E, String>) -> Plan {
        let step = |what: &str, why: Option<&String>| Step {
            what: what.to_owned(),
            who: PROCESSOR.to_owned(),
            how: String::new(),
            why: why.map_or_else(String::new, Clone::clone),
        };
        plan.card = Some(OnCard {
            id: self.card.can.id.clone(),
            rung: Rung::Software,
            env: BTreeMap::new(),
            init: Vec::new(),
            decoder: Vec::new(),
            encoder: None,
            steps: vec![step(DECODE, decoder.as_ref().err()), step(ENCODE, encoder.as_ref().err())],
        });
        plan
    }

    fn with_card(
        &self,
        mut plan: Plan,
        route: &Route<'_>,
        (decoder, encoder): (Result<Coder<'_>, String>, Result<Coder<'_>, String>),
        effect: &Effect,
        quirks: Vec<String>,
    ) -> Plan {
        let Written { filters, steps: filtering, maps } = route.write(effect);
        let mut steps = vec![self.told(DECODE, &decoder)];
        steps.extend(filtering);
        steps.push(self.told(ENCODE, &encoder));
        steps.extend(quirks.into_iter().map(|why| Step {
            what: "mind a quirk".into(),
            who: self.card.can.id.clone(),
            how: String::new(),
            why,
        }));
        route.put_back(&mut plan, &filters);
        let mut env = self.card.profile.device.env.clone();
        env.extend(effect.env.clone());
        let mut init = self.filled(&self.card.profile.device.init);
        for map in &maps {
            init.extend(self.filled(&map.init).into_iter().filter(|argument| !argument.is_empty()));
        }
        let arguments = |decoder: &Coder<'_>| [self.filled(decoder.arguments()), effect.decode_args.clone()].concat();
        plan.card = Some(OnCard {
            id: self.card.can.id.clone(),
            rung: self.rung,
            env,
            init,
            decoder: decoder.as_ref().map(arguments).unwrap_or_default(),
            encoder: encoder.ok().and_then(|encoder| encoder.encoder(&plan.encoding, effect)),
            steps,
        });
        plan
    }

    fn told(&self, what: &str, coder: &Result<Coder<'_>, String>) -> Step {
        let (who, how, why) = match coder {
            Ok(coder) => (self.card.can.id.clone(), coder.name(), "the card was seen to do it".to_owned()),
            Err(why) => (PROCESSOR.to_owned(), String::new(), why.clone()),
        };
        Step { what: what.to_owned(), who, how, why }
    }
}

fn is_surface(place: Where, profile: &Profile) -> bool {
    place == Where::Surface && profile.surface.is_some()
}
