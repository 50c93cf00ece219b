//! Measurements of whole processes.
//!
//! Does: hold what the measurements share: the table, medians, streams with the time of each byte.
//! Does not: decide whether a number is good; the goal stands beside it.
//! Invariant: a median is of at least three runs, or the table says how many there were.

pub mod database;
pub mod fan_out;
pub mod fault;
pub mod lineup;
mod recording;
pub mod scan;
pub mod tune;

use std::{fmt, thread::available_parallelism};

use crate::{fixtures::FILM_720, host::Setup, stage::Stage};

pub use recording::Recording;

/// Lines of the result.
#[derive(Debug, Default)]
pub struct Table(Vec<[String; 5]>);

impl Table {
    /// Enters a number beside what it is measured against.
    pub fn ratio(&mut self, what: &str, ours: f64, reference: f64, unit: &str, against: &str, goal: &str) {
        self.0.push([
            what.into(),
            format!("{ours:.3} {unit}"),
            format!("{reference:.3} {unit} ({against})"),
            format!("{:.2}", ours / reference),
            goal.into(),
        ]);
    }

    /// Enters a number that stands for itself.
    pub fn number(&mut self, what: &str, ours: f64, unit: &str, goal: &str) {
        self.0.push([what.into(), format!("{ours:.3} {unit}"), "-".into(), "-".into(), goal.into()]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = available_parallelism().map_or(0, usize::from);
        writeln!(f, "{}, {cores} cores, 1280x720 at 30 frames a second\n", chrono::Utc::now().format("%Y-%m-%d"))?;
        writeln!(f, "| what | EXStreamTV | against | ratio | goal |\n|---|---|---|---|---|")?;
        for [what, ours, reference, ratio, goal] in &self.0 {
            writeln!(f, "| {what} | {ours} | {reference} | {ratio} | {goal} |")?;
        }
        Ok(())
    }
}

/// Returns the middle of some measurements.
///
/// # Panics
/// When there are none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A stage with one film, and a host for it that sends what a channel sends by default.
fn film() -> (Stage, Setup) {
    let stage = Stage::new().channel("Film", &[FILM_720]);
    // Two hundred viewers of one channel are more than a server admits by itself.
    let setup = Setup::new(stage.path()).media(&stage.media()).set("session_manager.max_sessions_per_channel", 1_000);
    (stage, setup)
}
