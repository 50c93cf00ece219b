//! What FFmpeg and ffprobe can and cannot do to the machine, with real processes.
#![cfg(target_os = "linux")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use exstreamtv_model::health::RunEnd;
use exstreamtv_worker_protocol::{Command, Report, Restrictions};
use nix::libc;

use crate::harness::{Started, Worker, clip, order, script, slate};

/// Whether this kernel can isolate; where it cannot there is nothing to test.
fn landlock() -> bool {
    let mut worker = Worker::ready();
    worker.send(&Command::Identify);
    loop {
        if let Report::Identified { ffmpeg } = worker.receive() {
            return ffmpeg.unwrap().landlock > 0;
        }
    }
}

/// Returns what the script `body` writes when it is run in place of FFmpeg for a film.
fn said(body: &str, film: &Path, restrictions: Option<Restrictions>) -> String {
    let (_tools, path) = script(body);
    let mut worker = Worker::with_tools(path, "ffprobe");
    if let Some(restrictions) = restrictions {
        worker.send(&Command::Restrict(restrictions));
    }
    let bytes = worker.start(order(1, film, 1)).read_all();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A folder with a film and a secret beside it.
fn film_and_secret() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (film, secret) = (folder.path().join("a film.mp4"), folder.path().join("secret"));
    fs::write(&film, "film").unwrap();
    fs::write(&secret, "secret").unwrap();
    (folder, film, secret)
}

#[test]
fn it_reads_its_film_and_nothing_else_of_the_house() {
    if !landlock() {
        return;
    }
    let (folder, film, secret) = film_and_secret();
    let read = format!(
        "cat '{}'; cat '{}' || echo refused; ls '{}' || echo refused; cat /proc/1/environ || echo refused",
        film.display(),
        secret.display(),
        folder.path().display()
    );
    assert_eq!(said(&read, &film, None), "filmrefused\nrefused\nrefused\n");
    let open = Restrictions { isolation: false, ..Restrictions::default() };
    assert!(said(&read, &film, Some(open)).starts_with("filmsecret"), "the walls kept it out, nothing else did");
    let with = Restrictions { readable: vec![secret], ..Restrictions::default() };
    assert!(said(&read, &film, Some(with)).starts_with("filmsecretrefused"));
}

