//! Failures end up on the disk, whatever comes first, and never more of them than allowed.

use std::{fs, path::Path, time::Duration};

use exstreamtv_model::{
    OutputProfile, Screen,
    health::{LogLevel, Progress},
    order::Source,
    slate::{Message, ScreenStyle, Visual},
};
use exstreamtv_worker_protocol::{Report, Word};
use tempfile::TempDir;

use super::*;

fn failure(run: i64) -> Failure {
    Failure {
        channel: ChannelId(5),
        run: RunId(run),
        at_ms: 1_000 + run,
        cause: Cause::FfmpegCrashed,
        why: "it broke".into(),
        order: None,
        command_line: vec!["ffmpeg".into(), "-i".into(), "http://me:secret@cam/?token=abc".into()],
        end: None,
        timings: Timings::default(),
        progress: None,
        vitals: None,
        testimony: None,
    }
}

fn open(kept: usize, bytes: u64) -> (TempDir, Dossiers, Lifecycle) {
    let folder = tempfile::tempdir().unwrap();
    let life = Lifecycle::default();
    // The sender goes; its last value stays.
    let (_, limits) = watch::channel(Limits { kept, bytes });
    let dossiers = Dossiers::start(folder.path().join("dossiers"), limits, &life);
    (folder, dossiers, life)
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder.join("dossiers")).map_or(0, |entries| entries.count())
}

/// Files and waits where it would be dropped: a test wants them all.
async fn file(dossiers: &Dossiers, failure: Failure) -> DossierId {
    if dossiers.jobs.capacity() == 0 {
        dossiers.settled().await;
    }
    dossiers.file(failure)
}

#[tokio::test]
async fn ten_thousand_failures_in_a_row_leave_the_newest_and_no_more() {
    let (folder, dossiers, _life) = open(5, 1 << 30);
    let mut last = None;
    for run in 0..10_000 {
        last = Some(file(&dossiers, failure(run)).await);
    }
    dossiers.settled().await;
    assert_eq!((count(folder.path()), dossiers.dropped()), (5, 0));
    assert_eq!(Some(&dossiers.list(None).await.unwrap()[0].id), last.as_ref());
}

#[tokio::test]
async fn a_flood_is_cut_and_counted_and_makes_nobody_wait() {
    let (folder, dossiers, _life) = open(1_000, 1 << 30);
    // The clerk, on this thread too, cannot work meanwhile.
    for run in 0..10_000 {
        dossiers.file(failure(run));
    }
    assert_eq!(dossiers.dropped(), 10_000 - WAITING as u64);
    dossiers.settled().await;
    assert_eq!(count(folder.path()), WAITING);
}

