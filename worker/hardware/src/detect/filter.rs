//! Trying a filter: a test source up to the card, through the filter, and back.

use super::{card::Card, encode::format};
use crate::{
    Placeholder, Template,
    profile::{Op, OpKind, Surface, SurfaceMap},
    template::NoValue,
};

/// What an HDR picture says about itself.
const HDR10: &str = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv";

impl Card<'_> {
    /// Returns the arguments that try a filter on the card.
    pub(super) fn try_op(&self, op: &Op, depth: u8, surface: &Surface) -> Result<Vec<String>, NoValue> {
        let [width, height] = self.size(None);
        let map = op.on.as_ref().and_then(|on| surface.map.iter().find(|map| map.to == *on));
        let mut args = self.opening()?;
        if let Some(map) = map {
            args.extend(Template::fill_all(&map.init, &self.device_value())?);
        }
        let source = if op.op == OpKind::Pad { [width / 2, height / 2] } else { [width, height] };
        args.extend(["-f", "lavfi", "-i"].map(str::to_owned));
        args.push(format!("testsrc2=s={}x{}:r=25:d=2", source[0], source[1]));
        let (before, after) = (self.up(op, depth, surface, map)?, self.down(op, depth, surface, map)?);
        let filter = self.fill_op(op, depth, surface)?;
        if op.op == OpKind::Overlay {
            args.extend(["-f", "lavfi", "-i", "color=c=red:s=64x64:r=25:d=2"].map(str::to_owned));
            let above = op.secondary_format.as_deref().or(surface.sw_format.alpha.as_deref()).unwrap_or("yuva420p");
            let above = surface.upload.fill(&format(above))?;
            args.push("-filter_complex".to_owned());
            args.push(format!("[0:v]{before}[below];[1:v]{above}[above];[below][above]{filter},{after}[out]"));
            args.extend(["-map", "[out]"].map(str::to_owned));
        } else {
            args.extend(["-vf".to_owned(), format!("{before},{filter},{after}")]);
        }
        args.extend(self.output(None)?);
        Ok(args)
    }

    /// Returns a filter as it is written when it is tried.
    pub(super) fn fill_op(&self, op: &Op, depth: u8, surface: &Surface) -> Result<String, NoValue> {
        let [width, height] = self.size(None);
        let [w, h] = if op.op == OpKind::Pad { [width, height] } else { [width / 2, height / 2] };
        let fmt = surface.sw_format.of_depth(op.makes_depth.unwrap_or(depth)).unwrap_or(&surface.sw_format.eight);
        let values = format(fmt)
            .with(Placeholder::W, w)
            .with(Placeholder::H, h)
            .with(Placeholder::X, 0)
            .with(Placeholder::Y, 0)
            .with(Placeholder::Alg, "hable")
            .with(Placeholder::Opacity, 1);
        op.expr.fill(&values)
    }

    fn up(&self, op: &Op, depth: u8, surface: &Surface, map: Option<&SurfaceMap>) -> Result<String, NoValue> {
        let fmt = op.main_format.as_deref().or(surface.sw_format.of_depth(depth)).unwrap_or(&surface.sw_format.eight);
        let mark = match op.op {
            OpKind::Tonemap => Some(HDR10.to_owned()),
            OpKind::Deinterlace => Some("setfield=tff".to_owned()),
            _ => None,
        };
        let there = map.map(|map| map.there.fill(&format(fmt))).transpose()?;
        let chain = [mark, Some(surface.upload.fill(&format(fmt))?), there];
        Ok(chain.into_iter().flatten().collect::<Vec<_>>().join(","))
    }

    fn down(&self, op: &Op, depth: u8, surface: &Surface, map: Option<&SurfaceMap>) -> Result<String, NoValue> {
        let made = surface.sw_format.of_depth(op.makes_depth.unwrap_or(depth));
        let changes = matches!(op.op, OpKind::Scale | OpKind::Format | OpKind::Tonemap);
        let fmt = if changes { made } else { op.main_format.as_deref().or(made) }.unwrap_or(&surface.sw_format.eight);
        let back = map.map(|map| map.back.fill(&format(fmt))).transpose()?;
        let chain = [back, Some(surface.download.fill(&format(fmt))?)];
        Ok(chain.into_iter().flatten().collect::<Vec<_>>().join(","))
    }
}
