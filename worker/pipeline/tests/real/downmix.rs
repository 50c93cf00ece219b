//! A downmix lands at the stated levels, never clips, and survives a recording that changes its channels.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use exstreamtv_model::{
    FrameRate, PlayOrder,
    media::{AudioStream, StreamKind},
    order::Source,
    pick::{Downmix, DownmixGain, DownmixRow},
};

use crate::harness::{Run, film, make};

/// The factors of ITU-R BS.775, divided by their sum.
const FRONT: f64 = 0.414_214;
const OTHER: f64 = 0.292_893;

fn to_stereo() -> Downmix {
    let row = |channel: &str, surround: &str| DownmixRow {
        channel: channel.to_owned(),
        gains: [(channel, FRONT), ("FC", OTHER), (surround, OTHER)]
            .map(|(from, gain)| DownmixGain { from: from.to_owned(), gain })
            .into(),
    };
    Downmix { from: "5.1".to_owned(), to: "stereo".to_owned(), rows: vec![row("FL", "BL"), row("FR", "BR")] }
}

fn mixed(path: &Path, downmix: Downmix, frames: u32) -> PlayOrder {
    let mut order = film(path, vec![], frames);
    if let Source::File { probe, downmix: mix, video, .. } = &mut order.source {
        let sound = AudioStream { channels: 6, layout: Some("5.1".to_owned()), sample_rate_hz: 48_000 };
        probe.streams[1].kind = StreamKind::Audio(sound);
        *mix = Some(downmix);
        *video = None;
    }
    order
}

/// Writes two seconds of 5.1 in which each channel is a factor of one tone.
fn tones(folder: &Path, factors: [f64; 6]) -> PathBuf {
    let channels: Vec<String> = factors.iter().enumerate().map(|(at, factor)| format!("c{at}={factor}*c0")).collect();
    let sine = "-f lavfi -i color=s=16x16:r=25:d=2 -f lavfi -i aevalsrc=sin(2*PI*1000*t):s=48000:d=2";
    let arguments = format!("{sine} -filter:a pan=5.1|{} -c:v libx264 -c:a pcm_f32le", channels.join("|"));
    make(folder, "tones.mkv", &arguments)
}

/// Peak and mean level of one channel between two times, dB below full scale.
struct Level {
    peak_db: f64,
    rms_db: f64,
}

fn levels(run: &Run, from_s: &str) -> Vec<Level> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-hide_banner", "-nostats", "-i"]).arg(run.path());
    let filter = format!("atrim=start={from_s},atrim=duration=1,astats=measure_overall=none");
    let output = ffmpeg.args(["-vn", "-af", &filter, "-f", "null", "-"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let all = |name: &str| -> Vec<f64> {
        let values = text.lines().filter_map(|line| line.split_once(name));
        values.map(|(_, value)| value.trim().parse().unwrap_or(f64::NEG_INFINITY)).collect()
    };
    let pairs = all("Peak level dB:").into_iter().zip(all("RMS level dB:"));
    pairs.map(|(peak_db, rms_db)| Level { peak_db, rms_db }).collect()
}

#[test]
fn each_channel_lands_in_stereo_at_its_stated_level() {
    let folder = tempfile::tempdir().unwrap();
    // What a sine at full scale has.
    let full_rms_db = -3.01;
    let silent = f64::NEG_INFINITY;
    for (channel, left, right) in
        [(0, FRONT, 0.0), (1, 0.0, FRONT), (2, OTHER, OTHER), (3, 0.0, 0.0), (4, OTHER, 0.0), (5, 0.0, OTHER)]
    {
        let mut factors = [0.0; 6];
        factors[channel] = 1.0;
        let path = tones(folder.path(), factors);
        let found = levels(&Run::of(&mixed(&path, to_stereo(), 45)), "0.4");
        assert_eq!(found.len(), 2);
        for (level, gain) in found.iter().zip([left, right]) {
            let expected = if gain > 0.0 { full_rms_db + 20.0 * gain.log10() } else { silent };
            let right = if gain > 0.0 { (level.rms_db - expected).abs() < 0.2 } else { level.rms_db < -70.0 };
            assert!(right, "channel {channel}: {} dB, not {expected}", level.rms_db);
        }
    }
}

#[test]
fn full_scale_in_all_channels_does_not_clip() {
    let folder = tempfile::tempdir().unwrap();
    let path = tones(folder.path(), [1.0; 6]);
    for level in levels(&Run::of(&mixed(&path, to_stereo(), 45)), "0.4") {
        // A lossy encoder's own ripple is a tenth of a decibel, and FFmpeg's takes half a decibel off what is at full scale.
        assert!(level.peak_db < 0.1, "{} dB", level.peak_db);
        assert!((-3.6..-2.9).contains(&level.rms_db), "{} dB: a clipped sine is louder", level.rms_db);
    }
}

fn from_mono() -> Downmix {
    let row = |channel: &str| DownmixRow {
        channel: channel.to_owned(),
        gains: vec![DownmixGain { from: "FC".to_owned(), gain: 1.0 }],
    };
    Downmix { from: "mono".to_owned(), to: "stereo".to_owned(), rows: vec![row("FL"), row("FR")] }
}

#[test]
fn a_recording_that_changes_its_channels_keeps_its_level() {
    let folder = tempfile::tempdir().unwrap();
    let part = |layout: &str, offset: u32| {
        let tone = "-f lavfi -i color=s=16x16:r=25:d=2 -f lavfi -i aevalsrc=0.5*sin(2*PI*1000*t):s=48000:d=2";
        let rest = "-c:v mpeg2video -c:a ac3 -b:a 448k";
        let path = make(
            folder.path(),
            "part.ts",
            &format!("{tone} -filter:a pan={layout} {rest} -output_ts_offset {offset} -muxdelay 0"),
        );
        std::fs::read(path).unwrap()
    };
    let (surround, stereo, mono) = ("5.1|FL=c0|FR=c0|FC=c0|BL=c0|BR=c0", "stereo|FL=c0|FR=c0", "mono|c0=c0");
    for (downmix, layouts) in [(to_stereo(), [surround, stereo, mono]), (from_mono(), [mono, stereo, surround])] {
        let parts: Vec<_> = (0..).zip(layouts).map(|(at, layout)| part(layout, at * 2)).collect();
        let all = folder.path().join("all.ts");
        std::fs::write(&all, parts.concat()).unwrap();
        let run = Run::of(&mixed(&all, downmix, 145));
        for from_s in ["0.5", "2.5", "4.5"] {
            for level in levels(&run, from_s) {
                assert!((level.rms_db + 9.03).abs() < 0.3, "{layouts:?} from {from_s} s: {} dB", level.rms_db);
            }
        }
    }
}

#[test]
fn rows_that_leave_room_keep_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = tones(folder.path(), [1.0; 6]);
    let mut quiet = to_stereo();
    quiet.rows.iter_mut().flat_map(|row| &mut row.gains).for_each(|gain| gain.gain /= 2.0);
    let order = mixed(&path, quiet, 45);
    assert_eq!(order.profile.frame_rate, FrameRate::new(25, 1));
    for level in levels(&Run::of(&order), "0.4") {
        assert!((level.rms_db + 9.03).abs() < 0.2, "{} dB", level.rms_db);
    }
}
