//! Exact lengths, keyframes on the clock, identical headers.

use exstreamtv_model::{
    FrameRate, OutputProfile, PlayOrder,
    media::{Color, FieldOrder, VideoStream},
    order::Source,
    slate::{AudioMode, PatternKind, Visual},
};

use crate::harness::{Packet, Run, make, play, slate, small, video};

const FILM: &str = "-f lavfi -i testsrc2=s=320x180:r=24000/1001:d=3 -f lavfi -i sine=440:r=44100:d=3 -c:v libx264 -preset ultrafast -c:a aac -ac 1";

#[test]
fn a_run_has_exactly_the_frames_that_were_ordered_and_sound_up_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let film = make(folder.path(), "film.mkv", FILM);
    for (rate, frames, in_point_ms) in [
        (FrameRate::new(25, 1), 61, 0),
        (FrameRate::new(30, 1), 77, 0),
        (FrameRate::new(50, 1), 61, 1_233),
        (FrameRate::new(30_000, 1001), 70, 0),
        (FrameRate::new(30_000, 1001), 31, 1_233),
        (FrameRate::new(24_000, 1001), 8, 1_700),
    ] {
        let mut order = play(&film, video(320, 180, FrameRate::new(24_000, 1001)), small(rate), frames);
        if let Source::File { in_point_ms: at, .. } = &mut order.source {
            *at = in_point_ms;
        }
        let run = Run::of(&order);
        let video = run.packets("v");
        assert_eq!(video.len(), usize::try_from(frames).unwrap(), "{rate}");

        let last_pts = |packets: &[Packet]| packets.iter().map(|packet| packet.pts_s).fold(f64::MIN, f64::max);
        let video_end = last_pts(&video) + 1.0 / rate.as_f64();
        let audio_end = last_pts(&run.packets("a")) + 1024.0 / 48_000.0;
        let surplus = audio_end - video_end;
        assert!((-0.0001..0.0214).contains(&surplus), "{rate}: sound ends {surplus} s after the picture");
        assert_eq!(run.warnings, "");
    }
}

#[test]
fn keyframes_lie_on_the_channels_clock_and_groups_are_closed() {
    let folder = tempfile::tempdir().unwrap();
    let film = make(folder.path(), "film.mkv", FILM);
    let rate = FrameRate::new(25, 1);
    let profile = OutputProfile { gop_ms: 1_000, ..small(rate) };
    for (offset, expected) in [(0, vec![0, 25, 50]), (7, vec![0, 7, 32, 57]), (24, vec![0, 24, 49])] {
        let order = play(&film, video(320, 180, rate), profile.clone(), 61);
        let run = Run::of(&PlayOrder { keyframe_offset: offset, ..order });
        assert_eq!(run.keyframes(rate), expected, "offset {offset}");
        // Closed: whatever is decoded after a keyframe is shown after it.
        let packets = run.packets("v");
        for (at, _) in packets.iter().enumerate().filter(|(_, packet)| packet.key) {
            assert!(packets[at..].iter().all(|packet| packet.pts_s >= packets[at].pts_s));
        }
        assert!(packets.iter().all(|packet| packet.pts_s >= packet.dts_s));
        let delay = (packets[0].pts_s - packets[0].dts_s) * rate.as_f64();
        assert!((delay - 2.0).abs() < 0.01, "the reorder depth is two frames, not {delay}");
    }
}

