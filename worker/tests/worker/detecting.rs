//! `exstreamtv-worker detect`, on machines that are not there and on this one.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use exstreamtv_hardware::{
    Capabilities, Detection, Reason, ReasonKind,
    profile::{OpKind, RateMode},
    report::table,
};

use crate::{
    harness::{eventually, is_alive},
    tree::{PC, Tree},
};

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// A detection with a stand-in for FFmpeg that answers from a corpus.
struct Machine<'t> {
    tree: &'t Tree,
    corpus: &'static str,
    ffmpeg: PathBuf,
    arguments: Vec<String>,
    log: PathBuf,
}

impl<'t> Machine<'t> {
    fn new(tree: &'t Tree, corpus: &'static str) -> Self {
        let log = tree.path().join("asked");
        Self { tree, corpus, ffmpeg: tests().join("replay.sh"), arguments: Vec::new(), log }
    }

    fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self
    }

    fn run(&self) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exstreamtv-worker"));
        command.args(["detect", "--json", "--ffmpeg"]).arg(&self.ffmpeg).arg("--root").arg(self.tree.path());
        command.args(&self.arguments).env("REPLAY_LOG", &self.log);
        command.env("REPLAY_CORPUS", tests().join("corpus").join(self.corpus)).output().unwrap()
    }

    fn detect(&self) -> Detection {
        let output = self.run();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("the corpus has no answer"), "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Returns how often FFmpeg was asked since the last time.
    fn asked(&self) -> usize {
        let asked = fs::read_to_string(&self.log).unwrap_or_default().lines().count();
        _ = fs::remove_file(&self.log);
        asked
    }
}

/// Compares what people are shown with a text that is kept; `EXSTREAMTV_UPDATE=1` writes it anew.
fn golden(name: &str, found: &Detection) {
    let path = tests().join("corpus").join(name).with_extension("expected.txt");
    let text = table(found, &[]);
    if std::env::var_os("EXSTREAMTV_UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{} is\n{expected}\nand should be\n{text}", path.display());
}

fn card<'d>(found: &'d Detection, id: &str) -> &'d Capabilities {
    found.card(id).unwrap_or_else(|| panic!("{id}: {}", table(found, &[])))
}

fn no_decoder<'d>(card: &'d Capabilities, codec: &str, depth: u8) -> &'d Reason {
    let known = card.decoders.iter().find(|known| known.codec == codec && known.depth == depth).unwrap();
    known.verdict.reason().unwrap_or_else(|| panic!("{codec} is decoded"))
}

fn no_encoder<'d>(card: &'d Capabilities, codec: &str, depth: u8) -> &'d Reason {
    let known = card.encoders.iter().find(|known| known.codec == codec && known.depth == depth).unwrap();
    known.verdict.reason().unwrap_or_else(|| panic!("{codec} is encoded"))
}

fn two_cards() -> Tree {
    let tree = Tree::new(PC);
    tree.nvidia(0, "0000:01:00.0", "NVIDIA GeForce RTX 3060", "550.54.14");
    tree.nvidia(1, "0000:02:00.0", "Quadro P2000", "550.54.14");
    tree
}

#[test]
fn nvidia_cards_are_told_apart_and_one_encodes_without_a_limit() {
    let tree = two_cards();
    let found = Machine::new(&tree, "rtx-nvenc").detect();
    let (geforce, quadro) = (card(&found, "cuda:0"), card(&found, "cuda:1"));
    assert_eq!(geforce.name.as_deref(), Some("NVIDIA GeForce RTX 3060"));
    assert_eq!((geforce.session_limits.get("nvenc"), quadro.session_limits.get("nvenc")), (Some(&8), None));
    assert!(geforce.encoder("h264", 8).is_some() && geforce.encoder("hevc", 10).is_some());
    assert!(geforce.decoder("av1", 10).is_some());
    let lie = no_decoder(quadro, "av1", 8);
    assert!(
        lie.kind == ReasonKind::Lie && lie.evidence.as_ref().unwrap().contains("Failed setup for format cuda"),
        "{lie:?}"
    );
    assert_eq!(no_encoder(geforce, "av1", 8).because, "this FFmpeg was built without the encoder av1_nvenc");
    assert_eq!(no_decoder(geforce, "vc1", 8).kind, ReasonKind::Untried);
    golden("rtx-nvenc", &found);
}

