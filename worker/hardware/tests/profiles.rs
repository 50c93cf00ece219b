//! Profiles are put together from files, and mistakes are named with their place.

#![expect(clippy::unwrap_used, reason = "tests")]

use exstreamtv_hardware::{
    Facts, Profiles,
    profile::{Enumerate, OpKind, RateMode, Software},
    profiles::Source,
};

const BASE: &str = r#"
schema = 1
id = "base"
abstract = true
[build]
need = { filters = ["scale_x"] }
may = { encoders = ["h264_x"] }
[[failure]]
regex = 'general'
class = "device"
because = "general"
[[quirk]]
id = "a"
title = "the base's a"
when = []
set = { retag = true }
source = "base"
[[quirk]]
id = "b"
title = "the base's b"
when = []
set = { retag = true }
source = "base"
"#;

const CARD: &str = r#"
schema = 1
id = "card"
title = "Card"
inherits = "base"
platforms = ["linux"]
rank = 10
[device]
enumerate = "drm"
init = ["-init_hw_device", "x=x:{device}"]
[surface]
name = "x"
sw_format = { "8" = "nv12" }
upload = "format={fmt},hwupload"
download = "hwdownload,format={fmt}"
[[op]]
op = "scale"
filter = "scale_x"
depth = [8]
expr = "scale_x={w}:{h}:format={fmt}"
[[encode]]
codec = "h264"
encoder = "h264_x"
depth = [8]
input_format = "nv12"
rate = { vbr = ["-b:v", "{bitrate}"] }
rate_prefer = ["vbr"]
[[failure]]
regex = 'particular'
class = "encoder"
because = "particular"
[[quirk]]
id = "a"
title = "the card's a"
when = []
set = { retag = true }
source = "card"
"#;

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

fn shipped() -> [Source; 2] {
    [source("base.toml", BASE), source("card.toml", CARD)]
}

/// Returns the complaint about `card.toml` with `from` replaced.
fn complaint(from: &str, to: &str) -> String {
    assert!(CARD.contains(from), "{from}");
    let files = [source("base.toml", BASE), source("card.toml", &CARD.replacen(from, to, 1))];
    Profiles::of(&files, &[]).unwrap_err().to_string()
}

#[test]
fn a_profile_has_what_it_inherits_and_its_own_words_come_first() {
    let profiles = Profiles::of(&shipped(), &[]).unwrap();
    assert_eq!(profiles.ids().collect::<Vec<_>>(), ["card"], "what is abstract is no card's profile");
    let card = profiles.get("card").unwrap();
    assert_eq!(card.build.need.filters, ["scale_x"]);
    let quirks: Vec<_> = card.quirks.iter().map(|quirk| quirk.title.as_str()).collect();
    assert_eq!(quirks, ["the card's a", "the base's b"]);
    assert_eq!(card.failure_in("a particular and general failure").unwrap().because, "particular");
}

#[test]
fn a_users_file_replaces_whole_tables_of_the_same_id_and_may_be_a_profile_of_its_own() {
    let over = source("/etc/x/card.toml", "schema = 1\nid = \"card\"\nrank = 99\nquirk = []\n");
    let own = source(
        "/etc/x/own.toml",
        "schema = 1\nid = \"own\"\ninherits = \"card\"\ntitle = \"Own\"\n[device]\nenumerate = \"drm\"\nenv = { A = \"b\" }\n",
    );
    let profiles = Profiles::of(&shipped(), &[over, own]).unwrap();
    let card = profiles.get("card").unwrap();
    assert_eq!((card.rank, card.title.as_str()), (99, "Card"));
    let quirks: Vec<_> = card.quirks.iter().map(|quirk| quirk.title.as_str()).collect();
    assert_eq!(quirks, ["the base's a", "the base's b"], "the card's own are replaced by none, inherited ones stay");
    let own = profiles.get("own").unwrap();
    assert_eq!((own.rank, own.device.env["A"].as_str(), own.device.init.len()), (99, "b", 0));
    assert_eq!(own.encoders, card.encoders);
}

