//! Who must be there, and who is.
//!
//! Does: compare the host's processes with what it says about its feeds.
//! Does not: forgive a process that belongs to nobody.
//! Invariant: one worker for each feed and one that serves all, one FFmpeg for each run, and nobody else.

use std::collections::BTreeSet;

use crate::{
    api::Feed,
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
    let exact = try_for(LONG, || match discrepancy(&host.feeds(), &host.census(), company) {
        None => Some(()),
        Some(problem) => {
            last = problem;
            None
        }
    });
    assert!(exact.is_some(), "the census is not what the host says: {last}");
}

fn discrepancy(feeds: &[Feed], processes: &[Process], company: Option<&str>) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn process(pid: u32, name: &str) -> Process {
        Process { pid, started_s: 1, name: name.into(), arguments: vec![] }
    }

    fn is_exact(processes: &[Process], company: Option<&str>) -> bool {
        let runs = json!([{ "pid": 12, "kind": "on_air" }, { "pid": null, "kind": "prepared" }]);
        let feed =
            json!({ "channel": "1", "state": "on_air", "since_ms": 0, "worker_pid": 11, "runs": runs, "viewers": 1 });
        discrepancy(&[serde_json::from_value(feed).unwrap()], processes, company).is_none()
    }

    #[test]
    fn one_too_many_one_too_few_and_a_stranger_are_found() {
        let [serving, worker] = [process(10, "exstreamtv-worker"), process(11, "exstreamtv-worker")];
        let [ffmpeg, orphan, stranger] = [process(12, "ffmpeg"), process(13, "ffmpeg"), process(14, "yes")];
        let good = [serving, worker, ffmpeg];
        assert!(is_exact(&good, None));
        assert!(is_exact(&good[1..], None), "the worker that serves all starts with the first question");
        assert!(!is_exact(&good[..2], None) && !is_exact(&good[..1], None));
        let and = |one: &Process| [&good[..], std::slice::from_ref(one)].concat();
        assert!(!is_exact(&and(&orphan), None) && !is_exact(&and(&process(15, "exstreamtv-worker")), None));
        assert!(!is_exact(&and(&stranger), None) && is_exact(&and(&stranger), Some("yes")));
    }
}
