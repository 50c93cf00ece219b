//! What is to be done to pictures, and for each step how a card would do it.

use exstreamtv_hardware::{
    Condition, Placeholder,
    profile::{Op, OpKind, Surface, SurfaceMap},
    template::Values,
};

use super::{Share, Task, coding::why_not, known::samples};
use crate::{
    filter::{Filter, Kind},
    picture::TAGS,
    plan::Plan,
};

/// One step, and how a card would do it.
#[derive(Debug, Clone)]
pub(super) struct Stage<'a> {
    /// How the processor does it.
    pub filter: Filter,
    /// How the card does it, or why it does not.
    pub on_card: Able<'a>,
    /// Bits a sample behind it.
    pub depth: u8,
}

/// Whether a card does something.
#[derive(Debug, Clone)]
pub(super) enum Able<'a> {
    /// It is done wherever the pictures are, by this.
    Anywhere(String),
    /// By this.
    Yes(OpText<'a>),
    /// Not, but there it can be left out, and why.
    LeftOut(String),
    /// Not, and why.
    No(String),
}

/// A card's filter, filled in.
#[derive(Debug, Clone)]
pub(super) struct OpText<'a> {
    /// What it does.
    pub op: OpKind,
    /// As FFmpeg reads it.
    pub text: String,
    /// The other surface that it works on.
    pub map: Option<&'a SurfaceMap>,
}

/// What stands for the place where images are laid over, among the steps.
pub(super) const OVERLAY: &str = "overlay";

/// Returns every filter of the picture in `plan`, with [`OVERLAY`] where something is laid over it.
fn filters(plan: &Plan) -> Vec<Filter> {
    let after =
        plan.overlays.iter().flat_map(|overlay| [vec![Filter::system(OVERLAY)], overlay.after.clone()].concat());
    plan.video.filters.iter().cloned().chain(after).collect()
}

impl<'a> Task<'a> {
    /// Returns the steps of `plan`. `decoded_on_card` says what the pictures are at the beginning, and with `encoded_on_card` nothing has to be what
    /// the processor's encoder takes.
    pub(super) fn stages(
        &self,
        plan: &Plan,
        share: &Share,
        decoded_on_card: bool,
        encoded_on_card: bool,
    ) -> (u8, Vec<Stage<'a>>) {
        let filters = filters(plan);
        let is_hdr = filters.iter().any(|filter| filter.kind == Kind::ToneMap);
        // What the processor decodes is made what a step needs on its way to the card.
        let first = match (decoded_on_card, is_hdr) {
            (true, _) => samples(self.video.pixel_format.as_deref()).depth,
            (false, true) => 10,
            (false, false) => 8,
        };
        let mut depth = first;
        let mut stages = Vec::new();
        for filter in filters {
            let before = depth;
            depth = match filter.kind {
                Kind::Scale { .. } if !is_hdr => 8,
                Kind::ToneMap => 8,
                _ => depth,
            };
            let on_card = self.able(&filter, (before, depth), share, encoded_on_card);
            stages.push(Stage { filter, on_card, depth });
        }
        (first, stages)
    }

    fn able(&self, filter: &Filter, depths: (u8, u8), share: &Share, encoded_on_card: bool) -> Able<'a> {
        let number = |number: u32| number.to_string();
        match filter.kind {
            Kind::Anywhere => Able::Anywhere(filter.text.clone()),
            // The encoder's own format comes last.
            Kind::Tag if encoded_on_card => Able::Anywhere(TAGS.to_owned()),
            Kind::Tag => Able::No("the processor encodes".to_owned()),
            Kind::System | Kind::Card => Able::No("only the processor does that".to_owned()),
            Kind::Deinterlace => self.op(OpKind::Deinterlace, depths, share, Values::default()),
            // Two copies of every picture for the sake of the last one: no.
            Kind::Hold => match self.op(OpKind::Hold, depths, share, Values::default()) {
                Able::No(why) => Able::LeftOut(why),
                able => able,
            },
            Kind::ToneMap => self.op(OpKind::Tonemap, depths, share, Values::default().with(Placeholder::Alg, "hable")),
            Kind::Scale { converts: true, .. } => {
                Able::No("matrix or range of its samples change, which cards do in ways of their own".to_owned())
            }
            Kind::Scale { from, to, .. } => {
                let most = self.entry(OpKind::Scale, depths.0).ok().and_then(|op| op.ratio_max);
                let far = |from: u32, to: u32| most.is_some_and(|most| from > to * most || to > from * most);
                if far(from.width, to.width) || far(from.height, to.height) {
                    return Able::No("the card does not scale that far".to_owned());
                }
                let sides =
                    Values::default().with(Placeholder::W, number(to.width)).with(Placeholder::H, number(to.height));
                self.op(OpKind::Scale, depths, share, sides)
            }
            Kind::Pad { to, left, top } => {
                let place = Values::default()
                    .with(Placeholder::W, number(to.width))
                    .with(Placeholder::H, number(to.height))
                    .with(Placeholder::X, number(left))
                    .with(Placeholder::Y, number(top));
                self.op(OpKind::Pad, depths, share, place)
            }
        }
    }

    fn op(&self, kind: OpKind, (before, after): (u8, u8), share: &Share, values: Values) -> Able<'a> {
        if self.rung == exstreamtv_hardware::profile::Rung::HwdecSwfilterHwenc {
            return Able::No("a filter of the card failed lately, so the processor filters for a while".to_owned());
        }
        if let Some(why) = share.kept_off.get(&kind) {
            return Able::No(why.clone());
        }
        let Some(surface) = &self.card.profile.surface else {
            return Able::No("the card has no surface".to_owned());
        };
        match self.entry(kind, before).and_then(|op| self.fill(op, surface, after, values)) {
            Ok(text) => Able::Yes(text),
            Err(why) => Able::No(why),
        }
    }

    /// Returns the filter of the card that does this.
    fn entry(&self, kind: OpKind, depth: u8) -> Result<&'a Op, String> {
        let known = self.card.can.ops.iter().find(|known| known.op == kind && known.depth == depth);
        let known = known.ok_or_else(|| format!("the card has no filter for it, with {depth} bits"))?;
        let entry = known.verdict.entry().ok_or_else(|| why_not(known.verdict.reason()))?;
        let op = self.card.profile.ops.get(entry).ok_or_else(|| "the profile has changed".to_owned())?;
        match op.when.is_empty() || Condition::all_hold(&op.when, &self.known()) {
            true => Ok(op),
            false => Err("its profile says that it does not under these circumstances".to_owned()),
        }
    }

    fn fill(&self, op: &'a Op, surface: &'a Surface, depth: u8, values: Values) -> Result<OpText<'a>, String> {
        let on = op.on.as_deref().unwrap_or(&surface.name);
        let map = surface.map.iter().find(|map| map.to == on);
        if map.is_none() && on != surface.name {
            return Err("the processor does it as well".to_owned());
        }
        let format = surface.sw_format.of_depth(depth);
        let format = format.ok_or_else(|| format!("the card has no pictures of {depth} bits"))?;
        let values = values
            .with(Placeholder::Fmt, format)
            .with(Placeholder::Depth, depth)
            .with(Placeholder::Fps, format!("{}/{}", self.profile.frame_rate.num, self.profile.frame_rate.den));
        let text = op.expr.fill(&values).map_err(|error| error.to_string())?;
        Ok(OpText { op: op.op, text, map })
    }
}
