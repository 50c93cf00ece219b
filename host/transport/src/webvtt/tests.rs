//! Files as people have them, and any bytes at all.

use exstreamtv_model::{FrameRate, OutputProfile};
use proptest::prelude::*;

use super::*;

/// 2025-10-09 08:53:20 UTC.
const NOON_MS: i64 = 1_760_000_000_000;

fn grid() -> FrameGrid {
    FrameGrid::new(&OutputProfile { frame_rate: FrameRate::new(25, 1), ..Default::default() })
}

fn cue(start_ms: i64, end_ms: i64, text: &str) -> Cue {
    Cue { start_ms, end_ms, settings: String::new(), text: text.into() }
}

/// The segment of `seconds` that begins `after_ms` the moment.
fn span(after_ms: i64, seconds: i64) -> Span {
    let first = grid().index_at(NOON_MS + after_ms);
    Span { first, end: first + 25 * seconds }
}

fn stretch(from_ms: i64, to_ms: i64, in_point_ms: i64, cues: &[Cue]) -> Stretch<'_> {
    let index = |ms| grid().index_from(NOON_MS + ms);
    Stretch { first: index(from_ms), end: index(to_ms), origin_ms: NOON_MS + from_ms - in_point_ms, cues }
}

/// What a player reads from a segment: cues in milliseconds after the moment, by way of the picture's time in the stream.
fn played(text: &str, span: Span) -> Vec<(i64, i64, String)> {
    let map = text.lines().nth(1).unwrap().strip_prefix("X-TIMESTAMP-MAP=MPEGTS:").unwrap();
    let (pts, local) = map.split_once(",LOCAL:").unwrap();
    assert_eq!(pts.parse::<i64>().unwrap(), grid().pts(span.first).rem_euclid(1 << 33));
    let to_wall = grid().wall_ms(span.first) - NOON_MS - time_ms(local).unwrap();
    let cues = cues(text.as_bytes());
    cues.into_iter().map(|cue| (cue.start_ms + to_wall, cue.end_ms + to_wall, cue.text)).collect()
}

#[test]
fn a_file_with_everything_in_it_is_read() {
    let file = "\u{feff}WEBVTT - a title\r\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\r\n\r\nSTYLE\r\n::cue { color: red }\r\n\r\n\
        NOTE 00:01.000\r\nnothing\r\n\r\nREGION\r\nid:a\r\n\r\nintro\r\n01:00:01.000 --> 01:00:02.500 line:0 align:start\r\n\
        <i>Two</i>\r\nlines\r\n\r\n00:01.000 --> 00:02.000\r\none & only\r\n00:03,000 --> 00:04,000\r\nat once\r\n";
    let read = cues(file.as_bytes());
    let mut late = cue(3_601_000, 3_602_500, "<i>Two</i>\nlines");
    late.settings = "line:0 align:start".into();
    assert_eq!(read, [cue(1_000, 2_000, "one & only"), cue(3_000, 4_000, "at once"), late]);
}

#[test]
fn arrows_in_words_are_no_cues() {
    let read = cues(b"WEBVTT\n\n00:01.000 --> 00:02.000\na --> b\n00:9 --> x\n");
    assert_eq!(read, [cue(1_000, 2_000, "a --&gt; b\n00:9 --&gt; x")]);
}

#[test]
fn what_makes_no_sense_is_left_out() {
    for line in [
        "00:02.000 --> 00:01.000",
        "00:60.000 --> 01:00.000",
        "1:00.5 --> 2:00.5",
        "x --> y",
        "99999999:00:00.000 --> 0",
    ] {
        assert_eq!(cues(format!("WEBVTT\n\n{line}\nwords\n").as_bytes()), [], "{line}");
    }
    assert_eq!(cues(b"WEBVTT\n\n00:01.000 --> 00:02.000\n\nwords of nobody\n"), []);
}

#[test]
fn a_segment_says_when_its_cues_are_on_the_clock_of_the_stream() {
    let cues = [cue(500, 1_500, "One"), cue(3_000, 4_000, "Two")];
    let span = span(0, 2);
    let text = segment(&grid(), span, 90_000, &[stretch(0, 60_000, 0, &cues)]);
    // Two frames of reordering and a second of offset behind the wall clock, since the last wrap.
    let pts = (NOON_MS * 90 + 7_200 + 90_000).rem_euclid(1 << 33);
    let at = |ms: i64| Time(pts / 90 + ms);
    let (local, on, off, name) = (at(0), at(500), at(1_500), span.first);
    assert_eq!(text, format!("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:{pts},LOCAL:{local}\n\n{name}-0\n{on} --> {off}\nOne\n"));
}

#[test]
fn a_programme_goes_on_after_a_break_where_it_stopped() {
    let cues = [cue(1_000, 2_000, "One"), cue(9_500, 11_000, "Over the break"), cue(12_000, 13_000, "After")];
    let rows = [stretch(0, 10_000, 0, &cues), stretch(10_000, 15_000, 0, &[]), stretch(15_000, 30_000, 10_000, &cues)];
    let span = span(0, 30);
    let text = segment(&grid(), span, 0, &rows);
    let over = |on, off| (on, off, "Over the break".to_owned());
    let expected = [
        (1_000, 2_000, "One".to_owned()),
        over(9_500, 10_000),
        over(15_000, 16_000),
        (17_000, 18_000, "After".to_owned()),
    ];
    assert_eq!(played(&text, span), expected);
}

