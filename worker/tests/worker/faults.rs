//! FFmpeg misbehaves, or the host does.

use std::{io::Read, path::Path};

use exstreamtv_model::{
    RunId,
    health::{LogLevel, RunEnd},
    order::{BurnIn, Source},
};
use exstreamtv_worker_protocol::{Command, Report};
use nix::sys::signal::Signal;

use crate::harness::{Worker, clip, eventually, is_alive, order, script};

fn with_script(body: &str) -> (tempfile::TempDir, Worker) {
    let (folder, path) = script(body);
    let worker = Worker::with_open_tools(path, "ffprobe");
    (folder, worker)
}

#[test]
fn an_ffmpeg_that_is_not_there_is_not_started() {
    let mut worker = Worker::with_tools("/nowhere/ffmpeg", "ffprobe");
    worker.send(&Command::Play(Box::new(order(1, Path::new("/a"), 1))));
    let RunEnd::NotStarted { message } = worker.end_of(1) else { panic!("it cannot start") };
    assert!(message.contains("/nowhere/ffmpeg") && message.contains("No such file"), "{message}");
}

#[test]
fn a_relative_path_is_refused() {
    let mut worker = Worker::ready();
    worker.send(&Command::Play(Box::new(order(1, Path::new("clip.mp4"), 1))));
    assert!(matches!(worker.end_of(1), RunEnd::NotStarted { message } if message.contains("not absolute")));
}

#[test]
fn the_last_errors_of_an_ffmpeg_that_fails_are_its_message() {
    let (_folder, mut worker) = with_script("echo '[warning] hm' >&2; echo '[x @ 0x1] [error] no disk' >&2; exit 3");
    assert_eq!(worker.start(order(1, Path::new("/a"), 1)).read_all(), b"");
    assert_eq!(worker.end_of(1), RunEnd::Failed { code: 3, message: "x: no disk".to_owned() });
}

#[test]
fn a_missing_film_is_a_failure_with_its_reason() {
    let mut worker = Worker::ready();
    worker.start(order(1, Path::new("/nowhere/film.mp4"), 1));
    assert!(matches!(worker.end_of(1), RunEnd::Failed { message, .. } if message.contains("No such file")));
}

#[test]
fn subtitles_that_cannot_be_read_are_left_out_of_the_next_attempt() {
    let (folder, path) = clip(2);
    let bad = folder.path().join("it's, bad.srt");
    std::fs::write(&bad, "no subtitles at all").unwrap();
    let with = |run, beside: &Path| {
        let mut order = order(run, &path, 10);
        if let Source::File { subtitles, .. } = &mut order.source {
            *subtitles = Some(BurnIn::Sidecar { path: beside.to_owned() });
        }
        order
    };
    let mut worker = Worker::ready();
    for (run, beside) in [(1, bad.as_path()), (3, Path::new("/nowhere/gone.srt"))] {
        worker.start(with(run, beside));
        assert!(matches!(worker.end_of(run), RunEnd::Failed { .. }), "{}", beside.display());
        let mut again = worker.start(with(run + 1, beside));
        assert!(!again.read_all().is_empty());
        assert_eq!(worker.end_of(run + 1), RunEnd::Completed);
    }
    worker.send(&Command::Play(Box::new(with(5, Path::new("beside.srt")))));
    assert!(matches!(worker.end_of(5), RunEnd::NotStarted { message } if message.contains("not absolute")));
}

#[test]
fn a_signal_that_we_did_not_send_is_told_apart() {
    let (_folder, mut worker) = with_script("kill -SEGV $$");
    worker.start(order(1, Path::new("/a"), 1));
    assert_eq!(worker.end_of(1), RunEnd::Killed { signal: 11 });
}

#[test]
fn garbage_goes_through_untouched() {
    let (_folder, mut worker) =
        with_script(r"printf 'not\000a\377stream'; echo frame=garbage >&3; echo progress=end >&3");
    assert_eq!(worker.start(order(1, Path::new("/a"), 1)).read_all(), b"not\0a\xffstream");
    assert_eq!(worker.end_of(1), RunEnd::Completed);
}

#[test]
fn a_flood_of_words_stops_nothing() {
    let (_folder, mut worker) =
        with_script("yes '[error] flood' | head -n 200000 >&2; yes | head -c 300000 | tr -d '\\n' >&2; echo done");
    let mut run = worker.start(order(1, Path::new("/a"), 1));
    assert_eq!(run.read_all(), b"done\n");
    let mut lines = 0;
    let end = loop {
        match worker.receive() {
            Report::Log { line, .. } => {
                assert!(line.text.len() <= 1024);
                lines += 1;
            }
            Report::Ended { end, .. } => break end,
            _ => {}
        }
    };
    assert_eq!(end, RunEnd::Completed);
    assert!(lines < 2_000, "{lines} lines of 200,001 went through");
}

