//! Measures what the worker and its FFmpeg processes use.

use exstreamtv_model::health::Vitals;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Measures; keeps what it needs to tell processor use between two measurements.
#[derive(Debug)]
pub struct Sampler {
    /// Made at the first measurement, so that it costs a cold start nothing.
    system: Option<System>,
    own: Pid,
}

impl Sampler {
    /// Measures nothing yet.
    pub fn new() -> Self {
        Self { system: None, own: Pid::from_u32(std::process::id()) }
    }

    /// Measures this process and `children`, and nothing else of the machine; `None` where the system does not let us.
    pub fn sample(&mut self, children: &[u32]) -> Option<Vitals> {
        if self.system.is_none() {
            let open = System::new().inspect_err(|error| tracing::debug!(%error, "failed to measure vital signs"));
            self.system = open.ok();
        }
        let system = self.system.as_mut()?;
        let pids: Vec<Pid> = children.iter().map(|pid| Pid::from_u32(*pid)).chain([self.own]).collect();
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, what);
        let processes = || pids.iter().filter_map(|pid| system.process(*pid));
        Some(Vitals {
            rss_bytes: processes().map(sysinfo::Process::memory).sum(),
            cpu_percent: processes().map(sysinfo::Process::cpu_usage).filter(|usage| usage.is_finite()).sum(),
            runs: u32::try_from(children.len()).unwrap_or(u32::MAX),
        })
    }
}
