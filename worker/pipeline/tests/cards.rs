//! Plans on cards: what holds for all of them, and the command lines of each family for typical sources, word for word (`UPDATE_GOLDEN=1` writes
//! them anew; read the difference before you commit it).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{fmt::Write, fs, path::Path, sync::LazyLock};

use exstreamtv_hardware::{
    Capabilities, Fact, Facts, Profile, Profiles, Reason, ReasonKind, Verdict,
    profile::{Rung, Where},
};
use exstreamtv_model::{
    FrameRate, MediaProbe, OutputProfile, PlayOrder, RunId,
    media::{AudioStream, Color, Disposition, FieldOrder, Stream, StreamKind, VideoStream},
    order::{BurnIn, CardUse, Source},
    pick::StreamRef,
};
use exstreamtv_pipeline::{Abilities, Cards, Plan, command_line, plan, plan_on};
use proptest::prelude::*;

const EVERYTHING: Abilities = Abilities { draw_text: true, burn_text: true, tone_map: true };

fn stream(index: u32, codec: &str, profile: Option<&str>, kind: StreamKind) -> Stream {
    let (disposition, profile) = (Disposition::default(), profile.map(str::to_owned));
    Stream { index, codec: codec.to_owned(), profile, language: None, title: None, disposition, kind }
}

fn hd() -> VideoStream {
    VideoStream {
        width: 1920,
        height: 1080,
        sample_aspect: (1, 1),
        rotation_degrees: 0,
        frame_rate: Some(FrameRate::new(30, 1)),
        pixel_format: Some("yuv420p".to_owned()),
        first_picture_ms: 0,
        field_order: FieldOrder::Progressive,
        color: Color { range: Some("tv".to_owned()), space: Some("bt709".to_owned()), ..Default::default() },
    }
}

fn hdr() -> VideoStream {
    let name = |name: &str| Some(name.to_owned());
    VideoStream {
        width: 3840,
        height: 2160,
        pixel_format: name("yuv420p10le"),
        frame_rate: Some(FrameRate::new(24_000, 1001)),
        color: Color {
            range: name("tv"),
            space: name("bt2020nc"),
            transfer: name("smpte2084"),
            primaries: name("bt2020"),
        },
        ..hd()
    }
}

