//! Runs that go well.

use exstreamtv_model::health::{Progress, RunEnd};
use exstreamtv_worker_protocol::{Command, PROTOCOL_VERSION, Report};

use crate::harness::{TOKEN, Worker, clip, clip_named, keyframes_in, order, slate};

#[test]
fn a_worker_introduces_itself_with_the_hosts_token() {
    let mut worker = Worker::spawn();
    let Report::Hello { protocol, token, pid, .. } = worker.receive() else { panic!("the first word is a greeting") };
    assert_eq!((protocol, token.as_str(), pid), (PROTOCOL_VERSION, TOKEN, worker.process.id()));
}

#[test]
fn a_run_gives_a_descriptor_with_exactly_the_frames_that_were_ordered() {
    let (_folder, path) = clip(2);
    let mut worker = Worker::ready();
    let mut run = worker.start(order(1, &path, 37));
    let media = run.read_all();
    assert_eq!(keyframes_in(&media).len(), 37);
    assert_eq!(media.len() % 188, 0);

    let mut last = Progress::default();
    let end = loop {
        match worker.receive() {
            Report::Progress { progress, .. } => last = progress,
            Report::Ended { end, .. } => break end,
            _ => {}
        }
    };
    assert_eq!(end, RunEnd::Completed);
    assert_eq!(last.frames, 37, "the last progress comes before the end");
    assert!(worker.children().is_empty());
}

#[test]
fn the_next_run_is_started_while_the_first_waits_in_its_full_pipe() {
    let (_folder, path) = clip(30);
    let mut worker = Worker::ready();
    let first = worker.start(order(1, &path, 700));
    let mut second = worker.start(order(2, &path, 10));
    assert_eq!(keyframes_in(&second.read_all()).len(), 10);
    assert_eq!(worker.end_of(2), RunEnd::Completed);
    assert!(first.is_alive(), "nobody has read it");
    assert_eq!(worker.children(), [first.pid]);
    let mut first = first;
    assert_eq!(keyframes_in(&first.read_all()).len(), 700);
    assert_eq!(worker.end_of(1), RunEnd::Completed);
}

#[test]
fn names_with_anything_in_them_play_and_probe() {
    for name in
        ["-dash.mp4", "it's \"quoted\" \\.mp4", "100% %d %03d.mp4", "a:b;c,[d]|é 日本.mp4", "two\nlines.mp4", " .mp4"]
    {
        let (_folder, path) = clip_named(name, 1);
        let mut worker = Worker::ready();
        assert!(worker.probe(&path).unwrap().contains("h264"), "{name:?}");
        let mut run = worker.start(order(1, &path, 5));
        assert_eq!(keyframes_in(&run.read_all()).len(), 5, "{name:?}");
        assert_eq!(worker.end_of(1), RunEnd::Completed, "{name:?}");
    }
}

#[test]
fn a_slate_of_any_text_begins_with_a_keyframe_and_has_them_on_the_clock() {
    let mut worker = Worker::ready();
    for (run, text) in [(1, ""), (2, "We'll be back: 100% [sure]; \\n %{pts} \u{7f}\0"), (3, "again")] {
        let mut started = worker.start(slate(run, text, 8));
        let keyframes = keyframes_in(&started.read_all());
        assert_eq!(keyframes, [true, false, false, false, false, false, false, false]);
        assert_eq!(worker.end_of(run), RunEnd::Completed);
    }
}

#[test]
fn the_tools_are_identified() {
    let mut worker = Worker::ready();
    worker.send(&Command::Identify);
    let Report::Identified { ffmpeg } = worker.receive() else { panic!("one answer to one question") };
    let facts = ffmpeg.unwrap();
    assert!(facts.version.contains(|c: char| c.is_ascii_digit()));
}

#[test]
fn vital_signs_come_while_something_runs() {
    let (_folder, path) = clip(30);
    let mut worker = Worker::ready();
    let _run = worker.start(order(1, &path, 700));
    let vitals = loop {
        if let Report::Vitals(vitals) = worker.receive() {
            break vitals;
        }
    };
    assert_eq!(vitals.runs, 1);
    assert!(vitals.rss_bytes > 5_000_000, "an encoder and a worker");
}

#[test]
fn ffmpeg_inherits_nothing_but_its_pipes_and_no_secret() {
    let (_folder, path) = clip(30);
    let mut worker = Worker::ready();
    let run = worker.start(order(1, &path, 700));
    let next = worker.start(order(2, &path, 700));
    for pid in [run.pid, next.pid] {
        let links = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().filter_map(|entry| {
            let entry = entry.unwrap();
            let target = std::fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned();
            Some((entry.file_name().to_string_lossy().parse::<i32>().unwrap(), target))
        });
        for (descriptor, target) in links.filter(|(descriptor, _)| *descriptor > 3) {
            // Files it has opened itself, or its loader; nothing like "socket:[1]" or "pipe:[2]".
            assert!(target.starts_with('/'), "descriptor {descriptor} is {target}");
        }
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
        assert!(!String::from_utf8_lossy(&environment).contains(TOKEN));
    }
}
