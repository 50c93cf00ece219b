//! Which sound is heard, and surround sound as it is heard in stereo.
//!
//! Does: ask for picks with a sidecar that names the original language; send one tone through each channel of a 5.1 recording, and measure with
//! FFmpeg how loud each of them is on each side of the stream.
//! Does not: measure the source; its tones have a level by their definition.
//! Invariant: the expected levels are computed here from ITU-R BS.775, never read from the host.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use exstreamtv_tests::{
    database::sqlite,
    patience::{LONG, wait_for},
    stage::Stage,
    viewer::Viewer,
};
use serde_json::{Value, json};

/// Each channel of the recording, its tone, and its factors in L and R before they are scaled so that full scale cannot clip. The tones are
/// far enough from each other for the filter that tells them apart.
const CHANNELS: [(&str, f64, f64, f64); 6] = [
    ("FL", 400.0, 1.0, 0.0),
    ("FR", 700.0, 0.0, 1.0),
    ("FC", 1_200.0, HALF_POWER, HALF_POWER),
    ("LFE", 100.0, 0.0, 0.0),
    ("BL", 2_000.0, HALF_POWER, 0.0),
    ("BR", 3_300.0, 0.0, HALF_POWER),
];

/// -3 dB.
const HALF_POWER: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// Amplitude of each tone.
const AMPLITUDE: f64 = 0.5;

/// Quieter than this is silence; the encoder and the filter leave traces.
const SILENCE_DB: f64 = -50.0;

