//! What one feed has learnt about its runs, so that a failure can be filed with all of it.
//!
//! Does: note orders, starts, progress, ends and testimonies as they come; file a run when it is told that it failed, and again with what
//! becomes known later.
//! Does not: decide what a failure is.
//! Invariant: it remembers at most [`MOST_CASES`] runs, and nothing here waits.

use std::{collections::VecDeque, sync::Arc};

use exstreamtv_model::{Cause, ChannelId, PlayOrder, RunId, health::Vitals};
use exstreamtv_worker_protocol::Report;
use tokio::time::Instant;

use super::{DossierId, Dossiers, Failure, Timings};

/// Runs that are remembered: the one on air, the one prepared, and some that have ended and may still be filed.
const MOST_CASES: usize = 8;

/// The runs of one feed.
#[derive(Debug)]
pub struct Casebook {
    dossiers: Dossiers,
    channel: ChannelId,
    /// Wall time of a moment; carried on monotonically, as the feed's own clock is.
    since: (i64, Instant),
    cases: VecDeque<Case>,
    vitals: Option<Vitals>,
}

#[derive(Debug)]
struct Case {
    /// What would be filed now.
    failure: Failure,
    filed: Option<DossierId>,
}

impl Casebook {
    pub(super) fn new(dossiers: Dossiers, channel: ChannelId, now_ms: i64) -> Self {
        Self { dossiers, channel, since: (now_ms, Instant::now()), cases: VecDeque::new(), vitals: None }
    }

    /// A run is ordered.
    pub fn ordered(&mut self, order: &PlayOrder) {
        let at_ms = self.now_ms();
        let case = self.case(order.run);
        case.failure.order = Some(Arc::new(order.clone()));
        case.failure.timings.ordered_ms = Some(at_ms);
    }

    /// A run gave something.
    pub fn gave(&mut self, run: RunId) {
        let at_ms = self.now_ms();
        self.case(run).failure.timings.first_byte_ms.get_or_insert(at_ms);
    }

    /// The worker said something. To be called with every report, before anything is filed because of it.
    pub fn hear(&mut self, report: &Report) {
        let at_ms = self.now_ms();
        match report {
            Report::Started { run, command_line, .. } => {
                let case = self.case(*run);
                case.failure.command_line.clone_from(command_line);
                case.failure.timings.started_ms = Some(at_ms);
            }
            Report::Progress { run, progress } => {
                let case = self.case(*run);
                case.failure.progress = Some(*progress);
                case.failure.timings.last_progress_ms = Some(at_ms);
            }
            // The end follows at once, and what is filed already is filed again then.
            Report::Testimony { run, testimony } => self.case(*run).failure.testimony = Some(testimony.clone()),
            Report::Ended { run, end } => {
                let case = self.case(*run);
                case.failure.end = Some(end.clone());
                case.failure.timings.ended_ms = Some(at_ms);
                self.amend(*run);
            }
            Report::Vitals(vitals) => self.vitals = Some(*vitals),
            Report::Hello { .. }
            | Report::Identified { .. }
            | Report::Log { .. }
            | Report::Probed { .. }
            | Report::Extracted { .. }
            | Report::Measured { .. } => {}
        }
    }

    /// A run failed, or is ended because it hangs: files it, once. What comes to be known later is added.
    pub fn file(&mut self, run: RunId, cause: Cause, why: &str) -> DossierId {
        let (at_ms, vitals, dossiers) = (self.now_ms(), self.vitals, self.dossiers.clone());
        let case = self.case(run);
        if let Some(id) = &case.filed {
            return id.clone();
        }
        case.failure = Failure { at_ms, cause, why: why.to_owned(), vitals, ..case.failure.clone() };
        let id = dossiers.file(case.failure.clone());
        case.filed = Some(id.clone());
        tracing::info!(run.id = %run, dossier.id = %id, cause = cause.word(), "a failure is filed");
        id
    }

    /// The worker is gone, and every run that was alive with it.
    pub fn file_all(&mut self, cause: Cause, why: &str) -> Vec<DossierId> {
        let alive = self.cases.iter().filter(|case| case.failure.end.is_none() && case.filed.is_none());
        let runs: Vec<RunId> = alive.map(|case| case.failure.run).collect();
        runs.into_iter().map(|run| self.file(run, cause, why)).collect()
    }

    fn amend(&mut self, run: RunId) {
        let dossiers = self.dossiers.clone();
        if let Case { failure, filed: Some(id) } = self.case(run) {
            dossiers.amend(id, failure.clone());
        }
    }

    fn case(&mut self, run: RunId) -> &mut Case {
        let known = self.cases.iter().position(|case| case.failure.run == run);
        let index = known.unwrap_or_else(|| {
            self.cases.truncate(MOST_CASES - 1);
            self.cases.push_front(Case { failure: nothing_yet(self.channel, run), filed: None });
            0
        });
        &mut self.cases[index]
    }

    fn now_ms(&self) -> i64 {
        self.since.0 + i64::try_from(self.since.1.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

fn nothing_yet(channel: ChannelId, run: RunId) -> Failure {
    Failure {
        channel,
        run,
        at_ms: 0,
        cause: Cause::FfmpegCrashed,
        why: String::new(),
        order: None,
        command_line: vec![],
        end: None,
        timings: Timings::default(),
        progress: None,
        vitals: None,
        testimony: None,
    }
}
