//! What happens to the machine: disks, clocks, locks and crowds.
//!
//! Does: fill the disk for temporary files, set the wall clock, lock the database, tune fifty channels in ten seconds.
//! Does not: harm the machine that runs the tests; each host has its own disk, clock and data.
//! Invariant: where the machine cannot be harmed for one process alone, the test says so and is no success.

use std::{fs, io::Write, path::Path};

use exstreamtv_tests::{
    air::{ChannelClock, contradictions},
    api::{Channel, now_ms},
    chaos::{Ordeal, Slate, Verdict, clock::FalseClock, ffmpeg_of, is_full, locked::Lock},
    fixtures::{KILO, LONG},
    host::{self, Host, on_a_small_disk},
    patience::{self, wait_for},
    stage::{Cast, RATE, Stage},
    viewer::{Refusal, Viewer},
};
use nix::sys::signal::Signal;
use serde_json::json;

use crate::{LONG_ALONE, begin_long, begin_long_and_next, long, long_and_next, setup};

/// How long the database is locked, by the stream's clock: in `make chaos`, and in the short form.
const LOCKED_S: (f64, f64) = (20.0, 8.0);

#[test]
fn a_locked_database_keeps_nobody_from_watching_or_from_tuning_in() {
    let stage = long().channel("Other", &LONG_ALONE);
    let mut ordeal = begin_long(&stage);
    let other = ordeal.host.channel("Other");
    ordeal.strike(|_| {});
    let lock = Lock::take(&setup(&stage).data().join("exstreamtv.db"));
    let beside = Viewer::tune(&ordeal.host.at(&other.ts()));
    ordeal.viewer.wait_for_more(if is_full() { LOCKED_S.0 } else { LOCKED_S.1 });
    beside.wait_for_seconds(2.0);
    drop(lock);
    assert_eq!(beside.ended(), None);
    ordeal.survive(&Verdict::UNNOTICED);
}

#[test]
#[ignore = "long form: make chaos"]
fn an_ffmpeg_that_is_killed_while_the_database_is_locked_is_replaced_all_the_same() {
    let stage = long();
    let mut ordeal = begin_long(&stage);
    let lock = Lock::take(&setup(&stage).data().join("exstreamtv.db"));
    let before = ordeal.strike(|feed| host::send(ffmpeg_of(feed), Signal::SIGKILL));
    ordeal.wait_for_another_ffmpeg(&before);
    ordeal.viewer.wait_for_more(LOCKED_S.0);
    drop(lock);
    ordeal.survive(&Verdict::new(Slate::Allowed, &["ffmpeg_crashed"]));
}

/// An hour and a little: after exactly an hour the long programme would be at the same place.
const HOUR_S: i64 = 3_605;

/// Steps the host's wall clock under its viewers; who tunes in to another channel then lives by the new one.
fn step(offset_s: i64) {
    let stage = long().channel("Other", &LONG_ALONE);
    let Some(clock) = FalseClock::new(stage.path()) else {
        return eprintln!("not checked: libfaketime is not installed");
    };
    let setup = clock.serve(setup(&stage));
    // Planned by the earlier of both clocks, so that there is a timeline at both.
    clock.set(offset_s.min(0));
    let host = setup.start();
    for name in ["Long", "Other"] {
        host.channel(name);
    }
    host.stop();
    clock.set(0);
    let mut ordeal = Ordeal::begin(setup.start(), "Long", &LONG_ALONE);
    let other = ordeal.host.channel("Other");
    ordeal.strike(|_| clock.set(offset_s));
    let beside = Viewer::tune(&ordeal.host.at(&other.ts()));
    let since_ms = ordeal.host.feed(&other).unwrap().since_ms;
    let seen_s = (since_ms - now_ms()) / 1000;
    assert!((seen_s - offset_s).abs() < 60, "the host did not see the step: it is {seen_s} s off, not {offset_s}");
    beside.wait_for_seconds(16.0);
    assert_on_time(&ordeal.host, &other, beside, now_ms() + offset_s * 1000);
    ordeal.survive(&Verdict::new(Slate::Allowed, &[]).with_step(offset_s * 1000));
}

/// Fails unless the viewer saw a clean stream of what is on air at this time.
fn assert_on_time(host: &Host, channel: &Channel, viewer: Viewer, near_ms: i64) {
    let capture = viewer.leave();
    let report = capture.check(RATE);
    report.assert_clean();
    let rows = host.rows(channel, near_ms - 120_000, near_ms + 60_000);
    let (cast, clock) = (Cast::of(host, &LONG_ALONE), ChannelClock { frame_rate: RATE, offset_s: 0, near_ms });
    let shown = capture.watch(&report);
    let marked: Vec<_> = shown.into_iter().filter(|picture| picture.mark.is_some()).collect();
    assert!(!marked.is_empty(), "only slate, and the timeline has {rows:#?}");
    let wrong = contradictions(&marked, &clock, &rows, |row| cast.code(row));
    assert!(wrong.is_empty(), "{} pictures, first {:#?}", wrong.len(), &wrong[..wrong.len().min(5)]);
}

