//! The child's side: one test in a process of its own.
//!
//! Does: load the library, run the test, write the report.
//! Does not: write anything to standard output: whatever appears there comes from the plugin.
//! Invariant: the report is written before the process ends, whoever ends it; a crash leaves the last question's seed in it.

use std::{
    ffi::OsString,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use exstreamtv_loader::{PluginFile, Sidecar};
use nix::sys::resource::{Resource, setrlimit};

use crate::{
    bench::Bench,
    catalogue::{self, Check},
    checks::{door::chain, purity},
    contract::Contract,
    examples::Examples,
    fuzz,
    job::{ChildReport, DESCRIBE, FUZZ, Job, JobError, Plugin, REPRODUCE},
    loaded::Loaded,
    verdict::{Outcome, Verdict},
    watchdog::Watchdog,
};

/// Most address space of a child, so that a plugin without measure ends itself and not the machine.
const MEMORY_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// The report of a running test, shared with the watchdog.
pub(crate) struct Desk {
    job: Job,
    report: Mutex<ChildReport>,
}

/// Does the job of the arguments; what came of it stands in the report.
///
/// # Errors
/// If the arguments are no order.
pub fn run(arguments: &[OsString]) -> Result<(), JobError> {
    let job = Job::from_arguments(arguments)?;
    // Where there is no such limit, the check is less polite to the machine, and that is all.
    let _ = setrlimit(Resource::RLIMIT_AS, MEMORY_BYTES, MEMORY_BYTES);
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let desk = Arc::new(Desk { job, report: Mutex::default() });
    let verdict = desk.verdict();
    desk.say(|report| report.verdict = Some(verdict));
    Ok(())
}

impl Desk {
    /// Changes the report and writes it.
    pub(crate) fn say(&self, change: impl FnOnce(&mut ChildReport)) {
        let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut report);
        if let Err(error) = report.write(&self.job.report) {
            eprintln!("failed to write {}: {error}", self.job.report.display());
        }
    }

    fn verdict(self: &Arc<Self>) -> Verdict {
        if self.job.test == DESCRIBE {
            return self.describe().into();
        }
        match catalogue::named(&self.job.test).map(|test| test.check) {
            Some(Check::File(check)) => check(&self.job.file).into(),
            Some(Check::Plugin(check)) => self.on_bench(check).into(),
            Some(Check::TwoProcesses) => self.on_bench(|bench| self.fingerprint(bench)).into(),
            None if self.job.test == FUZZ => {
                let time = Duration::from_millis(self.job.for_ms);
                self.on_bench(|bench| fuzz::go_on(bench, time, &|change| self.say(change))).into()
            }
            None if self.job.test == REPRODUCE => {
                self.on_bench(|bench| fuzz::once(bench, bench.seed, &|change| self.say(change))).into()
            }
            None => Verdict::skipped(format_args!("there is no test {:?}", self.job.test)),
        }
    }

    fn describe(&self) -> Outcome {
        let file = PluginFile::open(&self.job.file)
            .map_err(|error| Verdict::failed(format_args!("the host would fail to {}", chain(&error))))?;
        let plugin = |descriptor: &exstreamtv_loader::Descriptor| Plugin {
            id: descriptor.id.clone(),
            version: descriptor.version.clone(),
            contract: Contract::named(&descriptor.contract),
        };
        self.say(|report| report.plugins = file.descriptors().iter().map(plugin).collect());
        Ok(())
    }

    fn fingerprint(&self, bench: &Bench<'_>) -> Outcome {
        // The other process must live in another second of the clock.
        std::thread::sleep(Duration::from_millis(self.job.for_ms));
        let prints = purity::fingerprints(bench)?;
        self.say(|report| report.fingerprints = prints);
        Ok(())
    }

    fn on_bench(self: &Arc<Self>, check: impl FnOnce(&Bench<'_>) -> Outcome) -> Outcome {
        let library = Loaded::open(&self.job.file, self.watchdog())
            .map_err(|_| Verdict::skipped("the library cannot be loaded"))?;
        let described = library.file().descriptors().iter().find(|descriptor| descriptor.id == self.job.plugin);
        let contract = described.and_then(|descriptor| Contract::named(&descriptor.contract));
        let contract =
            contract.ok_or_else(|| Verdict::skipped(format_args!("there is no plugin {}", self.job.plugin)))?;
        let examples = Examples::read(&Examples::path_of(&Sidecar::path_of(&self.job.file)), &self.job.plugin);
        let examples =
            examples.map_err(|error| Verdict::failed(format_args!("the check failed to {}", chain(&error))))?;
        check(&Bench { library: &library, id: &self.job.plugin, contract, examples: &examples, seed: self.job.seed })
    }

    fn watchdog(self: &Arc<Self>) -> Watchdog {
        let desk = self.clone();
        Watchdog::start(move |call, limit| {
            let after_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
            desk.say(|report| report.verdict = Some(Verdict::TimedOut { call: call.to_owned(), after_ms }));
            // The hanging thread cannot be ended alone.
            std::process::exit(0);
        })
    }
}
