//! The command lines of typical sources, word for word. `UPDATE_GOLDEN=1` writes them anew; read the difference before you commit it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{fs, path::Path};

use exstreamtv_model::{
    FrameRate, MediaProbe, OutputProfile, PlayOrder, RunId, Screen,
    media::{AudioStream, Color, Disposition, FieldOrder, Stream, StreamKind, VideoStream},
    order::{BurnIn, Source},
    pick::{Downmix, DownmixGain, DownmixRow, StreamRef},
    slate::{AudioMode, Message, PatternKind, Visual},
};
use exstreamtv_pipeline::{Abilities, command_line, plan};

const EVERYTHING: Abilities = Abilities { draw_text: true, burn_text: true, tone_map: true };

fn stream(index: u32, codec: &str, kind: StreamKind) -> Stream {
    let disposition = Disposition::default();
    Stream { index, codec: codec.to_owned(), profile: None, language: None, title: None, disposition, kind }
}

fn hd_video() -> VideoStream {
    VideoStream {
        width: 1280,
        height: 720,
        sample_aspect: (1, 1),
        rotation_degrees: 0,
        frame_rate: Some(FrameRate::new(30, 1)),
        pixel_format: Some("yuv420p".to_owned()),
        first_picture_ms: 0,
        field_order: FieldOrder::Progressive,
        color: Color { range: Some("tv".to_owned()), space: Some("bt709".to_owned()), ..Default::default() },
    }
}

fn video(index: u32, codec: &str, video: VideoStream) -> Stream {
    stream(index, codec, StreamKind::Video(video))
}

fn audio(index: u32, codec: &str, channels: u8, sample_rate_hz: u32) -> Stream {
    stream(index, codec, StreamKind::Audio(AudioStream { channels, layout: None, sample_rate_hz }))
}

fn order(path: &str, streams: Vec<Stream>, chosen: (Option<u32>, Option<u32>)) -> PlayOrder {
    let probe =
        MediaProbe { container: "test".to_owned(), duration_ms: 60_000, bitrate_bps: None, streams, chapters: vec![] };
    PlayOrder {
        run: RunId(1),
        source: Source::File {
            path: path.into(),
            probe,
            in_point_ms: 0,
            video: chosen.0,
            audio: chosen.1,
            downmix: None,
            subtitles: None,
        },
        profile: OutputProfile::default(),
        frames: 900,
        keyframe_offset: 0,
        card: None,
        gain_db: None,
        watermark: None,
    }
}

fn from(mut order: PlayOrder, at_ms: i64) -> PlayOrder {
    if let Source::File { in_point_ms, .. } = &mut order.source {
        *in_point_ms = at_ms;
    }
    order
}

fn with_subtitles(mut order: PlayOrder, burn_in: BurnIn) -> PlayOrder {
    if let Source::File { subtitles, .. } = &mut order.source {
        *subtitles = Some(burn_in);
    }
    order
}

/// A film as Blu-ray rips are: a picture, two sounds, fonts in between, subtitles of each kind.
fn film(path: &str) -> PlayOrder {
    let scope = VideoStream { width: 1920, height: 800, ..hd_video() };
    let streams = vec![
        stream(0, "ttf", StreamKind::Attachment),
        stream(1, "subrip", StreamKind::Subtitle),
        audio(2, "aac", 2, 48_000),
        video(3, "h264", scope),
        stream(4, "otf", StreamKind::Attachment),
        stream(5, "ass", StreamKind::Subtitle),
        audio(6, "dts", 6, 48_000),
        stream(7, "hdmv_pgs_subtitle", StreamKind::Subtitle),
        stream(8, "bin_data", StreamKind::Data),
        stream(9, "mov_text", StreamKind::Subtitle),
    ];
    order(path, streams, (Some(3), Some(6)))
}

fn embedded(absolute: u32, relative: u32) -> BurnIn {
    BurnIn::Embedded(StreamRef { absolute, relative })
}

