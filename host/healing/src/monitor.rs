//! How well a channel does.
//!
//! Does: turn what is measured once a second into the specification's health metrics, a status that neither flatters nor flickers, and what is to
//! be expected.
//! Does not: measure or act.
//! Invariants: one good second does not hide a bad minute, and one bad second is no illness; a channel whose programme is not on is never healthy.

use std::collections::VecDeque;

use exstreamtv_model::{ChannelId, RunId, health::Progress};
use serde::Serialize;

use crate::prediction::Level;

/// How well a channel does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HealthStatus {
    /// As it should be.
    Healthy,
    /// Not quite; viewers notice nothing yet.
    Degraded,
    /// Viewers will notice soon, or do at times.
    Unhealthy,
    /// The programme is not on.
    Failed,
}

/// The health metrics of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChannelHealthMetrics {
    /// Whose.
    pub channel_id: ChannelId,
    /// In a word.
    pub status: HealthStatus,
    /// The same as a number from 0 to 1, as it is at this moment.
    pub health: f64,
    /// Pictures encoded a second, over the last ten.
    pub current_fps: f64,
    /// Pictures a second that the channel sends.
    pub expected_fps: f64,
    /// Media seconds encoded per second, over the last ten; 1.0 = realtime.
    pub current_speed: f64,
    /// Of what is encoded, kilobits per media second.
    pub current_bitrate_kbps: f64,
    /// Frames dropped by the runs since the channel is on air.
    pub dropped_frames: u64,
    /// Frames repeated by the runs since the channel is on air.
    pub duplicate_frames: u64,
    /// Runs that failed since the channel is on air.
    pub error_count: u32,
    /// How often something was started again since the channel is on air.
    pub restart_count: u64,
}

/// What is to be expected of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailurePrediction {
    /// Whose.
    pub channel_id: ChannelId,
    /// What would fail.
    pub failure: Expected,
    /// The odds that it fails within the horizon, 0 to 1.
    pub probability: f64,
    /// Seconds that the odds are about.
    pub horizon_s: u32,
    /// When it fails if everything goes on like this, seconds.
    pub time_to_failure_s: Option<f64>,
    /// What that was read from.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub evidence: &'static str,
}

/// What can be seen coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// The encoder is slower than the clock: the slate comes when the lead is used up.
    LeadUsedUp,
    /// The channel's processes need more memory than they may have.
    MemoryUsedUp,
    /// Runs fail so often that one more is likely.
    AnotherFailure,
}

/// What is measured, about once a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Monotonic milliseconds.
    pub at_ms: i64,
    /// The run on air, and how far it is.
    pub run: Option<(RunId, Progress)>,
    /// Whether the programme is on.
    pub on_air: bool,
    /// How far the newest frame is ahead of the clock.
    pub lead_ms: i64,
    /// How far it should be.
    pub lead_wanted_ms: i64,
    /// Memory of the channel's processes, and what they may have.
    pub memory: Option<(u64, u64)>,
    /// Runs that failed since the channel is on air.
    pub failures: u32,
    /// How often something was started again.
    pub restarts: u64,
}

/// When a channel is called what; settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// From this health on a channel is healthy (`ffmpeg_health_threshold`).
    pub healthy: f64,
    /// From these odds on a failure is told (`prediction_confidence_threshold`).
    pub confident: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { healthy: 0.8, confident: 0.75 }
    }
}

/// Seconds over which speed is measured.
const SPEED_S: i64 = 10;
/// Seconds that a channel must do worse before its status does.
const WORSE_S: usize = 3;
/// Seconds of which a channel must do better in all before its status does.
const BETTER_S: usize = 60;
/// How far predictions look.
const HORIZON_S: u32 = 60;
/// Failures are counted over this time.
const FAILURES_MS: i64 = 600_000;