#[test]
fn a_card_may_decode_and_not_encode() {
    let tree = Tree::new(PC);
    tree.nvidia(0, "0000:05:00.0", "NVIDIA H100 80GB HBM3", "550.54.14");
    let found = Machine::new(&tree, "h100").detect();
    let h100 = card(&found, "cuda:0");
    assert!(h100.is_useful() && h100.decoder("hevc", 10).is_some() && h100.op(OpKind::Scale, 10).is_some());
    let reason = no_encoder(h100, "h264", 8);
    assert_eq!((reason.kind, reason.because.as_str()), (ReasonKind::Encoder, "the card has no encoder for this"));
    assert_eq!(
        reason.evidence.as_deref(),
        Some("[h264_nvenc] OpenEncodeSessionEx failed: unsupported device (2): (no details)")
    );
    golden("h100", &found);
}

#[test]
fn what_is_busy_now_is_asked_again_later() {
    let tree = Tree::new(PC);
    tree.nvidia(0, "0000:01:00.0", "NVIDIA GeForce RTX 3060", "550.54.14");
    let cache = tempfile::tempdir().unwrap();
    let machine = Machine::new(&tree, "rtx-busy").with(&["--cache", cache.path().to_str().unwrap()]);
    let found = machine.detect();
    assert_eq!(no_encoder(card(&found, "cuda:0"), "h264", 8).kind, ReasonKind::Session);
    assert!(machine.asked() > 5);
    machine.detect();
    assert!(machine.asked() > 5, "an answer that may pass is not kept");
}

#[test]
fn two_intel_cards_are_two_cards_under_two_profiles() {
    let tree = Tree::new(PC);
    tree.drm(128, "0x8086", "0x4680", "i915", "0000:00:02.0");
    tree.drm(129, "0x8086", "0x56a5", "i915", "0000:03:00.0");
    let found = Machine::new(&tree, "intel-ihd").detect();
    let ids = ["vaapi-intel", "qsv"]
        .map(|profile| ["128", "129"].map(|number| format!("{profile}:/dev/dri/renderD{number}")));
    assert!(ids.iter().flatten().all(|id| card(&found, id).is_useful()), "{ids:?}");
    let igpu = card(&found, "vaapi-intel:/dev/dri/renderD128");
    assert_eq!(igpu.driver.as_deref(), Some("Intel iHD driver for Intel(R) Gen Graphics - 23.1.1 ()"));
    assert_eq!(
        (igpu.facts.text("driver.version"), igpu.facts.text("device.kind")),
        (Some("23.1.1"), Some("integrated"))
    );
    let discrete = card(&found, "qsv:/dev/dri/renderD129");
    assert_eq!(discrete.facts.text("device.kind"), Some("discrete"));
    assert_eq!(igpu.encoder("h264", 8).map(|(_, rate)| rate), Some(RateMode::Vbr));
    assert_eq!(no_encoder(igpu, "mpeg2video", 8).kind, ReasonKind::Encoder);
    assert_eq!(no_decoder(igpu, "vp8", 8).kind, ReasonKind::Lie, "it fell back and said so in passing");
    let tonemap = igpu.ops.iter().find(|known| known.op == OpKind::Tonemap).unwrap();
    assert!(tonemap.verdict.reason().unwrap().because.len() > 5);
    golden("intel-ihd", &found);
}

#[test]
fn low_power_that_is_not_is_no_encoder() {
    let tree = Tree::new(PC);
    tree.drm(128, "0x8086", "0x4680", "i915", "0000:00:02.0");
    let found = Machine::new(&tree, "qsv-low-power").detect();
    let qsv = card(&found, "qsv:/dev/dri/renderD128");
    let reason = no_encoder(qsv, "hevc", 8);
    assert_eq!(reason.kind, ReasonKind::Lie);
    assert_eq!(reason.because, "the encoder was asked for its low power mode and silently used another one");
    assert!(reason.advice.as_ref().unwrap().contains("GuC/HuC"));
    assert!(qsv.decoder("hevc", 10).is_some(), "decoding is another matter");
    assert!(card(&found, "vaapi-intel").encoder("hevc", 8).is_some(), "and so is VAAPI");
}