/// A slate as it is after a failure.
fn screen(visual: Visual, audio: AudioMode) -> Screen {
    let message = Message {
        channel: "5.1  Classics".to_owned(),
        title: "We will be right back".to_owned(),
        reason: "The recording cannot be found".to_owned(),
        next: "Next: Metropolis at 20:15".to_owned(),
        code: "EX-11".to_owned(),
        ..Message::default()
    };
    Screen { visual, audio, ..Screen::plain(message) }
}

fn slate(screen: Screen) -> PlayOrder {
    PlayOrder { source: Source::Slate { screen }, frames: 120, ..order("/", vec![], (None, None)) }
}

fn golden(name: &str, order: &PlayOrder) {
    let arguments = command_line(&plan(order, EVERYTHING), Path::new("ffmpeg"));
    let found: String = arguments.iter().map(|argument| format!("{}\n", argument.to_string_lossy())).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(&path).unwrap(), "{name}");
}

#[test]
fn h264_720p_at_the_channels_size_is_not_converted() {
    golden(
        "h264_720p.args",
        &order("/m/a.mp4", vec![video(0, "h264", hd_video()), audio(1, "aac", 2, 48_000)], (Some(0), Some(1))),
    );
}

#[test]
fn h264_1080p_with_surround_sound_is_scaled_and_mixed_down() {
    let full = VideoStream { width: 1920, height: 1080, ..hd_video() };
    golden(
        "h264_1080p_5_1.args",
        &order("/m/a.mkv", vec![video(0, "h264", full), audio(1, "ac3", 6, 48_000)], (Some(0), Some(1))),
    );
}

#[test]
fn anamorphic_interlaced_mpeg2_is_deinterlaced_and_gets_square_samples() {
    let ntsc = VideoStream {
        width: 720,
        height: 480,
        sample_aspect: (32, 27),
        frame_rate: Some(FrameRate::new(30_000, 1001)),
        field_order: FieldOrder::TopFirst,
        color: Color::default(),
        ..hd_video()
    };
    golden(
        "mpeg2_480i_anamorphic.args",
        &order("/m/a.mpg", vec![video(0, "mpeg2video", ntsc), audio(1, "mp2", 2, 48_000)], (Some(0), Some(1))),
    );
}

#[test]
fn vertical_video_stands_between_two_bars() {
    let phone = VideoStream { width: 1920, height: 1080, rotation_degrees: 90, ..hd_video() };
    golden(
        "vertical.args",
        &order("/m/a.mov", vec![video(0, "h264", phone), audio(1, "aac", 2, 44_100)], (Some(0), Some(1))),
    );
}

#[test]
fn film_rate_is_repeated_after_scaling() {
    let film = VideoStream { width: 1920, height: 800, frame_rate: Some(FrameRate::new(24_000, 1001)), ..hd_video() };
    golden(
        "film_23_976.args",
        &order("/m/a.mkv", vec![video(0, "hevc", film), audio(1, "aac", 2, 48_000)], (Some(0), Some(1))),
    );
}

#[test]
fn sixty_frames_are_dropped_before_scaling() {
    let fast = VideoStream { width: 1920, height: 1080, frame_rate: Some(FrameRate::new(60, 1)), ..hd_video() };
    golden(
        "sixty_fps.args",
        &order("/m/a.mkv", vec![video(0, "vp9", fast), audio(1, "opus", 2, 48_000)], (Some(0), Some(1))),
    );
}

#[test]
fn mono_sound_becomes_what_the_channel_sends() {
    golden(
        "mono.args",
        &order("/m/a.mp4", vec![video(0, "h264", hd_video()), audio(1, "aac", 1, 44_100)], (Some(0), Some(1))),
    );
}

#[test]
fn a_film_without_sound_is_silent() {
    golden("no_audio.args", &order("/m/a.mp4", vec![video(0, "h264", hd_video())], (Some(0), None)));
}

#[test]
fn sound_without_pictures_is_black() {
    golden("audio_only.args", &order("/m/a.flac", vec![audio(0, "flac", 2, 44_100)], (None, Some(0))));
}

