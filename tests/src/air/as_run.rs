//! What the host says was on air, against what was seen.
//!
//! Does: hold every picture against the as-run timeline, and the timeline against itself.
//! Does not: know what should have been on air; that is the playout, and `contradictions` compares with it.
//! Invariant: a slate that is called a programme is found, and so is a programme that is called a slate.

use super::{ChannelClock, is_at};
use crate::{api::Aired, picture::Shown};

/// Compares every picture with what the host says was on air, and returns what does not fit, in words.
///
/// `code_of` names the clip of a file; files without one are not compared. Pictures later than the last stretch are not
/// compared either: the host may still be sending it.
pub fn denials(
    shown: &[Shown],
    clock: &ChannelClock,
    aired: &[Aired],
    code_of: impl Fn(&str) -> Option<u8>,
) -> Vec<String> {
    let gaps = aired.windows(2).filter(|pair| pair[0].stop_ms != pair[1].start_ms);
    let mut denials: Vec<_> = gaps.map(|pair| format!("a gap or an overlap: {:?} {:?}", pair[0], pair[1])).collect();
    let known_until_ms = aired.last().map_or(i64::MIN, |last| last.stop_ms) as f64;
    let past = shown.iter().filter(|picture| clock.wall_ms(picture.pts) < known_until_ms);
    denials.extend(past.filter_map(|picture| denial(picture, clock, aired, &code_of)));
    denials
}

fn denial(
    picture: &Shown,
    clock: &ChannelClock,
    aired: &[Aired],
    code_of: &impl Fn(&str) -> Option<u8>,
) -> Option<String> {
    let wall_ms = clock.wall_ms(picture.pts);
    let slack_ms = 1.5 * clock.frame_ms();
    let near =
        |stretch: &&Aired| wall_ms > stretch.start_ms as f64 - slack_ms && wall_ms < stretch.stop_ms as f64 + slack_ms;
    let candidates: Vec<_> = aired.iter().filter(near).collect();
    let fits = |stretch: &&Aired| match stretch.media.as_deref() {
        Some(media) if stretch.kind != "slate" => code_of(media).is_none_or(|code| {
            is_at(picture.mark, code, stretch.in_point_ms as f64 + wall_ms - stretch.start_ms as f64, slack_ms)
        }),
        _ => stretch.kind == "slate" && picture.mark.is_none(),
    };
    if candidates.iter().any(fits) {
        return None;
    }
    Some(format!("at {wall_ms:.0} the picture shows {:?}, and was aired {candidates:?}", picture.mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Mark;

    const START: i64 = 1_800_000_000_000;
    const CLOCK: ChannelClock = ChannelClock { frame_rate: (25, 1), offset_s: 0, near_ms: START };

    fn aired(start_ms: i64, stop_ms: i64, kind: &str) -> Aired {
        let media = (kind == "programme").then(|| "1".into());
        let (start_ms, stop_ms) = (START + start_ms, START + stop_ms);
        Aired { start_ms, stop_ms, kind: kind.into(), media, in_point_ms: start_ms - START, cause: None }
    }

    fn picture(wall_ms: i64, mark: Option<(u8, u8)>) -> Shown {
        let mark = mark.map(|(clip, second)| Mark { clip, second });
        Shown { pts: (START + wall_ms) * 90 + 2 * 3600, mark, flash: false }
    }

    fn denied(pictures: &[Shown], aired: &[Aired]) -> usize {
        denials(pictures, &CLOCK, aired, |media| media.parse().ok()).len()
    }

    #[test]
    fn a_true_timeline_is_not_denied_and_every_lie_is() {
        let truth = [aired(0, 5000, "programme"), aired(5000, 7000, "slate"), aired(7000, 9000, "programme")];
        let seen = [picture(2500, Some((1, 2))), picture(6000, None), picture(8500, Some((1, 8)))];
        assert_eq!(denied(&seen, &truth), 0);
        assert_eq!(denied(&seen, &[aired(0, 9000, "programme")]), 1, "the slate was kept quiet");
        assert_eq!(denied(&seen, &[aired(0, 9000, "slate")]), 2);
        assert_eq!(denied(&[picture(2500, Some((1, 3)))], &truth), 1, "another second");
        assert_eq!(denied(&seen, &[truth[0].clone(), truth[2].clone()]), 2, "the gap, and the picture in it");
        assert_eq!(denied(&[picture(9500, None)], &truth), 0, "it is not over yet");
    }
}
