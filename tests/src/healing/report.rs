//! What faults came to, and what that says of the healer.
//!
//! Does: read one episode from what the host says of it, and count over many.
//! Does not: judge; tests do.
//! Invariant: what was not seen counts against the healer, and so does what was done where nothing was wrong.

use std::fmt;

use serde_json::Value;

use super::{FRAMES_S, Fault};

/// What one fault came to.
#[derive(Debug, Clone)]
pub struct Episode {
    /// Which fault.
    pub name: &'static str,
    /// What it really was; nothing for a control.
    pub truth: Option<&'static str>,
    /// Only a person could mend it.
    pub for_a_person: bool,
    /// Whether anybody noticed: an incident, or something that was done.
    pub detected: bool,
    /// What the healer called it first; where it had no need to act, what its incident was.
    pub called: Option<String>,
    /// Whether a deed healed it, with its post-condition seen.
    pub healed: bool,
    /// Whether the feed's own supervision mended it before anybody acted.
    pub mended: bool,
    /// Whether a person was called.
    pub person: bool,
    /// Seconds from the blow until the healer knew of it.
    pub detect_s: Option<f64>,
    /// Seconds from the blow until its post-condition had been seen.
    pub heal_s: Option<f64>,
    /// Seconds of slate.
    pub slate_s: f64,
    /// What was done, and what came of it.
    pub actions: Vec<String>,
    /// What the last probe saw.
    pub probe: String,
}

impl Episode {
    pub(super) fn of(fault: &Fault, struck_ms: i64, done: &[Value], feed: &Value, causes: Vec<String>) -> Self {
        let seconds = |at: &Value| at.as_i64().map(|at_ms| (at_ms - struck_ms) as f64 / 1_000.0);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let of_outcome = |outcome: &str| done.iter().find(|of| of["outcome"] == outcome);
        let healed = of_outcome("healed");
        let first = done.first();
        let mended = done.is_empty() && feed["state"] == "on_air";
        Self {
            name: fault.name,
            truth: fault.issue,
            for_a_person: fault.for_a_person,
            detected: first.is_some() || !causes.is_empty(),
            called: first
                .map(|of| text(&of["issue"]))
                .or_else(|| causes.first().map(|cause| issue_of(cause).to_owned())),
            healed: healed.is_some(),
            mended: mended && !fault.is_control(),
            person: of_outcome("called").is_some(),
            detect_s: first.and_then(|of| seconds(&of["issue_since_ms"])),
            heal_s: healed.and_then(|of| seconds(&of["ended_ms"])),
            slate_s: feed["slate_frames"].as_f64().unwrap_or_default() / FRAMES_S,
            actions: done.iter().map(|of| format!("{} {}", text(&of["deed"]), text(&of["outcome"]))).collect(),
            probe: done.iter().rev().find_map(probe_of).unwrap_or_default(),
        }
    }

    /// Returns whether it was called by its true name.
    pub fn is_right(&self) -> bool {
        self.truth == self.called.as_deref()
    }

    /// Returns whether the programme is back, or a person knows where only a person can help.
    pub fn is_over(&self) -> bool {
        match self.truth {
            None => self.actions.is_empty(),
            Some(_) if self.for_a_person => self.person,
            Some(_) => self.healed || self.mended,
        }
    }
}

/// Returns what the probe of a resolution saw.
fn probe_of(of: &Value) -> Option<String> {
    let steps = of["steps"].as_array()?;
    let probe = steps.iter().find(|step| step["phase"] == "probing")?;
    probe["told"].as_str().map(str::to_owned)
}

/// Returns the issue of an incident's cause, by the words of the documents.
fn issue_of(cause: &str) -> &'static str {
    match cause {
        "ffmpeg_hung" | "ffmpeg_slow" | "ffmpeg_garbled" | "worker_hung" => "FFMPEG_HANG",
        "ffmpeg_crashed" | "hardware_failed" | "worker_lost" => "FFMPEG_CRASH",
        "source_forbidden" => "AUTH_FAILED",
        "out_of_memory" => "MEMORY_PRESSURE",
        "source_missing" | "source_unreachable" | "source_damaged" | "format_unknown" | "ended_early" => {
            "SOURCE_UNAVAILABLE"
        }
        _ => "UNKNOWN",
    }
}

/// What many faults came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Each of them.
    pub episodes: Vec<Episode>,
}

impl Report {
    fn share(part: usize, whole: usize) -> f64 {
        if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
    }

    fn faults(&self) -> impl Iterator<Item = &Episode> {
        self.episodes.iter().filter(|episode| episode.truth.is_some())
    }

