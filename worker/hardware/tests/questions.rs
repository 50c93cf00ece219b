//! What FFmpeg is asked about each card, argument for argument: a change of a profile shows here.
//!
//! With `EXSTREAMTV_UPDATE=1` in the environment the files are written anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use exstreamtv_hardware::{
    Facts, Profiles,
    detect::{Access, Answer, Found, Node, Question, Run, Survey, System},
    profile::Enumerate,
};

fn found(enumerate: Enumerate, device: &str, vendor: &str) -> Found {
    let mut facts = Facts::default();
    facts.set("device.vendor", vendor);
    let nodes = vec![Node { path: format!("/dev/{device}"), access: Access::Open }];
    Found { enumerate, device: device.to_owned(), nodes, facts }
}

/// A machine of this platform with one card of every kind.
fn machine(platform: &str) -> System {
    let devices = vec![
        found(Enumerate::Nvidia, "0", "0x10de"),
        found(Enumerate::Drm, "/dev/dri/renderD128", "0x8086"),
        found(Enumerate::Drm, "/dev/dri/renderD129", "0x1002"),
        found(Enumerate::Vulkan, "0", ""),
        found(Enumerate::V4l2, "", ""),
        found(Enumerate::Rockchip, "", ""),
        found(Enumerate::Videotoolbox, "", ""),
    ];
    System {
        platform: platform.to_owned(),
        kernel: Some("24.0".to_owned()),
        user: "us".to_owned(),
        disabled_quirks: vec![],
        devices,
    }
}

/// An FFmpeg that has whatever any profile uses, on which everything works.
fn answer(run: &Run, profiles: &Profiles) -> Answer {
    let all = || profiles.by_rank();
    let parts = |kind: &str| -> BTreeSet<String> {
        let needs = all().into_iter().flat_map(|profile| [&profile.build.need, &profile.build.may]);
        needs
            .flat_map(|needs| needs.parts())
            .filter(|(known, _)| *known == kind)
            .map(|(_, name)| name.to_owned())
            .collect()
    };
    let lines = |names: BTreeSet<String>, line: fn(&String) -> String| names.iter().map(line).collect::<String>();
    let makers = " V..... libx264 x\n V..... libx265 x\n V..... mpeg2video x\n V..... mpeg1video x\n V..... mpeg4 x\n V..... libvpx x\n V..... libvpx-vp9 x\n V..... libsvtav1 x\n";
    let coder = |name: &String| format!(" V..... {name} x\n");
    let stdout = match run.args[1].as_str() {
        "-version" => "ffmpeg version 8.1 Copyright".to_owned(),
        "-hwaccels" => {
            format!("Hardware acceleration methods:\n{}", lines(parts("hwaccel"), |name| format!("{name}\n")))
        }
        "-encoders" => format!("{makers}{}", lines(parts("encoder"), coder)),
        "-decoders" => lines(parts("decoder"), coder),
        "-filters" => lines(parts("filter"), |name| format!(" .. {name} V->V x\n")),
        _ => String::new(),
    };
    let chosen = ["cuda", "vaapi", "qsv", "vulkan", "videotoolbox_vld", "drm_prime"];
    let chosen = chosen.map(|name| format!("Format {name} chosen by get_format().\n")).concat();
    let stderr = format!(
        "{chosen}Using device /dev/video11\nGPU #0 - < NVIDIA GeForce RTX 5080 > has Compute SM 12.0 ]\n10 frames encoded;\n"
    );
    Answer::Ran { exit: Some(0), stdout, stderr }
}

/// Returns every question about the cards of a machine, by profile.
fn questions(platform: &str) -> BTreeMap<String, String> {
    let profiles = Profiles::shipped();
    let mut survey = Survey::new(machine(platform), &profiles);
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    while let Some(question) = survey.question() {
        match question {
            Question::Read { .. } => survey.answer(&Answer::File(Some(String::new()))),
            Question::Run(run) => {
                let profile = run.about.split([':', ' ']).next().unwrap_or_default().to_owned();
                *texts.entry(profile).or_default() += &format!("{}\n    {}\n", run.about, run.args[2..].join(" "));
                survey.answer(&answer(&run, &profiles));
            }
        }
    }
    texts
}

#[test]
fn each_card_is_asked_what_channels_will_ask_of_it() {
    let machines: [(&str, &[&str]); 3] = [
        ("linux-x86_64", &["cuda", "vaapi-intel", "vaapi-amd", "qsv", "amf", "vulkan"]),
        ("linux-aarch64", &["v4l2m2m", "rkmpp"]),
        ("macos-aarch64", &["videotoolbox"]),
    ];
    let asked: Vec<_> = machines.iter().map(|(platform, profiles)| (questions(platform), profiles)).collect();
    for (texts, profile) in asked.iter().flat_map(|(texts, profiles)| profiles.iter().map(move |id| (texts, *id))) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(profile).with_extension("args");
        let text = texts[profile].as_str();
        assert!(text.contains(" encode h264 8"), "{profile}: {text}");
        if std::env::var_os("EXSTREAMTV_UPDATE").is_some() {
            fs::write(&path, text).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert!(text == expected, "{}: EXSTREAMTV_UPDATE=1 writes it anew:\n{text}", path.display());
    }
}
