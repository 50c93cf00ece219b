//! Subtitles as WebVTT, with the real FFmpeg.

use std::{fs, path::Path};

use exstreamtv_worker_protocol::{Command, Report};

use crate::harness::{Worker, eventually, script};

fn extract(worker: &mut Worker, path: &Path, to: &Path) -> Result<(), String> {
    worker.send(&Command::Extract { ticket: 5, path: path.to_owned(), stream: 0, to: to.to_owned() });
    loop {
        if let Report::Extracted { ticket: 5, result } = worker.receive() {
            return result;
        }
    }
}

#[test]
fn a_subtitle_file_becomes_webvtt_whatever_it_is_written_in() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("it's 100%: a.srt"), folder.path().join("a.vtt"));
    let mut worker = Worker::ready();
    for word in [&b"J\xC3\xA4ger"[..], b"J\xE4ger"] {
        let text = [b"1\n00:00:01,500 --> 00:00:02,250\n", word, b"\n"].concat();
        fs::write(&from, text).unwrap();
        assert_eq!(extract(&mut worker, &from, &to), Ok(()));
        assert_eq!(fs::read_to_string(&to).unwrap().trim(), "WEBVTT\n\n00:01.500 --> 00:02.250\nJäger");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no draft is left behind");
}

#[test]
fn what_cannot_be_extracted_is_explained_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.srt");
    fs::write(&list, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n").unwrap();
    let to = folder.path().join("a.vtt");
    let mut worker = Worker::ready();
    assert!(extract(&mut worker, &folder.path().join("gone.srt"), &to).unwrap_err().contains("No such file"));
    // A list is no subtitle file, whatever it is called: there is nothing in it.
    if extract(&mut worker, &list, &to).is_ok() {
        assert_eq!(fs::read_to_string(&to).unwrap().trim(), "WEBVTT");
        fs::remove_file(&to).unwrap();
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn subtitles_without_end_are_refused() {
    let (tools, ffmpeg) = script(r#"for to; do :; done; head -c 9000000 /dev/zero > "${to#file:}""#);
    let to = tools.path().join("a.vtt");
    let reason = extract(&mut Worker::with_tools(&ffmpeg, "ffprobe"), Path::new("/a.srt"), &to).unwrap_err();
    assert!(reason.contains("8388608 bytes"), "{reason}");
    assert!(!to.exists() && !tools.path().join("a.part").exists());
}

#[test]
fn a_hanging_extraction_does_not_outlive_the_worker() {
    let (tools, ffmpeg) = script(r#"echo $$ > "$(dirname "$0")/pid"; exec sleep 1000"#);
    let mut worker = Worker::with_open_tools(&ffmpeg, "ffprobe");
    let to = tools.path().join("a.vtt");
    worker.send(&Command::Extract { ticket: 1, path: "/a.srt".into(), stream: 0, to });
    let pid_file = tools.path().join("pid");
    assert!(eventually(|| fs::read_to_string(&pid_file).is_ok_and(|pid| pid.ends_with('\n'))));
    let pid: i32 = fs::read_to_string(&pid_file).unwrap().trim().parse().unwrap();
    worker.send(&Command::Stop { grace_ms: 10_000 });
    assert!(worker.wait().success());
    assert!(eventually(|| !crate::harness::is_alive(pid)));
}