#[test]
fn amd_decodes_what_it_is_seen_to_and_what_is_known_to_crash_is_not_tried() {
    let tree = Tree::new(PC);
    tree.drm(128, "0x1002", "0x67df", "amdgpu", "0000:0a:00.0");
    let known = Machine::new(&tree, "amd-mesa").detect();
    let tonemap = |found: &Detection| {
        let amd = card(found, "vaapi-amd").ops.iter().find(|known| known.op == OpKind::Tonemap);
        amd.unwrap().verdict.reason().unwrap().clone()
    };
    assert_eq!(
        (tonemap(&known).kind, tonemap(&known).because.as_str()),
        (ReasonKind::Quirk, "tone mapping with OpenCL can end FFmpeg")
    );
    golden("amd-mesa", &known);
    let switched_off =
        ["amd-opencl-tonemap", "amd-pad", "amd-polaris-10-bit"].map(|id| ["--disable-quirk", id]).concat();
    let found = Machine::new(&tree, "amd-mesa").with(&switched_off).detect();
    let pad = card(&found, "vaapi-amd").ops.iter().find(|known| known.op == OpKind::Pad).unwrap();
    assert_eq!(pad.verdict.reason().unwrap().because, "FFmpeg crashed in the driver");
    assert!(
        card(&known, "vaapi-amd").decoder("hevc", 10).is_none()
            && card(&found, "vaapi-amd").decoder("hevc", 10).is_some()
    );
    let amd = card(&found, "vaapi-amd:/dev/dri/renderD128");
    assert_eq!(amd.name.as_deref(), Some("AMD Radeon RX 480"));
    assert!(amd.driver.as_ref().unwrap().contains("polaris10"));
    assert!(amd.decoder("h264", 8).is_some() && amd.encoder("hevc", 8).is_some() && amd.encoder("hevc", 10).is_none());
    assert_eq!(no_decoder(amd, "vp9", 8).kind, ReasonKind::Lie);
    assert_eq!(card(&found, "amf:/dev/dri/renderD128").unusable.as_ref().unwrap().kind, ReasonKind::Build);
}

#[test]
fn a_raspberry_pi_4_codes_h264_and_a_5_does_not() {
    let tree = Tree::new("linux-aarch64");
    tree.board(&["raspberrypi,4-model-b", "brcm,bcm2711"]);
    for (number, name) in
        [(0, "USB Camera"), (10, "bcm2835-codec-decode"), (11, "bcm2835-codec-encode"), (12, "bcm2835-codec-isp")]
    {
        tree.video(number, name);
    }
    let found = Machine::new(&tree, "pi-4").detect();
    let pi = card(&found, "v4l2m2m");
    assert_eq!(
        (pi.name.as_deref(), pi.facts.text("device.node")),
        (Some("bcm2835-codec-encode"), Some("/dev/video11"))
    );
    assert!(pi.encoder("h264", 8).is_some() && pi.decoder("h264", 8).is_some());
    assert_eq!(no_decoder(pi, "vp8", 8).because, "no coder of this machine does that, or this user may not open it");
    golden("pi-4", &found);

    tree.board(&["raspberrypi,5-model-b", "brcm,bcm2712"]);
    let five = Machine::new(&tree, "pi-4").detect();
    let reason = card(&five, "v4l2m2m").unusable.as_ref().unwrap();
    assert_eq!(
        (reason.kind, reason.because.as_str()),
        (ReasonKind::NotHardware, "a Raspberry Pi 5 has no encoder, and decodes nothing but HEVC")
    );
}

#[test]
fn a_distributions_kernel_is_known_by_its_true_version() {
    let tree = Tree::new(PC);
    let kernel = || Machine::new(&tree, "debian-12").detect().kernel.unwrap();
    assert_eq!(kernel(), "6.1.0-28-amd64");
    tree.file("proc/version", "Linux version 6.1.0-28-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22)\n");
    assert_eq!(kernel(), "6.1.119");
    tree.file("proc/version_signature", "Ubuntu 6.8.0-49.49-generic 6.8.12\n");
    assert_eq!(kernel(), "6.8.12");
}

#[test]
fn a_camera_is_no_coder() {
    let tree = Tree::new("linux-aarch64");
    tree.video(0, "USB Camera: HD Webcam");
    let found = Machine::new(&tree, "debian-12").detect();
    let absent = found.absent.iter().find(|absent| absent.profile == "v4l2m2m").unwrap();
    assert_eq!(absent.reason.because, "there is no video coder (/dev/video*)");
}