#[test]
fn cover_art_is_no_moving_picture_even_when_it_is_chosen() {
    let mut cover = video(1, "mjpeg", VideoStream { width: 600, height: 600, ..hd_video() });
    cover.disposition.attached_pic = true;
    golden("cover_art.args", &order("/m/a.mp3", vec![audio(0, "mp3", 2, 44_100), cover], (Some(1), Some(0))));
}

#[test]
fn streams_in_odd_order_are_mapped_by_absolute_index() {
    let streams = vec![
        stream(0, "ttf", StreamKind::Attachment),
        audio(1, "ac3", 2, 48_000),
        stream(2, "subrip", StreamKind::Subtitle),
        video(3, "h264", hd_video()),
        audio(4, "aac", 2, 48_000),
    ];
    golden("odd_order.args", &order("/m/a.mkv", streams, (Some(3), Some(4))));
}

#[test]
fn an_in_point_is_sought_before_the_input_and_faded_in() {
    let film = order("/m/a.mp4", vec![video(0, "h264", hd_video()), audio(1, "aac", 2, 48_000)], (Some(0), Some(1)));
    golden("in_point.args", &PlayOrder { keyframe_offset: 17, ..from(film, 61_005) });
}

#[test]
fn ten_bit_wide_gamut_pictures_become_eight_bit_bt709() {
    let color = Color { space: Some("bt2020nc".to_owned()), ..Default::default() };
    let deep =
        VideoStream { width: 3840, height: 2160, pixel_format: Some("yuv420p10le".to_owned()), color, ..hd_video() };
    golden(
        "hevc_10_bit.args",
        &order("/m/a.mkv", vec![video(0, "hevc", deep), audio(1, "eac3", 6, 48_000)], (Some(0), Some(1))),
    );
}

#[test]
fn difficult_names_stay_one_argument() {
    let streams = vec![video(0, "h264", hd_video()), audio(1, "aac", 2, 48_000)];
    golden("difficult_name.args", &order("/m/-it's 100% \"é\": [a],b;c|d.mp4", streams, (Some(0), Some(1))));
}

#[test]
fn a_slate_can_be_left_after_any_picture_and_its_text_is_in_files() {
    golden("slate.args", &slate(screen(Visual::Text, AudioMode::Silent)));
}

#[test]
fn a_plain_slate_needs_no_files() {
    let plain = slate(screen(Visual::Slate, AudioMode::Silent));
    golden("slate_plain.args", &plain);
    assert!(plan(&plain, EVERYTHING).files.is_empty());
}

#[test]
fn a_message_on_a_moving_pattern_has_a_box_and_a_tone() {
    golden("slate_testsrc_sine.args", &slate(screen(Visual::Pattern { kind: PatternKind::Testsrc }, AudioMode::Sine)));
}

#[test]
fn colour_bars_are_drawn_once_and_beep() {
    golden("slate_smpte_beep.args", &slate(screen(Visual::Pattern { kind: PatternKind::Smpte }, AudioMode::Beep)));
}

#[test]
fn snow_hisses() {
    golden("slate_noise.args", &slate(screen(Visual::Noise, AudioMode::Noise)));
}

#[test]
fn an_image_is_linked_to_and_laid_over_the_background() {
    let path = "/srv/it's [an] odd: name.png";
    let order = slate(screen(Visual::Image { path: path.into() }, AudioMode::Silent));
    golden("slate_image.args", &order);
    assert_eq!(plan(&order, EVERYTHING).links[0].target, Path::new(path));
}

#[test]
fn a_still_is_one_picture_without_sound() {
    let screen = screen(Visual::Noise, AudioMode::Sine);
    golden(
        "slate_still.args",
        &PlayOrder { source: Source::Still { screen }, ..slate(Screen::plain(Message::default())) },
    );
}

#[test]
fn a_slate_has_no_text_where_ffmpeg_cannot_draw_any() {
    let mute = plan(&slate(screen(Visual::Text, AudioMode::Silent)), Abilities::default());
    assert_eq!(mute, plan(&slate(screen(Visual::Slate, AudioMode::Silent)), EVERYTHING));
}

