//! `/metrics`: numbers for Prometheus.
//!
//! Does: write what the parts know of themselves in Prometheus' text format.
//! Does not: count anything itself.
//! Invariant: each metric is described once, before its first sample.

use std::fmt::{Display, Write};

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header},
    response::IntoResponse,
    routing::get,
};
use exstreamtv_store::{HistogramReport, PoolReport, UsageReport};

use super::{App, HttpState};
use crate::database::{Database, Health};

/// Returns the route.
pub fn router() -> Router<App> {
    Router::new().route("/metrics", get(metrics))
}

#[tracing::instrument(name = "http.metrics.get", level = "debug", skip_all)]
async fn metrics(State(state): State<HttpState>) -> impl IntoResponse {
    let mut text = Exposition::default();
    database(&mut text, &state.database);
    let newest = state.backups.list().await.ok();
    let newest = newest.and_then(|all| all.iter().filter(|info| info.verified).map(|info| info.created).max());
    text.gauge(
        "exstreamtv_database_backup_timestamp_seconds",
        "When the newest verified backup was made.",
        newest.map(|at| at.timestamp()),
    );
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"))], text.0)
}

fn database(text: &mut Exposition, database: &Database) {
    let (usage, health) = (database.usage(), database.health());
    text.gauge("exstreamtv_channels", "Channels that are defined.", Some(database.channels()));
    pools(text, &usage);
    for (writes, kind) in [(false, "read"), (true, "write")] {
        let name = format!("exstreamtv_database_{kind}_seconds");
        text.describe(&name, "histogram", "How long statements take, by repository.");
        for family in &usage.families {
            let times = if writes { &family.writes } else { &family.reads };
            text.histogram(&name, &format!("family=\"{}\"", family.family), times);
        }
    }
    file(text, &health);
}

