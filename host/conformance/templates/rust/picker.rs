//! @TITLE@: a picker for EXStreamTV. As it stands it picks the sound that the file marks as its default, else the first one.
//!
//! The same request gives the same answer. Write `pick_subtitle` too, if you like; a picker may know only one of its methods.

use exstreamtv_plugin_sdk::{
    PickError, Picker, export_plugins,
    pick::{AudioAnswer, AudioCandidate, AudioRequest, RankedAudio, StreamRef},
};

export_plugins! {
    picker { id: "@ID@", name: "@TITLE@", vendor: "@VENDOR@" } => |_start| Ok(Box::new(Strategy));
}

struct Strategy;

impl Picker for Strategy {
    fn pick_audio(&self, request: &AudioRequest) -> Result<AudioAnswer, PickError> {
        let streams = &request.streams;
        let chosen = streams.iter().position(|stream| stream.disposition.default).or(streams.first().map(|_| 0));
        let why = match chosen {
            Some(place) if streams[place].disposition.default => "the file's default",
            Some(_) => "the first one",
            None => "there is no sound",
        };
        let mut ranked: Vec<_> = streams.iter().map(|stream| ranked(stream, false, "another one comes first")).collect();
        if let Some(place) = chosen {
            ranked.remove(place);
            ranked.insert(0, self::ranked(&streams[place], true, why));
        }
        let chosen = chosen.map(|place| reference(&streams[place]));
        Ok(AudioAnswer { chosen, why: why.into(), ranked, downmix: None })
    }
}

fn ranked(stream: &AudioCandidate, chosen: bool, reason: &str) -> RankedAudio {
    RankedAudio { stream: reference(stream), chosen, reason: reason.into() }
}

fn reference(stream: &AudioCandidate) -> StreamRef {
    StreamRef { absolute: stream.absolute, relative: stream.relative }
}

#[cfg(test)]
mod tests {
    use exstreamtv_plugin_sdk::pick::AudioPreferences;

    use super::*;

    fn request(defaults: &[bool]) -> AudioRequest {
        let candidate = |(relative, default): (u32, &bool)| {
            let mut candidate = AudioCandidate {
                absolute: relative + 1,
                relative,
                codec: "aac".into(),
                profile: None,
                channels: 2,
                layout: None,
                language: None,
                title: None,
                disposition: Default::default(),
            };
            candidate.disposition.default = *default;
            candidate
        };
        let streams = (0..).zip(defaults).map(candidate).collect();
        AudioRequest { streams, preferences: AudioPreferences::default(), original_language: None, output_channels: 2 }
    }

    #[test]
    fn the_default_comes_first_and_else_the_first_and_else_silence() {
        let chosen = |defaults: &[bool]| {
            let request = request(defaults);
            let answer = Strategy.pick_audio(&request).unwrap();
            answer.check(&request).unwrap();
            answer.chosen.map(|stream| stream.relative)
        };
        assert_eq!(chosen(&[false, true, true]), Some(1));
        assert_eq!(chosen(&[false, false]), Some(0));
        assert_eq!(chosen(&[]), None);
    }
}