/// Watches one channel.
#[derive(Debug)]
pub struct Monitor {
    channel: ChannelId,
    expected_fps: f64,
    status: HealthStatus,
    /// What the last seconds alone would be called, the newest last.
    verdicts: VecDeque<HealthStatus>,
    /// The run's progress over the last seconds.
    pace: VecDeque<(i64, Progress)>,
    run: Option<RunId>,
    /// Frames dropped and repeated by runs before this one.
    before: (u64, u64),
    lead: Level,
    memory: Level,
    failures: VecDeque<i64>,
    known_failures: Option<u32>,
    began_ms: Option<i64>,
    last: Option<Sample>,
    told: Vec<Expected>,
}

/// What a sample changed; for whoever listens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// The channel is called something else.
    Status {
        /// Before.
        from: HealthStatus,
        /// Now.
        to: HealthStatus,
    },
    /// A failure is to be expected.
    Predicted(FailurePrediction),
}

impl Monitor {
    /// Returns a monitor of a channel that sends so many pictures a second.
    pub fn new(channel: ChannelId, expected_fps: f64) -> Self {
        Self {
            channel,
            expected_fps,
            status: HealthStatus::Healthy,
            verdicts: VecDeque::new(),
            pace: VecDeque::new(),
            run: None,
            before: (0, 0),
            lead: Level::default(),
            memory: Level::default(),
            failures: VecDeque::new(),
            known_failures: None,
            began_ms: None,
            last: None,
            told: Vec::new(),
        }
    }

    /// Takes a sample and returns what it changed.
    pub fn take(&mut self, sample: Sample, rules: Rules) -> Vec<Change> {
        self.began_ms.get_or_insert(sample.at_ms);
        self.follow_run(&sample);
        self.count_failures(&sample);
        self.measure_levels(&sample);
        self.last = Some(sample);
        let mut changes: Vec<_> = self.judge(rules).into_iter().collect();
        let expected: Vec<_> =
            self.predictions().into_iter().filter(|told| told.probability >= rules.confident).collect();
        // Each is told when it comes up, and again only after it was gone.
        changes.extend(expected.iter().filter(|of| !self.told.contains(&of.failure)).map(|of| Change::Predicted(*of)));
        self.told = expected.iter().map(|of| of.failure).collect();
        changes
    }

    /// Returns the metrics as they are now.
    pub fn metrics(&self, rules: Rules) -> ChannelHealthMetrics {
        let (fps, speed, bitrate_kbps) = self.pace();
        let counted =
            self.pace.back().map_or((0, 0), |(_, progress)| (progress.dropped_frames, progress.duplicated_frames));
        ChannelHealthMetrics {
            channel_id: self.channel,
            status: self.status,
            health: self.health(rules),
            current_fps: fps,
            expected_fps: self.expected_fps,
            current_speed: speed,
            current_bitrate_kbps: bitrate_kbps,
            dropped_frames: self.before.0 + counted.0,
            duplicate_frames: self.before.1 + counted.1,
            error_count: self.last.map_or(0, |sample| sample.failures),
            restart_count: self.last.map_or(0, |sample| sample.restarts),
        }
    }

    /// Returns what is to be expected, the likeliest first.
    pub fn predictions(&self) -> Vec<FailurePrediction> {
        let of_level = |level: &Level, failure, evidence| {
            let outlook = level.outlook(HORIZON_S.into())?;
            Some(self.prediction(failure, outlook.probability, outlook.time_to_end_s, evidence))
        };
        let lead = of_level(&self.lead, Expected::LeadUsedUp, "the trend of how far the stream is ahead of the clock");
        let memory =
            of_level(&self.memory, Expected::MemoryUsedUp, "the trend of the memory that is left to the channel");
        let mut all: Vec<_> = [lead, memory, self.another_failure()].into_iter().flatten().collect();
        all.retain(|told| told.probability > 0.0);
        all.sort_by(|one, other| other.probability.total_cmp(&one.probability));
        all
    }

