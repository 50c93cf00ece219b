//! Who must be there, and who is.
//!
//! Does: compare the host's processes with what it says about its feeds.
//! Does not: forgive a process that belongs to nobody.
//! Invariant: one worker for each feed and one that serves all, one FFmpeg for each run, and nobody else.

use std::collections::BTreeSet;

use crate::{
    host::Host,
    patience::{LONG, try_for},
    process::Process,
};

/// Fails unless the host's processes are exactly those of its feeds, and `company` that FFmpeg was given; what comes and goes meanwhile
/// gets the time to do so.
///
/// # Panics
/// When there are others, or some are missing.
pub fn assert_exact(host: &Host, company: Option<&str>) {
    let mut last = String::new();
    let exact = try_for(LONG, || match discrepancy(host, company) {
        None => Some(()),
        Some(problem) => {
            last = problem;
            None
        }
    });
    assert!(exact.is_some(), "the census is not what the host says: {last}");
}

fn discrepancy(host: &Host, company: Option<&str>) -> Option<String> {
    let (feeds, processes) = (host.feeds(), host.census());
    let pids = |wanted: &dyn Fn(&Process) -> bool| -> BTreeSet<u32> {
        processes.iter().filter(|process| wanted(process)).map(|process| process.pid).collect()
    };
    let ffmpegs = pids(&|process| process.is_ffmpeg());
    let strangers =
        pids(&|process| !process.is_worker() && !process.is_ffmpeg() && Some(process.name.as_str()) != company);
    let runs: BTreeSet<_> = feeds.iter().flat_map(|feed| &feed.runs).filter_map(|run| run.pid).collect();
    let workers = pids(&Process::is_worker);
    let known: BTreeSet<_> = feeds.iter().filter_map(|feed| feed.worker_pid).collect();
    let serving = workers.difference(&known).count();
    let exact = strangers.is_empty()
        && ffmpegs == runs
        && known.len() == feeds.len()
        && known.is_subset(&workers)
        && serving <= 1;
    (!exact).then(|| format!("feeds {feeds:#?}\nprocesses {processes:#?}"))
}