#[test]
fn it_writes_nowhere_outside_its_own_folder() {
    if !landlock() {
        return;
    }
    let (folder, film, secret) = film_and_secret();
    let write = format!(
        "for at in '{0}/new' '{1}' '{2}' /tmp/exstreamtv-escape \"$HOME/exstreamtv-escape\"; do \
         (echo x > \"$at\") 2>/dev/null && echo \"$at written\"; done; rm -f '{1}' && echo removed; echo done > /dev/null && echo fine",
        folder.path().display(),
        film.display(),
        secret.display()
    );
    assert_eq!(said(&write, &film, None), "fine\n");
    assert_eq!(fs::read_to_string(&film).unwrap(), "film");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn its_own_folder_is_its_own() {
    let (_tools, path) =
        script("[ \"$1\" = -nostdin ] && echo x > note && cat note && echo \"$TMPDIR\" | grep -c exstreamtv-");
    let mut worker = Worker::with_tools(path, "ffprobe");
    // A slate with text has a folder, once it is known that text can be drawn; this FFmpeg says nothing of the kind, so subtitles it is.
    let (_folder, film, _) = film_and_secret();
    let mut order = order(1, &film, 1);
    let beside = film.with_extension("srt");
    fs::write(&beside, "1\n00:00:01,000 --> 00:00:02,000\nHello\n").unwrap();
    if let exstreamtv_model::order::Source::File { subtitles, .. } = &mut order.source {
        *subtitles = Some(exstreamtv_model::order::BurnIn::Sidecar { path: beside });
    }
    let bytes = worker.start(order).read_all();
    assert_eq!(String::from_utf8(bytes).unwrap(), "x\n1\n");
}

#[test]
fn the_real_ffmpeg_cannot_be_led_to_another_file() {
    if !landlock() {
        return;
    }
    let (_folder, path) = clip(1);
    let (_other, secret) = clip(1);
    // What a hole in FFmpeg would do: it opens another film than the one it was given.
    let led_to = |film: &Path, into: &str| {
        let movie = format!("movie=filename='{}'", film.display());
        let body = format!("ffmpeg -v error -f lavfi -i \"{movie}\" -frames:v 1 -f rawvideo pipe:1 {into}");
        said(&body, &path, None)
    };
    let refused = led_to(&secret, "2>&1");
    assert!(refused.contains("Permission denied"), "{refused:.300}");
    assert_eq!(led_to(&path, "| wc -c").trim(), (160 * 90 * 3 / 2).to_string(), "the one it was given it plays");
}

#[test]
fn ffprobe_has_walls_of_its_own() {
    if !landlock() {
        return;
    }
    let (_folder, film, secret) = film_and_secret();
    let (_tools, ffprobe) =
        script(&format!("cat '{}' '{}'; : > '{}'", film.display(), secret.display(), secret.display()));
    let reason = Worker::with_tools("ffmpeg", ffprobe).probe(&film).unwrap_err();
    assert!(reason.contains("may not be read"), "{reason}");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
}

#[test]
fn nobody_gains_rights_dumps_memory_or_reaches_the_network() {
    // The shell reads this itself: what the system says about another process is behind the walls.
    let body = "while read -r line; do case $line in NoNewPrivs*) echo $line;; esac; done < /proc/$$/status; ulimit -c; ulimit -Hc";
    let said = said(body, Path::new("/a"), None);
    assert_eq!(said, "NoNewPrivs: 1\n0\n0\n");
    if !landlock() {
        return;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (_tools, path) = script(&format!("exec ffmpeg -v error -i tcp://{address}?timeout=1000000 -f null - 2>&1"));
    let mut worker = Worker::with_tools(path, "ffprobe");
    worker.start(order(1, Path::new("/a"), 1)).read_all();
    assert!(matches!(worker.end_of(1), RunEnd::Failed { .. }));
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nobody came");
}

/// Returns the soft limit and the hard one of a process, as its line in /proc says.
fn limits(run: &Started, name: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{}/limits", run.pid)).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    line.split_whitespace().take(2).map(str::to_owned).collect()
}

fn niceness(pid: i32) -> i64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.split(' ').nth(16).unwrap().parse().unwrap()
}

#[test]
fn a_child_has_the_limits_that_were_ordered() {
    let mut worker = Worker::ready();
    worker.send(&Command::Restrict(Restrictions {
        nice: 7,
        memory_limit_bytes: 6 << 30,
        open_files_limit: 99,
        ..Restrictions::default()
    }));
    let run = worker.start(slate(1, "", 100_000));
    assert_eq!(limits(&run, "Max address space"), ["6442450944", "6442450944"]);
    assert_eq!(limits(&run, "Max open files"), ["99", "99"]);
    assert_eq!(limits(&run, "Max core file size"), ["0", "0"]);
    let ours = niceness(i32::try_from(std::process::id()).unwrap());
    assert_eq!(niceness(run.pid), ours.max(7));
    let own = i32::try_from(worker.process.id()).unwrap();
    assert_eq!(niceness(own), ours, "the worker itself must hear its host at once");
    worker.send(&Command::Restrict(Restrictions::default()));
    let free = worker.start(slate(2, "", 100_000));
    assert_eq!(limits(&free, "Max address space"), ["unlimited", "unlimited"]);
    assert_eq!(niceness(free.pid), ours);
}

#[test]
fn an_ffmpeg_that_needs_more_memory_than_it_may_have_fails_alone() {
    let mut worker = Worker::ready();
    worker.send(&Command::Restrict(Restrictions { memory_limit_bytes: 64 << 20, ..Restrictions::default() }));
    worker.start(slate(1, "", 10));
    assert!(matches!(worker.end_of(1), RunEnd::Failed { .. } | RunEnd::Killed { .. }));
    worker.send(&Command::Restrict(Restrictions::default()));
    assert!(!worker.start(slate(2, "", 10)).read_all().is_empty());
}

#[test]
fn a_run_that_broke_leaves_a_testimony_before_its_end() {
    let (_tools, path) = script(
        "for i in $(seq 1 300); do echo \"[error] number $i\" >&2; done; echo frame=5 >&3; echo progress=end >&3; exit 3",
    );
    let mut worker = Worker::with_tools(path, "ffprobe");
    worker.start(order(1, Path::new("/a"), 1));
    let testimony = loop {
        match worker.receive() {
            Report::Testimony { testimony, .. } => break testimony,
            Report::Ended { .. } => panic!("the end came first"),
            _ => {}
        }
    };
    assert!(matches!(worker.end_of(1), RunEnd::Failed { code: 3, .. }));
    assert_eq!((testimony.words.len(), testimony.lines_lost), (200, 100));
    assert_eq!(testimony.words.last().unwrap().text, "number 300");
    assert!(testimony.words.windows(2).all(|pair| pair[0].at_ms <= pair[1].at_ms));
    assert!(testimony.plan.contains("inputs") && testimony.first_progress_ms.is_some());
    assert_eq!((testimony.exit_code, testimony.signal), (Some(3), None));
    assert!(testimony.words.last().unwrap().at_ms <= testimony.lived_ms);
}

#[test]
fn a_cancelled_run_leaves_one_too_and_a_complete_one_none() {
    let (_folder, path) = clip(30);
    let mut worker = Worker::ready();
    worker.start(order(1, &path, 700));
    worker.send(&Command::Cancel { run: exstreamtv_model::RunId(1) });
    let mut signal = None;
    loop {
        match worker.receive() {
            Report::Testimony { testimony, .. } => signal = testimony.signal,
            Report::Ended { end, .. } => break assert_eq!(end, RunEnd::Cancelled),
            _ => {}
        }
    }
    assert_eq!(signal, Some(libc::SIGKILL));
    worker.start(order(2, &path, 3)).read_all();
    loop {
        match worker.receive() {
            Report::Testimony { .. } => panic!("nothing went wrong"),
            Report::Ended { end, .. } => break assert_eq!(end, RunEnd::Completed),
            _ => {}
        }
    }
}
