//! Which decoder and which encoder of a card are used, and what they are told.

use exstreamtv_hardware::{
    Condition, Facts, Placeholder, Template,
    profile::{Decode, Effect, Encode, RateMode},
    template::Values,
};

use super::{DECODE, ENCODE, Share, Task, known::samples};
use crate::encoding::Encoding;

/// A decoder or an encoder of a card.
#[derive(Debug, Clone, Copy)]
pub(super) enum Coder<'a> {
    /// A decoder, and the codec.
    Decoder(&'a Decode, &'a str),
    /// An encoder, and how its rate is controlled.
    Encoder(&'a Encode, RateMode),
}

/// Everything that an encoder of a card is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoder {
    /// FFmpeg's name.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What its stream goes through, in order.
    pub filters: Vec<String>,
}

impl<'a> Coder<'a> {
    /// Returns its name for people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Decoder(decode, codec) => decode.decoder.clone().unwrap_or_else(|| (*codec).to_owned()),
            Self::Encoder(encode, _) => encode.encoder.clone(),
        }
    }

    /// Returns the arguments in front of the input.
    pub(super) fn arguments(&self) -> &'a [Template] {
        match self {
            Self::Decoder(decode, _) => &decode.args,
            Self::Encoder(..) => &[],
        }
    }

    /// Returns what the encoder is told to make what the processor's encoder would.
    pub(super) fn encoder(&self, encoding: &Encoding, effect: &Effect) -> Option<Encoder> {
        let Self::Encoder(encode, rate) = self else { return None };
        let values = settings(encoding);
        let rate = effect.rate.filter(|rate| encode.rate.contains_key(rate)).unwrap_or(*rate);
        let rate = encode.rate.get(&rate).map(Vec::as_slice).unwrap_or_default();
        let arguments = Template::fill_all(&encode.args, &values).ok()?;
        let arguments = [arguments, Template::fill_all(rate, &values).ok()?].concat();
        let filters = encode.bsf.iter().chain(&effect.encode_bsf).cloned().collect();
        Some(Encoder { name: encode.encoder.clone(), arguments: effect.on_encoder(arguments), filters })
    }
}

fn settings(encoding: &Encoding) -> Values {
    Values::default()
        .with(Placeholder::Bitrate, encoding.video_bitrate_bps)
        .with(Placeholder::Maxrate, encoding.video_peak_bps)
        .with(Placeholder::Bufsize, encoding.video_buffer_bits)
        .with(Placeholder::Gop, encoding.gop_limit_frames)
        .with(Placeholder::Fps, encoding.frame_rate_text())
        .with(Placeholder::Level, encoding.level)
        .with(Placeholder::Depth, 8)
}

impl<'a> Task<'a> {
    /// Returns the card's decoder for the source, or why there is none.
    pub(super) fn decoder(&self, share: &Share) -> Result<Coder<'a>, String> {
        if !share.decode {
            return Err(share.whys.get(DECODE).cloned().unwrap_or_default());
        }
        let codec = self.stream.codec.as_str();
        let format = samples(self.video.pixel_format.as_deref());
        let known = self.card.can.decoders.iter().find(|known| known.codec == codec && known.depth == format.depth);
        let Some(known) = known else {
            return Err(format!("nothing is said about decoding {codec} with {} bits", format.depth));
        };
        let entry = known.verdict.entry().ok_or_else(|| why_not(known.verdict.reason()))?;
        let decode = self.card.profile.decoders.get(entry).ok_or_else(|| "the profile has changed".to_owned())?;
        let (width, height) = (self.video.width, self.video.height);
        let profile = self.stream.profile.as_deref();
        match () {
            () if !decode.takes_size(width, height) => Err(format!("it does not decode pictures of {width}x{height}")),
            () if !decode.takes_profile(profile) => {
                Err(format!("it does not decode {codec} of the profile {}", profile.unwrap_or("that nobody knows")))
            }
            () if decode.chroma.iter().all(|chroma| chroma != format.chroma) => {
                Err(format!("it does not decode the chroma {}", format.chroma))
            }
            () if !Condition::all_hold(&decode.when, &self.known_quietly(&decode.when)) => {
                Err("its profile says that it does not under these circumstances".to_owned())
            }
            () => Ok(Coder::Decoder(decode, codec)),
        }
    }

    /// Returns the card's encoder for the channel, or why there is none.
    pub(super) fn encoder(&self, share: &Share) -> Result<Coder<'a>, String> {
        if !share.encode {
            return Err(share.whys.get(ENCODE).cloned().unwrap_or_default());
        }
        let known = self.card.can.encoders.iter().find(|known| known.codec == "h264" && known.depth == 8);
        let known = known.ok_or_else(|| "nothing is said about encoding h264".to_owned())?;
        let entry = known.verdict.entry().ok_or_else(|| why_not(known.verdict.reason()))?;
        let encode = self.card.profile.encoders.get(entry).ok_or_else(|| "the profile has changed".to_owned())?;
        let rate = known.rate.or(encode.rate_prefer.first().copied());
        let rate = rate.ok_or_else(|| "nobody knows how its rate is controlled".to_owned())?;
        let (width, height) = (self.profile.width, self.profile.height);
        let bps = self.profile.video_bitrate_bps;
        match () {
            () if !encode.takes_size(width, height) => Err(format!("it does not encode pictures of {width}x{height}")),
            () if encode.bitrate_max.is_some_and(|most| bps > most) => Err(format!("it does not encode {bps} b/s")),
            () if encode.fps_max.is_some_and(|most| self.profile.frame_rate.as_f64() > f64::from(most)) => {
                Err(format!("it does not encode {} pictures a second", self.profile.frame_rate))
            }
            () if !Condition::all_hold(&encode.when, &self.known_quietly(&encode.when)) => {
                Err("its profile says that it does not under these circumstances".to_owned())
            }
            () => Ok(Coder::Encoder(encode, rate)),
        }
    }

    /// What a card was seen to do it does, whatever a condition about the card would say now; those about the source are asked.
    fn known_quietly(&self, when: &[Condition]) -> Facts {
        if when.is_empty() { Facts::default() } else { self.known() }
    }

    /// Returns templates with the card's device filled in.
    pub(super) fn filled(&self, templates: &[Template]) -> Vec<String> {
        let values = Values::default().with(Placeholder::Device, &self.card.can.device);
        Template::fill_all(templates, &values).unwrap_or_default()
    }
}

/// Returns why not, in words for people.
pub(super) fn why_not(reason: Option<&exstreamtv_hardware::Reason>) -> String {
    reason.map_or_else(|| "nobody knows why".to_owned(), ToString::to_string)
}
