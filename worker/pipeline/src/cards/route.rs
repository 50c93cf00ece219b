//! Where each step is done: the cheapest way through card and processor.
//!
//! Invariant: between two steps that are done in different places stands exactly one transfer.

use exstreamtv_hardware::{
    Fact, Facts, Placeholder, Template,
    profile::{Effect, Surface, SurfaceMap, Where},
    template::Values,
};

use super::{
    PROCESSOR, Share, Step, Task,
    coding::Coder,
    is_surface,
    stages::{Able, OVERLAY, OpText, Stage},
};
use crate::{
    filter::{Filter, Kind},
    plan::Plan,
};

/// Where pictures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    System,
    Surface,
}

const PLACES: [Place; 2] = [Place::System, Place::Surface];

/// What steps cost, in no unit: a transfer copies a picture once over the bus, a step of the processor touches every sample of it several times, and
/// the card hardly notices.
const TRANSFER: u32 = 2;
const ON_CARD: u32 = 1;
const LEFT_OUT: u32 = 3;

fn on_processor(kind: Kind) -> u32 {
    match kind {
        Kind::ToneMap => 20,
        Kind::Scale { .. } | Kind::Deinterlace => 4,
        _ => 1,
    }
}

/// The way of pictures from the decoder to the encoder.
#[derive(Debug)]
pub(super) struct Route<'a> {
    card: &'a str,
    surface: Option<&'a Surface>,
    stages: Vec<Stage<'a>>,
    /// Where each of them is done.
    places: Vec<Place>,
    start: Place,
    end: Place,
    /// Bits a sample at the beginning.
    depth: u8,
    /// What the card's encoder takes in system memory.
    last_format: Option<&'a str>,
    decoded_on_card: bool,
}

/// A way, written down.
#[derive(Debug, Default)]
pub(super) struct Written<'a> {
    /// Every filter, in order.
    pub filters: Vec<Filter>,
    /// What is said about them.
    pub steps: Vec<Step>,
    /// The surfaces that have to be opened beside the card's own.
    pub maps: Vec<&'a SurfaceMap>,
}

impl<'a> Task<'a> {
    /// Returns the way; none where the card neither decodes nor encodes.
    pub(super) fn route(
        &self,
        plan: &Plan,
        share: &Share,
        decoder: Option<&Coder<'a>>,
        encoder: Option<&Coder<'a>>,
    ) -> Option<Route<'a>> {
        let profile = &self.card.profile;
        let place = |there: Where| if is_surface(there, profile) { Place::Surface } else { Place::System };
        let start = match decoder {
            Some(Coder::Decoder(decode, _)) => place(decode.yields),
            _ => Place::System,
        };
        let (end, last_format) = match encoder {
            Some(Coder::Encoder(encode, _)) => {
                let end = place(encode.on);
                (end, (end == Place::System).then_some(encode.input_format.as_str()))
            }
            _ => (Place::System, None),
        };
        if decoder.is_none() && encoder.is_none() {
            return None;
        }
        let (depth, stages) = self.stages(plan, share, decoder.is_some(), encoder.is_some());
        let places = cheapest(&stages, start, end)?;
        let card = self.card.can.id.as_str();
        let surface = profile.surface.as_ref();
        Some(Route {
            card,
            surface,
            stages,
            places,
            start,
            end,
            depth,
            last_format,
            decoded_on_card: decoder.is_some(),
        })
    }
}