#[tokio::test]
async fn all_of_them_together_are_bounded_in_bytes_and_a_restart_knows_them() {
    let (folder, dossiers, life) = open(1_000, 10_000);
    for run in 0..50 {
        file(&dossiers, failure(run)).await;
    }
    dossiers.settled().await;
    let size = || -> u64 {
        let places = fs::read_dir(folder.path().join("dossiers")).unwrap();
        let files = places.flat_map(|place| fs::read_dir(place.unwrap().path()).unwrap());
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
    };
    assert!(size() <= 10_000 && size() > 5_000, "{}", size());
    life.stop(Duration::from_secs(5)).await;

    // What a host left half written is no dossier.
    let half = folder.path().join("dossiers/00000000000001-000000-5-1");
    fs::create_dir(&half).unwrap();
    fs::write(half.join("stderr.txt"), "x").unwrap();
    let (_, limits) = watch::channel(Limits { kept: 2, bytes: 1 << 30 });
    let again = Dossiers::start(folder.path().join("dossiers"), limits, &Lifecycle::default());
    again.file(failure(100));
    again.settled().await;
    assert_eq!((count(folder.path()), half.exists()), (2, false));
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_costs_a_dossier_and_nothing_else() {
    let (folder, dossiers, _life) = open(5, 1 << 30);
    fs::write(folder.path().join("dossiers"), "in the way").unwrap();
    dossiers.file(failure(1));
    dossiers.settled().await;
    fs::remove_file(folder.path().join("dossiers")).unwrap();
    dossiers.file(failure(2));
    dossiers.settled().await;
    assert_eq!(dossiers.list(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_is_kept_where_nothing_may_be() {
    let (folder, dossiers, _life) = open(0, 1 << 30);
    dossiers.file(failure(1));
    dossiers.settled().await;
    assert_eq!(count(folder.path()), 0);
}

fn order(run: i64) -> PlayOrder {
    let style = ScreenStyle::default();
    let screen = Screen {
        visual: Visual::Text,
        audio: style.audio_mode,
        background: style.background,
        foreground: style.foreground,
        message: Message { title: "token=abc".into(), ..Message::default() },
    };
    let source = Source::Slate { screen };
    PlayOrder {
        run: RunId(run),
        source,
        profile: OutputProfile::default(),
        frames: 1,
        keyframe_offset: 0,
        card: None,
        gain_db: None,
        watermark: None,
    }
}

fn testimony() -> Report {
    let word = |at_ms, text: &str| Word { at_ms, level: LogLevel::Warning, text: text.into() };
    let words = vec![word(12, "first"), word(61_003, "last: password=hunter2")];
    let testimony = Testimony { words, plan: "the plan".into(), signal: Some(9), ..Default::default() };
    Report::Testimony { run: RunId(1), testimony }
}

#[tokio::test(start_paused = true)]
async fn a_hung_run_is_filed_at_once_and_its_testimony_follows() {
    let (_folder, dossiers, _life) = open(5, 1 << 30);
    let mut book = dossiers.casebook(ChannelId(5), 1_000_000);
    let step = || tokio::time::advance(Duration::from_millis(100));
    book.ordered(&order(1));
    step().await;
    book.hear(&Report::Started {
        run: RunId(1),
        pid: 7,
        command_line: vec!["ffmpeg".into(), "a b".into()],
        card: None,
    });
    step().await;
    book.gave(RunId(1));
    book.gave(RunId(1));
    step().await;
    book.hear(&Report::Progress { run: RunId(1), progress: Progress { frames: 25, ..Progress::default() } });
    step().await;
    book.hear(&Report::Vitals(Vitals { rss_bytes: 77, cpu_percent: 1.0, runs: 1 }));
    let id = book.file(RunId(1), Cause::FfmpegHung, "it gives nothing to a waiting reader");
    assert_eq!(book.file(RunId(1), Cause::FfmpegCrashed, "again"), id, "once is enough");
    dossiers.settled().await;
    assert!(dossiers.find(id.clone()).await.unwrap().unwrap().stderr.is_none());

    step().await;
    book.hear(&testimony());
    book.hear(&Report::Ended { run: RunId(1), end: RunEnd::Cancelled });
    dossiers.settled().await;
    let dossier = dossiers.find(id).await.unwrap().unwrap();
    assert_eq!(dossier.head.summary.cause, Cause::FfmpegHung);
    let timings = Timings {
        ordered_ms: Some(1_000_000),
        started_ms: Some(1_000_100),
        first_byte_ms: Some(1_000_200),
        last_progress_ms: Some(1_000_300),
        ended_ms: Some(1_000_500),
    };
    assert_eq!(dossier.head.timings, timings);
    assert_eq!((dossier.head.end, dossier.head.signal), (Some(RunEnd::Cancelled), Some(9)));
    assert_eq!(dossier.head.vitals.map(|vitals| vitals.rss_bytes), Some(77));
    assert_eq!(dossier.stderr.unwrap(), "     0.012 warning first\n    61.003 warning last: password=***\n");
    assert_eq!(dossier.plan.as_deref(), Some("the plan"));
    assert_eq!(dossier.order.unwrap()["source"]["screen"]["message"]["title"], "token=***");
    assert_eq!(dossiers.list(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_run_that_broke_is_filed_with_the_testimony_that_came_before_its_end() {
    let (_folder, dossiers, _life) = open(5, 1 << 30);
    let mut book = dossiers.casebook(ChannelId(5), 0);
    book.hear(&testimony());
    book.hear(&Report::Ended { run: RunId(1), end: RunEnd::Killed { signal: 9 } });
    let id = book.file(RunId(1), Cause::FfmpegCrashed, "killed");
    dossiers.settled().await;
    assert!(dossiers.find(id).await.unwrap().unwrap().stderr.unwrap().contains("first"));
}

#[tokio::test]
async fn a_lost_worker_files_the_runs_that_were_alive() {
    let (_folder, dossiers, _life) = open(5, 1 << 30);
    let mut book = dossiers.casebook(ChannelId(5), 0);
    for run in 1..=3 {
        book.ordered(&order(run));
    }
    book.hear(&Report::Ended { run: RunId(1), end: RunEnd::Completed });
    assert_eq!(book.file_all(Cause::WorkerLost, "it ended").len(), 2);
    assert_eq!(book.file_all(Cause::WorkerLost, "it ended").len(), 0);
    dossiers.settled().await;
    assert_eq!(dossiers.list(Some(ChannelId(5))).await.unwrap().len(), 2);
    assert_eq!(dossiers.list(Some(ChannelId(6))).await.unwrap().len(), 0);
}

#[tokio::test]
async fn no_secret_gets_to_the_disk() {
    let (folder, dossiers, _life) = open(5, 1 << 30);
    let id = dossiers.file(Failure { why: "http://a:secret@b".into(), order: Some(Arc::new(order(1))), ..failure(1) });
    dossiers.settled().await;
    let place = folder.path().join("dossiers").join(id.to_string());
    let mut files = 0;
    for file in fs::read_dir(place).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!text.contains("secret") && !text.contains("abc"), "{text}");
        files += 1;
    }
    assert_eq!(files, 3, "what happened, the order, the command");
}

#[test]
fn ids_sort_by_time_and_lead_nowhere_else() {
    let id = |at_ms, serial| DossierId::new(at_ms, serial, ChannelId(1), RunId(1));
    assert!(id(999, 5) < id(1_000, 0) && id(1_000, 0) < id(1_000, 1));
    assert_eq!(id(7, 7).to_string().parse::<DossierId>().unwrap(), id(7, 7));
    for bad in ["", "..", "1-2-3", "1-2-3-4/..", "1-2-3-4-5", "a-2-3-4", "1-2-3-٤"] {
        assert!(bad.parse::<DossierId>().is_err(), "{bad}");
    }
}