#[test]
fn mistakes_are_named_with_file_line_and_key() {
    let cases = [
        ("expr = \"scale_x={w}:{h}:format={fmt}\"", "expr = \"scale_x={width}\"", "{width} is no placeholder"),
        (
            "format={fmt}\"\n[[encode]]",
            "format={fmt}:x={x}\"\n[[encode]]",
            "card.toml, line 20, op[0].expr: {x} has no value here",
        ),
        ("filter = \"scale_x\"", "filter = \"scale_y\"", "it does not use the filter scale_y"),
        (
            "encoder = \"h264_x\"",
            "encoder = \"h264_y\"",
            "line 23, encode[0].encoder: the encoder h264_y stands in neither",
        ),
        (
            "inherits = \"base\"",
            "inherits = \"bass\"",
            "line 5, inherits: there is no profile \"bass\"; there are base, card",
        ),
        ("inherits = \"base\"", "inherits = \"card\"", "it inherits from itself"),
        ("rate_prefer = [\"vbr\"]", "rate_prefer = [\"cqp\"]", "encode[0].rate_prefer"),
        ("depth = [8]", "depth = [9]", "op[0].depth: depths are 8 and 10"),
        ("rank = 10", "rang = 10", "unknown field `rang`"),
        ("title = \"Card\"\n", "", "title: it is missing"),
        ("schema = 1", "schema = 2", "schema: this program knows format 1, not 2"),
        ("id = \"card\"", "id = \"Card!\"", "\"Card!\" is no id"),
        ("regex = 'particular'", "regex = '('", "unclosed group"),
        ("enumerate = \"drm\"", "enumerate = \"videotoolbox\"", "device.init[1]: such devices have no {device}"),
        ("platforms = [\"linux\"]", "platforms = [\"beos\"]", "line 6, platforms[0]: \"beos\" is no platform"),
        (
            "input_format = \"nv12\"\n",
            "input_format = \"nv12\"\nsession = \"s\"\n",
            "encode[0].session: there is no such table",
        ),
        (
            "when = []",
            "when = [{ field = \"in.colour\", op = \"eq\", value = 1 }]",
            "quirk[0].when[0].field: \"in.colour\" is no field",
        ),
        (
            "when = []",
            "when = [{ field = \"in.codec\", op = \"regex\", value = \"(\" }]",
            "quirk[0].when[0].value: regex parse error",
        ),
        (
            "when = []",
            "when = [{ field = \"in.codec\", op = \"in\", value = \"x\" }]",
            "does not compare with such a value",
        ),
        ("when = []", "when = [{ field = \"in.codec\", op = \"like\", value = \"x\" }]", "unknown variant `like`"),
        (
            "when = []",
            "when = [{ field = \"capture.x\", op = \"eq\", value = 1 }]",
            "asks about something that no probe captures",
        ),
        ("source = \"card\"", "source = \" \"", "quirk[0].source: a quirk says"),
    ];
    for (from, to, expected) in cases {
        let said = complaint(from, to);
        assert!(said.contains("card.toml") && said.contains(expected), "{to:?} gave {said:?}, not {expected:?}");
    }
}

