//! Answers of the real ffprobe 5.1 (recorded in `fixtures/ffprobe`), and answers that no ffprobe should give.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use exstreamtv_library::{ProbeError, parse_probe};
use exstreamtv_model::{
    FrameRate, MediaProbe,
    media::{FieldOrder, StreamKind},
};
use proptest::prelude::*;

fn recorded(name: &str) -> Result<MediaProbe, ProbeError> {
    let path = format!("{}/tests/fixtures/ffprobe/{name}.json", env!("CARGO_MANIFEST_DIR"));
    parse_probe(&std::fs::read_to_string(path).unwrap())
}

fn probe(name: &str) -> MediaProbe {
    recorded(name).unwrap()
}

#[test]
fn an_ordinary_file_is_read() {
    let probe = probe("h264_aac.mp4");
    assert_eq!((probe.container.as_str(), probe.duration_ms), ("mov,mp4,m4a,3gp,3g2,mj2", 1000));
    let (stream, video) = probe.video().next().unwrap();
    assert_eq!((stream.index, stream.codec.as_str(), video.width, video.height), (0, "h264", 160, 90));
    assert_eq!(
        (video.sample_aspect, video.rotation_degrees, video.frame_rate),
        ((1, 1), 0, Some(FrameRate::new(25, 1)))
    );
    assert_eq!(video.field_order, FieldOrder::Progressive);
    let (stream, audio) = probe.audio().next().unwrap();
    assert_eq!(
        (stream.index, stream.language.as_deref(), audio.channels, audio.sample_rate_hz),
        (1, Some("eng"), 1, 48_000)
    );
}

#[test]
fn languages_titles_and_flags_of_every_stream_are_kept() {
    let probe = probe("multi.mkv");
    let audio: Vec<_> = probe.audio().collect();
    assert_eq!(
        (audio[0].0.codec.as_str(), audio[0].1.channels, audio[0].1.layout.as_deref()),
        ("ac3", 6, Some("5.1(side)"))
    );
    assert_eq!((audio[0].0.title.as_deref(), audio[0].0.disposition.default), (Some("Surround 5.1"), true));
    assert_eq!((audio[1].0.language.as_deref(), audio[1].0.disposition.comment), (Some("ger"), true));
    let subtitle = probe.streams.last().unwrap();
    assert_eq!((&subtitle.kind, subtitle.language.as_deref()), (&StreamKind::Subtitle, Some("fre")));
    assert!(subtitle.disposition.forced);
}

#[test]
fn chapters_are_in_time_order_with_their_titles() {
    let chapters = probe("chapters.mkv").chapters;
    let read: Vec<_> =
        chapters.iter().map(|chapter| (chapter.start_ms, chapter.end_ms, chapter.title.as_deref())).collect();
    assert_eq!(read, [(0, 400, Some("Intro")), (400, 1000, None)]);
}

#[test]
fn interlaced_anamorphic_and_rotated_pictures_are_told() {
    let interlaced = probe("interlaced.mpg");
    let (_, video) = interlaced.video().next().unwrap();
    assert_eq!((video.field_order, video.sample_aspect), (FieldOrder::TopFirst, (8, 9)));
    assert_eq!(video.frame_rate, Some(FrameRate::new(30_000, 1001)));
    // The matrix turns counter-clockwise by 90 degrees, which is 270 clockwise.
    assert_eq!(probe("rotated.mp4").video().next().unwrap().1.rotation_degrees, 270);
    let hdr = probe("silent_hdr.mkv");
    let color = &hdr.video().next().unwrap().1.color;
    assert_eq!((color.transfer.as_deref(), color.primaries.as_deref()), (Some("smpte2084"), Some("bt2020")));
    assert_eq!(hdr.audio().count(), 0);
}

#[test]
fn sound_with_cover_art_has_no_moving_picture() {
    for name in ["cover.mp3", "cover.m4a"] {
        let probe = probe(name);
        assert_eq!((probe.video().count(), probe.audio().count(), probe.duration_ms / 100), (0, 1, 10), "{name}");
    }
}

#[test]
fn every_container_gives_a_length() {
    for (name, duration_ms) in
        [("webm.webm", 1008), ("plain.ts", 1000), ("live.flv", 1021), ("audio.mp3", 1045), ("longaudio.mkv", 60_023)]
    {
        assert_eq!(probe(name).duration_ms, duration_ms, "{name}");
    }
}

#[test]
fn what_cannot_be_scheduled_is_refused_in_plain_words() {
    for (name, words) in [
        ("raw.h264", "it has no duration"),
        ("only.srt", "it holds only text or data, no pictures and no sound"),
        ("onlysubs.mkv", "it holds only text or data, no pictures and no sound"),
        ("cover.jpg", "it is a still picture"),
        ("still.png", "it is a still picture"),
        ("junk.mp4", "it holds no pictures and no sound"),
    ] {
        assert_eq!(recorded(name).unwrap_err().to_string(), words, "{name}");
    }
    let error = parse_probe("Segmentation fault").unwrap_err();
    assert!(matches!(error, ProbeError::Unreadable(_)));
}

