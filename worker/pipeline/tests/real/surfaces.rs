//! Chains on a surface, by a driver that is software: Vulkan on llvmpipe moves and scales pictures as a card would, as far as FFmpeg is concerned.
//!
//! Does: take the chain that a plan has for the Vulkan family and run it, with a download and a processor's encoder where the card's encoder would be.
//! Does not: run where no Vulkan driver opens; it says so.

use std::{path::Path, process::Command};

use exstreamtv_hardware::{Capabilities, Facts, Profiles, Reason, ReasonKind, Verdict, profile::Rung};
use exstreamtv_model::{FrameRate, order::CardUse};
use exstreamtv_pipeline::{Cards, filter::written, plan_on};

use crate::harness::{EVERYTHING, make, play, small, video};

fn opens() -> bool {
    let answer = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-init_hw_device", "vulkan=vk", "-filter_hw_device", "vk"])
        .args([
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=64x64:d=0.1",
            "-vf",
            "format=nv12,hwupload,scale_vulkan=w=32:h=32,hwdownload,format=nv12",
        ])
        .args(["-f", "null", "-"])
        .output();
    answer.is_ok_and(|answer| answer.status.success())
}

/// A card that scales and encodes, and does nothing else.
fn scaler() -> Capabilities {
    let profiles = Profiles::shipped();
    let vulkan = profiles.get("vulkan").unwrap();
    let mut facts = Facts::default();
    facts.set("ffmpeg.version", "8.0");
    facts.set("platform", "linux-x86_64");
    let mut can = Capabilities::promised(vulkan, "0", facts);
    let no = || Verdict::No { reason: Reason::new(ReasonKind::Untried, "it is not tried here") };
    can.decoders.iter_mut().for_each(|known| known.verdict = no());
    let scales = |op: &exstreamtv_hardware::profile::OpKind| op.name() == "scale";
    can.ops.iter_mut().filter(|known| !scales(&known.op)).for_each(|known| known.verdict = no());
    can
}

#[test]
fn a_chain_through_a_surface_gives_the_pictures_that_were_ordered() {
    if !opens() {
        println!("skipped: no Vulkan driver opens here (apt-get install mesa-vulkan-drivers)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let film = make(
        folder.path(),
        "film.mkv",
        "-f lavfi -i testsrc2=s=640x360:r=25:d=2 -f lavfi -i sine=d=2 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -colorspace bt709 -c:a flac",
    );
    let mut source = video(640, 360, FrameRate::new(25, 1));
    source.color.space = Some("bt709".to_owned());
    let mut order = play(&film, source, small(FrameRate::new(25, 1)), 25);
    let can = scaler();
    order.card = Some(CardUse { id: can.id.clone(), rung: Rung::Hw });
    let made = plan_on(&order, EVERYTHING, &Cards::new(&Profiles::shipped(), vec![can], &[]));
    let chain = written(&made.video.filters);
    assert!(chain.contains("hwupload") && chain.contains("scale_vulkan"), "{chain}");
    assert!(made.card.as_ref().unwrap().encoder.is_some(), "the pictures stay on the card");
    let out = folder.path().join("out.mkv");
    run(&made.card.unwrap().init, &film, &format!("{chain},hwdownload,format=nv12"), &out);
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-show_entries", "stream=width,height,nb_read_frames", "-of", "csv=p=0"])
        .arg(&out)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said.trim().trim_end_matches(','), "320,180,50", "{chain}");
}

fn run(init: &[String], film: &Path, chain: &str, out: &Path) {
    // The index that a profile gives to Vulkan counts cards; the driver that is software may be another one.
    let init = init.iter().map(|word| word.split(':').next().unwrap_or_default().to_owned());
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin"])
        .args(init)
        .arg("-i")
        .arg(film)
        .args(["-an", "-vf", chain, "-c:v", "libx264", "-preset", "ultrafast"])
        .arg(out)
        .output()
        .unwrap();
    assert!(output.status.success(), "{chain}: {}", String::from_utf8_lossy(&output.stderr));
}