/// Makes a recording with a tone in each channel.
fn record(file: &Path) {
    let tones: Vec<_> = CHANNELS.iter().map(|(_, hertz, ..)| format!("{AMPLITUDE}*sin(2*PI*{hertz}*t)")).collect();
    let sound = format!("aevalsrc=exprs={}:channel_layout=5.1:sample_rate=48000:duration=90", tones.join("|"));
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=c=gray:s=320x180:r=25:d=90", "-f", "lavfi", "-i"])
        .args([&sound, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac"])
        .arg(file)
        .status();
    assert!(status.unwrap().success(), "make {}", file.display());
}

/// Returns how loud a tone is on one side of a capture, in dB of full scale.
fn level_db(capture: &Path, side: usize, hertz: f64) -> f64 {
    let narrow = format!("bandpass=f={hertz}:width_type=h:w=20");
    let filters = format!(
        "pan=mono|c0=c{side},{narrow},{narrow},{narrow},atrim=start=2,astats=measure_perchannel=none:measure_overall=RMS_level"
    );
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-i"])
        .arg(capture)
        .args(["-vn", "-af", &filters, "-f", "null", "-"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let level = said.lines().find_map(|line| line.split_once("RMS level dB: ")).unwrap_or_else(|| panic!("{said}")).1;
    level.trim().parse().unwrap_or(f64::NEG_INFINITY)
}

#[test]
fn each_channel_of_surround_sound_is_heard_on_its_side_at_the_standards_level() {
    let stage = Stage::new();
    let folder = stage.media().join("Tones");
    fs::create_dir_all(&folder).unwrap();
    record(&folder.join("Tones.mkv"));
    let host = stage.setup().start();
    let channel = host.channel("Tones");
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(12.0);
    let capture = viewer.leave();

    let loudest: f64 = CHANNELS.iter().map(|(_, _, left, _)| left).sum();
    for (name, hertz, left, right) in CHANNELS {
        for (side, factor) in [left, right].into_iter().enumerate() {
            let heard_db = level_db(&capture.path, side, hertz);
            if factor == 0.0 {
                assert!(
                    heard_db < SILENCE_DB,
                    "{name} is heard at {heard_db} dB on side {side}, where it does not belong"
                );
            } else {
                // A tone's effective value is 3 dB below its peak.
                let expected_db = 20.0 * (AMPLITUDE * factor / loudest * HALF_POWER).log10();
                let off_db = heard_db - expected_db;
                assert!(
                    off_db.abs() < 0.5,
                    "{name} is heard at {heard_db} dB on side {side} instead of {expected_db:.2}"
                );
            }
        }
    }
    host.stop();
}

/// Makes a film with English sound, then Japanese, and a sidecar that says which of them is the original.
fn dub(folder: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=c=gray:s=320x180:r=25:d=20"])
        .args(["-f", "lavfi", "-i", "sine=400:d=20", "-map", "0", "-map", "1", "-map", "1", "-c:v", "libx264"])
        .args([
            "-preset",
            "ultrafast",
            "-c:a",
            "aac",
            "-metadata:s:a:0",
            "language=eng",
            "-metadata:s:a:1",
            "language=jpn",
        ])
        .arg(folder.join("Dub.mkv"))
        .status();
    assert!(status.unwrap().success());
    let sidecar = "<movie><title>Dub</title><originallanguage>ja</originallanguage></movie>";
    fs::write(folder.join("Dub.nfo"), sidecar).unwrap();
}

#[test]
fn a_channel_that_prefers_the_original_language_hears_the_one_that_the_sidecar_names() {
    let stage = Stage::new();
    let folder = stage.media().join("Films");
    fs::create_dir_all(&folder).unwrap();
    dub(&folder);
    let host = stage.setup().start();
    let channel = host.channel("Films");
    let (media, _) = host.files().into_iter().next().unwrap();
    for (original, heard) in [(false, 1), (true, 2)] {
        let body = json!({ "tracks": { "audio": { "languages": ["en"], "original_language": original } } });
        let url = host.at(&format!("/api/v1/channels/{}", channel.id));
        let answer = host.http.patch(url).header("content-type", "application/json").body(body.to_string()).send();
        assert!(answer.unwrap().status().is_success());
        let picks: Value = host.get(&format!("/api/v1/media/{media}/picks?channel={}", channel.id));
        assert_eq!(
            (&picks["original_language"], &picks["audio"]["chosen"]["absolute"]),
            (&json!("ja"), &json!(heard)),
            "{picks}"
        );
    }
    host.stop();
}

/// Makes two films of eight seconds with noise of this amplitude.
fn noisy(folder: &Path, amplitude: f64) {
    fs::create_dir_all(folder).unwrap();
    for name in ["One", "Two"] {
        let noise =
            format!("anoisesrc=color=pink:amplitude={amplitude}:seed=7:d=8:r=48000,aformat=channel_layouts=stereo");
        let status = Command::new("ffmpeg")
            .args([
                "-nostdin",
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "color=c=gray:s=320x180:r=25:d=8",
                "-f",
                "lavfi",
                "-i",
            ])
            .args([&noise, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac"])
            .arg(folder.join(format!("{name}.mkv")))
            .status();
        assert!(status.unwrap().success());
    }
}

/// Returns how loud the last `seconds` of a capture are, LUFS.
fn loudness(capture: &Path, seconds: u32) -> f64 {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-sseof", &format!("-{seconds}"), "-i"])
        .arg(capture)
        .args(["-vn", "-af", "ebur128=framelog=verbose", "-f", "null", "-"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary = said.rsplit_once("Summary:").unwrap_or_else(|| panic!("{said}")).1;
    let line = summary.lines().find_map(|line| line.trim().strip_prefix("I:")).unwrap_or_else(|| panic!("{said}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn loud_and_quiet_programmes_are_equally_loud_once_they_have_been_measured() {
    let stage = Stage::new();
    let channels = [("Loud", 0.5), ("Quiet", 0.02)];
    for (name, amplitude) in channels {
        noisy(&stage.media().join(name), amplitude);
    }
    let setup = stage.setup().set("loudness.enabled", true).set("loudness.target_lufs", -23.0);
    let database = setup.data().join("exstreamtv.db");
    let host = setup.start();
    let viewers = channels.map(|(name, _)| Viewer::tune(&host.at(&host.channel(name).ts())));
    wait_for("four sounds to be measured", LONG, || {
        (sqlite(&database, "SELECT count(*) FROM media_loudness") == ["4"]).then_some(())
    });
    // What was prepared before is played as it was; from the programme after the next on the gain is known.
    viewers.iter().for_each(|viewer| viewer.wait_for_more(26.0));
    for (viewer, (name, _)) in viewers.into_iter().zip(channels) {
        let lufs = loudness(&viewer.leave().path, 6);
        assert!((lufs + 23.0).abs() <= 1.0, "{name} is {lufs} LUFS");
    }
    host.stop();
}