    /// Returns the share of faults that were noticed.
    pub fn recall(&self) -> f64 {
        Self::share(self.faults().filter(|of| of.detected).count(), self.faults().count())
    }

    /// Returns the share of what was noticed that was a fault.
    pub fn precision(&self) -> f64 {
        let noticed = self.episodes.iter().filter(|of| of.detected);
        Self::share(noticed.clone().filter(|of| of.truth.is_some()).count(), noticed.count())
    }

    /// Returns the share of faults that were called by their true name first.
    pub fn root_cause_first(&self) -> f64 {
        Self::share(self.faults().filter(|of| of.is_right()).count(), self.faults().count())
    }

    /// Returns the share of faults after which the programme was back, or a person knew.
    pub fn over(&self) -> f64 {
        Self::share(self.faults().filter(|of| of.is_over()).count(), self.faults().count())
    }

    /// Returns how many controls something was done to.
    pub fn harmed_controls(&self) -> usize {
        self.episodes.iter().filter(|of| of.truth.is_none() && !of.actions.is_empty()).count()
    }

    /// Returns seconds of slate over all faults.
    pub fn slate_s(&self) -> f64 {
        self.faults().map(|of| of.slate_s).sum::<f64>() + 0.0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| fault | called | detect s | heal s | slate s | what was done | what the probe saw |")?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
        for of in &self.episodes {
            let called = of.called.as_deref().unwrap_or("-");
            let mark = if of.truth.is_none() || of.is_right() { "" } else { " (wrong)" };
            let done = match of.actions.is_empty() {
                true if of.mended => "supervision mended it".to_owned(),
                true => "-".to_owned(),
                false => of.actions.join(", "),
            };
            let (detect, heal) = (number(of.detect_s), number(of.heal_s));
            writeln!(
                f,
                "| {} | {called}{mark} | {detect} | {heal} | {:.1} | {done} | {} |",
                of.name, of.slate_s, of.probe
            )?;
        }
        writeln!(
            f,
            "\nrecall {:.2}, precision {:.2}, root cause first {:.2}, over {:.2}, controls harmed {}, slate {:.0} s",
            self.recall(),
            self.precision(),
            self.root_cause_first(),
            self.over(),
            self.harmed_controls(),
            self.slate_s()
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::CATALOGUE, *};

    fn fault(name: &str) -> &'static Fault {
        CATALOGUE.iter().find(|fault| fault.name == name).unwrap_or_else(|| panic!("no fault {name}"))
    }

    fn episode(name: &str, done: &[Value], causes: &[&str]) -> Episode {
        let feed = json!({ "state": "on_air", "slate_frames": 50 });
        Episode::of(fault(name), 1_000, done, &feed, causes.iter().map(|cause| (*cause).to_owned()).collect())
    }

    #[test]
    fn names_are_used_once_and_there_are_enough_of_them() {
        let mut names: Vec<_> = CATALOGUE.iter().map(|fault| fault.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CATALOGUE.len());
        assert!(CATALOGUE.iter().filter(|fault| !fault.is_control()).count() >= 25);
    }

    #[test]
    fn an_episode_is_read_from_what_the_host_says() {
        let steps = json!([{ "phase": "probing", "ok": true, "told": "it flows" }]);
        let done = [json!({
            "issue": "FFMPEG_HANG", "deed": "play_next_item", "outcome": "healed", "issue_since_ms": 3_000,
            "ended_ms": 21_000, "steps": steps,
        })];
        let of = episode("FFmpeg gives nothing", &done, &["ffmpeg_hung"]);
        assert!(of.detected && of.healed && of.is_right() && of.is_over() && !of.mended);
        assert_eq!((of.detect_s, of.heal_s, of.slate_s, of.probe.as_str()), (Some(2.0), Some(20.0), 2.0, "it flows"));
    }

    #[test]
    fn what_is_missed_misnamed_or_done_for_nothing_counts_against_the_healer() {
        let act = json!({ "issue": "FFMPEG_CRASH", "deed": "restart_run", "outcome": "failed", "steps": [] });
        let mut report = Report { episodes: vec![episode("FFmpeg gives nothing", &[], &[])] };
        assert_eq!((report.recall(), report.root_cause_first()), (0.0, 0.0));
        report.episodes.push(episode("FFmpeg gives nothing", std::slice::from_ref(&act), &["ffmpeg_crashed"]));
        assert_eq!((report.recall(), report.root_cause_first(), report.over()), (0.5, 0.0, 0.5));
        report.episodes.push(episode("nothing happens", &[act], &[]));
        assert_eq!((report.precision(), report.harmed_controls()), (0.5, 1));
    }
}