#[test]
fn rockchip_is_seen_by_its_node_and_its_pictures() {
    let tree = Tree::new("linux-aarch64");
    tree.board(&["radxa,rock-5b", "rockchip,rk3588"]);
    tree.file("dev/mpp_service", "");
    tree.file("dev/rga", "");
    let found = Machine::new(&tree, "rk3588").detect();
    let chip = card(&found, "rkmpp");
    assert!(
        chip.decoder("h264", 10).is_some() && chip.decoder("av1", 10).is_some() && chip.encoder("hevc", 8).is_some()
    );
    assert_eq!(no_decoder(chip, "vp8", 8).kind, ReasonKind::Lie);
    golden("rk3588", &found);
}

#[test]
fn who_may_not_open_the_node_is_told_what_to_type() {
    let tree = Tree::new(PC);
    tree.drm(128, "0x8086", "0x4680", "i915", "0000:00:02.0");
    tree.owner("/dev/dri/renderD128", 104, "660");
    let machine = Machine::new(&tree, "intel-ihd");
    let found = machine.detect();
    let reason = card(&found, "vaapi-intel").unusable.as_ref().unwrap();
    assert_eq!(reason.kind, ReasonKind::Permission);
    assert_eq!(
        reason.to_string(),
        "the render node /dev/dri/renderD128 exists, but this user (exstreamtv) is not in group render; \
         usermod -aG render exstreamtv, then start the server again"
    );
    assert_eq!(machine.asked(), 5, "nobody tries to open it");
    // A group without a name here, as in containers; and one that he is in.
    tree.file("etc/group", "root:x:0:\n");
    let container = Machine::new(&tree, "intel-ihd").detect();
    assert!(card(&container, "vaapi-intel").unusable.as_ref().unwrap().to_string().contains("--group-add 104"));
    tree.file("stand-in", "platform linux-x86_64\nuser exstreamtv 998 998,104\nnode /dev/dri/renderD128 0 104 660\n");
    assert!(card(&Machine::new(&tree, "intel-ihd").detect(), "vaapi-intel").is_useful());
}

#[test]
fn videotoolbox_that_falls_back_in_silence_is_caught() {
    let tree = Tree::new("macos-aarch64");
    tree.file("proc/sys/kernel/osrelease", "23.6.0\n");
    let found = Machine::new(&tree, "mac-m1").detect();
    let mac = card(&found, "videotoolbox");
    assert!(mac.encoder("h264", 8).is_some() && mac.decoder("hevc", 10).is_some() && mac.decoder("vp9", 8).is_some());
    for (codec, depth) in [("mpeg2video", 8), ("av1", 8), ("h264", 10)] {
        assert_eq!(no_decoder(mac, codec, depth).kind, ReasonKind::Lie, "{codec}");
    }
    golden("mac-m1", &found);
}

#[test]
fn a_software_renderer_is_no_card() {
    let tree = Tree::new(PC);
    tree.drm(128, "0x1af4", "0x1050", "virtio-pci", "0000:00:02.0");
    let found = Machine::new(&tree, "llvmpipe").detect();
    let vulkan = card(&found, "vulkan:0");
    assert_eq!(vulkan.name.as_deref(), Some("llvmpipe (LLVM 15.0.6, 256 bits)"));
    assert_eq!(vulkan.unusable.as_ref().unwrap().kind, ReasonKind::NotHardware);
    let intel = found.absent.iter().find(|absent| absent.profile == "vaapi-intel").unwrap();
    assert!(intel.reason.because.contains("there is 0x1af4 (virtio-pci) at /dev/dri/renderD128"), "{intel:?}");
    golden("llvmpipe", &found);
}

#[test]
fn drivers_that_are_missing_are_named_in_the_words_that_were_recorded_here() {
    let tree = two_cards();
    tree.drm(128, "0x8086", "0x4680", "i915", "0000:00:02.0");
    let found = Machine::new(&tree, "debian-12").detect();
    let because = |id: &str| card(&found, id).unusable.as_ref().unwrap().because.clone();
    assert_eq!(because("cuda:0"), "the NVIDIA driver's library libcuda is not there");
    assert_eq!(because("vaapi-intel"), "no VAAPI driver can use the device");
    assert_eq!(because("qsv"), "no VAAPI driver can use the device");
    golden("debian-12", &found);
}