#[test]
fn a_host_that_does_not_read_loses_words_and_never_an_end() {
    let body =
        r#"i=0; while [ $i -lt 3000 ]; do echo progress=continue >&3; i=$((i+1)); done; : > "$(dirname "$0")/ran.$$""#;
    let (folder, mut worker) = with_script(body);
    for run in 1..=8 {
        worker.send(&Command::Play(Box::new(order(run, Path::new("/a"), 1))));
    }
    // Each of them says more than the socket holds, and ends even so.
    let ran = |worker: &Worker| std::fs::read_dir(folder.path()).unwrap().count() == 9 && worker.children().is_empty();
    assert!(eventually(|| ran(&worker)), "the worker waits for its host");
    let mut ended: Vec<i64> = (1..=8).map(|_| worker.next_end().0).collect();
    ended.sort_unstable();
    assert_eq!(ended, (1..=8).collect::<Vec<_>>());
}

#[test]
fn a_stopped_ffmpeg_is_cancelled() {
    let (_folder, path) = clip(30);
    let mut worker = Worker::ready();
    let mut run = worker.start(order(1, &path, 700));
    run.media.read_exact(&mut [0; 188]).unwrap();
    run.signal(Signal::SIGSTOP);
    worker.send(&Command::Cancel { run: RunId(1) });
    assert_eq!(worker.end_of(1), RunEnd::Cancelled);
    assert!(!run.is_alive() && worker.children().is_empty());
}

#[test]
fn everything_that_a_cancelled_run_started_dies() {
    let (folder, mut worker) =
        with_script(r#"trap '' TERM; sleep 1000 & echo $! > "$(dirname "$0")/pid"; echo up; wait"#);
    let mut run = worker.start(order(1, Path::new("/a"), 1));
    run.media.read_exact(&mut [0; 3]).unwrap();
    let grandchild: i32 = std::fs::read_to_string(folder.path().join("pid")).unwrap().trim().parse().unwrap();
    assert!(is_alive(grandchild));
    worker.send(&Command::Cancel { run: RunId(1) });
    assert_eq!(worker.end_of(1), RunEnd::Cancelled);
    assert!(eventually(|| !is_alive(grandchild)));
}

#[test]
fn an_order_that_is_cancelled_in_the_same_breath_leaves_nothing() {
    let (_folder, path) = clip(1);
    let mut worker = Worker::ready();
    for run in 1..=20 {
        worker.send(&Command::Play(Box::new(order(run, &path, 25))));
        worker.send(&Command::Cancel { run: RunId(run) });
        worker.send(&Command::Cancel { run: RunId(run) });
    }
    // In any order: the kernel tells of ends as it likes.
    for _ in 1..=20 {
        assert_eq!(worker.next_end().1, RunEnd::Cancelled);
    }
    assert!(worker.children().is_empty());
}

#[test]
fn a_second_order_for_a_playing_run_is_refused_in_words() {
    let (_folder, path) = clip(30);
    let mut worker = Worker::ready();
    let run = worker.start(order(1, &path, 700));
    worker.send(&Command::Play(Box::new(order(1, &path, 1))));
    let refusal = loop {
        match worker.receive() {
            Report::Log { line, .. } if line.level == LogLevel::Error => break line.text,
            Report::Ended { .. } | Report::Started { .. } => panic!("the first one plays on"),
            _ => {}
        }
    };
    assert!(refusal.contains("still playing"));
    assert!(run.is_alive());
    assert_eq!(worker.children(), [run.pid]);
}

#[test]
fn a_command_from_the_future_is_ignored() {
    let (_folder, path) = clip(1);
    let mut worker = Worker::ready();
    let json = br#"{"command":"levitate","height_m":2}"#;
    worker.send_bytes(&u32::try_from(json.len()).unwrap().to_be_bytes());
    worker.send_bytes(json);
    assert!(worker.probe(&path).is_ok());
}

#[test]
fn a_host_that_talks_nonsense_is_left() {
    let (_folder, path) = clip(30);
    let mut worker = Worker::ready();
    let run = worker.start(order(1, &path, 700));
    worker.send_bytes(&[0xff; 64]);
    worker.wait();
    assert!(eventually(|| !run.is_alive()));
}
