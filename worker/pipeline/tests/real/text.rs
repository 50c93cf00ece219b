//! Text subtitles are seen at the right second, wherever a run begins.

use std::{fs, path::PathBuf};

use exstreamtv_model::{
    FrameRate, PlayOrder,
    media::{Stream, StreamKind},
    order::{BurnIn, Source},
    pick::StreamRef,
};

use crate::harness::{Bright, Run, assert_near, burnt, film, make, small, stream, video};

const DARK: &str = "-f lavfi -i color=c=black:s=320x180:r=25:d=10 -f lavfi -i sine=440:r=48000:d=10";
const CODERS: &str = "-c:v libx264 -preset ultrafast -g 50 -c:a aac";

const SUBRIP: &str = "1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:05,000 --> 00:00:07,000\nOnce more\n";

const ASS: &str = "[Script Info]\nScriptType: v4.00+\nPlayResX: 320\nPlayResY: 180\n\n[V4+ Styles]\n\
    Format: Name, Fontname, Fontsize, PrimaryColour, Alignment, MarginL, MarginR, MarginV\n\
    Style: Default,Sans,24,&H00FFFFFF,8,5,5,5\n\n[Events]\nFormat: Layer, Start, End, Style, Text\n\
    Dialogue: 0,0:00:01.00,0:00:02.00,Default,Hello\nDialogue: 0,0:00:05.00,0:00:07.00,Default,Once more\n";

/// A folder with the texts, and a dark film in `container` with a second text stream of `codec` (after one that says nothing).
fn dark_film(container: &str, text: &str, codec: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let beside = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let silent = beside("silent.srt", "1\n00:00:20,000 --> 00:00:21,000\nLate\n");
    let wanted = beside(text, if text.ends_with("ass") { ASS } else { SUBRIP });
    let arguments = format!("{DARK} -i {silent} -i {wanted} -map 0 -map 1 -map 2 -map 3 {CODERS} -c:s {codec} -t 10");
    let film = make(folder.path(), &format!("film.{container}"), &arguments);
    (folder, film)
}

fn texts(codec: &str) -> Vec<Stream> {
    [2, 3].map(|index| stream(index, codec, StreamKind::Subtitle)).into()
}

const SECOND: BurnIn = BurnIn::Embedded(StreamRef { absolute: 3, relative: 1 });

/// From the start, from between the texts, and from the middle of one.
const STARTS: [(i64, std::ops::Range<usize>); 3] = [(0, 25..50), (4_000, 25..75), (6_000, 0..25)];

fn is_seen_at_the_right_second(order: &PlayOrder, burn_in: &BurnIn) {
    for (in_point_ms, expected) in STARTS {
        let run = Run::of(&burnt(order.clone(), in_point_ms, burn_in.clone()));
        assert_near(&run.lit(), &expected, &format!("from {in_point_ms} ms"));
        assert_eq!(run.packets("v").len(), usize::try_from(order.frames).unwrap());
    }
}

#[test]
fn subrip_in_matroska_is_seen_at_the_right_second() {
    let (_folder, path) = dark_film("mkv", "a.srt", "srt");
    is_seen_at_the_right_second(&film(&path, texts("subrip"), 90), &SECOND);
}

#[test]
fn ass_in_matroska_is_seen_at_the_right_second_where_its_author_put_it() {
    let (_folder, path) = dark_film("mkv", "a.ass", "ass");
    let order = film(&path, texts("ass"), 90);
    is_seen_at_the_right_second(&order, &SECOND);
    let seen = Run::of(&burnt(order, 0, SECOND)).bright()[30].unwrap();
    assert!(seen.bottom < 60, "at the top, not at {seen:?}");
}

#[test]
fn text_in_mp4_is_seen_at_the_right_second() {
    let (_folder, path) = dark_film("mp4", "a.srt", "mov_text");
    is_seen_at_the_right_second(&film(&path, texts("mov_text"), 90), &SECOND);
}

#[test]
fn a_file_beside_the_film_is_seen_whatever_it_is_called() {
    let (folder, path) = dark_film("mkv", "a.srt", "srt");
    let order = film(&path, texts("subrip"), 90);
    let names =
        ["-it's \"100%\" [a],b;c:d\\e|f\u{e9} \u{65e5}\u{672c} %d.en.srt", "two\nlines='x'.SRT", "$(id) `id`.srt"];
    let subfolder = folder.path().join("a 'folder': [x],%{y}");
    fs::create_dir(&subfolder).unwrap();
    for name in names {
        let beside = subfolder.join(name);
        fs::write(&beside, SUBRIP).unwrap();
        let run = Run::of(&burnt(order.clone(), 4_000, BurnIn::Sidecar { path: beside }));
        assert_near(&run.lit(), &(25..75), name);
    }
}

#[test]
fn a_film_with_any_name_has_its_own_text() {
    let (folder, path) = dark_film("mkv", "a.srt", "srt");
    let odd = folder.path().join("it's [a],b;c: 100% \\ \u{e9}\nx.mkv");
    fs::rename(path, &odd).unwrap();
    is_seen_at_the_right_second(&film(&odd, texts("subrip"), 90), &SECOND);
}

fn seen_on(width: u32, sample_aspect: (u32, u32)) -> Bright {
    let folder = tempfile::tempdir().unwrap();
    let beside = folder.path().join("a.srt");
    fs::write(&beside, SUBRIP).unwrap();
    let (across, down) = sample_aspect;
    let dark = format!("-f lavfi -i color=c=black:s={width}x180:r=25:d=3 -vf setsar={across}/{down} -c:v libx264");
    let path = make(folder.path(), "film.mkv", &dark);
    let mut order = film(&path, vec![], 50);
    if let Source::File { probe, audio, .. } = &mut order.source {
        let picture =
            exstreamtv_model::media::VideoStream { sample_aspect, ..video(width, 180, FrameRate::new(25, 1)) };
        probe.streams = vec![stream(0, "h264", StreamKind::Video(picture))];
        *audio = None;
    }
    Run::of(&burnt(order, 0, BurnIn::Sidecar { path: beside })).bright()[30].unwrap()
}

#[test]
fn letters_have_the_same_shape_on_any_picture() {
    let square = seen_on(320, (1, 1));
    assert_eq!(seen_on(160, (2, 1)), square, "anamorphic");
    assert_eq!(seen_on(240, (1, 1)), square, "with bars beside it");
    assert!(square.top > 120 && square.left.abs_diff(319 - square.right) < 6, "below, in the middle: {square:?}");
}

#[test]
fn text_does_not_change_what_the_encoder_promises() {
    let (_folder, path) = dark_film("mkv", "a.srt", "srt");
    let order = film(&path, texts("subrip"), 90);
    let (plain, burnt) = (Run::of(&order), Run::of(&burnt(order, 0, SECOND)));
    assert_eq!(plain.parameter_sets(), burnt.parameter_sets());
    assert_eq!(burnt.keyframes(small(FrameRate::new(25, 1)).frame_rate), [0, 50]);
}