#[test]
fn a_driver_that_hangs_is_killed_with_all_that_it_started_and_one_that_crashes_takes_nobody_along() {
    let tree = Tree::new(PC);
    tree.drm(128, "0x8086", "0x4680", "i915", "0000:00:02.0");
    tree.drm(129, "0x8086", "0x56a5", "i915", "0000:03:00.0");
    let profiles = tempfile::tempdir().unwrap();
    let impatient = "schema = 1\nid = \"vaapi-intel\"\n[[probe]]\nkind = \"run\"\nid = \"open\"\ntimeout_ms = 300\n\
                     args = [\"-v\", \"verbose\", \"{init}\", \"-f\", \"lavfi\", \"-i\", \"nullsrc=s=256x256:d=0.1\", \"-f\", \"null\", \"-\"]\n";
    fs::write(profiles.path().join("mine.toml"), impatient).unwrap();
    let ghosts = || {
        let ours = |pid: &i32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains("sleep\u{0}600")
        };
        let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        all.filter(ours).filter(|pid| is_alive(*pid)).count()
    };
    let machine = Machine::new(&tree, "bad-drivers").with(&["--profiles", profiles.path().to_str().unwrap()]);
    let found = machine.detect();
    assert!(eventually(|| ghosts() == 0), "what hung is still there");
    let hung = card(&found, "vaapi-intel:/dev/dri/renderD128").unusable.as_ref().unwrap();
    assert_eq!(
        (hung.kind, hung.because.as_str()),
        (ReasonKind::TimedOut, "FFmpeg did not answer within 1 s and was killed")
    );
    let crashed = card(&found, "vaapi-intel:/dev/dri/renderD129").unusable.as_ref().unwrap();
    assert_eq!(crashed.because, "FFmpeg crashed in the driver");
    assert!(card(&found, "software").is_useful());
}

#[test]
fn answers_are_kept_until_something_changes() {
    let tree = two_cards();
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().to_str().unwrap();
    let profiles = tempfile::tempdir().unwrap();
    let usual = ["--cache", folder, "--profiles", profiles.path().to_str().unwrap()];
    let ffmpeg = cache.path().join("ffmpeg");
    fs::copy(tests().join("replay.sh"), &ffmpeg).unwrap();
    let machine = |more: &[&str]| {
        Machine { ffmpeg: ffmpeg.clone(), ..Machine::new(&tree, "debian-12") }.with(&[&usual, more].concat())
    };
    let first = machine(&[]).detect();
    assert!(machine(&[]).asked() > 5);
    assert_eq!(machine(&[]).detect(), first);
    assert_eq!(machine(&[]).asked(), 0, "nothing has changed");
    machine(&["--refresh"]).detect();
    assert!(machine(&[]).asked() > 5, "somebody wants it anew");

    tree.file("proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  590.44.01  Thu\n");
    assert_eq!(card(&machine(&[]).detect(), "cuda:0").session_limits["nvenc"], 12, "another driver");
    assert!(machine(&[]).asked() > 5);
    tree.file("proc/sys/kernel/osrelease", "6.12.1\n");
    assert_eq!(machine(&[]).detect().kernel.as_deref(), Some("6.12.1"));
    assert!(machine(&[]).asked() > 5, "another kernel");
    tree.nvidia(2, "0000:03:00.0", "Tesla T4", "590.44.01");
    machine(&[]).detect();
    assert!(machine(&[]).asked() > 5, "another card");
    fs::write(profiles.path().join("cuda.toml"), "schema = 1\nid = \"cuda\"\nrank = 5\n").unwrap();
    machine(&[]).detect();
    assert!(machine(&[]).asked() > 5, "another profile");
    fs::write(&ffmpeg, fs::read_to_string(&ffmpeg).unwrap() + "# newer\n").unwrap();
    machine(&[]).detect();
    assert!(machine(&[]).asked() > 5, "another FFmpeg");
    fs::write(cache.path().join("detection.json"), "{").unwrap();
    machine(&[]).detect();
    assert!(machine(&[]).asked() > 5, "what is damaged is no answer");
}

#[test]
fn a_profile_with_a_mistake_is_named_and_nothing_is_run() {
    let tree = Tree::new(PC);
    let profiles = tempfile::tempdir().unwrap();
    fs::write(profiles.path().join("mine.toml"), "schema = 1\nid = \"cuda\"\n[[op]]\nop = \"scale\"\nfilter = \"scale_cuda\"\ndepth = [8]\nexpr = \"scale_cuda={x}\"\n").unwrap();
    let machine = Machine::new(&tree, "debian-12").with(&["--profiles", profiles.path().to_str().unwrap()]);
    let output = machine.run();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78));
    assert!(said.contains("mine.toml, line 7, op[0].expr: {x} has no value here"), "{said}");
    assert_eq!(machine.asked(), 0);
}

