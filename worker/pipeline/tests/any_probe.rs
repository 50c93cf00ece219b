//! What holds for every order, however odd the probe behind it is.

use std::path::{Path, PathBuf};

use exstreamtv_model::{
    FrameRate, MediaProbe, OutputProfile, PlayOrder, RunId, Screen,
    media::{AudioStream, Color, Disposition, FieldOrder, Stream, StreamKind, VideoStream},
    order::{BurnIn, Source},
    pick::{Downmix, DownmixGain, DownmixRow, StreamRef},
    slate::Message,
};
use exstreamtv_pipeline::{
    Abilities, command_line,
    geometry::{Size, fit},
    plan,
};
use proptest::prelude::*;

const EVERYTHING: Abilities = Abilities { draw_text: true, burn_text: true, tone_map: true };

fn any_video() -> impl Strategy<Value = StreamKind> {
    let field = prop_oneof![
        Just(FieldOrder::Unknown),
        Just(FieldOrder::Progressive),
        Just(FieldOrder::TopFirst),
        Just(FieldOrder::BottomFirst)
    ];
    let text = prop::option::of(prop_oneof![Just("tv"), Just("pc"), Just("bt709"), Just("yuv420p"), Just("',;[]")]);
    let sides = (any::<u32>(), any::<u32>(), any::<(u32, u32)>(), any::<u16>());
    (sides, prop::option::of(any::<(u32, u32)>()), field, text.clone(), text).prop_map(
        |((width, height, sample_aspect, rotation_degrees), rate, field_order, pixel_format, space)| {
            StreamKind::Video(VideoStream {
                width,
                height,
                sample_aspect,
                rotation_degrees,
                frame_rate: rate.map(|(num, den)| FrameRate::new(num, den)),
                pixel_format: pixel_format.map(str::to_owned),
                first_picture_ms: 0,
                field_order,
                color: Color { space: space.map(str::to_owned), ..Default::default() },
            })
        },
    )
}

fn any_stream() -> impl Strategy<Value = Stream> {
    let sound = (any::<u8>(), any::<u32>()).prop_map(|(channels, sample_rate_hz)| {
        StreamKind::Audio(AudioStream { channels, layout: None, sample_rate_hz })
    });
    let kind = prop_oneof![any_video(), sound, Just(StreamKind::Subtitle), Just(StreamKind::Attachment)];
    let codec =
        prop_oneof![Just("h264"), Just("mpeg2video"), Just(""), Just("it's; [a]"), Just("ass"), Just("dvd_subtitle")];
    (0..6_u32, codec, kind, any::<bool>()).prop_map(|(index, codec, kind, attached_pic)| {
        let disposition = Disposition { attached_pic, ..Default::default() };
        Stream { index, codec: codec.to_owned(), profile: None, language: None, title: None, disposition, kind }
    })
}

fn any_profile() -> impl Strategy<Value = OutputProfile> {
    let rates = prop_oneof![Just((25, 1)), Just((30, 1)), Just((50, 1)), Just((30_000, 1001)), Just((24_000, 1001))];
    (32..2000_u32, 32..2000_u32, rates).prop_map(|(half_width, half_height, (num, den))| OutputProfile {
        width: half_width * 2,
        height: half_height * 2,
        frame_rate: FrameRate::new(num, den),
        ..Default::default()
    })
}

fn any_burn_in() -> impl Strategy<Value = BurnIn> {
    prop_oneof![
        (0..6_u32, any::<u32>()).prop_map(|(absolute, relative)| BurnIn::Embedded(StreamRef { absolute, relative })),
        "/[^\0]{1,40}".prop_map(|path| BurnIn::Sidecar { path: path.into() }),
    ]
}

fn any_downmix() -> impl Strategy<Value = Downmix> {
    let name = || prop_oneof![Just("FL".to_owned()), Just("FR".to_owned()), Just("FC".to_owned()), "[^\0]{0,9}"];
    let gain = (name(), any::<f64>()).prop_map(|(from, gain)| DownmixGain { from, gain });
    let row = (name(), prop::collection::vec(gain, 0..3));
    let row = row.prop_map(|(channel, gains)| DownmixRow { channel, gains });
    ("[^\0]{0,9}", "[^\0]{0,9}", prop::collection::vec(row, 0..3)).prop_map(|(from, to, rows)| Downmix {
        from,
        to,
        rows,
    })
}

