//! What an answer of FFmpeg shows.
//!
//! Does: judge by FFmpeg's words and by the pictures that came out.
//! Does not: believe an exit code.
//! Invariant: whatever does not pass has a reason, with the words that show it where there are any.

use super::Answer;
use crate::{Profile, Reason, ReasonKind};

/// What must be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// It must end by itself without an error.
    pub exit_zero: bool,
    /// Pictures that must come out.
    pub frames: u32,
    /// Texts that it must say.
    pub has: Vec<String>,
    /// Texts that it must not say.
    pub not: Vec<String>,
    /// For how long it was waited, for people.
    pub timeout_ms: u64,
}

/// How much of a line is quoted.
const QUOTED_CHARS: usize = 200;

/// Returns whether `answer` shows what is wanted.
///
/// # Errors
/// Why it does not.
pub fn judge(answer: &Answer, wanted: &Wanted, profile: &Profile) -> Result<(), Reason> {
    let (exit, stderr) = match answer {
        Answer::Ran { exit, stderr, .. } => (*exit, stderr.as_str()),
        Answer::TimedOut => {
            let because = format!("FFmpeg did not answer within {} s and was killed", wanted.timeout_ms.div_ceil(1000));
            let advice = "the driver hangs; a restart of the machine may help";
            return Err(Reason::new(ReasonKind::TimedOut, because).advise(advice));
        }
        Answer::NotStarted { message } => {
            return Err(Reason::new(ReasonKind::Unknown, format!("FFmpeg cannot be started: {message}")));
        }
        Answer::NoClip { message } => {
            return Err(Reason::new(ReasonKind::Untried, format!("it cannot be tried: {message}")));
        }
        Answer::File(_) => return Err(Reason::new(ReasonKind::Unknown, "nobody answered")),
    };
    let Some(exit) = exit else { return Err(crashed(stderr)) };
    let frames = frames_encoded(stderr);
    let seemed_fine = exit == 0 && frames >= wanted.frames;
    if let Some(said) = wanted.not.iter().find(|text| stderr.contains(text.as_str())) {
        return Err(confessed(stderr, said, seemed_fine, profile));
    }
    if wanted.exit_zero && exit != 0 {
        return Err(failed(stderr, profile));
    }
    if frames < wanted.frames {
        let because = format!("{frames} of {} pictures came out", wanted.frames);
        return Err(Reason { because, ..failed(stderr, profile) });
    }
    match wanted.has.iter().find(|text| !stderr.contains(text.as_str())) {
        Some(text) if seemed_fine => {
            let because = "FFmpeg did it without the card and did not say so";
            Err(Reason::new(ReasonKind::Lie, because).shown_by(format!("it never said {text:?}")))
        }
        Some(text) => Err(failed(stderr, profile).shown_by(format!("it never said {text:?}"))),
        None => Ok(()),
    }
}

/// Returns how many pictures came out.
pub fn frames_encoded(stderr: &str) -> u32 {
    let before = |marker: &str| {
        let number = |text: &str| {
            let digits = text.trim_end();
            let number = digits.trim_end_matches(|c: char| c.is_ascii_digit());
            digits[number.len()..].parse::<u32>().ok()
        };
        stderr.match_indices(marker).filter_map(|(at, _)| number(&stderr[..at])).max()
    };
    // "  Stream #0:0 (video): 10 frames encoded; 10 packets muxed", else the last of "frame=   10 fps=0.0 q=-0.0".
    let counted = before(" frames encoded");
    let shown = stderr.rsplit("frame=").next().filter(|rest| rest.len() < stderr.len());
    let shown = shown.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    counted.or(shown).unwrap_or(0)
}

fn crashed(stderr: &str) -> Reason {
    let reason = Reason::new(ReasonKind::Device, "FFmpeg crashed in the driver")
        .advise("update the driver of the card, or use another profile for it");
    match last_line(stderr) {
        Some(line) => reason.shown_by(line),
        None => reason,
    }
}

/// FFmpeg said itself that it did not do what it was asked to do, and went on.
fn confessed(stderr: &str, said: &str, seemed_fine: bool, profile: &Profile) -> Reason {
    let line = stderr.lines().find(|line| line.contains(said)).map_or_else(|| said.to_owned(), quote);
    let known = profile.failure_in(&line);
    let because = known.map_or("FFmpeg did something else than it was asked to do", |known| &known.because);
    let kind = match known {
        _ if seemed_fine => ReasonKind::Lie,
        Some(known) => known.class.into(),
        None => ReasonKind::Unknown,
    };
    Reason { advice: known.and_then(|known| known.advice.clone()), ..Reason::new(kind, because) }.shown_by(line)
}