fn downmix(to: &str, rows: &[(&str, &[(&str, f64)])]) -> Downmix {
    let gain = |(from, gain): &(&str, f64)| DownmixGain { from: (*from).to_owned(), gain: *gain };
    let row = |(channel, gains): &(&str, &[(&str, f64)])| DownmixRow {
        channel: (*channel).to_owned(),
        gains: gains.iter().map(gain).collect(),
    };
    Downmix { from: "5.1(side)".to_owned(), to: to.to_owned(), rows: rows.iter().map(row).collect() }
}

#[test]
fn a_downmix_is_a_pan_filter_in_front_of_the_resampler() {
    let mut order = from(film("/m/a.mkv"), 90_500);
    let (front, other) = (0.414_214, 0.292_893);
    let rows: [(&str, &[(&str, f64)]); 2] = [
        ("FL", &[("FL", front), ("FC", other), ("SL", other)]),
        ("FR", &[("FR", front), ("FC", other), ("SR", other)]),
    ];
    if let Source::File { downmix: mix, .. } = &mut order.source {
        *mix = Some(downmix("stereo", &rows));
    }
    golden("downmix.args", &order);
}

#[test]
fn text_is_drawn_into_the_bars_with_the_files_own_clock() {
    golden("burn_subrip.args", &from(with_subtitles(film("/m/it's [a], b.mkv"), embedded(1, 0)), 90_500));
    golden("burn_subrip_from_the_start.args", &with_subtitles(film("/m/a.mkv"), embedded(1, 0)));
    golden("burn_mov_text.args", &from(with_subtitles(film("/m/a.mkv"), embedded(9, 3)), 1_005));
}

#[test]
fn text_that_its_author_placed_is_drawn_on_the_picture_alone() {
    golden("burn_ass.args", &with_subtitles(film("/m/a.mkv"), embedded(5, 1)));
}

#[test]
fn a_file_beside_the_media_is_read_under_a_plain_name() {
    let path = "/m/it's: 100% [a], b;c\\d\ne.en.SRT".into();
    let order = with_subtitles(film("/m/a.mkv"), BurnIn::Sidecar { path });
    golden("burn_sidecar.args", &order);
    let links = plan(&order, EVERYTHING).links;
    assert_eq!((links.len(), links[0].name.as_str()), (1, "subtitles.srt"));
    assert_eq!(links[0].target, Path::new("/m/it's: 100% [a], b;c\\d\ne.en.SRT"));
}

#[test]
fn images_are_read_from_a_little_earlier_and_cover_the_picture() {
    golden("burn_images.args", &from(with_subtitles(film("/m/a.mkv"), embedded(7, 2)), 90_500));
    golden("burn_images_near_the_start.args", &from(with_subtitles(film("/m/a.mkv"), embedded(7, 2)), 1_500));
    golden("burn_images_from_the_start.args", &with_subtitles(film("/m/a.mkv"), embedded(7, 2)));
}

#[test]
fn the_place_among_subtitles_is_counted_in_the_probe() {
    let counted = plan(&with_subtitles(film("/m/a.mkv"), embedded(5, 1)), EVERYTHING);
    let mistaken = plan(&with_subtitles(film("/m/a.mkv"), embedded(5, 5)), EVERYTHING);
    assert_eq!(counted, mistaken);
    assert!(counted.video.filters.iter().any(|filter| filter.text == "subtitles=filename=media.mkv:si=1"));
}

#[test]
fn subtitles_that_cannot_be_burnt_in_are_left_out() {
    let plain = plan(&film("/m/a.mkv"), EVERYTHING);
    let no_library = Abilities { burn_text: false, ..EVERYTHING };
    for (subtitles, abilities) in [
        (embedded(1, 0), no_library),
        (BurnIn::Sidecar { path: "/m/a.srt".into() }, no_library),
        (embedded(2, 0), EVERYTHING),
        (embedded(8, 0), EVERYTHING),
        (embedded(77, 0), EVERYTHING),
    ] {
        assert_eq!(plan(&with_subtitles(film("/m/a.mkv"), subtitles), abilities), plain);
    }
    assert_ne!(plan(&with_subtitles(film("/m/a.mkv"), embedded(7, 2)), no_library), plain, "images need no library");
}