fn order(codec: &str, profile: Option<&str>, video: VideoStream) -> PlayOrder {
    let sound = AudioStream { channels: 2, layout: None, sample_rate_hz: 48_000 };
    let streams = vec![
        stream(0, codec, profile, StreamKind::Video(video)),
        stream(1, "aac", None, StreamKind::Audio(sound)),
        stream(2, "subrip", None, StreamKind::Subtitle),
        stream(3, "hdmv_pgs_subtitle", None, StreamKind::Subtitle),
    ];
    let probe =
        MediaProbe { container: "test".to_owned(), duration_ms: 60_000, bitrate_bps: None, streams, chapters: vec![] };
    PlayOrder {
        run: RunId(1),
        source: Source::File {
            path: "/m/a.mkv".into(),
            probe,
            in_point_ms: 0,
            video: Some(0),
            audio: Some(1),
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

fn burning(mut order: PlayOrder, absolute: u32) -> PlayOrder {
    let Source::File { subtitles, .. } = &mut order.source else { unreachable!() };
    *subtitles = Some(BurnIn::Embedded(StreamRef { absolute, relative: absolute - 2 }));
    order
}

/// Typical sources, by name.
fn sources() -> Vec<(&'static str, PlayOrder)> {
    let tape = VideoStream {
        width: 1920,
        height: 1080,
        field_order: FieldOrder::TopFirst,
        frame_rate: Some(FrameRate::new(25, 1)),
        ..hd()
    };
    let dvd = VideoStream { width: 720, height: 480, sample_aspect: (32, 27), color: Color::default(), ..hd() };
    vec![
        ("1080p H.264", order("h264", Some("High"), hd())),
        ("720p H.264", order("h264", Some("High"), VideoStream { width: 1280, height: 720, ..hd() })),
        ("a wide film", order("h264", Some("High"), VideoStream { height: 800, ..hd() })),
        ("interlaced H.264", order("h264", Some("High"), tape.clone())),
        ("a DVD", order("mpeg2video", Some("Main"), VideoStream { field_order: FieldOrder::TopFirst, ..dvd })),
        ("HDR10 in HEVC", order("hevc", Some("Main 10"), hdr())),
        ("10 bits in HEVC", order("hevc", Some("Main 10"), VideoStream { color: hd().color, ..hdr() })),
        (
            "4:2:2 H.264",
            order("h264", Some("High 4:2:2"), VideoStream { pixel_format: Some("yuv422p".into()), ..hd() }),
        ),
        ("a telephone's", order("h264", Some("High"), VideoStream { rotation_degrees: 90, ..hd() })),
        ("with text", burning(order("h264", Some("High"), hd()), 2)),
        ("with images", burning(order("h264", Some("High"), hd()), 3)),
    ]
}

/// What is known about a card of each family.
fn facts(profile: &Profile) -> Facts {
    let mut facts = Facts::default();
    for (field, fact) in [
        ("ffmpeg.version", "7.1"),
        ("platform", "linux-x86_64"),
        ("kernel.version", "6.8"),
        ("driver.version", "570.86"),
        ("gpu.sm", "8.6"),
        ("device.driver", "i915"),
    ] {
        facts.set(field, fact);
    }
    if profile.id == "videotoolbox" {
        facts.set("platform", "macos-aarch64");
        facts.set("kernel.version", "24.1");
    }
    facts
}

fn device(profile: &Profile) -> &'static str {
    match profile.id.as_str() {
        "cuda" | "vulkan" => "0",
        "vaapi-intel" | "vaapi-amd" | "qsv" | "amf" => "/dev/dri/renderD128",
        _ => "",
    }
}

static SHIPPED: LazyLock<Profiles> = LazyLock::new(Profiles::shipped);

fn families() -> Vec<&'static Profile> {
    SHIPPED.by_rank().into_iter().filter(|profile| !profile.is_software()).collect()
}

fn on(mut order: PlayOrder, can: &Capabilities, rung: Rung) -> Plan {
    order.card = Some(CardUse { id: can.id.clone(), rung });
    plan_on(&order, EVERYTHING, &Cards::new(&SHIPPED, vec![can.clone()], &[]))
}

/// Where pictures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    System,
    Card,
}

/// Follows the pictures of `plan` through its filters as FFmpeg would, by the filters' names alone.
fn follow(plan: &Plan, profile: &Profile, can: &Capabilities, order: &PlayOrder) -> Result<At, String> {
    let card = plan.card.as_ref().unwrap();
    let surface = profile.surface.as_ref();
    let Source::File { probe, .. } = &order.source else { unreachable!() };
    let (stream, video) = probe.video().next().unwrap();
    let depth = if video.pixel_format.as_deref().unwrap().contains("10") { 10 } else { 8 };
    let decode = can.decoder(&stream.codec, depth).filter(|_| !card.decoder.is_empty());
    let on_card = decode.is_some_and(|entry| profile.decoders[entry].yields == Where::Surface);
    let mut at = if on_card && surface.is_some() { At::Card } else { At::System };
    let filters = plan.video.filters.iter().map(|filter| filter.text.clone());
    let after = plan.overlays.iter().flat_map(|overlay| {
        std::iter::once(overlay.filter.clone()).chain(overlay.after.iter().map(|filter| filter.text.clone()))
    });
    let mut first = true;
    for text in filters.chain(after).flat_map(|text| split(&text)) {
        let name = text.split('=').next().unwrap_or_default().to_owned();
        let of_the_card = |op: &&exstreamtv_hardware::profile::Op| op.filter == name || op.also.contains(&name);
        let op = profile.ops.iter().find(of_the_card).filter(|op| op.on.as_deref() != Some("system"));
        at = match name.as_str() {
            "fps" | "setpts" | "trim" | "setsar" | "setparams" => at,
            // What joins pictures that fell back to the others stands right behind the decoder.
            "hwupload" | "hwupload_cuda" if at == At::System || first => At::Card,
            "hwdownload" if at == At::Card => At::System,
            "hwmap" if at == At::Card => At::Card,
            "format" if at == At::System || text.contains('|') => at,
            "format" if text.contains(surface.map_or("-", |surface| &surface.name)) => at,
            "tpad" => at,
            _ if op.is_some() && at == At::Card => At::Card,
            "scale" | "pad" | "yadif" | "zscale" | "tonemap" | "subtitles" | "overlay" if at == At::System => at,
            _ => return Err(format!("{text} gets pictures that are {at:?}")),
        };
        first = first && matches!(name.as_str(), "format" | "trim" | "setpts");
    }
    Ok(at)
}