fn failed(stderr: &str, profile: &Profile) -> Reason {
    let Some(known) = profile.failure_in(stderr) else {
        let reason = Reason::new(ReasonKind::Unknown, "FFmpeg failed for a reason that nobody has described yet");
        return match last_line(stderr) {
            Some(line) => reason.shown_by(line),
            None => reason,
        };
    };
    let line = stderr.lines().find(|line| known.regex.is_match(line)).map(quote);
    let reason = Reason::new(known.class.into(), known.because.clone());
    Reason { advice: known.advice.clone(), evidence: line, ..reason }
}

fn last_line(stderr: &str) -> Option<String> {
    stderr.lines().rev().map(str::trim).find(|line| !line.is_empty() && *line != "Conversion failed!").map(quote)
}

/// Returns a line without addresses, which mean nothing and are never the same.
fn quote(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line.trim();
    while let Some((before, after)) = rest.split_once(" @ 0x") {
        text.push_str(before);
        rest = after.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    text.push_str(rest);
    text.chars().take(QUOTED_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profiles;

    fn judged(exit: Option<i32>, stderr: &str) -> Result<(), Reason> {
        let profiles = Profiles::shipped();
        let wanted = Wanted {
            exit_zero: true,
            frames: 10,
            has: vec!["Format cuda chosen by get_format".to_owned()],
            not: vec!["Failed setup for format cuda".to_owned()],
            timeout_ms: 8000,
        };
        let answer = Answer::Ran { exit, stdout: String::new(), stderr: stderr.to_owned() };
        judge(&answer, &wanted, profiles.get("cuda").unwrap())
    }

    const CHOSEN: &str = "[h264 @ 0x55d0] Format cuda chosen by get_format().\n";
    const TEN: &str = "  Output stream #0:0 (video): 10 frames encoded; 10 packets muxed (5000 bytes);\n";

    #[test]
    fn evidence_decides_and_not_the_exit_code() {
        assert_eq!(judged(Some(0), &format!("{CHOSEN}{TEN}")), Ok(()));
        let silent = judged(Some(0), TEN).unwrap_err();
        assert_eq!(silent.kind, ReasonKind::Lie);
        let setup = "[h264 @ 0x55d0] Failed setup for format cuda: hwaccel initialisation returned error.\n";
        let confessed = judged(Some(0), &format!("{CHOSEN}{setup}{TEN}")).unwrap_err();
        assert_eq!(
            (confessed.kind, confessed.evidence.as_deref()),
            (ReasonKind::Lie, Some("[h264] Failed setup for format cuda: hwaccel initialisation returned error."))
        );
        let few = judged(Some(0), &format!("{CHOSEN}Stream #0:0: 3 frames encoded; 3 packets muxed")).unwrap_err();
        assert_eq!(few.because, "3 of 10 pictures came out");
        let died = judged(None, CHOSEN).unwrap_err();
        assert_eq!(died.kind, ReasonKind::Device);
        let session = "[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: out of memory (10): (no details)\n[h264_nvenc @ 0x1] No capable devices found\n";
        assert_eq!(judged(Some(1), session).unwrap_err().kind, ReasonKind::Session);
        assert_eq!(
            judged(Some(1), "[h264_nvenc @ 0x1] No capable devices found\n").unwrap_err().kind,
            ReasonKind::Encoder
        );
        let strange = judged(Some(1), "strange\nConversion failed!\n").unwrap_err();
        assert_eq!((strange.kind, strange.evidence.as_deref()), (ReasonKind::Unknown, Some("strange")));
    }

    #[test]
    fn pictures_are_counted_in_either_way_of_saying_it() {
        assert_eq!(frames_encoded(TEN), 10);
        assert_eq!(frames_encoded("frame=    1 fps=0.0\rframe=   12 fps=0.0 q=-0.0 Lsize=N/A"), 12);
        assert_eq!(frames_encoded(""), 0);
        assert_eq!(frames_encoded("frame="), 0);
        assert_eq!(frames_encoded(" frames encoded"), 0);
    }
}
