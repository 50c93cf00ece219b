//! The real FFmpeg knows every option and every filter's option that the profiles would give it, card or no card; and software does what its profile says.
//!
//! Does: let the survey ask about cards that are not there, and give each question to this machine's FFmpeg without the card.
//! Does not: expect anything but understanding; without a card everything fails later.

use std::process::Command;

use exstreamtv_hardware::{
    Facts, Placeholder, Profiles, Template,
    detect::{Access, Answer, Found, Node, Question, Run, Survey, System, frames_encoded},
    profile::{Enumerate, OpKind},
    template::Values,
};

use crate::tree::PC;

/// How FFmpeg complains about what it does not understand.
const COMPLAINTS: [&str; 9] = [
    "Unrecognized option",
    "Option not found",
    "' not found",
    "Error setting option",
    "Unable to parse option value",
    "Undefined constant or missing",
    "has not been used for any stream",
    "Error parsing options",
    "is not a encoding option",
];

fn found(enumerate: Enumerate, device: &str, vendor: &str) -> Found {
    let mut facts = Facts::default();
    facts.set("device.vendor", vendor);
    let node = Node { path: "/dev/null".to_owned(), access: Access::Open };
    Found { enumerate, device: device.to_owned(), nodes: vec![node], facts }
}

fn every_card(platform: &str) -> System {
    let on_a_pc = || {
        vec![
            found(Enumerate::Nvidia, "0", "0x10de"),
            found(Enumerate::Drm, "/dev/dri/renderD128", "0x8086"),
            found(Enumerate::Drm, "/dev/dri/renderD129", "0x1002"),
            found(Enumerate::Vulkan, "0", ""),
        ]
    };
    let devices = if platform == PC { on_a_pc() } else { vec![found(Enumerate::V4l2, "", "")] };
    System {
        platform: platform.to_owned(),
        kernel: Some("6.12".to_owned()),
        user: "us".to_owned(),
        disabled_quirks: vec![],
        devices,
    }
}

/// Without what opens a card: FFmpeg reads options before it opens anything, but stops at a device that is not there.
fn without_the_card(run: &Run) -> Vec<String> {
    let mut rest = Vec::new();
    let mut args = run.args.iter().cloned();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // An encoder takes pictures from system memory as well (VAAPI's do not), and only one that is opened reads its options' values.
            "-vf" if run.about.contains(" encode ") => _ = args.next(),
            "-init_hw_device" | "-filter_hw_device" | "-hwaccel" | "-hwaccel_device" | "-hwaccel_output_format" => {
                _ = args.next();
            }
            _ => rest.push(arg),
        }
    }
    rest
}

#[test]
fn ffmpeg_understands_what_the_profiles_would_tell_it() {
    let ffmpeg = |args: &[String]| Command::new("ffmpeg").args(args).output().unwrap();
    let mut looked_at = 0;
    let mut complaints = Vec::new();
    for platform in [PC, "linux-aarch64"] {
        let mut survey = Survey::new(every_card(platform), &Profiles::shipped());
        while let Some(question) = survey.question() {
            let Question::Run(run) = question else {
                survey.answer(&Answer::File(None));
                continue;
            };
            let is_list = run.args.len() <= 3;
            // A decoder's chain is made of what was tried before, and needs a clip.
            if run.clip.is_some() {
                survey.answer(&Answer::Ran { exit: Some(0), stdout: String::new(), stderr: everything() });
                continue;
            }
            let output = ffmpeg(&without_the_card(&run));
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if is_list {
                let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
                survey.answer(&Answer::Ran { exit: Some(0), stdout, stderr: said });
                continue;
            }
            looked_at += 1;
            let complaint = said.lines().find(|line| COMPLAINTS.iter().any(|complaint| line.contains(complaint)));
            complaints.extend(complaint.map(|line| format!("{}: {line}", run.about)));
            // On to the next question: this machine has no card, so its answer would end the ladder.
            survey.answer(&Answer::Ran { exit: Some(0), stdout: String::new(), stderr: everything() });
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(looked_at > 30, "{looked_at}");
}

/// All evidence that any profile wants to see.
fn everything() -> String {
    let chosen =
        ["cuda", "vaapi", "qsv", "vulkan"].map(|name| format!("Format {name} chosen by get_format().\n")).concat();
    format!(
        "{chosen}Using device /dev/video11\nGPU #0 - < NVIDIA GeForce RTX 5080 > has Compute SM 12.0 ]\n10 frames encoded;\n"
    )
}

/// What is filled in when software is tried.
fn values() -> Values {
    let pairs = [
        (Placeholder::W, "320"),
        (Placeholder::H, "180"),
        (Placeholder::X, "0"),
        (Placeholder::Y, "0"),
        (Placeholder::Fmt, "yuv420p"),
        (Placeholder::Alg, "hable"),
        (Placeholder::Bitrate, "500000"),
        (Placeholder::Maxrate, "750000"),
        (Placeholder::Bufsize, "1000000"),
        (Placeholder::Gop, "50"),
        (Placeholder::Fps, "25"),
        (Placeholder::Level, "4.0"),
    ];
    pairs.into_iter().fold(Values::default(), |values, (place, value)| values.with(place, value))
}

#[test]
fn software_does_what_its_profile_says() {
    let profiles = Profiles::shipped();
    let software = profiles.get("software").unwrap();
    let ten = |args: &[String]| {
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-nostdin", "-v", "verbose", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25"]);
        let output = command.args(args).args(["-frames:v", "10", "-f", "null", "-"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && frames_encoded(&said) == 10, "{args:?}: {said}");
    };
    for op in &software.ops {
        let expr = op.expr.fill(&values()).unwrap();
        for depth in &op.depth {
            let before = if *depth == 10 { "format=yuv420p10le" } else { "format=yuv420p" };
            match op.op {
                OpKind::Overlay => {
                    let graph =
                        format!("[0:v]{before}[a];color=c=red@0.5:s=32x32:r=25,format=yuva420p[b];[a][b]{expr}");
                    ten(&["-filter_complex".to_owned(), graph]);
                }
                OpKind::Tonemap => {
                    let hdr = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv";
                    ten(&["-vf".to_owned(), format!("{before},{hdr},{expr}")]);
                }
                _ => ten(&["-vf".to_owned(), format!("{before},{expr}")]),
            }
        }
    }
    for encode in &software.encoders {
        let mut args =
            vec!["-pix_fmt".to_owned(), encode.input_format.clone(), "-c:v".to_owned(), encode.encoder.clone()];
        args.extend(Template::fill_all(&encode.args, &values()).unwrap());
        args.extend(Template::fill_all(&encode.rate[&encode.rate_prefer[0]], &values()).unwrap());
        ten(&args);
    }
}
