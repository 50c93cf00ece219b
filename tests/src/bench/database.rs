//! The database: a large library, and backups beside work.
//!
//! Does: fill a library of 100,000 files and 500 channels with SQLite's own program and take the time of what pages ask; write 200 times a
//! second beside a hundred readers and fifty backups, and take the time of the writes.
//! Does not: play anything.
//! Invariant: every backup is restored somewhere else by gzip and looked into by sqlite3: it holds the writes up to one moment, and no other.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::Table;
use crate::{
    api::{now_ms, rfc3339},
    database::{backups, file_of, post, sqlite},
    host::{Host, Setup},
    patience::{LONG, wait_for},
    stage::Stage,
};

const FILES: u32 = 100_000;
const CHANNELS: u32 = 500;
const HOUR_MS: i64 = 3_600_000;

/// Measures and enters what a large library costs those who ask.
pub fn measure(table: &mut Table) {
    let stage = Stage::new();
    let setup = Setup::new(stage.path()).set("playout.horizon_h", 26).set("server.log", "\"warn\"");
    setup.start().stop();
    fill(&setup.data().join("exstreamtv.db"));
    let began = Instant::now();
    let host = setup.start();
    table.number("500 channels, 100,000 files: start, whole file checked", began.elapsed().as_secs_f64(), "s", "-");
    let last = host.channels().pop().expect("the lineup has channels");
    let now_ms = now_ms();
    wait_for("the last channel's timeline", 10 * LONG, || {
        (!host.rows(&last, now_ms + 24 * HOUR_MS, now_ms + 25 * HOUR_MS).is_empty()).then_some(())
    });
    let day = format!(
        "/api/v1/channels/{}/playout?from={}&to={}&limit=500",
        last.id,
        rfc3339(now_ms),
        rfc3339(now_ms + 24 * HOUR_MS)
    );
    for (what, path) in [
        ("channel list", "/api/v1/channels?limit=500"),
        ("on now, all channels", "/api/v1/now"),
        ("guide page of 24 h, one channel", day.as_str()),
    ] {
        let name = format!("500 channels, 100,000 files: {what}");
        table.number(&name, median_s(&host, path), "s", "≤ 0.100");
    }
    let (first, whole) = guide_of_a_day(&host);
    table.number("500 channels, 100,000 files: guide of 24 h as XMLTV, first byte", first, "s", "≤ 0.100");
    table.number("500 channels, 100,000 files: guide of 24 h as XMLTV, all of it", whole, "s", "-");
    beside_backups(table, &setup, &host);
    host.stop();
}

/// Two hundred files of half an hour for each channel.
fn fill(database: &Path) {
    let plot = "It was the best of times, it was the worst of times. ".repeat(6);
    let files = format!(
        "BEGIN;
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {FILES})
         INSERT INTO media (path, size_bytes, mtime_ms, state, scanned_ms, probe, metadata, duration_ms, kind, title, search_fold)
         SELECT CAST('/m/' || (i % {CHANNELS}) || '/File ' || i || '.mkv' AS BLOB), 1, 1, 'ready', 0,
                '{{\"container\":\"matroska,webm\",\"duration_ms\":1800000,\"bitrate_bps\":2500000,\"streams\":[],\"chapters\":[]}}',
                json_object('kind', 'clip', 'title', 'File ' || i, 'plot', '{plot}'),
                1800000, 'clip', 'File ' || i, 'file ' || i
           FROM n;
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {CHANNELS})
         INSERT INTO collections (id, name, source, folder)
         SELECT i + 1, 'Folder ' || i, 'folder', CAST('/m/' || i AS BLOB) FROM n;
         INSERT INTO channels (number, name, group_title, zone, profile, collection_id, item_order, enabled)
         SELECT id, name, '', 'UTC', '{{}}', id, '{{\"by\":\"name\"}}', 1 FROM collections;
         COMMIT"
    );
    sqlite(database, &files);
}

