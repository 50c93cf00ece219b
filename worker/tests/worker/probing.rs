//! Questions about files.

use std::{collections::BTreeSet, fs, path::Path};

use exstreamtv_worker_protocol::{Command, FfmpegFault, Report};

use crate::harness::{Worker, clip, eventually, script};

#[test]
fn a_probe_is_ffprobes_json() {
    let (_folder, path) = clip(1);
    let answer = Worker::ready().probe(&path).unwrap();
    let json: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(json["streams"].as_array().unwrap().len(), 2);
    assert_eq!(json["streams"][0]["codec_name"], "h264");
    assert!(json["format"]["duration"].is_string() && json["chapters"].is_array());
}

#[test]
fn what_cannot_be_probed_is_explained_in_plain_words() {
    let (folder, path) = clip(1);
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let whole = fs::read(&path).unwrap();
    let cases = [
        (file("empty.mp4", b""), "empty"),
        (file("cut.mp4", &whole[..whole.len() / 2]), "incomplete"),
        (file("letter.dat", b"this is a letter, not a film"), "no media file"),
        (file("long.dat", &b"this is a long letter, not a film. ".repeat(1000)), "no media file"),
        (file("letter.mkv", b"this is a letter, not a film"), "damaged"),
        (folder.path().join("gone.mp4"), "not there"),
        (folder.path().to_owned(), "folder"),
    ];
    let mut worker = Worker::ready();
    for (path, words) in cases {
        let reason = worker.probe(&path).unwrap_err();
        assert!(reason.contains(words), "{}: {reason}", path.display());
    }
}

#[test]
fn a_playlist_is_not_followed_to_other_files() {
    let (folder, _) = clip(1);
    let list = folder.path().join("list.m3u8");
    fs::write(&list, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n")
        .unwrap();
    assert!(Worker::ready().probe(&list).is_err());
}

#[test]
fn many_questions_are_answered_two_at_a_time() {
    // Each instance says that it is there, and waits until the test lets all of them go.
    let (tools, ffprobe) =
        script(r#"cd "$(dirname "$0")"; : > "here.$$"; while [ ! -e go ]; do sleep 0.02; done; echo '{}'"#);
    let mut worker = Worker::with_open_tools("ffmpeg", ffprobe);
    for ticket in 0..20 {
        worker.send(&Command::Probe { ticket, path: "/a".into() });
    }
    let here = || fs::read_dir(tools.path()).unwrap().filter(|file| file_begins(file, "here.")).count();
    assert!(eventually(|| here() == 2));
    assert_eq!(worker.children().len(), 2, "the third waits");
    fs::write(tools.path().join("go"), "").unwrap();
    let mut answered = BTreeSet::new();
    while answered.len() < 20 {
        let Report::Probed { ticket, result } = worker.receive() else { continue };
        assert_eq!(result.unwrap().trim(), "{}");
        assert!(answered.insert(ticket), "one answer each");
    }
    assert!(worker.children().is_empty());
}

fn file_begins(file: &std::io::Result<fs::DirEntry>, with: &str) -> bool {
    file.as_ref().unwrap().file_name().to_string_lossy().starts_with(with)
}

#[test]
fn an_endless_answer_is_cut_off() {
    let (_tools, ffprobe) = script("yes");
    let reason = Worker::with_tools("ffmpeg", ffprobe).probe(Path::new("/a")).unwrap_err();
    assert!(reason.contains("more than 4194304 bytes"), "{reason}");
}

#[test]
fn a_hanging_probe_does_not_keep_the_worker() {
    let (tools, ffprobe) = script(r#"echo $$ > "$(dirname "$0")/pid"; exec sleep 1000"#);
    let mut worker = Worker::with_open_tools("ffmpeg", ffprobe);
    worker.send(&Command::Probe { ticket: 1, path: "/a".into() });
    let pid_file = tools.path().join("pid");
    assert!(eventually(|| fs::read_to_string(&pid_file).is_ok_and(|pid| pid.ends_with('\n'))));
    let pid: i32 = fs::read_to_string(&pid_file).unwrap().trim().parse().unwrap();
    worker.send(&Command::Stop { grace_ms: 10_000 });
    assert!(worker.wait().success());
    assert!(eventually(|| !crate::harness::is_alive(pid)));
}

#[test]
fn tools_that_cannot_be_used_are_named() {
    let identify = |ffmpeg: &Path| {
        let mut worker = Worker::with_tools(ffmpeg, "ffprobe");
        worker.send(&Command::Identify);
        match worker.receive() {
            Report::Identified { ffmpeg } => ffmpeg.unwrap_err(),
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(identify(Path::new("/nowhere/ffmpeg")), FfmpegFault::Missing { tool, .. } if tool == "ffmpeg"));
    let (_old, path) = script("echo 'ffmpeg version 4.4.2 Copyright'");
    assert_eq!(identify(&path), FfmpegFault::TooOld { version: "4.4.2".to_owned() });
    let (_poor, path) = script("echo 'ffmpeg version 6.0 Copyright'");
    assert!(matches!(identify(&path), FfmpegFault::Lacks { what, .. } if what == "encoder libx264"));
    let (_other, path) = script("echo hello");
    let said = format!("{}, asked for its version it said \"hello\"", path.display());
    assert_eq!(identify(&path), FfmpegFault::Unintelligible { message: said });
    let (_broken, path) = script("echo cannot load libx264.so >&2; exit 127");
    assert!(matches!(identify(&path), FfmpegFault::Unintelligible { message } if message.contains("cannot load")));
}
