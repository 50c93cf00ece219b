//! `kill -9` at any moment: of a backup, of the removal of old ones, of a restore, of a start that changes the tables.
//!
//! Does: strike at moments that differ from round to round, start again without help, and compare with what was acknowledged.
//! Invariant: what the host said is written is there, what it lists is whole, and SQLite finds nothing wrong.

use std::{
    collections::BTreeSet,
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use exstreamtv_tests::{
    chaos::is_full,
    database::{assert_sound, assert_whole, backups, file_of, make_older, post},
    host::{Host, Setup},
    patience::{LONG, try_for, wait_for},
    stage::Stage,
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// What the host is at when it is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Backup,
    Retention,
    Restore,
    Migration,
}

const WORKS: [Work; 4] = [Work::Backup, Work::Retention, Work::Restore, Work::Migration];

#[test]
fn a_kill_at_any_moment_loses_nothing_and_leaves_nothing_half() {
    let rounds = if is_full() { 200 } else { 16 };
    let stage = Stage::new();
    let setup = stage.setup();
    let mut host = setup.start();
    let names = Arc::new(AtomicU64::new(0));
    host.post_json("/api/v1/collections", &collection(&names));
    host.post_json("/api/v1/database/backups", &json!({}));
    let mut random = 0x9E37_79B9_97F4_A7C1_u64;
    for round in 0..rounds {
        // xorshift: the same moments in every run, as far as the machine lets it.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let (work, moment) = (WORKS[round % WORKS.len()], Duration::from_millis(random % 300));
        let before = known(&host);
        let allowed = match work {
            Work::Migration => {
                host.stop();
                make_older(&setup.data().join("exstreamtv.db"));
                strike_a_start(&setup, moment);
                vec![before]
            }
            Work::Restore => strike_a_restore(host, &setup, moment, before),
            Work::Backup | Work::Retention => {
                if work == Work::Retention {
                    leave_old_ones(&setup);
                }
                strike_at_work(host, moment, &names, before)
            }
        };
        host = setup.start();
        let after = known(&host);
        // Whatever was acknowledged is there; what was under way may be.
        let fits = allowed.iter().any(|acknowledged| acknowledged.is_subset(&after));
        let lost: Vec<_> = allowed[0].difference(&after).collect();
        assert!(fits, "round {round}, {work:?} struck after {moment:?}: {lost:?} are lost");
        assert_whole(&setup);
        let newest: Vec<_> = backups(&setup).into_iter().take(2).collect();
        assert!(!newest.is_empty(), "every backup is gone");
        for backup in newest {
            host.post_json(&format!("/api/v1/database/backups/{}/verify", backup.id), &json!({}));
        }
        assert_tidy(&setup, round);
    }
    host.stop();
    assert_sound(&setup.data().join("exstreamtv.db"));
}

fn collection(names: &AtomicU64) -> Value {
    let number = names.fetch_add(1, Ordering::SeqCst);
    json!({"name": format!("n{number}"), "source": {"type": "manual", "items": []}})
}

/// Returns the names of all collections: the ledger.
fn known(host: &Host) -> BTreeSet<String> {
    let document: Value = host.get("/api/v1/export");
    let all = document["collection"].as_array().unwrap().iter();
    all.map(|collection| collection["name"].as_str().unwrap().to_owned()).collect()
}

/// Kills a host that writes and backs up; returns what it had acknowledged.
fn strike_at_work(
    host: Host,
    moment: Duration,
    names: &Arc<AtomicU64>,
    before: BTreeSet<String>,
) -> Vec<BTreeSet<String>> {
    let acknowledged = Arc::new(Mutex::new(before));
    let (http, writes, orders) =
        (host.http.clone(), host.at("/api/v1/collections"), host.at("/api/v1/database/backups"));
    let writer = {
        let (http, names, acknowledged) = (http.clone(), Arc::clone(names), Arc::clone(&acknowledged));
        thread::spawn(move || {
            while let Ok((201, made)) = post(&http, &writes, &collection(&names)) {
                acknowledged.lock().unwrap().insert(made["name"].as_str().unwrap().to_owned());
            }
        })
    };
    let keeper = thread::spawn(move || while let Ok((201, _)) = post(&http, &orders, &json!({})) {});
    kill_after(host, moment);
    writer.join().unwrap();
    keeper.join().unwrap();
    let acknowledged = acknowledged.lock().unwrap().clone();
    vec![acknowledged]
}

/// Kills a host that restores its newest backup; either state is whole.
fn strike_a_restore(host: Host, setup: &Setup, moment: Duration, before: BTreeSet<String>) -> Vec<BTreeSet<String>> {
    let backup = backups(setup).into_iter().find(|backup| backup.kind == "manual").unwrap();
    let (http, url) = (host.http.clone(), host.at(&format!("/api/v1/database/backups/{}/restore", backup.id)));
    let restorer = thread::spawn(move || while let Ok((200, _)) = post(&http, &url, &json!({})) {});
    kill_after(host, moment);
    restorer.join().unwrap();
    vec![before, in_backup(setup, &backup)]
}

fn in_backup(setup: &Setup, backup: &exstreamtv_tests::database::Backup) -> BTreeSet<String> {
    let copy = setup.data().join("looked-into.db");
    let packed = std::process::Command::new("gzip").arg("-dc").arg(file_of(setup, backup)).output().unwrap();
    fs::write(&copy, packed.stdout).unwrap();
    let names = exstreamtv_tests::database::sqlite(&copy, "SELECT name FROM collections");
    fs::remove_file(copy).unwrap();
    names.into_iter().collect()
}

/// Kills a start that backs an older database up and brings its tables up to date.
fn strike_a_start(setup: &Setup, moment: Duration) {
    let mut command = setup.command();
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let _ = try_for(moment, || None::<()>);
    child.kill().unwrap();
    child.wait().unwrap();
    // Its workers go by themselves; the next start may find the port and the data free at once.
}

fn kill_after(mut host: Host, moment: Duration) {
    let _ = try_for(moment, || None::<()>);
    host.signal(Signal::SIGKILL);
    host.wait_for_exit(LONG).unwrap();
}

/// Lays down automatic backups that retention will remove with the next one.
fn leave_old_ones(setup: &Setup) {
    let newest = file_of(setup, &backups(setup)[0]);
    for day in 1..=9 {
        let name = format!("exstreamtv_backup_2020010{day}_000000_auto.db.gz");
        fs::copy(&newest, newest.with_file_name(name)).unwrap();
    }
}

/// The next start, or the next backup, has removed what was half done.
fn assert_tidy(setup: &Setup, round: usize) {
    let names = |folder: &std::path::Path| -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    };
    wait_for("what was half done to go", LONG, || {
        let left: Vec<_> = names(&setup.data())
            .into_iter()
            .chain(names(&setup.data().join("backups")))
            .filter(|name| name.contains("partial") || name.contains(".incoming") || name.contains(".before"))
            .collect();
        if !left.is_empty() && round.is_multiple_of(WORKS.len()) {
            eprintln!("still there: {left:?}");
        }
        left.is_empty().then_some(())
    });
}