#[test]
fn this_machines_ffmpeg_makes_and_decodes_every_clip_of_a_card_that_is_none() {
    // Software decoders and an encoder in the place of a card: all that is real but the card.
    let tree = Tree::new(PC);
    tree.drm(128, "0x5151", "0x0001", "nothing", "0000:09:00.0");
    let profiles = tempfile::tempdir().unwrap();
    let profile = r#"
schema = 1
id = "pretender"
title = "A card that is none"
inherits = "common"
platforms = ["linux"]
rank = 99
[device]
enumerate = "drm"
match = [{ field = "device.vendor", op = "eq", value = "0x5151" }]
[build]
need = { encoders = ["libx264"] }
[[probe]]
kind = "run"
id = "open"
args = ["-v", "verbose", "-f", "lavfi", "-i", "nullsrc=s=256x256:d=0.1", "-f", "null", "-"]
expect = { frames = 2 }
[smoke]
size = [320, 180]
decode = { has = ["Format yuv420p chosen by get_format"] }
[[decode]]
codecs = ["h264", "hevc", "mpeg2video", "mpeg4", "vp8", "vp9"]
depth = [8]
yields = "system"
[[decode]]
codecs = ["hevc"]
depth = [10]
yields = "system"
[[encode]]
codec = "h264"
encoder = "libx264"
depth = [8]
on = "system"
input_format = "yuv420p"
args = ["-preset", "ultrafast", "-g", "{gop}"]
rate = { cbr = ["-no-such-option", "1"], vbr = ["-b:v", "{bitrate}", "-maxrate", "{maxrate}", "-bufsize", "{bufsize}"] }
rate_prefer = ["cbr", "vbr"]
"#;
    fs::write(profiles.path().join("pretender.toml"), profile).unwrap();
    let machine = Machine::new(&tree, "debian-12").with(&["--profiles", profiles.path().to_str().unwrap()]);
    let found = Machine { ffmpeg: "ffmpeg".into(), ..machine }.detect();
    let pretender = card(&found, "pretender:/dev/dri/renderD128");
    assert_eq!(pretender.unusable, None);
    assert_eq!(pretender.encoder("h264", 8), Some((0, RateMode::Vbr)), "the first rate is none");
    assert!(pretender.decoder("h264", 8).is_some(), "{pretender:?}");
    // Ten bits are another format: the evidence is missing, and exit code and pictures do not stand in for it.
    assert_eq!(no_decoder(pretender, "hevc", 10).kind, ReasonKind::Lie);
    let untried = pretender
        .decoders
        .iter()
        .filter(|known| known.verdict.reason().is_some_and(|reason| reason.kind == ReasonKind::Untried));
    assert_eq!(untried.count(), 0, "every clip could be made: {pretender:?}");
}

#[test]
fn a_real_card_decodes_and_encodes_where_there_is_one() {
    // The value is the card's id ("vaapi-intel:/dev/dri/renderD128") or empty for the first one under the profile.
    let profiles = [
        ("EXSTREAMTV_TEST_CUDA", "cuda"),
        ("EXSTREAMTV_TEST_VAAPI", "vaapi-intel"),
        ("EXSTREAMTV_TEST_QSV", "qsv"),
        ("EXSTREAMTV_TEST_VIDEOTOOLBOX", "videotoolbox"),
        ("EXSTREAMTV_TEST_V4L2M2M", "v4l2m2m"),
        ("EXSTREAMTV_TEST_RKMPP", "rkmpp"),
    ];
    for (variable, profile) in profiles {
        let Ok(id) = std::env::var(variable) else { continue };
        let output = Command::new(env!("CARGO_BIN_EXE_exstreamtv-worker")).args(["detect", "--json"]).output().unwrap();
        let found: Detection = serde_json::from_slice(&output.stdout).unwrap();
        let card = card(&found, if id.is_empty() { profile } else { &id });
        assert!(card.decoder("h264", 8).is_some() && card.encoder("h264", 8).is_some(), "{}", table(&found, &[]));
    }
}

#[test]
fn this_machine_answers_soon_and_every_profile_has_a_reason() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_exstreamtv-worker"));
    let output = command.args(["detect", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Detection = serde_json::from_slice(&output.stdout).unwrap();
    assert!(card(&found, "software").encoder("h264", 8).is_some());
    for absent in &found.absent {
        assert!(!absent.reason.because.is_empty());
    }
    let seen = found.cards.len() + found.absent.len();
    assert!(seen >= 10, "every profile is a card's or absent: {seen}");
}