    /// Failures come like drops of rain: with n of them in t the next one comes within T with 1 - (t / (t + T))^(n + 1/2) (the predictive
    /// distribution of a Poisson process under Jeffreys' prior). Two are no trend.
    fn another_failure(&self) -> Option<FailurePrediction> {
        let sample = self.last?;
        let count = self.failures.len();
        if count < 3 {
            return None;
        }
        let seen_s = (sample.at_ms - self.began_ms?).clamp(1_000, FAILURES_MS) as f64 / 1_000.0;
        let rate = count as f64 + 0.5;
        let probability = 1.0 - (seen_s / (seen_s + f64::from(HORIZON_S))).powf(rate);
        let evidence = "how often runs failed in the last ten minutes";
        Some(self.prediction(Expected::AnotherFailure, probability, Some(seen_s / rate), evidence))
    }

    fn prediction(
        &self,
        failure: Expected,
        probability: f64,
        time_to_failure_s: Option<f64>,
        evidence: &'static str,
    ) -> FailurePrediction {
        FailurePrediction {
            channel_id: self.channel,
            failure,
            probability,
            horizon_s: HORIZON_S,
            time_to_failure_s,
            evidence,
        }
    }

    fn follow_run(&mut self, sample: &Sample) {
        let run = sample.run.map(|(run, _)| run);
        if run != self.run {
            if let Some((_, last)) = self.pace.back() {
                self.before.0 += last.dropped_frames;
                self.before.1 += last.duplicated_frames;
            }
            self.pace.clear();
            self.run = run;
        }
        let Some((_, progress)) = sample.run else { return };
        self.pace.push_back((sample.at_ms, progress));
        // The oldest is at least as old as the time over which speed is measured.
        while self.pace.get(1).is_some_and(|(at_ms, _)| sample.at_ms - at_ms >= SPEED_S * 1_000) {
            self.pace.pop_front();
        }
    }

    fn count_failures(&mut self, sample: &Sample) {
        // Those before anybody watched are nobody's.
        let more =
            sample.failures.saturating_sub(self.known_failures.replace(sample.failures).unwrap_or(sample.failures));
        // A flood says no more than a few do.
        self.failures.extend(std::iter::repeat_n(sample.at_ms, more.min(20) as usize));
        while self.failures.front().is_some_and(|at_ms| sample.at_ms - at_ms > FAILURES_MS) || self.failures.len() > 200
        {
            self.failures.pop_front();
        }
    }

    fn measure_levels(&mut self, sample: &Sample) {
        // While the slate is on, its lead says nothing of the encoder.
        match sample.on_air {
            true => self.lead.measure(sample.at_ms, sample.lead_ms as f64 / 1_000.0),
            false => self.lead.restart(),
        }
        match sample.memory {
            Some((used, most)) if most > 0 => self.memory.measure(sample.at_ms, most.saturating_sub(used) as f64),
            _ => self.memory.restart(),
        }
    }

    /// Returns frames a second, media seconds a second and kilobits a media second.
    fn pace(&self) -> (f64, f64, f64) {
        let Some(((first_ms, first), (last_ms, last))) = self.pace.front().zip(self.pace.back()) else {
            return (0.0, 0.0, 0.0);
        };
        let seconds = (last_ms - first_ms) as f64 / 1_000.0;
        if seconds <= 0.0 {
            return (0.0, 0.0, 0.0);
        }
        let media_s = (last.out_time_ms - first.out_time_ms).max(0) as f64 / 1_000.0;
        let frames = last.frames.saturating_sub(first.frames) as f64;
        let bits = last.total_bytes.saturating_sub(first.total_bytes) as f64 * 8.0;
        let kbps = if media_s > 0.0 { bits / media_s / 1_000.0 } else { 0.0 };
        (frames / seconds, media_s / seconds, kbps)
    }