/// Splits a chain at its commas; none of ours stands inside of a value without a backslash.
fn split(text: &str) -> Vec<String> {
    text.replace("\\,", "\u{1}").split(',').map(|part| part.replace('\u{1}', "\\,")).collect()
}

/// Where the encoder takes its pictures.
fn taken_at(plan: &Plan, profile: &Profile, can: &Capabilities) -> At {
    let encodes = plan.card.as_ref().is_some_and(|card| card.encoder.is_some());
    let encode = can.encoder("h264", 8).filter(|_| encodes).and_then(|(entry, _)| profile.encoders.get(entry));
    let on_card = encode.is_some_and(|encode| encode.on == Where::Surface) && profile.surface.is_some();
    if on_card { At::Card } else { At::System }
}

fn no() -> Verdict {
    Verdict::No { reason: Reason::new(ReasonKind::Unknown, "it was taken away") }
}

/// Takes away what the bits say.
fn robbed(can: &Capabilities, bits: u64) -> Capabilities {
    let mut can = can.clone();
    let decoders = can.decoders.iter_mut().map(|known| &mut known.verdict);
    let ops = can.ops.iter_mut().map(|known| &mut known.verdict);
    let all = decoders.chain(ops).chain(can.encoders.iter_mut().map(|known| &mut known.verdict));
    all.enumerate().filter(|(at, _)| bits >> (at % 64) & 1 == 1).for_each(|(_, verdict)| *verdict = no());
    can
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn pictures_are_where_each_filter_and_the_encoder_want_them(
        family in 0..families().len(),
        source in 0..sources().len(),
        bits in any::<u64>(),
        sides in (32..1_000_u32, 32..1_000_u32, 32..2_100_u32, 32..1_100_u32),
        in_point_ms in prop_oneof![Just(0_i64), 1..60_000_i64],
        rung in prop_oneof![Just(Rung::Hw), Just(Rung::SwdecHwenc), Just(Rung::HwdecSwfilterHwenc), Just(Rung::Software)],
        version in prop_oneof![Just("5.1.9"), Just("6.1"), Just("7.1"), Just("8.0")],
    ) {
        let profile = families()[family];
        let mut known = facts(profile);
        known.set("ffmpeg.version", version);
        let can = robbed(&Capabilities::promised(profile, device(profile), known), bits);
        let (_, mut order) = sources().swap_remove(source);
        order.profile = OutputProfile { width: sides.0 * 2, height: sides.1 * 2, ..Default::default() };
        let Source::File { probe, in_point_ms: at, .. } = &mut order.source else { unreachable!() };
        *at = in_point_ms;
        let StreamKind::Video(video) = &mut probe.streams[0].kind else { unreachable!() };
        (video.width, video.height) = (sides.2 * 2, sides.3 * 2);
        let made = on(order.clone(), &can, rung);
        let Some(card) = &made.card else {
            prop_assert_eq!(made, plan(&order, EVERYTHING));
            return Ok(());
        };
        let line = format!("{:?}\n{:?}", made.video.filters, card);
        if card.init.is_empty() && profile.device.init.is_empty().eq(&false) {
            // The processor does everything after all.
            prop_assert!(card.encoder.is_none() && card.decoder.is_empty(), "{}", line);
            prop_assert!(card.steps.iter().all(|step| !step.why.is_empty()), "{}", line);
            prop_assert_eq!(made.video, plan(&order, EVERYTHING).video);
            return Ok(());
        }
        prop_assert_eq!(follow(&made, profile, &can, &order).map_err(|error| format!("{error}\n{line}")), Ok(taken_at(&made, profile, &can)), "{}", line);
        prop_assert!(!line.contains('{') || !line.contains("{fmt}"), "{}", line);
        let used = |verdicts: &[(String, bool)], name: &str| verdicts.iter().any(|(known, yes)| known == name && *yes);
        let encoders: Vec<_> = can.encoders.iter().map(|known| (known.codec.clone(), known.verdict.entry().is_some())).collect();
        prop_assert!(card.encoder.is_none() || used(&encoders, "h264"), "what was taken away is used: {}", line);
    }
}