#[test]
fn probes_must_have_an_order() {
    let probe = |id: &str, after: &str| {
        format!("[[probe]]\nkind = \"run\"\nid = \"{id}\"\nafter = [{after}]\nargs = [\"{{init}}\", \"-version\"]\n")
    };
    let with = |probes: String| {
        let files = [source("base.toml", BASE), source("card.toml", &format!("{CARD}{probes}"))];
        Profiles::of(&files, &[]).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(with(probe("b", "\"a\"") + &probe("a", "")), Ok(()));
    assert!(with(probe("a", "\"b\"") + &probe("b", "\"a\"")).unwrap_err().contains("\"a\" waits for itself"));
    assert!(with(probe("a", "\"x\"")).unwrap_err().contains("there is no probe \"x\""));
    assert!(with(probe("a", "") + &probe("a", "")).unwrap_err().contains("another probe has this id"));
    assert!(with(probe("a", "").replace("{init}\"", "x{init}\"")).unwrap_err().contains("must be one of its own"));
}

#[test]
fn two_files_of_a_user_cannot_be_the_same_profile() {
    let over = |name| source(name, "schema = 1\nid = \"card\"\nrank = 99\n");
    let said = Profiles::of(&shipped(), &[over("1.toml"), over("2.toml")]).unwrap_err().to_string();
    assert!(said.contains("2.toml") && said.contains("1.toml, too"), "{said}");
}

fn facts(list: &[(&str, &str)]) -> Facts {
    let mut facts = Facts::default();
    list.iter().for_each(|(field, text)| facts.set(*field, *text));
    facts
}

#[test]
fn nvenc_sessions_are_limited_by_driver_and_only_on_consumer_cards() {
    let profiles = Profiles::shipped();
    let limit = &profiles.get("cuda").unwrap().limits["nvenc"];
    let of = |name, driver| limit.under(&facts(&[("device.name", name), ("driver.version", driver)]));
    let geforce = "NVIDIA GeForce RTX 3060";
    let by_driver = ["525.147.05", "530.30.02", "545.29.06", "550.54.14", "580.65.06", "590.44.01"];
    assert_eq!(by_driver.map(|driver| of(geforce, driver)), [Some(3), Some(5), Some(5), Some(8), Some(8), Some(12)]);
    for limited in
        ["NVIDIA GeForce GTX 1080", "NVIDIA TITAN X (Pascal)", "Quadro P400", "NVIDIA T1000", "NVIDIA GeForce RTX 4090"]
    {
        assert_eq!(of(limited, "550.54.14"), Some(8), "{limited}");
    }
    for free in [
        "Quadro P2000",
        "Quadro RTX 4000",
        "NVIDIA RTX A2000",
        "Tesla T4",
        "NVIDIA A10G",
        "NVIDIA L4",
        "NVIDIA H100 80GB HBM3",
        "NVIDIA RTX 6000 Ada Generation",
    ] {
        assert_eq!(of(free, "550.54.14"), None, "{free}");
    }
    assert_eq!(limit.under(&facts(&[("device.name", geforce)])), Some(3), "a driver that nobody knows");
}

/// What a profile does about a source: whether it is decoded, the operations left to software, bitstream filters, rate.
fn effects(profile: &str, list: Facts, disabled: &[&str]) -> String {
    let profiles = Profiles::shipped();
    let disabled: Vec<String> = disabled.iter().map(|id| (*id).to_owned()).collect();
    let quirks = profiles.get(profile).unwrap();
    let ids: Vec<_> = quirks.quirks_under(&list, &disabled).map(|quirk| quirk.id.as_str()).collect();
    ids.join(" ")
}

#[test]
fn quirks_apply_under_their_circumstances_and_can_be_switched_off() {
    let mut green = facts(&[("out.codec", "h264")]);
    green.set("chain.has", vec!["scale_cuda", "overlay_cuda"]);
    green.set("out.height", 1080_i64);
    assert_eq!(effects("cuda", green.clone(), &[]), "cuda-h264-overlay-green-line-1080");
    assert_eq!(effects("cuda", green.clone(), &["cuda-h264-overlay-green-line-1080"]), "");
    green.set("out.height", 720_i64);
    assert_eq!(effects("cuda", green.clone(), &[]), "cuda-h264-overlay-green-line-720");
    green.set("out.height", 576_i64);
    assert_eq!(effects("cuda", green, &[]), "");
    let mut mpeg2 = facts(&[("in.codec", "mpeg2video")]);
    assert_eq!(effects("cuda", mpeg2.clone(), &[]), "");
    mpeg2.set("in.interlaced", true);
    assert_eq!(effects("cuda", mpeg2, &[]), "cuda-mpeg2-deinterlace");
    let mut ten = facts(&[("ffmpeg.version", "8.0"), ("in.decoded_on", "hardware"), ("in.codec", "vp9")]);
    ten.set("in.depth", 10_i64);
    assert_eq!(effects("cuda", ten, &[]), "cuda-p016 cuda-vp9-colour-tags");
    assert_eq!(effects("cuda", facts(&[("in.transfer", "bt2020-10")]), &[]), "cuda-bt2020-10");
    assert_eq!(effects("cuda", facts(&[("out.codec", "hevc"), ("gpu.sm", "7.5")]), &[]), "cuda-hevc-b-frames");
    assert_eq!(effects("cuda", facts(&[("out.codec", "hevc"), ("gpu.sm", "8.6")]), &[]), "");
    let mut turned = Facts::default();
    turned.set("in.rotated", true);
    assert_eq!(effects("vaapi-amd", turned.clone(), &["amd-overlay", "amd-pad", "amd-opencl-tonemap"]), "rotated");
    assert_eq!(effects("cuda", turned, &[]), "rotated");
    let mut at_times = Facts::default();
    at_times.set("chain.overlay_at_times", true);
    at_times.set("chain.overlays", 2_i64);
    assert_eq!(effects("cuda", at_times, &[]), "cuda-overlay-at-times two-overlays");
}

#[test]
fn quirks_of_intel_follow_driver_and_kernel() {
    let ihd = "Intel iHD driver for Intel(R) Gen Graphics - 23.1.1 ()";
    let card = |kernel: &str, driver| {
        facts(&[
            ("device.driver", "i915"),
            ("kernel.version", kernel),
            ("driver.name", driver),
            ("ffmpeg.version", "6.1"),
            ("out.codec", "h264"),
        ])
    };
    let intel = |kernel| effects("vaapi-intel", card(kernel, ihd), &[]);
    assert_eq!(intel("6.1.0-28-amd64"), "intel-access-unit-too-large i915-hang-6.1");
    assert_eq!(intel("6.1.4"), "intel-access-unit-too-large");
    assert_eq!(intel("5.18.0"), "intel-access-unit-too-large i915-hang-5.18");
    assert_eq!(intel("6.0.18"), "intel-access-unit-too-large");
    assert_eq!(intel("6.6.30"), "intel-access-unit-too-large i915-regression-6.6");
    assert_eq!(intel("6.8.9"), "intel-access-unit-too-large i915-regression-6.8");
    assert_eq!(intel("6.12.1"), "intel-access-unit-too-large");
    let old = card("6.12.1", "Intel i965 driver for Intel(R) Coffee Lake - 2.4.1");
    assert_eq!(effects("vaapi-intel", old, &[]), "i965-vbr i965-pad");
    let mut two = card("6.12.1", ihd);
    two.set("chain.overlays", 2_i64);
    two.set("in.transfer", "bt2020-10");
    let all = "intel-access-unit-too-large vaapi-subtitle-and-watermark vaapi-bt2020-10 two-overlays";
    assert_eq!(effects("vaapi-intel", two, &[]), all);
    let mut qsv = card("6.8.5", ihd);
    qsv.set("in.codec", "h264");
    qsv.set("in.decoded_on", "hardware");
    assert_eq!(effects("qsv", qsv, &[]), "qsv-dump-extra qsv-colour-tags qsv-i915-regression-6.8");
    let hangs = ["5.18.1", "6.1.1", "6.6.26", "6.8.4"].map(|kernel| effects("qsv", card(kernel, ihd), &[]));
    assert_eq!(
        hangs,
        [
            "qsv-colour-tags qsv-i915-hang-5.18",
            "qsv-colour-tags qsv-i915-hang-6.1",
            "qsv-colour-tags qsv-i915-regression-6.6",
            "qsv-colour-tags"
        ]
    );
}

#[test]
fn quirks_of_amd_and_rockchip() {
    let always = "amd-overlay amd-pad amd-opencl-tonemap";
    assert_eq!(effects("vaapi-amd", Facts::default(), &[]), always);
    let mut hevc = facts(&[
        ("out.codec", "hevc"),
        ("driver.name", "Mesa Gallium driver 25.2.7 for AMD Radeon RX 480 (radeonsi, polaris10, LLVM 19)"),
    ]);
    hevc.set("out.height", 1080_i64);
    hevc.set("in.width_mod_32", 16_i64);
    hevc.set("in.depth", 10_i64);
    assert_eq!(
        effects("vaapi-amd", hevc.clone(), &[]),
        format!("amd-hevc-1088 amd-hevc-extradata {always} amd-polaris-width amd-polaris-10-bit")
    );
    hevc.set("in.width_mod_32", 0_i64);
    hevc.set("in.depth", 8_i64);
    assert_eq!(effects("vaapi-amd", hevc, &[]), format!("amd-hevc-1088 amd-hevc-extradata {always}"));
    assert_eq!(effects("rkmpp", facts(&[("ffmpeg.version", "6.1")]), &[]), "rkmpp-dump-extra");
    assert_eq!(effects("rkmpp", facts(&[("ffmpeg.version", "6.0")]), &[]), "");
}

#[test]
fn every_quirk_of_every_profile_is_tested_here() {
    let here = include_str!("profiles.rs");
    let untested: Vec<_> = Profiles::shipped()
        .by_rank()
        .iter()
        .flat_map(|profile| profile.quirks.iter().map(|quirk| quirk.id.clone()))
        .filter(|id| !here.contains(id.as_str()))
        .collect();
    assert!(untested.is_empty(), "{untested:?}");
}

#[test]
fn limits_of_the_reference_stand_in_the_profiles() {
    let profiles = Profiles::shipped();
    let get = |id: &str| profiles.get(id).unwrap();
    let decodes = |id: &str, codec: &str, depth: u8, profile: Option<&str>| {
        let takes = |decode: &&exstreamtv_hardware::profile::Decode| {
            decode.codecs.iter().any(|known| known == codec)
                && decode.depth.contains(&depth)
                && decode.takes_profile(profile)
        };
        get(id).decoders.iter().any(|decode| takes(&decode))
    };
    // MPEG-4 ASP is left to software everywhere but on Rockchip, and wherever VideoToolbox would only pretend.
    for id in ["cuda", "vaapi-intel", "vaapi-amd", "qsv", "videotoolbox", "v4l2m2m"] {
        assert!(!decodes(id, "mpeg4", 8, Some("Advanced Simple Profile")), "{id}");
    }
    // Plain Baseline, and 10 bits of H.264 where the card has none.
    assert!(
        !decodes("vaapi-intel", "h264", 8, Some("Baseline"))
            && decodes("vaapi-intel", "h264", 8, Some("Constrained Baseline"))
    );
    assert!(!decodes("vaapi-amd", "h264", 10, Some("High 10")) && !decodes("qsv", "h264", 10, Some("High 10")));
    assert!(!decodes("vaapi-intel", "hevc", 8, Some("Rext")) && !decodes("vaapi-intel", "mjpeg", 8, None));
    assert!(decodes("rkmpp", "h264", 10, Some("High 10")));
    let blackwell = &get("cuda").decoders[1];
    assert_eq!((blackwell.depth.as_slice(), blackwell.when.len()), ([10].as_slice(), 2));
    // H.264 in 10 bits is encoded by nobody; Rockchip and V4L2 encode 8 bits only.
    for profile in profiles.by_rank() {
        assert!(profile.encoders.iter().all(|e| e.codec != "h264" || e.depth == [8]), "{}", profile.id);
        assert!(
            profile.is_software()
                || profile.encoders.iter().flat_map(|e| &e.args).all(|arg| arg.to_string() != "-level")
        );
    }
    assert!(get("rkmpp").encoders.iter().all(|encode| encode.depth == [8]));
    let pi = &get("v4l2m2m").encoders[0];
    assert_eq!((pi.size_max, pi.fps_max, pi.bitrate_max), (Some([1920, 1080]), Some(30), Some(20_000_000)));
    assert!(pi.takes_size(1920, 1080) && !pi.takes_size(2560, 1440));
    // 8 bits only where the filter has no more.
    let depths = |id: &str, op, filter: &str| {
        get(id).ops.iter().find(|known| known.op == op && known.filter == filter).map(|known| known.depth.clone())
    };
    assert_eq!(depths("cuda", OpKind::Overlay, "overlay_cuda"), Some(vec![8]));
    assert_eq!(depths("vulkan", OpKind::Scale, "scale_vulkan"), Some(vec![8]));
    assert_eq!(depths("qsv", OpKind::Deinterlace, "deinterlace_qsv"), Some(vec![8]));
    assert!(
        get("qsv").ops.iter().all(|op| op.filter != "scale_qsv" && op.op != OpKind::Overlay && op.op != OpKind::Pad)
    );
    let rga = get("rkmpp").ops.iter().find(|op| op.op == OpKind::Scale).unwrap();
    assert_eq!((rga.ratio_max, get("rkmpp").surface.as_ref().unwrap().sw_format.of_depth(10)), (Some(8), Some("nv15")));
    // VideoToolbox hangs with a peak; low power is never asked for first; forced keyframes are real ones.
    let vt: Vec<_> = get("videotoolbox").encoders.iter().flat_map(|encode| encode.rate.values().flatten()).collect();
    assert!(vt.iter().all(|arg| !["-maxrate", "-bufsize"].contains(&arg.to_string().as_str())));
    let args =
        |id: &str, at: usize| get(id).encoders[at].args.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert!(
        args("videotoolbox", 1).contains("-allow_sw 0")
            && args("qsv", 0).contains("-low_power 0")
            && args("qsv", 1).contains("-low_power 1")
    );
    assert!(args("qsv", 0).contains("-forced_idr 1") && args("cuda", 0).contains("-forced-idr 1"));
    assert!(args("vaapi-amd", 0).contains("-profile:v high"), "Main is padded with green");
    assert_eq!(get("vaapi-intel").encoders[0].rate_prefer, [RateMode::Vbr, RateMode::Cbr, RateMode::Cqp]);
    assert_eq!(get("amf").encoders[0].rate_prefer[0], RateMode::Cbr);
    assert_eq!(get("vaapi-amd").device.env["AMD_DEBUG"], "noefc");
    assert_eq!(get("qsv").device.env["CUDA_VISIBLE_DEVICES"], "999");
    assert_eq!(get("vulkan").rank, 0, "used when it is chosen by name only");
    assert_eq!(get("software").device.enumerate, Enumerate::None);
    let i965 = get("vaapi-intel").quirks.iter().find(|quirk| quirk.id == "i965-vbr").unwrap();
    assert_eq!(i965.set.rate, Some(RateMode::Cbr));
    let polaris = get("vaapi-amd").quirks.iter().find(|quirk| quirk.id == "amd-polaris-width").unwrap();
    assert_eq!(polaris.set.decode, Some(Software::Software));
}