    /// What limits a channel is what it is worst at: its lead, the frames that it drops, its failures.
    fn health(&self, rules: Rules) -> f64 {
        let Some(sample) = self.last else { return 1.0 };
        if !sample.on_air {
            return 0.0;
        }
        let wanted = sample.lead_wanted_ms.max(1) as f64;
        // A lead that is in its ordinary range is as good as a full one: it moves in steps.
        let lead = (sample.lead_ms as f64 / wanted / 0.6).clamp(0.0, 1.0);
        let dropped = match self.pace.front().zip(self.pace.back()) {
            Some(((_, first), (_, last))) if last.frames > first.frames => {
                last.dropped_frames.saturating_sub(first.dropped_frames) as f64 / (last.frames - first.frames) as f64
            }
            _ => 0.0,
        };
        // A source with more pictures than the channel sends drops some on purpose: half of them are nothing yet.
        let drops = (1.5 - dropped).clamp(0.0, 1.0);
        let recent = self.failures.iter().filter(|at_ms| sample.at_ms - **at_ms < 60_000).count() as f64;
        let failures = (1.0 - recent * (1.0 - rules.healthy + 0.05)).clamp(0.0, 1.0);
        lead.min(drops).min(failures)
    }

    /// What this second alone would be called.
    fn verdict(&self, rules: Rules) -> HealthStatus {
        let on_air = self.last.is_none_or(|sample| sample.on_air);
        match self.health(rules) {
            _ if !on_air => HealthStatus::Failed,
            health if health >= rules.healthy => HealthStatus::Healthy,
            health if health >= rules.healthy / 2.0 => HealthStatus::Degraded,
            _ => HealthStatus::Unhealthy,
        }
    }