#[test]
#[ignore = "long form: make chaos"]
fn a_wall_clock_that_jumps_an_hour_ahead_disturbs_nobody_who_watches() {
    step(HOUR_S);
}

#[test]
#[ignore = "long form: make chaos"]
fn a_wall_clock_that_jumps_an_hour_back_disturbs_nobody_who_watches() {
    step(-HOUR_S);
}

/// Writes into a folder that only the host sees until nothing more fits: no byte, no name.
fn fill(host: u32, folder: &Path) {
    let seen = Path::new("/proc").join(host.to_string()).join("root").join(folder.strip_prefix("/").unwrap());
    let mut file = fs::File::create(seen.join("filler")).unwrap();
    let block = [0_u8; 4096];
    while file.write_all(&block).is_ok() {}
    // A folder and a link need no bytes on a file system in memory, as they do elsewhere.
    let full = (0..).find_map(|number| fs::File::create(seen.join(number.to_string())).err());
    assert_eq!(full.map(|error| error.kind()), Some(std::io::ErrorKind::StorageFull));
}

#[test]
#[ignore = "long form: make chaos"]
fn a_full_disk_for_temporary_files_is_survived() {
    let stage = long_and_next(KILO);
    let temporary = stage.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    // What is burnt in goes through the temporary folder.
    fs::write(stage.media().join("Next/Clip Kilo.de.srt"), "1\n00:00:00,500 --> 00:00:07,000\nMMMM\n").unwrap();
    let Some(mut wrapper) = on_a_small_disk(&temporary, 256) else {
        return eprintln!("not checked: this system lets nobody mount a small file system");
    };
    wrapper.extend(["env".to_owned(), format!("TMPDIR={}", temporary.display())]);
    let host = setup(&stage).through(&wrapper).start();
    want_burnt_in_text(&host);
    let (mut ordeal, row) = begin_long_and_next(host, KILO);
    let pid = ordeal.host.pid();
    ordeal.strike(|_| fill(pid, &temporary));
    ordeal.wait_until(row.stop_ms);
    ordeal.survive(&Verdict::new(Slate::Allowed, &["disk_full"]));
}

fn want_burnt_in_text(host: &Host) {
    let channel = host.channel("Long");
    let body =
        json!({ "tracks": { "subtitles": { "mode": "preferred", "languages": ["de"], "delivery": "burn_in" } } });
    let request = host.http.patch(host.at(&format!("/api/v1/channels/{}", channel.id)));
    let answer = request.header("content-type", "application/json").body(body.to_string()).send().unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
}

/// Channels of the crowd.
const CROWD: usize = 50;

#[test]
#[ignore = "long form: make chaos"]
fn fifty_channels_tuned_in_ten_seconds_harm_nobody_who_watches_already() {
    let names: Vec<_> = (1..=CROWD).map(|number| format!("Channel {number:02}")).collect();
    let stage = names.iter().fold(Stage::new(), |stage, name| stage.channel(name, &LONG_ALONE));
    let setup = setup(&stage).set("profile.width", 160).set("profile.height", 90);
    let setup = setup.set("profile.video_bitrate_bps", 200_000).set("ffmpeg.idle_stop_s", 1);
    let mut ordeal = Ordeal::begin(setup.start(), &names[0], &[LONG]);
    let channels: Vec<_> = names[1..].iter().map(|name| ordeal.host.channel(name)).collect();
    ordeal.strike(|_| {});
    let second = Viewer::tune(&ordeal.host.at(&channels[0].ts()));
    let tuning: Vec<_> = channels[1..]
        .iter()
        .map(|channel| {
            // The stream's own clock spreads them over ten seconds.
            ordeal.viewer.wait_for_more(0.2);
            let url = ordeal.host.at(&channel.ts());
            std::thread::spawn(move || Viewer::try_tune(&url))
        })
        .collect();
    let answers: Vec<_> = tuning.into_iter().map(|thread| thread.join().unwrap()).collect();
    let (crowd, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    let refused: Vec<Refusal> = refused.into_iter().filter_map(Result::err).collect();
    println!("{} tuned in, {} were refused", crowd.len(), refused.len());
    for refusal in &refused {
        assert!(refusal.status == 503 && refusal.retry_after_s.is_some(), "{refusal:?}");
    }
    ordeal.viewer.wait_for_more(10.0);
    drop(crowd);
    wait_for("the end of the crowd's feeds", patience::LONG, || (ordeal.host.feeds().len() == 2).then_some(()));
    assert_eq!(second.ended(), None);
    let report = second.leave().check(RATE);
    report.assert_clean();
    ordeal.survive(&Verdict::new(Slate::Allowed, &[]));
}
