//! Proof that a snapshot is one instant: every change is also a line of a ledger, and a copy must be what its own ledger adds up to.
//!
//! The short form runs with every test; the long one (`make bench`) is 200 changes a second beside a hundred readers and fifty copies, and
//! prints how long changes took.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

use chrono::DateTime;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    ClosedDatabase, NewChannel, PoolSettings, Store, connections::base_options, examine, telemetry::HistogramReport,
    testing,
};

/// How hard it is.
#[derive(Clone, Copy)]
struct Load {
    writers: u32,
    changes_per_second: u32,
    readers: u32,
    copies: u32,
    /// Rows of two and a half kilobytes that nobody changes.
    ballast: u32,
}

const SHORT: Load = Load { writers: 4, changes_per_second: 200, readers: 20, copies: 5, ballast: 100 };
const FULL: Load = Load { writers: 8, changes_per_second: 200, readers: 100, copies: 50, ballast: 20_000 };

#[tokio::test(flavor = "multi_thread")]
async fn every_copy_is_the_state_of_one_instant() {
    run(SHORT).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long form: make bench"]
async fn every_copy_is_the_state_of_one_instant_under_full_load() {
    run(FULL).await;
}

/// What those who write and read have in common.
struct Work {
    store: Store,
    seq: AtomicI64,
    /// The last line that somebody was told is written.
    told: AtomicI64,
    over: AtomicBool,
}

async fn run(load: Load) {
    let (folder, store) = testing::store().await;
    store.resize(load.readers.min(100));
    let channel = store.channels().insert(&channel()).await.unwrap().id.0;
    let ledger = "CREATE TABLE ledger (seq INTEGER PRIMARY KEY, slot INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT";
    sqlx::query(ledger).execute(&mut *store.connections.writer().await.unwrap()).await.unwrap();
    let ballast = "CREATE TABLE ballast AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                       SELECT i, hex(randomblob(1250)) AS filling FROM n";
    let filled = sqlx::query(ballast).bind(load.ballast);
    filled.execute(&mut *store.connections.writer().await.unwrap()).await.unwrap();
    // What the reference is built from: the database before the first change.
    let reference = folder.path().join("reference.db");
    store.snapshot(&reference).await.unwrap();
    let work = Arc::new(Work { store, seq: 0.into(), told: 0.into(), over: false.into() });

    let mut tasks = JoinSet::new();
    for _ in 0..load.writers {
        tasks.spawn(write(Arc::clone(&work), channel, load.changes_per_second / load.writers));
    }
    for _ in 0..load.readers {
        tasks.spawn(read(Arc::clone(&work)));
    }
    let began = Instant::now();
    let mut copies = Vec::new();
    for number in 0..load.copies {
        let told = work.told.load(SeqCst);
        let copy = folder.path().join(format!("copy{number}.db"));
        work.store.snapshot(&copy).await.unwrap();
        copies.push((copy, told, work.seq.load(SeqCst)));
        // The next one is of another state.
        while work.told.load(SeqCst) < told + 5 {
            tokio::task::yield_now().await;
        }
    }
    let took = began.elapsed();
    work.over.store(true, SeqCst);
    tasks.join_all().await;
    report(&work.store, took, &load);
    prove(&reference, copies, channel).await;
}

/// Makes changes of several tables, one transaction each.
async fn write(work: Arc<Work>, channel: i64, per_second: u32) {
    let mut tick = interval(Duration::from_secs(1) / per_second);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !work.over.load(SeqCst) {
        tick.tick().await;
        let mut change = work.store.session_totals().change_of_tests().await;
        // In the transaction: numbers have the order in which changes are made.
        let seq = work.seq.fetch_add(1, SeqCst) + 1;
        apply(&mut change, channel, seq).await;
        change.commit().await.unwrap();
        work.told.fetch_max(seq, SeqCst);
    }
}

/// Applies a line of the ledger; the same for the database under load and for the reference.
async fn apply(connection: &mut SqliteConnection, channel: i64, seq: i64) {
    let (slot, bytes) = (seq % 17, seq * 31 % 1_009);
    for statement in CHANGE {
        let query = sqlx::query(statement).bind(seq).bind(slot).bind(bytes).bind(channel);
        query.execute(&mut *connection).await.unwrap();
    }
}

const CHANGE: [&str; 4] = [
    "INSERT INTO ledger (seq, slot, bytes) VALUES (?1, ?2, ?3) RETURNING ?4",
    "INSERT INTO session_totals (channel_id, sessions, bytes) VALUES (?2, 1, ?3 + 0 * ?1 * ?4)
         ON CONFLICT (channel_id) DO UPDATE SET sessions = sessions + 1, bytes = bytes + excluded.bytes",
    "INSERT INTO as_run (channel_id, start_ms, stop_ms, kind, in_point_ms, title)
     VALUES (?4, ?1 * 1000, ?1 * 1000 + 1000, 'programme', ?3, 'slot ' || ?2)",
    "DELETE FROM as_run WHERE channel_id = ?4 AND start_ms < (?1 - 500 - ?2 - ?3) * 1000",
];

/// Asks what players and pages ask.
async fn read(work: Arc<Work>) {
    while !work.over.load(SeqCst) {
        assert_eq!(work.store.channels().list().await.unwrap().len(), 1);
        work.store.session_totals().list().await.unwrap();
        let now = DateTime::from_timestamp_millis(work.told.load(SeqCst) * 1_000).unwrap();
        work.store.playout().on_air_everywhere(now).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn report(store: &Store, took: Duration, load: &Load) {
    let usage = store.usage();
    let ms = |us: u64| us as f64 / 1_000.0;
    let of = |times: &HistogramReport| {
        (times.count, ms(times.quantile_us(0.5)), ms(times.quantile_us(0.99)), ms(times.max_us))
    };
    let changes = usage.families.iter().find(|family| family.family == "session_total").unwrap();
    println!("{} copies beside {} readers in {:.1} s", load.copies, load.readers, took.as_secs_f64());
    println!("wait for the writer (count, p50, p99, max in ms): {:?}", of(&usage.writer.wait));
    println!("changes (count, p50, p99, max in ms): {:?}", of(&changes.writes));
    println!("questions (count, p50, p99, max in ms): {:?}", of(&changes.reads));
    assert_eq!((usage.readers.timeouts, usage.writer.timeouts), (0, 0));
}

/// Each copy is put in a place of its own, as a restore would, and compared with the reference brought to the same line.
async fn prove(reference: &Path, copies: Vec<(PathBuf, i64, i64)>, channel: i64) {
    let mut expected = base_options(reference).connect().await.unwrap();
    let mut line = 0;
    for (copy, told_before, begun_after) in copies {
        examine(&copy).await.unwrap();
        let place = copy.with_extension("restored");
        let closed = ClosedDatabase::lock(&place).unwrap();
        std::fs::rename(&copy, closed.staging_place()).unwrap();
        closed.install(&closed.staging_place(), None, DateTime::UNIX_EPOCH).await.unwrap();
        let mut restored = base_options(&place).connect().await.unwrap();
        let last: i64 =
            sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM ledger").fetch_one(&mut restored).await.unwrap();
        assert!((told_before..=begun_after).contains(&last), "{told_before} <= {last} <= {begun_after}");
        let mut transaction = expected.begin().await.unwrap();
        while line < last {
            line += 1;
            apply(&mut transaction, channel, line).await;
        }
        transaction.commit().await.unwrap();
        let (found, wanted) = (tables(&mut restored).await, tables(&mut expected).await);
        assert!(found.len() > 15 && found["ledger"].len() == usize::try_from(last).unwrap());
        for (table, rows) in &wanted {
            assert!(found.get(table) == Some(rows), "table {table} of the copy at line {last}");
        }
        assert_eq!(found.len(), wanted.len());
        restored.close().await.unwrap();
        drop(closed.open(PoolSettings::default(), DateTime::UNIX_EPOCH).await.unwrap());
    }
}

/// Every row of every table, as text.
async fn tables(connection: &mut SqliteConnection) -> BTreeMap<String, Vec<String>> {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'installation'";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut *connection).await.unwrap();
    let mut tables = BTreeMap::new();
    for name in names {
        let columns: Vec<String> = sqlx::query_scalar("SELECT 'quote(\"' || name || '\")' FROM pragma_table_info(?1)")
            .bind(&name)
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        let all = format!("SELECT {} AS line FROM \"{name}\" ORDER BY line", columns.join(" || '|' || "));
        let rows = sqlx::query(AssertSqlSafe(all)).fetch_all(&mut *connection).await.unwrap();
        tables.insert(name, rows.iter().map(|row| row.get(0)).collect());
    }
    tables
}

fn channel() -> NewChannel {
    NewChannel {
        number: "1".parse().unwrap(),
        name: "One".into(),
        group: String::new(),
        logo: None,
        zone: chrono_tz::UTC,
        profile: Default::default(),
        collection: None,
        order: exstreamtv_model::ItemOrder::Name,
        schedule: None,
        tracks: Default::default(),
        throttle: Default::default(),
        enabled: true,
    }
}