#[test]
fn headers_are_the_same_bytes_for_every_source_and_for_the_slate() {
    let folder = tempfile::tempdir().unwrap();
    let rate = FrameRate::new(25, 1);
    let film = make(folder.path(), "film.mkv", FILM);
    let tape = make(
        folder.path(),
        "tape.mpg",
        "-f lavfi -i mandelbrot=s=352x288:r=50 -f lavfi -i sine=880 -t 2 -vf interlace,setsar=12/11,setfield=bff \
         -c:v mpeg2video -flags +ildct+ilme -color_primaries bt470bg -colorspace bt470bg -c:a mp2",
    );
    let phone = make(
        folder.path(),
        "phone.mkv",
        "-f lavfi -i testsrc=s=180x320:r=30 -f lavfi -i sine=220 -t 2 -pix_fmt yuv444p10le -color_range pc -color_trc smpte2084 \
         -color_primaries bt2020 -colorspace bt2020nc -chroma_sample_location topleft -c:v libx265 -x265-params log-level=none -c:a flac",
    );
    let interlaced = VideoStream {
        sample_aspect: (12, 11),
        field_order: FieldOrder::BottomFirst,
        color: Color { space: Some("bt470bg".to_owned()), ..Default::default() },
        ..video(352, 288, rate)
    };
    let deep = VideoStream {
        pixel_format: Some("yuv444p10le".to_owned()),
        color: Color { space: Some("bt2020nc".to_owned()), range: Some("pc".to_owned()), ..Default::default() },
        ..video(180, 320, FrameRate::new(30, 1))
    };
    let orders = [
        play(&film, video(320, 180, FrameRate::new(24_000, 1001)), small(rate), 30),
        PlayOrder { keyframe_offset: 11, ..play(&tape, interlaced, small(rate), 40) },
        play(&phone, deep, small(rate), 25),
        slate(small(rate), Visual::Text, AudioMode::Silent),
        slate(small(rate), Visual::Noise, AudioMode::Beep),
        slate(small(rate), Visual::Pattern { kind: PatternKind::Testsrc }, AudioMode::Sine),
    ];
    let sets = orders.iter().map(|order| Run::of(order).parameter_sets()).collect::<Vec<_>>();
    assert_eq!(sets[0].len(), 2, "one SPS and one PPS");
    for other in &sets[1..] {
        assert_eq!(*other, sets[0]);
    }
}

#[test]
fn a_file_that_is_up_to_a_second_short_is_padded_and_a_shorter_one_ends_early() {
    let folder = tempfile::tempdir().unwrap();
    let film = make(folder.path(), "film.mkv", FILM);
    let rate = FrameRate::new(25, 1);
    let order = |frames| play(&film, video(320, 180, FrameRate::new(24_000, 1001)), small(rate), frames);
    assert_eq!(Run::of(&order(95)).packets("v").len(), 95, "3.8 s of 3 s");
    let early = Run::of(&order(45_000));
    assert!((99..=101).contains(&early.packets("v").len()), "half an hour of 3 s");
    assert!(early.packets("a").len() < 14 * 48_000 / 1024, "silence stops too");
}

#[test]
fn a_recording_that_changes_its_size_and_channels_half_way_plays_on() {
    let folder = tempfile::tempdir().unwrap();
    let first = make(
        folder.path(),
        "first.ts",
        "-f lavfi -i testsrc2=s=320x180:r=25:d=2 -f lavfi -i sine=440:d=2 -c:v mpeg2video -c:a ac3 -ac 6",
    );
    let second = make(
        folder.path(),
        "second.ts",
        "-f lavfi -i testsrc2=s=352x288:r=25:d=2 -f lavfi -i sine=880:d=2 -c:v mpeg2video -c:a ac3 -ac 2 -output_ts_offset 2",
    );
    let both = folder.path().join("both.ts");
    std::fs::write(&both, [std::fs::read(first).unwrap(), std::fs::read(second).unwrap()].concat()).unwrap();
    let rate = FrameRate::new(25, 1);
    let run = Run::of(&play(&both, video(320, 180, rate), small(rate), 95));
    assert_eq!(run.keyframes(rate), [0, 50]);
    assert_eq!(run.packets("v").len(), 95);
}

/// Returns how long the first packet of the sound begins after the first picture is shown, seconds.
fn sound_after_picture(run: &Run) -> f64 {
    let first = |kind| run.packets(kind).iter().map(|packet| packet.pts_s).fold(f64::MAX, f64::min);
    first("a") - first("v")
}

#[test]
fn a_late_stream_keeps_its_place_and_pictures_begin_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let streams = "-c:v libx264 -preset ultrafast -c:a aac";
    let picture = "-f lavfi -i testsrc2=s=320x180:r=25:d=3";
    let sound = "-f lavfi -i sine=440:r=48000:d=3";
    let rate = FrameRate::new(25, 1);

    let late_sound = make(folder.path(), "late_sound.mkv", &format!("{picture} -itsoffset 0.8 {sound} {streams}"));
    let run = Run::of(&play(&late_sound, video(320, 180, rate), small(rate), 50));
    let late = sound_after_picture(&run);
    assert!((late - 0.8).abs() < 0.05, "{late} s: the hole is the host's to fill");

    let late_picture = make(folder.path(), "late_picture.mkv", &format!("-itsoffset 0.8 {picture} {sound} {streams}"));
    let run = Run::of(&play(&late_picture, video(320, 180, rate), small(rate), 50));
    assert!(sound_after_picture(&run).abs() < 0.05);
    assert_eq!(run.packets("v").len(), 50, "the first picture is held back to the start");
    assert_eq!(run.keyframes(rate), [0]);
}
