//! Trying a decoder: a clip through the decoder, and on through the scaler and the encoder, as channels do it.

use super::{CLIP, card::Card, encode::format};
use crate::{
    Template,
    profile::{Decode, Encode, Op, RateMode, Where},
    template::NoValue,
};

/// Where decoded pictures go.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Onward<'a> {
    pub(super) scale: Option<&'a Op>,
    pub(super) encode: Option<(&'a Encode, RateMode)>,
}

impl Card<'_> {
    /// Returns the arguments that try a decoder.
    pub(super) fn try_decoder(&self, decode: &Decode, depth: u8, onward: Onward<'_>) -> Result<Vec<String>, NoValue> {
        let mut args = self.opening()?;
        args.extend(Template::fill_all(&decode.args, &self.device_value())?);
        args.extend(self.effect.decode_args.iter().cloned());
        args.extend(["-i".to_owned(), CLIP.to_owned()]);
        let chain = match (&self.profile.surface, decode.yields) {
            (Some(_), Where::Surface) => self.on_the_surface(depth, onward)?,
            _ => self.in_system_memory(onward)?,
        };
        if !chain.is_empty() {
            args.extend(["-vf".to_owned(), chain.join(",")]);
        }
        args.extend(self.output(onward.encode.map(|(encode, rate)| (encode, Some(rate))))?);
        Ok(args)
    }

    fn on_the_surface(&self, depth: u8, onward: Onward<'_>) -> Result<Vec<String>, NoValue> {
        let Some(surface) = &self.profile.surface else { return Ok(Vec::new()) };
        let sw = surface.sw_format.of_depth(depth).unwrap_or(&surface.sw_format.eight);
        let mut chain: Vec<String> = Vec::new();
        let mut now = sw;
        if let Some(scale) = onward.scale {
            chain.extend(surface.after_decode.as_ref().map(|after| after.fill(&format(sw))).transpose()?);
            chain.extend(self.effect.after_decode.iter().cloned());
            // On to what the encoder takes: ten bits become eight here, where it takes no more.
            now = onward.encode.map_or(sw, |(encode, _)| encode.input_format.as_str());
            let [width, height] = self.size(None);
            let values = format(now).with(crate::Placeholder::W, width / 2).with(crate::Placeholder::H, height / 2);
            chain.push(scale.expr.fill(&values)?);
        }
        let stays = onward.encode.is_some_and(|(encode, _)| encode.on == Where::Surface);
        if !stays {
            chain.push(surface.download.fill(&format(now))?);
        }
        Ok(chain)
    }

    fn in_system_memory(&self, onward: Onward<'_>) -> Result<Vec<String>, NoValue> {
        let Some((encode, _)) = onward.encode else { return Ok(Vec::new()) };
        let [width, height] = self.size(None);
        Ok(vec![format!("scale={}:{}", width / 2, height / 2), self.to_encoder(encode)?])
    }
}