/// Returns where each step is done so that all of them together cost least.
fn cheapest(stages: &[Stage<'_>], start: Place, end: Place) -> Option<Vec<Place>> {
    let moved = |from: Place, to: Place| if from == to { 0 } else { TRANSFER };
    // For each place: what it costs to be there behind the steps so far, and where they were done.
    let begin = |place: Place| (place == start).then(|| (0, Vec::new()));
    let mut ways: [Option<(u32, Vec<Place>)>; 2] = PLACES.map(begin);
    for stage in stages {
        let at = |place: Place| {
            let cost = cost(stage, place)?;
            let from = PLACES.iter().zip(&ways).filter_map(|(from, way)| {
                let (so_far, places) = way.as_ref()?;
                // A step that is done anywhere never moves a picture by itself.
                let stays = matches!(stage.on_card, Able::Anywhere(_)) && *from != place;
                (!stays).then(|| (so_far + moved(*from, place) + cost, places))
            });
            let (total, places) = from.min_by_key(|(total, _)| *total)?;
            Some((total, [places.as_slice(), &[place]].concat()))
        };
        ways = PLACES.map(at);
    }
    let arrived = PLACES.iter().zip(ways).filter_map(|(place, way)| {
        let (total, places) = way?;
        Some((total + moved(*place, end), places))
    });
    arrived.min_by_key(|(total, _)| *total).map(|(_, places)| places)
}

fn cost(stage: &Stage<'_>, place: Place) -> Option<u32> {
    match (&stage.on_card, place) {
        (Able::Anywhere(_), _) => Some(0),
        (_, Place::System) => Some(on_processor(stage.filter.kind)),
        (Able::Yes(_), Place::Surface) => Some(ON_CARD),
        (Able::LeftOut(_), Place::Surface) => Some(LEFT_OUT),
        (Able::No(_), Place::Surface) => None,
    }
}

impl<'a> Route<'a> {
    /// Notes what the chain is made of, as conditions of quirks ask for it.
    pub(super) fn describe(&self, facts: &mut Facts) {
        let written = self.write(&Effect::default());
        let texts = written.filters.iter().flat_map(|filter| filter.text.split(','));
        let names = texts.map(|text| Fact::from(text.split(['=', '@']).next().unwrap_or_default()));
        facts.set("chain.has", Fact::Several(names.collect()));
        let ops = self.stages.iter().zip(&self.places).filter_map(|(stage, place)| match &stage.on_card {
            Able::Yes(op) if *place == Place::Surface => Some(Fact::from(op.op.name())),
            _ => None,
        });
        facts.set("chain.ops", Fact::Several(ops.collect()));
        let overlays = self.stages.iter().filter(|stage| stage.filter.text.starts_with(OVERLAY)).count();
        facts.set("chain.overlays", i64::try_from(overlays).unwrap_or(i64::MAX));
        facts.set("chain.overlay_at_times", false);
    }

    /// Writes the way down, with what is done about quirks.
    pub(super) fn write(&self, effect: &Effect) -> Written<'a> {
        let mut pen = Pen { route: self, effect, written: Written::default(), now: self.start, depth: self.depth };
        pen.behind_the_decoder();
        for (stage, place) in self.stages.iter().zip(&self.places) {
            pen.stage(stage, *place);
        }
        pen.go(self.end, "the encoder takes them there");
        if let Some(format) = self.last_format {
            pen.plain(Filter::system(format!("format={format}")));
        }
        pen.written
    }

    /// Puts `filters` into the plan, in place of those that it had.
    pub(super) fn put_back(&self, plan: &mut Plan, filters: &[Filter]) {
        let mut parts = filters.split(|filter| filter.text == OVERLAY).map(<[Filter]>::to_vec);
        plan.video.filters = parts.next().unwrap_or_default();
        plan.overlays.iter_mut().zip(parts).for_each(|(overlay, part)| overlay.after = part);
    }
}

/// Writes a way down.
struct Pen<'r, 'a> {
    route: &'r Route<'a>,
    effect: &'r Effect,
    written: Written<'a>,
    now: Place,
    depth: u8,
}