fn median_s(host: &Host, path: &str) -> f64 {
    let mut times: Vec<f64> = (0..9)
        .map(|_| {
            let since = Instant::now();
            assert!(host.text(path).len() > 1_000, "{path} says little");
            since.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn guide_of_a_day(host: &Host) -> (f64, f64) {
    use std::io::Read;
    let since = Instant::now();
    let request = host.http.get(host.at("/iptv/xmltv.xml?days=1")).timeout(5 * LONG);
    let mut response = request.send().unwrap_or_else(|error| panic!("get the guide: {error}"));
    let mut buffer = vec![0; 256 * 1024];
    let _ = response.read(&mut buffer);
    let first = since.elapsed().as_secs_f64();
    while response.read(&mut buffer).is_ok_and(|count| count > 0) {}
    (first, since.elapsed().as_secs_f64())
}

const BACKUPS: usize = 50;
const READERS: usize = 100;
const WRITERS: u32 = 8;
const WRITES_PER_SECOND: u32 = 200;

/// What the threads of the load have in common.
struct Load {
    url: String,
    over: AtomicBool,
    number: AtomicU64,
    /// Times of writes in microseconds.
    times: Mutex<Vec<u64>>,
}

fn beside_backups(table: &mut Table, setup: &Setup, host: &Host) {
    let (over, number) = (AtomicBool::new(false), AtomicU64::new(0));
    let load = Arc::new(Load { url: host.url.clone(), over, number, times: Mutex::default() });
    let writers = (0..WRITERS).map(|_| spawn(&load, write));
    let threads: Vec<_> = writers.chain((0..READERS).map(|_| spawn(&load, read))).collect();
    let (began, mut made) = (Instant::now(), Vec::new());
    for _ in 0..BACKUPS {
        let before = load.times.lock().expect("no thread panics with it").len() as u64;
        let request = host.http.post(host.at("/api/v1/database/backups")).timeout(5 * LONG);
        let answer =
            request.send().and_then(|answer| answer.error_for_status()).and_then(reqwest::blocking::Response::text);
        let info: Value =
            serde_json::from_str(&answer.unwrap_or_else(|error| panic!("back up: {error}"))).unwrap_or_default();
        made.push((info["id"].as_str().unwrap_or_default().to_owned(), before, load.number.load(SeqCst)));
    }
    let took = began.elapsed();
    load.over.store(true, SeqCst);
    threads.into_iter().for_each(|thread| thread.join().unwrap_or_else(|_| panic!("a thread of the load failed")));
    let mut times = load.times.lock().expect("nobody has it any more").clone();
    times.sort_unstable();
    let ms = |share: f64| times[((times.len() - 1) as f64 * share) as usize] as f64 / 1_000.0;
    let rate = times.len() as f64 / took.as_secs_f64();
    table.number("50 backups in a row beside 100 readers: all of them", took.as_secs_f64(), "s", "-");
    table.number("the same: writes over HTTP", rate, "a second", "200");
    table.number("the same: a write over HTTP, median", ms(0.5), "ms", "-");
    table.number("the same: a write over HTTP, p99", ms(0.99), "ms", "≤ 250");
    prove(setup, &made);
}

fn spawn(load: &Arc<Load>, work: fn(&Load)) -> thread::JoinHandle<()> {
    let load = Arc::clone(load);
    thread::spawn(move || work(&load))
}

fn client() -> reqwest::blocking::Client {
    let client = reqwest::blocking::Client::builder().timeout(LONG).build();
    client.unwrap_or_else(|error| panic!("make an HTTP client: {error}"))
}

fn write(load: &Load) {
    let (http, url) = (client(), format!("{}/api/v1/collections", load.url));
    let pause = Duration::from_secs(1) * WRITERS / WRITES_PER_SECOND;
    let mut next = Instant::now();
    while !load.over.load(SeqCst) {
        next += pause;
        thread::sleep(next.saturating_duration_since(Instant::now()));
        let number = load.number.fetch_add(1, SeqCst);
        let body = json!({ "name": format!("w{number}"), "source": { "type": "manual", "items": [] } });
        let since = Instant::now();
        let (status, answer) = post(&http, &url, &body).unwrap_or_else(|error| panic!("write: {error}"));
        assert_eq!(status, 201, "{answer}");
        let us = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        load.times.lock().expect("no thread panics with it").push(us);
    }
}

fn read(load: &Load) {
    let (http, url) = (client(), format!("{}/api/v1/channels/1/playout", load.url));
    while !load.over.load(SeqCst) {
        let answer = http.get(&url).send().and_then(|answer| answer.error_for_status());
        assert!(answer.is_ok(), "{answer:?}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Looks into every backup: ids of collections are given in the order of the writes, so they must have no hole.
fn prove(setup: &Setup, made: &[(String, u64, u64)]) {
    let listed = backups(setup);
    for (id, written_before, begun_after) in made {
        let backup = listed.iter().find(|backup| backup.id == *id).unwrap_or_else(|| panic!("{id} is gone"));
        assert!(backup.verified, "{backup:?}");
        let copy = setup.data().join("looked-into.db");
        let packed = Command::new("gzip").arg("-dc").arg(file_of(setup, backup)).output();
        let packed = packed.unwrap_or_else(|error| panic!("run gzip: {error}"));
        fs::write(&copy, packed.stdout).unwrap_or_else(|error| panic!("write a copy: {error}"));
        let count = "SELECT count(*) || ' ' || (max(id) - min(id) + 1) FROM collections WHERE name LIKE 'w%'";
        let line = sqlite(&copy, count).remove(0);
        let (rows, span) = line.split_once(' ').unwrap_or_default();
        assert_eq!(rows, span, "{id}: a write is missing in the middle");
        let rows: u64 = rows.parse().unwrap_or_default();
        assert!((*written_before..=*begun_after).contains(&rows), "{id}: {written_before} <= {rows} <= {begun_after}");
        // Nobody needs it any more.
        let _ = fs::remove_file(&copy);
    }
}
