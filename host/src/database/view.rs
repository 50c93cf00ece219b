//! The database as people and programs read it.

use exstreamtv_store::{FamilyReport, HistogramReport, PoolReport};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Database, Health};

/// How the database is and how it is used.
#[derive(Debug, Serialize, ToSchema)]
pub struct DatabaseView {
    /// Channels there are; the number of readers follows from it.
    pub channels: u64,
    /// What the last look found.
    pub health: HealthView,
    /// The connections that read.
    pub readers: PoolView,
    /// The one connection that writes; who waits for it is the queue of writers.
    pub writer: PoolView,
    /// How long statements take, by repository.
    pub statements: Vec<FamilyView>,
}

/// What the last look found.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthView {
    /// Whether the database answers and is not known to be damaged.
    pub ok: bool,
    /// When that was, Unix milliseconds.
    pub at_ms: Option<i64>,
    /// Why it is not in order.
    pub fault: Option<String>,
    /// How long the simplest question took, in microseconds.
    pub read_us: Option<u64>,
    /// How long the smallest change took, in microseconds.
    pub write_us: Option<u64>,
    /// The last integrity check, Unix milliseconds.
    pub checked_ms: Option<i64>,
    /// The size of the file.
    pub size_bytes: u64,
    /// The size of its write-ahead log.
    pub wal_bytes: u64,
    /// Pages in the log at the last checkpoint, and how many of them were folded into the file.
    pub wal_pages: Option<u64>,
    /// See `wal_pages`.
    pub wal_pages_folded: Option<u64>,
    /// Checkpoints since the start.
    pub checkpoints: u64,
    /// What may still be written where the file lies.
    pub free_bytes: Option<u64>,
}

/// How a pool of connections is, and what has happened in it since the start.
#[derive(Debug, Serialize, ToSchema)]
pub struct PoolView {
    /// Connections that there may be.
    pub size: u32,
    /// Connections that somebody works with.
    pub in_use: u32,
    /// Connections that wait for work.
    pub idle: u32,
    /// Who waits for a connection.
    pub waiting: u32,
    /// How much of the pool is in use, from 0 to 1.
    pub saturation: f64,
    /// Connections that were opened.
    pub created: u64,
    /// Connections that were lent.
    pub checked_out: u64,
    /// Connections that came back.
    pub checked_in: u64,
    /// Connections that were closed because the file behind them was replaced.
    pub invalidated: u64,
    /// Connections that were closed because nobody needed them any more.
    pub recycled: u64,
    /// Who gave up waiting.
    pub acquire_timeouts: u64,
    /// Who waited for longer than the threshold.
    pub exhausted: u64,
    /// How long connections were waited for.
    pub wait: TimesView,
}

/// How long the statements of one repository take.
#[derive(Debug, Serialize, ToSchema)]
pub struct FamilyView {
    /// The repository.
    pub family: String,
    /// Questions.
    pub reads: TimesView,
    /// Changes.
    pub writes: TimesView,
}

/// How long something takes, in microseconds.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimesView {
    /// How often it happened.
    pub count: u64,
    /// The mean.
    pub mean_us: u64,
    /// A bound that half did not exceed.
    pub p50_us: u64,
    /// A bound that 99 of 100 did not exceed.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
}

impl DatabaseView {
    /// Returns the view of this moment.
    pub fn of(database: &Database) -> Self {
        let usage = database.usage();
        Self {
            channels: database.channels(),
            health: HealthView::of(&database.health()),
            readers: PoolView::of(&usage.readers),
            writer: PoolView::of(&usage.writer),
            statements: usage.families.iter().map(FamilyView::of).collect(),
        }
    }
}

impl HealthView {
    fn of(health: &Health) -> Self {
        let fault = health.failure.clone().or_else(|| health.check.as_ref().and_then(|check| check.fault.clone()));
        let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self {
            ok: health.at.is_some() && fault.is_none(),
            at_ms: health.at.map(|at| at.timestamp_millis()),
            fault,
            read_us: health.probe.map(|probe| micros(probe.read)),
            write_us: health.probe.map(|probe| micros(probe.write)),
            checked_ms: health.check.as_ref().and_then(|check| check.at).map(|at| at.timestamp_millis()),
            size_bytes: health.bytes,
            wal_bytes: health.log_bytes,
            wal_pages: health.checkpoint.map(|done| done.pages),
            wal_pages_folded: health.checkpoint.map(|done| done.folded),
            checkpoints: health.checkpoints,
            free_bytes: health.free_bytes,
        }
    }
}

impl PoolView {
    fn of(report: &PoolReport) -> Self {
        Self {
            size: report.size,
            in_use: report.in_use,
            idle: report.idle,
            waiting: report.waiting,
            saturation: report.saturation(),
            created: report.created,
            checked_out: report.checked_out,
            checked_in: report.checked_in,
            invalidated: report.invalidated,
            recycled: report.recycled,
            acquire_timeouts: report.timeouts,
            exhausted: report.exhausted,
            wait: TimesView::of(&report.wait),
        }
    }
}

impl FamilyView {
    fn of(report: &FamilyReport) -> Self {
        let (reads, writes) = (TimesView::of(&report.reads), TimesView::of(&report.writes));
        Self { family: report.family.to_owned(), reads, writes }
    }
}

impl TimesView {
    fn of(times: &HistogramReport) -> Self {
        Self {
            count: times.count,
            mean_us: times.mean_us(),
            p50_us: times.quantile_us(0.5),
            p99_us: times.quantile_us(0.99),
            max_us: times.max_us,
        }
    }
}
