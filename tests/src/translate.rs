//! From what a card would do to what the processor does.
//!
//! Does: translate command lines of NVIDIA cards, and name the ways in which a card may fail.
//! Invariant: the frames that come out are those that the card would have made, at another price.

/// How a card behaves when it must play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As it should.
    Well,
    /// It takes two seconds to begin.
    StartsSlowly,
    /// It refuses every session beyond so many, in NVENC's words.
    NoSessionBeyond(usize),
    /// It is lost after so many seconds of the run.
    LostAfter(u32),
    /// It says that it succeeded and gives nothing.
    Lies,
    /// It gives nothing and lives.
    Stalls,
    /// Its decoder is not used, and only a line says so.
    DecodesInSilence,
}

impl Mode {
    /// Reads a mode as [`Self::word`] writes it.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, number) = text.split_once(':').unwrap_or((text, ""));
        Some(match name {
            "well" => Self::Well,
            "starts-slowly" => Self::StartsSlowly,
            "no-session-beyond" => Self::NoSessionBeyond(number.parse().ok()?),
            "lost-after" => Self::LostAfter(number.parse().ok()?),
            "lies" => Self::Lies,
            "stalls" => Self::Stalls,
            "decodes-in-silence" => Self::DecodesInSilence,
            _ => return None,
        })
    }

    /// Returns its word.
    pub fn word(self) -> String {
        match self {
            Self::Well => "well".into(),
            Self::StartsSlowly => "starts-slowly".into(),
            Self::NoSessionBeyond(most) => format!("no-session-beyond:{most}"),
            Self::LostAfter(seconds) => format!("lost-after:{seconds}"),
            Self::Lies => "lies".into(),
            Self::Stalls => "stalls".into(),
            Self::DecodesInSilence => "decodes-in-silence".into(),
        }
    }
}

/// Options that are the card's alone and go with their values.
const OF_THE_CARD: [&str; 9] = [
    "-init_hw_device",
    "-filter_hw_device",
    "-hwaccel",
    "-hwaccel_device",
    "-hwaccel_output_format",
    "-tune",
    "-b_ref_mode",
    "-no-scenecut",
    "-rc",
];

/// Returns the arguments with which the processor makes what a card would have made, or its first `seconds`.
pub fn on_processor(arguments: &[String], seconds: Option<u32>) -> Vec<String> {
    let mut translated = Vec::new();
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            option if OF_THE_CARD.contains(&option) => _ = rest.next(),
            "-noautoscale" => {}
            "-preset" => {
                _ = rest.next();
                translated.extend(["-preset".to_owned(), "ultrafast".to_owned()]);
            }
            "h264_nvenc" => translated.extend(["libx264", "-sc_threshold", "0"].map(str::to_owned)),
            "-t" if seconds.is_some() => {
                _ = rest.next();
                translated.extend(["-t".to_owned(), seconds.unwrap_or_default().to_string()]);
            }
            "-filter:v" | "-filter_complex" => {
                translated.push(word.clone());
                translated.extend(rest.next().map(|chain| filters(chain)));
            }
            _ => translated.push(word.clone()),
        }
    }
    translated
}

fn filters(chain: &str) -> String {
    let parts = chain.split(',').map(|part| {
        let part = part.replace("|cuda", "");
        match part.split_once('=').unwrap_or((part.as_str(), "")) {
            ("hwupload" | "hwupload_cuda" | "hwdownload", _) => "null".to_owned(),
            ("scale_cuda", value) => match value.split_once("format=") {
                Some(("", format)) => format!("format={format}"),
                Some((size, format)) => format!("scale={},format={format}", size.trim_end_matches(':')),
                None => format!("scale={value}"),
            },
            ("bwdif_cuda", value) => format!("bwdif={value}"),
            ("pad_cuda", value) => format!("pad={value}"),
            _ => part.clone(),
        }
    });
    parts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_cards_goes_and_the_rest_stays() {
        let line = "-init_hw_device cuda=cu:0 -filter_hw_device cu -hwaccel cuda -hwaccel_output_format cuda -threads 1 -i file:/a \
                    -filter:v format=nv12|cuda,hwupload,scale_cuda=640:360:format=nv12,setsar=1,fps=25/1 -t 30.0 \
                    -c:v h264_nvenc -preset p4 -tune hq -bf 2 -noautoscale -rc vbr -b:v 1000 pipe:1";
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let expected = "-threads 1 -i file:/a -filter:v format=nv12,null,scale=640:360,format=nv12,setsar=1,fps=25/1 -t 6 \
                        -c:v libx264 -sc_threshold 0 -preset ultrafast -bf 2 -b:v 1000 pipe:1";
        let found = on_processor(&words, Some(6)).join(" ");
        assert_eq!(found, expected.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    #[test]
    fn modes_are_read_as_they_are_written() {
        for mode in [Mode::Well, Mode::NoSessionBeyond(3), Mode::LostAfter(6), Mode::Lies, Mode::DecodesInSilence] {
            assert_eq!(Mode::parse(&mode.word()), Some(mode));
        }
        assert_eq!(Mode::parse("lost-after:soon"), None);
    }
}