    fn judge(&mut self, rules: Rules) -> Option<Change> {
        if self.verdicts.len() == BETTER_S {
            self.verdicts.pop_front();
        }
        self.verdicts.push_back(self.verdict(rules));
        let newest = self.verdicts.iter().rev();
        // The least bad of the last seconds: all of them are at least as bad.
        let at_least = newest.clone().take(WORSE_S).min().copied().filter(|_| self.verdicts.len() >= WORSE_S);
        let is_back = newest.clone().take(WORSE_S).all(|verdict| *verdict != HealthStatus::Failed);
        let worst = newest.max().copied().filter(|_| self.verdicts.len() == BETTER_S);
        let to = match (at_least, worst) {
            (Some(worse), _) if worse > self.status => worse,
            (_, Some(better)) if better < self.status => better,
            // It is on again, and must not be called well before it has been so for a while.
            _ if is_back && self.status == HealthStatus::Failed => HealthStatus::Unhealthy,
            _ => return None,
        };
        let from = std::mem::replace(&mut self.status, to);
        Some(Change::Status { from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { healthy: 0.8, confident: 0.75 };

    /// A channel that is watched second by second.
    struct Watched {
        monitor: Monitor,
        sample: Sample,
    }

    impl Watched {
        fn new() -> Self {
            let progress = Progress::default();
            let sample = Sample {
                at_ms: 0,
                run: Some((RunId(1), progress)),
                on_air: true,
                lead_ms: 3_000,
                lead_wanted_ms: 3_000,
                memory: None,
                failures: 0,
                restarts: 0,
            };
            Self { monitor: Monitor::new(ChannelId(7), 25.0), sample }
        }

        /// Lets a second pass in which so much media is encoded.
        fn second(&mut self, media_ms: i64) -> Vec<Change> {
            self.sample.at_ms += 1_000;
            if let Some((_, progress)) = &mut self.sample.run {
                progress.out_time_ms += media_ms;
                progress.frames += media_ms as u64 / 40;
                progress.total_bytes += media_ms as u64 * 250;
            }
            self.monitor.take(self.sample, RULES)
        }

        fn status(&self) -> HealthStatus {
            self.monitor.metrics(RULES).status
        }
    }

    #[test]
    fn a_channel_that_keeps_up_is_healthy_and_its_metrics_are_what_was_measured() {
        let mut channel = Watched::new();
        assert!((0..100).all(|_| channel.second(1_000).is_empty()));
        let metrics = channel.monitor.metrics(RULES);
        assert_eq!((metrics.status, metrics.health), (HealthStatus::Healthy, 1.0));
        assert_eq!((metrics.current_fps, metrics.expected_fps, metrics.current_speed), (25.0, 25.0, 1.0));
        assert_eq!(metrics.current_bitrate_kbps, 2_000.0);
        assert!(channel.monitor.predictions().is_empty());
    }

    #[test]
    fn one_bad_second_is_no_illness_and_one_good_one_no_recovery() {
        let mut channel = Watched::new();
        (0..70).for_each(|_| drop(channel.second(1_000)));
        channel.sample.on_air = false;
        assert!(channel.second(0).is_empty() && channel.second(0).is_empty());
        let changes = channel.second(0);
        let (from, to) = (HealthStatus::Healthy, HealthStatus::Failed);
        assert_eq!(changes, [Change::Status { from, to }]);
        channel.sample.on_air = true;
        for second in 1..BETTER_S {
            let changes = channel.second(1_000);
            let (from, to) = (HealthStatus::Failed, HealthStatus::Unhealthy);
            let expected = if second == WORSE_S { vec![Change::Status { from, to }] } else { vec![] };
            assert_eq!(changes, expected, "after {second} good seconds");
        }
        let (from, to) = (HealthStatus::Unhealthy, HealthStatus::Healthy);
        assert_eq!(channel.second(1_000), [Change::Status { from, to }]);
    }

    #[test]
    fn an_encoder_that_is_slower_than_the_clock_is_seen_before_the_lead_is_used_up() {
        let mut channel = Watched::new();
        (0..30).for_each(|_| drop(channel.second(1_000)));
        let mut told = None;
        for second in 0_i64.. {
            channel.sample.lead_ms -= 60;
            if channel.sample.lead_ms <= 0 {
                break;
            }
            let predicted = |change: &Change| matches!(change, Change::Predicted(_));
            told = told.or(channel.second(940).into_iter().find(predicted).map(|change| (second, change)));
        }
        let Some((second, Change::Predicted(prediction))) = told else { panic!("it was never seen") };
        assert_eq!(prediction.failure, Expected::LeadUsedUp);
        assert!(second < 40, "it was seen after {second} s of 50");
        let left_s = prediction.time_to_failure_s.unwrap();
        assert!(left_s > 5.0 && left_s < 120.0, "{left_s}");
        assert_eq!(channel.status(), HealthStatus::Unhealthy);
    }

    #[test]
    fn memory_that_grows_towards_its_limit_is_seen() {
        let mut channel = Watched::new();
        let mut seen = false;
        for second in 0..90_u64 {
            channel.sample.memory = Some((second << 24, 100 << 24));
            seen |= channel
                .second(1_000)
                .iter()
                .any(|change| matches!(change, Change::Predicted(told) if told.failure == Expected::MemoryUsedUp));
        }
        assert!(seen);
    }

    #[test]
    fn runs_that_fail_again_and_again_will_fail_again() {
        let mut channel = Watched::new();
        (0..120).for_each(|_| drop(channel.second(1_000)));
        assert!(channel.monitor.predictions().is_empty());
        for round in 1..=6 {
            channel.sample.failures = round;
            (0..10).for_each(|_| drop(channel.second(1_000)));
        }
        let told = channel.monitor.predictions();
        assert_eq!(told[0].failure, Expected::AnotherFailure);
        assert!(told[0].probability > 0.75, "{told:?}");
        assert!(channel.status() > HealthStatus::Healthy);
        // Ten quiet minutes later it is forgotten.
        (0..700).for_each(|_| drop(channel.second(1_000)));
        assert!(channel.monitor.predictions().is_empty());
        assert_eq!(channel.status(), HealthStatus::Healthy);
    }

    #[test]
    fn another_run_counts_on_and_begins_its_pace_anew() {
        let mut channel = Watched::new();
        (0..20).for_each(|_| drop(channel.second(1_000)));
        channel.sample.run.iter_mut().for_each(|(_, progress)| progress.dropped_frames = 5);
        channel.second(1_000);
        channel.sample.run = Some((RunId(2), Progress { dropped_frames: 2, ..Progress::default() }));
        (0..20).for_each(|_| drop(channel.second(1_000)));
        let metrics = channel.monitor.metrics(RULES);
        assert_eq!((metrics.dropped_frames, metrics.current_speed), (7, 1.0));
    }
}