fn pools(text: &mut Exposition, usage: &UsageReport) {
    type Reading = (&'static str, &'static str, &'static str, fn(&PoolReport) -> f64);
    let readings: [Reading; 12] = [
        ("size", "gauge", "Connections that there may be.", |pool| pool.size.into()),
        ("in_use", "gauge", "Connections that somebody works with.", |pool| pool.in_use.into()),
        ("idle", "gauge", "Connections that wait for work.", |pool| pool.idle.into()),
        ("waiting", "gauge", "Who waits for a connection.", |pool| pool.waiting.into()),
        ("saturation", "gauge", "How much of the pool is in use.", PoolReport::saturation),
        ("created_total", "counter", "Connections that were opened.", |pool| pool.created as f64),
        ("checked_out_total", "counter", "Connections that were lent.", |pool| pool.checked_out as f64),
        ("checked_in_total", "counter", "Connections that came back.", |pool| pool.checked_in as f64),
        ("invalidated_total", "counter", "Connections to a file that was replaced.", |pool| pool.invalidated as f64),
        ("recycled_total", "counter", "Connections that nobody needed any more.", |pool| pool.recycled as f64),
        ("acquire_timeouts_total", "counter", "Who gave up waiting.", |pool| pool.timeouts as f64),
        ("exhausted_total", "counter", "Who waited for longer than the threshold.", |pool| pool.exhausted as f64),
    ];
    for (word, kind, help, value) in readings {
        let name = format!("exstreamtv_database_pool_{word}");
        text.describe(&name, kind, help);
        for (pool, report) in [("readers", &usage.readers), ("writer", &usage.writer)] {
            text.sample(&name, &format!("pool=\"{pool}\""), value(report));
        }
    }
    let name = "exstreamtv_database_acquire_seconds";
    text.describe(name, "histogram", "How long connections are waited for.");
    text.histogram(name, "pool=\"readers\"", &usage.readers.wait);
    text.histogram(name, "pool=\"writer\"", &usage.writer.wait);
}

fn file(text: &mut Exposition, health: &Health) {
    let fault = health.failure.is_some() || health.check.as_ref().is_some_and(|check| check.fault.is_some());
    let up = health.at.map(|_| u8::from(!fault));
    text.gauge("exstreamtv_database_up", "Whether the database answers and is not known to be damaged.", up);
    let seconds = |time: std::time::Duration| time.as_secs_f64();
    let probe = health.probe;
    text.gauge("exstreamtv_database_probe_read_seconds", "The simplest question.", probe.map(|p| seconds(p.read)));
    text.gauge("exstreamtv_database_probe_write_seconds", "The smallest change.", probe.map(|p| seconds(p.write)));
    text.gauge("exstreamtv_database_bytes", "Size of the file.", Some(health.bytes));
    text.gauge("exstreamtv_database_wal_bytes", "Size of the write-ahead log.", Some(health.log_bytes));
    text.describe("exstreamtv_database_checkpoints_total", "counter", "Checkpoints since the start.");
    text.sample("exstreamtv_database_checkpoints_total", "", health.checkpoints);
    text.gauge("exstreamtv_database_free_bytes", "What may still be written beside the file.", health.free_bytes);
}

/// Text that grows.
#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn describe(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        match labels {
            "" => self.line(format_args!("{name} {value}")),
            labels => self.line(format_args!("{name}{{{labels}}} {value}")),
        }
    }

    /// Writes a number that may not be known; then there is no sample.
    fn gauge(&mut self, name: &str, help: &str, value: Option<impl Display>) {
        self.describe(name, "gauge", help);
        if let Some(value) = value {
            self.sample(name, "", value);
        }
    }

    fn histogram(&mut self, name: &str, labels: &str, times: &HistogramReport) {
        for (bound_us, count) in &times.buckets {
            let bound = *bound_us as f64 / 1e6;
            self.line(format_args!("{name}_bucket{{{labels},le=\"{bound}\"}} {count}"));
        }
        self.line(format_args!("{name}_bucket{{{labels},le=\"+Inf\"}} {}", times.count));
        self.sample(&format!("{name}_sum"), labels, times.sum_us as f64 / 1e6);
        self.sample(&format!("{name}_count"), labels, times.count);
    }

    fn line(&mut self, line: impl Display) {
        // Writing into memory cannot fail.
        let _ = writeln!(self.0, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use exstreamtv_core::backup::BackupKind;

    use super::super::fakes::{Host, body_bytes};

    #[tokio::test]
    async fn numbers_are_in_the_format_of_prometheus_and_each_is_described_once() {
        let host = Host::open().await;
        host.channel("5", "Five").await;
        host.database.watch().wait_for(|health| health.at.is_some()).await.unwrap();
        host.backups.create(BackupKind::Manual).await.unwrap();
        while host.database.usage().readers.size != 12 {
            tokio::task::yield_now().await;
        }
        let response = host.get("/metrics").await;
        assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        let text = String::from_utf8(body_bytes(response).await.to_vec()).unwrap();
        let mut described = HashSet::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                assert!(described.insert(rest.split(' ').next().unwrap().to_owned()), "{line} is said twice");
            } else if !line.starts_with('#') {
                let (name, value) = line.rsplit_once(' ').unwrap();
                assert!(value.parse::<f64>().is_ok(), "{line}");
                let bare = name.split('{').next().unwrap();
                let known = ["", "_bucket", "_sum", "_count"]
                    .iter()
                    .any(|end| bare.strip_suffix(end).is_some_and(|name| described.contains(name)));
                assert!(known, "{line} is not described");
            }
        }
        for line in [
            "exstreamtv_channels 1",
            "exstreamtv_database_pool_size{pool=\"readers\"} 12",
            "exstreamtv_database_write_seconds_count{family=\"channel\"} 1",
            "exstreamtv_database_up 1",
            &format!("exstreamtv_database_backup_timestamp_seconds {}", host.now().timestamp()),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
    }
}
