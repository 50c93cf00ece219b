//! How a worker ends, and that nothing outlives it.

use std::{path::Path, process::Command as Process};

use exstreamtv_model::health::RunEnd;
use exstreamtv_worker_protocol::Command;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::harness::{TOKEN, Worker, clip, eventually, order, script, slate};

#[test]
fn nothing_outlives_a_killed_worker() {
    let (_folder, path) = clip(30);
    let mut worker = Worker::ready();
    let runs = [worker.start(order(1, &path, 700)), worker.start(order(2, &path, 700))];
    runs[1].signal(Signal::SIGSTOP);
    worker.process.kill().unwrap();
    worker.process.wait().unwrap();
    for run in &runs {
        assert!(eventually(|| !run.is_alive()));
    }
}

#[test]
fn a_worker_without_a_host_ends_with_all_its_runs() {
    let (_folder, path) = clip(30);
    let mut worker = Worker::ready();
    let runs = [worker.start(order(1, &path, 700)), worker.start(order(2, &path, 700))];
    runs[1].signal(Signal::SIGSTOP);
    worker.hang_up();
    assert!(worker.wait().success());
    for run in &runs {
        assert!(eventually(|| !run.is_alive()));
    }
}

#[test]
fn a_stopped_worker_reports_every_end_before_its_own() {
    let (_folder, path) = clip(30);
    let mut worker = Worker::ready();
    let polite = worker.start(order(1, &path, 700));
    let stopped = worker.start(order(2, &path, 700));
    stopped.signal(Signal::SIGSTOP);
    worker.send(&Command::Stop { grace_ms: 200 });
    drop(polite.media); // a reader that goes away unblocks the writer
    let mut ended = Vec::new();
    while let Some(report) = worker.try_receive() {
        if let exstreamtv_worker_protocol::Report::Ended { run, end } = report {
            ended.push((run.0, end));
        }
    }
    ended.sort_by_key(|(run, _)| *run);
    assert_eq!(ended, [(1, RunEnd::Cancelled), (2, RunEnd::Cancelled)]);
    assert!(worker.wait().success());
}

#[test]
fn one_that_ignores_the_request_to_end_is_killed_after_the_grace() {
    let (_folder, path) = script("trap '' TERM; echo up; while :; do sleep 1; done");
    let mut worker = Worker::with_tools(path, "ffprobe");
    let run = worker.start(order(1, Path::new("/a"), 1));
    worker.send(&Command::Stop { grace_ms: 100 });
    assert_eq!(worker.end_of(1), RunEnd::Cancelled);
    assert!(worker.wait().success());
    assert!(eventually(|| !run.is_alive()));
}

#[test]
fn a_stop_during_start_up_ends_everything() {
    let mut worker = Worker::ready();
    worker.send(&Command::Play(Box::new(slate(1, "this one waits for the fonts", 8))));
    worker.send(&Command::Stop { grace_ms: 10_000 });
    assert_eq!(worker.end_of(1), RunEnd::Cancelled);
    assert_eq!(worker.try_receive(), None);
    assert!(worker.wait().success());
}

#[test]
fn an_interrupt_from_the_terminal_is_the_hosts_business() {
    let (_folder, path) = clip(30);
    let mut worker = Worker::ready();
    let run = worker.start(order(1, &path, 700));
    let pid = Pid::from_raw(i32::try_from(worker.process.id()).unwrap());
    kill(pid, Signal::SIGINT).unwrap();
    kill(pid, Signal::SIGHUP).unwrap();
    assert!(worker.probe(&path).is_ok());
    assert!(run.is_alive());
}

#[test]
fn a_person_who_starts_it_is_told_what_to_do_instead() {
    for token in [None, Some(TOKEN)] {
        let mut by_hand = Process::new(env!("CARGO_BIN_EXE_exstreamtv-worker"));
        by_hand.envs(token.map(|token| ("EXSTREAMTV_WORKER_TOKEN", token)));
        // A descriptor that nothing is open at.
        let output = by_hand.args(["--control-fd", "1000"]).output().unwrap();
        assert_eq!(output.status.code(), Some(64));
        assert!(String::from_utf8_lossy(&output.stderr).contains("exstreamtv serve --media"));
    }
}

#[test]
fn something_that_is_no_socket_is_refused() {
    let mut shell = Process::new("sh");
    shell.args(["-c", r#"exec "$0" 3</dev/null"#, env!("CARGO_BIN_EXE_exstreamtv-worker")]);
    let output = shell.env("EXSTREAMTV_WORKER_TOKEN", TOKEN).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no Unix socket"));
}