impl<'a> Pen<'_, 'a> {
    /// Pictures that FFmpeg decoded by the processor after all, without a word, join the others.
    fn behind_the_decoder(&mut self) {
        if self.now != Place::Surface {
            return;
        }
        if let Some(after) = self.route.surface.and_then(|surface| surface.after_decode.as_ref()) {
            let text = self.filled(after);
            self.on_card(text, None);
        }
        if self.route.decoded_on_card {
            let filters = self.effect.after_decode.iter().map(|text| Filter::new(text, Kind::Card));
            self.written.filters.extend(filters);
        }
    }

    fn stage(&mut self, stage: &Stage<'a>, place: Place) {
        let what = name(&stage.filter);
        let say = |who: &str, how: &str, why: &str| Step {
            what: what.to_owned(),
            who: who.to_owned(),
            how: how.to_owned(),
            why: why.to_owned(),
        };
        match (&stage.on_card, place) {
            (Able::Anywhere(text), _) => self.plain(Filter::anywhere(text)),
            (Able::Yes(op), Place::Surface) => {
                self.go(place, "the card does the next step");
                let text = self.around(op);
                let step = say(self.route.card, &text, "the card was seen to do it");
                self.on_card(text, Some(step));
            }
            (Able::LeftOut(why), Place::Surface) => {
                self.go(place, "the next step is done there");
                let why = format!("{why}; what is missing at the end of a file is left to the host");
                self.written.steps.push(say("nobody", "", &why));
            }
            (Able::Yes(_) | Able::LeftOut(_), Place::System) => {
                self.go(place, "the next step is done there");
                let why = "the pictures are here, and moving them would cost more";
                self.by_processor(&stage.filter, say(PROCESSOR, &stage.filter.text, why));
            }
            (Able::No(why), _) => {
                self.go(Place::System, "the next step is done there");
                self.by_processor(&stage.filter, say(PROCESSOR, &stage.filter.text, why));
            }
        }
        self.depth = stage.depth;
    }

    fn around(&mut self, op: &OpText<'a>) -> String {
        let before =
            if op.op == exstreamtv_hardware::profile::OpKind::Tonemap { &self.effect.before_tonemap[..] } else { &[] };
        let (there, back) = match op.map {
            Some(map) => {
                if !self.written.maps.iter().any(|known| known.to == map.to) {
                    self.written.maps.push(map);
                }
                (Some(self.filled(&map.there)), Some(self.filled(&map.back)))
            }
            None => (None, None),
        };
        let parts = before.iter().cloned().chain(there).chain([op.text.clone()]).chain(back);
        parts.collect::<Vec<_>>().join(",")
    }

    /// Moves the pictures if they are elsewhere.
    fn go(&mut self, to: Place, why: &str) {
        let Some(surface) = self.route.surface.filter(|_| to != self.now) else { return };
        let (what, template) = match to {
            Place::Surface => ("move to the card", &surface.upload),
            Place::System => ("move to system memory", &surface.download),
        };
        let text = self.filled(template);
        let step =
            Step { what: what.to_owned(), who: self.route.card.to_owned(), how: text.clone(), why: why.to_owned() };
        self.now = to;
        self.on_card(text, Some(step));
        if to == Place::System {
            self.written.filters.extend(self.effect.after_download.iter().map(Filter::system));
        }
    }

    /// Returns a template with the format of the samples filled in.
    fn filled(&self, template: &Template) -> String {
        let formats = self.route.surface.map(|surface| &surface.sw_format);
        let format = formats.and_then(|formats| formats.of_depth(self.depth).or(Some(&formats.eight)));
        let values = Values::default().with(Placeholder::Fmt, format.unwrap_or("nv12"));
        template.fill(&values).unwrap_or_default()
    }

    fn on_card(&mut self, text: String, step: Option<Step>) {
        self.written.filters.push(Filter::new(text, Kind::Card));
        self.written.steps.extend(step);
    }

    fn by_processor(&mut self, filter: &Filter, step: Step) {
        self.written.filters.push(filter.clone());
        self.written.steps.push(step);
    }

    fn plain(&mut self, filter: Filter) {
        self.written.filters.push(filter);
    }
}

fn name(filter: &Filter) -> &'static str {
    match filter.kind {
        Kind::Deinterlace => "deinterlace",
        Kind::Scale { .. } => "scale",
        Kind::ToneMap => "map tones",
        Kind::Pad { .. } => "put bars around it",
        Kind::Hold => "hold the last picture",
        Kind::Tag => "say what it is",
        Kind::System if filter.text == OVERLAY => "lay images over it",
        Kind::System => "write on it",
        Kind::Anywhere | Kind::Card => "pass it on",
    }
}