#[test]
fn without_any_capability_everything_is_done_by_the_processor_and_says_so() {
    for profile in families() {
        let can = robbed(&Capabilities::promised(profile, device(profile), facts(profile)), u64::MAX);
        for (name, order) in sources() {
            let made = on(order.clone(), &can, Rung::Hw);
            let card = made.card.clone().unwrap();
            assert_eq!(card.rung, Rung::Software, "{} {name}", profile.id);
            assert!(
                card.steps.iter().all(|step| step.why.contains("taken away") || step.why.contains("nothing is said")),
                "{card:?}"
            );
            assert_eq!(Plan { card: None, ..made }, plan(&order, EVERYTHING));
        }
    }
}

#[test]
fn the_rungs_leave_out_what_they_say() {
    let cuda = SHIPPED.get("cuda").unwrap();
    let can = Capabilities::promised(cuda, "0", facts(cuda));
    let names = |rung| {
        let made = on(sources().swap_remove(0).1, &can, rung);
        let card = made.card.clone().unwrap();
        let has = |name: &str| made.video.filters.iter().any(|filter| filter.text.contains(name));
        (!card.decoder.is_empty(), has("scale_cuda"), card.encoder.is_some())
    };
    assert_eq!(names(Rung::Hw), (true, true, true));
    assert_eq!(names(Rung::SwdecHwenc), (false, true, true));
    assert_eq!(names(Rung::HwdecSwfilterHwenc), (true, false, true));
    assert!(on(sources().swap_remove(0).1, &can, Rung::Software).card.is_none());
}

#[test]
fn a_quirk_has_its_effect_until_it_is_switched_off() {
    let cuda = SHIPPED.get("cuda").unwrap();
    let mut known = facts(cuda);
    known.set("ffmpeg.version", Fact::from("7.2"));
    let can = Capabilities::promised(cuda, "0", known);
    let (_, order) = sources().swap_remove(6);
    let filters = |disabled: &[String]| {
        let mut order = order.clone();
        order.card = Some(CardUse { id: can.id.clone(), rung: Rung::Hw });
        let made = plan_on(&order, EVERYTHING, &Cards::new(&SHIPPED, vec![can.clone()], disabled));
        (made.video.filters.iter().any(|filter| filter.text == "scale_cuda=format=p010le"), made.card.unwrap().steps)
    };
    let (has, steps) = filters(&[]);
    assert!(has && steps.iter().any(|step| step.why.contains("p016")), "{steps:?}");
    let (has, steps) = filters(&["cuda-p016".to_owned()]);
    assert!(!has && steps.iter().all(|step| !step.why.contains("p016")), "{steps:?}");
}

#[test]
fn the_command_lines_of_every_family() {
    for profile in families() {
        let can = Capabilities::promised(profile, device(profile), facts(profile));
        let mut found = String::new();
        for (name, order) in sources() {
            let made = on(order, &can, Rung::Hw);
            let line = command_line(&made, Path::new("ffmpeg"));
            writeln!(found, "# {name}").unwrap();
            for step in &made.card.as_ref().unwrap().steps {
                writeln!(found, "#   {}: {}: {} ({})", step.what, step.who, step.how, step.why).unwrap();
            }
            let words: Vec<String> = line.iter().map(|word| quoted(&word.to_string_lossy())).collect();
            writeln!(found, "{}\n", words.join(" ")).unwrap();
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cards").join(format!("{}.txt", profile.id));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &found).unwrap();
        }
        assert_eq!(found, fs::read_to_string(&path).unwrap_or_default(), "{}", profile.id);
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=:./+,".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}
