//! Trying an encoder: ten pictures of a test source, up to the card and through the encoder.

use super::{Build, card::Card};
use crate::{
    Placeholder, Reason, ReasonKind, Template,
    profile::{Encode, RateMode, Where},
    template::{NoValue, Values},
};

/// What is asked of an encoder that is tried.
const BITRATE_BPS: u32 = 1_000_000;

impl Card<'_> {
    /// Returns the arguments that try an encoder.
    pub(super) fn try_encoder(&self, encode: &Encode, rate: Option<RateMode>) -> Result<Vec<String>, NoValue> {
        let [width, height] = self.size(encode.size_min);
        let mut args = self.opening()?;
        args.extend(["-f", "lavfi", "-i"].map(str::to_owned));
        args.push(format!("testsrc2=s={width}x{height}:r=25:d=2"));
        args.extend(["-vf".to_owned(), self.to_encoder(encode)?]);
        args.extend(self.output(Some((encode, rate)))?);
        Ok(args)
    }

    /// Returns the filters between pictures in system memory and an encoder.
    pub(super) fn to_encoder(&self, encode: &Encode) -> Result<String, NoValue> {
        match (&self.profile.surface, encode.on) {
            (Some(surface), Where::Surface) => surface.upload.fill(&format(&encode.input_format)),
            _ => Ok(format!("format={}", encode.input_format)),
        }
    }

    /// Returns everything behind the filters.
    pub(super) fn output(&self, encode: Option<(&Encode, Option<RateMode>)>) -> Result<Vec<String>, NoValue> {
        let mut args = vec!["-an".to_owned(), "-sn".to_owned()];
        args.extend(["-frames:v".to_owned(), self.profile.smoke.frames.to_string()]);
        if let Some((encode, rate)) = encode {
            args.extend(["-c:v".to_owned(), encode.encoder.clone()]);
            let mut settled = Template::fill_all(&encode.args, &settings(encode))?;
            let wished = self.effect.rate.filter(|rate| encode.rate.contains_key(rate)).or(rate);
            if let Some(templates) = wished.and_then(|rate| encode.rate.get(&rate)) {
                settled.extend(Template::fill_all(templates, &settings(encode))?);
            }
            args.extend(self.effect.on_encoder(settled));
            let bsf: Vec<&str> = encode.bsf.iter().chain(&self.effect.encode_bsf).map(String::as_str).collect();
            if !bsf.is_empty() {
                args.extend(["-bsf:v".to_owned(), bsf.join(",")]);
            }
        }
        args.extend(["-f", "null", "-"].map(str::to_owned));
        Ok(args)
    }

    /// Returns the size of what is tried: the profile's, or the least that is taken.
    pub(super) fn size(&self, least: Option<[u32; 2]>) -> [u32; 2] {
        let [width, height] = self.profile.smoke.size;
        let [least_width, least_height] = least.unwrap_or([0, 0]);
        [width.max(least_width), height.max(least_height)]
    }
}

/// Returns why an encoder does not take what the profile would give it, from what it says about itself.
pub(super) fn refusal(encode: &Encode, help: &super::Help, surface: Option<&str>, build: &Build) -> Option<Reason> {
    let given = match (encode.on, surface) {
        (Where::Surface, Some(surface)) => surface,
        _ => encode.input_format.as_str(),
    };
    // One that does not say takes anything.
    if help.formats.is_empty() || help.formats.contains(given) {
        return None;
    }
    let because = format!("{} of FFmpeg {} takes no {given}", encode.encoder, build.version_text);
    Some(Reason::new(ReasonKind::Build, because).advise("use a newer FFmpeg"))
}

fn settings(encode: &Encode) -> Values {
    Values::default()
        .with(Placeholder::Bitrate, BITRATE_BPS)
        .with(Placeholder::Maxrate, BITRATE_BPS + BITRATE_BPS / 2)
        .with(Placeholder::Bufsize, BITRATE_BPS * 2)
        .with(Placeholder::Gop, 50)
        .with(Placeholder::Fps, 25)
        .with(Placeholder::Level, "4.0")
        .with(Placeholder::Depth, encode.depth.first().copied().unwrap_or(8))
}

/// Returns the value of `{fmt}` alone.
pub(super) fn format(name: &str) -> Values {
    Values::default().with(Placeholder::Fmt, name)
}