#[test]
fn a_cue_that_lies_in_two_segments_is_whole_and_the_same_in_both() {
    let cues = [cue(1_500, 2_500, "Both")];
    let row = [stretch(0, 10_000, 0, &cues)];
    let written = |span| segment(&grid(), span, 0, &row).lines().skip(3).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(written(span(0, 2)).len(), 3);
    assert_eq!(written(span(0, 2)), written(span(2_000, 2)));
    assert!(written(span(4_000, 2)).is_empty());
}

#[test]
fn a_cue_over_the_wrap_of_the_clock_is_shown_on_both_sides() {
    // The first picture after a wrap, in milliseconds after the moment.
    let wraps = (NOON_MS * 90 + 7_200).div_euclid(1 << 33) + 1;
    let wrap_ms = ((wraps << 33) - 7_200).div_euclid(90) - NOON_MS + 1;
    let cues = [cue(0, 4_000, "Wrap")];
    let row = [stretch(wrap_ms - 2_000, wrap_ms + 60_000, 0, &cues)];
    let shown = |after_ms| {
        let span = span(after_ms, 2);
        let (on, off, text) = played(&segment(&grid(), span, 0, &row), span).remove(0);
        assert_eq!(text, "Wrap");
        (on - wrap_ms, off - wrap_ms)
    };
    let near = |(on, off): (i64, i64), wanted: (i64, i64)| (on - wanted.0).abs() <= 40 && (off - wanted.1).abs() <= 40;
    assert!(near(shown(wrap_ms - 2_000), (-2_000, 2_000)));
    assert!(near(shown(wrap_ms + 200), (0, 2_000)), "times below zero cannot be written");
}

proptest! {
    #[test]
    fn any_bytes_give_cues_that_survive_being_written(file in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&file)?;
    }

    #[test]
    fn any_lines_give_cues_that_survive_being_written(lines in prop::collection::vec(line(), 0..40)) {
        check(lines.join("\n").as_bytes())?;
    }

    #[test]
    fn every_cue_is_in_exactly_the_segments_that_it_touches(
        times in prop::collection::vec((0i64..60_000, 1i64..9_000), 1..20),
        in_point_ms in 0i64..30_000,
        edges in (0i64..20_000, 20_001i64..60_000),
    ) {
        let mut cues: Vec<_> = times.iter().map(|(start, length)| cue(*start, start + length, "x")).collect();
        cues.sort_by_key(|cue| cue.start_ms);
        let row = [stretch(edges.0, edges.1, in_point_ms, &cues)];
        let frame = |ms: i64| grid().wall_ms(grid().index_from(NOON_MS + ms)) - NOON_MS;
        for number in 0..30 {
            let span = span(number * 2_000, 2);
            let expected: Vec<_> = cues.iter().filter_map(|cue| {
                let wall = |ms: i64| edges.0 + ms - in_point_ms;
                let (on, off) = (wall(cue.start_ms).max(frame(edges.0)), wall(cue.end_ms).min(frame(edges.1)));
                (on < off && on < (number + 1) * 2_000 && off > number * 2_000).then(|| (on, off, "x".to_owned()))
            }).collect();
            let mut read = played(&segment(&grid(), span, 0, &row), span);
            read.sort();
            let mut sorted = expected;
            sorted.sort();
            prop_assert_eq!(read, sorted);
        }
    }
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("NOTE".to_owned()),
        Just("00:01.000 --> 00:02.000 line:1".to_owned()),
        Just("00:01.500 --> 01:00:02.000".to_owned()),
        "[0-9:.,]{0,12} ?--> ?[0-9:.,]{0,12}.{0,8}",
        ".{0,20}",
        "[ \u{85}\u{2028}\0-]{0,5}-->.{0,3}",
    ]
}

/// What was read can be written and read again, and is the same.
fn check(file: &[u8]) -> Result<(), TestCaseError> {
    let read = cues(file);
    prop_assert!(read.iter().all(|cue| cue.start_ms < cue.end_ms && !cue.text.contains("-->")));
    let first = grid().index_at(0);
    let span = Span { first, end: first + 25 * 3_600 * 24 };
    let row = Stretch { first, end: i64::MAX / 8, origin_ms: 0, cues: &read };
    let again = cues(segment(&grid(), span, 0, &[row]).as_bytes());
    let expected: Vec<_> = read.iter().filter(|cue| cue.start_ms < 24 * HOUR_MS).take(MOST_CUES_OF_SEGMENT).collect();
    prop_assert_eq!(again.len(), expected.len());
    for (again, cue) in again.iter().zip(expected) {
        prop_assert_eq!((&again.text, &again.settings), (&cue.text, &cue.settings));
        prop_assert_eq!(again.end_ms - again.start_ms, cue.end_ms - cue.start_ms);
    }
    Ok(())
}