fn any_order() -> impl Strategy<Value = PlayOrder> {
    let chosen = (prop::option::of(0..6_u32), prop::option::of(0..6_u32));
    let tracks = (prop::option::of(any_downmix()), prop::option::of(any_burn_in()));
    let source = prop_oneof![
        3 => (prop::collection::vec(any_stream(), 0..6), "/[^\0]{1,40}", any::<i64>(), chosen, tracks).prop_map(
            |(streams, path, in_point_ms, (video, audio), (downmix, subtitles))| Source::File {
                path: path.into(),
                probe: MediaProbe { container: String::new(), duration_ms: 1, bitrate_bps: None, streams, chapters: vec![] },
                in_point_ms,
                video,
                audio,
                downmix,
                subtitles,
            }
        ),
        1 => ".*".prop_map(|text| Source::Slate { screen: Screen::plain(Message::titled(text)) }),
    ];
    (source, any_profile(), any::<u32>(), any::<u32>()).prop_map(|(source, profile, frames, keyframe_offset)| {
        PlayOrder {
            run: RunId(1),
            source,
            profile,
            frames,
            keyframe_offset,
            card: None,
            gain_db: None,
            watermark: None,
        }
    })
}

proptest! {
    #[test]
    fn every_order_has_a_plan_whose_picture_is_even_and_inside_the_channels(order in any_order()) {
        let plan = plan(&order, EVERYTHING);
        let filters: Vec<&str> = plan.video.filters.iter().map(|filter| filter.text.as_str()).collect();
        let graph = filters.join(",");
        let OutputProfile { width, height, .. } = order.profile;
        let scaled = filters.iter().find(|filter| filter.starts_with("scale="));
        if let Some(filter) = scaled {
            let sizes: Vec<u32> = filter["scale=".len()..].split(':').take(2).map(|side| side.parse().unwrap()).collect();
            prop_assert!(sizes[0].is_multiple_of(2) && sizes[1].is_multiple_of(2) && sizes[0] >= 2 && sizes[1] >= 2);
            prop_assert!(sizes[0] <= width && sizes[1] <= height);
            let padded = filters.iter().any(|filter| filter.starts_with("pad="));
            prop_assert_eq!(padded, (sizes[0], sizes[1]) != (width, height), "{}", graph);
        }
    }

    #[test]
    fn a_path_is_one_argument_and_in_no_filter(order in any_order()) {
        let arguments = command_line(&plan(&order, EVERYTHING), Path::new("ffmpeg"));
        let after = |option: &str| {
            let at = arguments.windows(2).filter(|pair| pair[0] == option);
            at.map(|pair| pair[1].to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        for input in after("-i") {
            prop_assert!(input.starts_with("file:/") || input.starts_with("color=") || input.starts_with("anullsrc="));
        }
        if let Source::File { path, .. } = &order.source {
            let whole = PathBuf::from(format!("file:{}", path.display()));
            let holding = arguments.iter().filter(|argument| argument.to_string_lossy().contains(&*path.to_string_lossy()));
            prop_assert!(path.as_os_str().len() < 12 || holding.into_iter().all(|argument| *argument == *whole.as_os_str()));
        }
        // Whatever a probe holds, graphs are made of our own words.
        for graph in after("-filter:v").into_iter().chain(after("-filter:a")) {
            prop_assert!(!graph.contains(['\'', ';', '[', ']', '\\']), "{}", graph);
        }
        for graph in after("-filter_complex") {
            prop_assert!(!graph.contains('\'') && graph.matches(';').count() == 2 && graph.matches('[').count() == 7, "{}", graph);
            prop_assert!(graph.split('\\').skip(1).all(|rest| rest.starts_with(',')), "{}", graph);
        }
    }

    #[test]
    fn a_fitted_picture_touches_two_sides_of_its_frame(
        width in any::<u32>(), height in any::<u32>(), aspect in any::<(u32, u32)>(), across in 1..4000_u32, down in 1..4000_u32,
    ) {
        let frame = Size { width: across * 2, height: down * 2 };
        let size = fit(Size { width, height }, aspect, frame);
        prop_assert!(size.width == frame.width || size.height == frame.height);
        prop_assert!(size.width <= frame.width && size.height <= frame.height);
        prop_assert!(size.width.is_multiple_of(2) && size.height.is_multiple_of(2) && size.width > 0 && size.height > 0);
    }
}