/// A file with one picture stream, one sound stream and one subtitle; `null` leaves a length out.
fn lengths(format: &str, video: &str, audio: &str, subtitle: &str) -> Result<i64, String> {
    let length = |text: &str| match text {
        "" => String::new(),
        text if text.contains(':') => format!(r#","tags":{{"DURATION":"{text}"}}"#),
        text => format!(r#","duration":{text}"#),
    };
    let json = format!(
        r#"{{"format":{{"format_name":"matroska,webm"{}}},"streams":[
            {{"index":0,"codec_type":"video","codec_name":"h264","width":16,"height":16{}}},
            {{"index":1,"codec_type":"audio","codec_name":"aac","channels":2,"sample_rate":"48000"{}}},
            {{"index":2,"codec_type":"subtitle","codec_name":"subrip"{}}}]}}"#,
        length(format),
        length(video),
        length(audio),
        length(subtitle)
    );
    parse_probe(&json).map(|probe| probe.duration_ms).map_err(|error| error.to_string())
}

#[test]
fn the_longest_stream_that_can_be_played_is_the_length() {
    assert_eq!(lengths("\"10.5\"", "10", "10.2", ""), Ok(10_200));
    assert_eq!(lengths("100", "10", "10", "100"), Ok(10_000), "a late subtitle is no programme");
    assert_eq!(lengths("100", "00:00:10.0", "00:00:10.0", "00:01:40.0"), Ok(10_000), "the same by tags");
    assert_eq!(lengths("100", "10", "10", ""), Ok(10_000), "headers of the streams win over the container's");
    assert_eq!(lengths("10", "00:10:00.0", "00:10:00.0", ""), Ok(10_000), "tags that an editor left behind lose");
    assert_eq!(lengths("60", "", "10", ""), Ok(60_000), "a stream that does not say may be the long one");
    assert_eq!(lengths("", "10", "12", ""), Ok(12_000));
    assert_eq!(lengths("60", "", "", ""), Ok(60_000));
    assert_eq!(lengths("\"N/A\"", "\"N/A\"", "null", ""), Err("it has no duration".into()));
    assert_eq!(lengths("0", "0", "-1", ""), Err("it has no duration".into()));
    assert_eq!(lengths("0.04", "", "", ""), Err("it is only 40 ms long".into()));
    assert_eq!(lengths("99999999", "", "", ""), Err("it claims to be 1157 days long; its header is damaged".into()));
}

#[test]
fn odd_types_and_absent_fields_do_no_harm() {
    let probe = parse_probe(
        r#"{"format":{"duration":"2.0","bit_rate":"N/A"},"chapters":{"not":"a list"},"streams":[
            {"index":"3","codec_type":"video","codec_name":"hevc","width":"1920","height":1080.0,"sample_aspect_ratio":"0:1",
             "avg_frame_rate":"0/0","r_frame_rate":"24000/1001","field_order":7,"disposition":{"default":true,"forced":"1"},
             "tags":{"ROTATE":"90","LANGUAGE":"eng"}},
            {"codec_type":"audio","codec_name":"aac","channels":0,"sample_rate":"0"},
            {"codec_type":"video","codec_name":"h264"},
            17, null, {}]}"#,
    )
    .unwrap();
    let (stream, video) = probe.video().next().unwrap();
    assert_eq!((stream.index, stream.language.as_deref(), video.width, video.height), (3, Some("eng"), 1920, 1080));
    assert_eq!((video.sample_aspect, video.rotation_degrees), ((1, 1), 90));
    assert_eq!(video.frame_rate, Some(FrameRate::new(24_000, 1001)));
    assert!(stream.disposition.default && stream.disposition.forced);
    assert_eq!((probe.streams.len(), probe.audio().count(), probe.video().count()), (6, 0, 1));
    assert_eq!((probe.container.as_str(), probe.bitrate_bps), ("", None));
}

#[test]
fn streams_that_ffmpeg_cannot_read_are_no_reason_to_play() {
    let unknown = r#"{"format":{"duration":"2.0"},"streams":[{"codec_type":"video","codec_name":"unknown","width":1,"height":1}]}"#;
    assert!(matches!(parse_probe(unknown), Err(ProbeError::UnknownCoding)));
    let empty =
        r#"{"format":{"duration":"2.0"},"streams":[{"codec_type":"video","codec_name":"h264","width":0,"height":0}]}"#;
    assert!(matches!(parse_probe(empty), Err(ProbeError::UnknownCoding)));
    assert!(matches!(parse_probe("[]"), Err(ProbeError::NoStreams)));
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let words = prop::sample::select(vec![
        "video",
        "audio",
        "h264",
        "1/0",
        "0:1",
        "25/1",
        "-1",
        "1e999",
        "nan",
        "00:00:01.0",
        "99999999999999999999",
        "",
        "matroska,webm",
    ]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        words.prop_map(Into::into),
    ];
    let keys = prop::sample::select(vec![
        "index",
        "codec_type",
        "codec_name",
        "width",
        "height",
        "duration",
        "tags",
        "DURATION",
        "rotate",
        "side_data_list",
        "rotation",
        "channels",
        "sample_rate",
        "avg_frame_rate",
        "sample_aspect_ratio",
        "disposition",
        "attached_pic",
        "start_time",
        "end_time",
    ]);
    leaf.prop_recursive(3, 24, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::vec((keys.clone(), inner), 0..10)
                .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_answer_is_read_or_refused(format in json(), streams in proptest::collection::vec(json(), 0..4), chapters in json()) {
        let answer = serde_json::json!({"format": format, "streams": streams, "chapters": chapters});
        if let Ok(probe) = parse_probe(&answer.to_string()) {
            prop_assert!(probe.duration_ms > 0);
            prop_assert!(probe.video().count() + probe.audio().count() > 0);
        }
    }
}
