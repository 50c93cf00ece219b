//! What a plugin must leave alone: the process around it.
//!
//! Does: take stock of descriptors, threads, memory, folder, environment, umask and signal table, and say what has changed.
//! Does not: judge; a check says which changes are allowed.
//! What an operating system does not show (the signal table on macOS, say) is absent, and never counts as changed. The locale is shown by none without a
//! foreign call; a library that could change it is known by its imports.

use std::{collections::BTreeMap, ffi::OsString, fs, path::PathBuf};

/// The state of this process that its parts share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    fds: Option<BTreeMap<String, PathBuf>>,
    folder: Option<PathBuf>,
    environment: BTreeMap<OsString, OsString>,
    /// `Umask`, `SigCgt` and their like of `/proc/self/status`.
    kernel: BTreeMap<String, String>,
}

/// Rows of `/proc/self/status` that a plugin must not change.
const KERNEL_ROWS: [(&str, &str); 5] = [
    ("Umask", "the umask"),
    ("SigBlk", "the blocked signals"),
    ("SigIgn", "the ignored signals"),
    ("SigCgt", "the signal handlers"),
    ("NoNewPrivs", "the privileges"),
];

impl Surroundings {
    /// Takes stock.
    pub fn now() -> Self {
        let rows = status_rows();
        let kernel = KERNEL_ROWS.iter().filter_map(|(row, _)| Some(((*row).to_owned(), rows.get(*row)?.clone())));
        Self {
            fds: open_fds(),
            folder: std::env::current_dir().ok(),
            environment: std::env::vars_os().collect(),
            kernel: kernel.collect(),
        }
    }

    /// Returns what is different now, in words for people.
    pub fn changed(&self, now: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        if let (Some(then), Some(now)) = (&self.fds, &now.fds) {
            let opened = now.iter().filter(|(fd, _)| !then.contains_key(*fd));
            changes.extend(opened.map(|(fd, file)| format!("it left descriptor {fd} open ({})", file.display())));
            let closed = then.keys().filter(|fd| !now.contains_key(*fd));
            changes.extend(closed.map(|fd| format!("it closed descriptor {fd}, which is not its own")));
        }
        if let (Some(then), Some(now)) = (&self.folder, &now.folder)
            && then != now
        {
            changes.push(format!("it changed the working directory to {}", now.display()));
        }
        changes.extend(self.changed_environment(now));
        let same = |row: &str| self.kernel.get(row) == now.kernel.get(row);
        let rows = KERNEL_ROWS.iter().filter(|(row, _)| !same(row));
        changes.extend(rows.map(|(row, what)| format!("it changed {what} ({row} of /proc/self/status)")));
        changes
    }

    fn changed_environment<'a>(&'a self, now: &'a Self) -> impl Iterator<Item = String> + 'a {
        let names =
            self.environment.keys().chain(now.environment.keys().filter(|name| !self.environment.contains_key(*name)));
        let changed = names.filter(|name| self.environment.get(*name) != now.environment.get(*name));
        changed.map(|name| format!("it changed the environment variable {}", name.display()))
    }
}

/// Returns how many descriptors are open, if the system says.
pub fn fd_count() -> Option<usize> {
    open_fds().map(|fds| fds.len())
}

/// Returns how many threads run, if the system says.
pub fn thread_count() -> Option<usize> {
    fs::read_dir("/proc/self/task").ok().map(Iterator::count)
}

/// Returns the memory that is in use, if the system says.
pub fn rss_bytes() -> Option<u64> {
    let row = status_rows().remove("VmRSS")?;
    row.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1_024)
}

/// Returns the slope of evenly spaced samples, per sample, by least squares.
pub fn slope(samples: &[f64]) -> f64 {
    let count = samples.len() as f64;
    let mid = (count - 1.0) / 2.0;
    let mean = samples.iter().sum::<f64>() / count;
    let offsets = samples.iter().enumerate().map(|(x, y)| (x as f64 - mid, y - mean));
    let (product, square) = offsets.fold((0.0, 0.0), |(product, square), (x, y)| (product + x * y, square + x * x));
    if square > 0.0 { product / square } else { 0.0 }
}

fn open_fds() -> Option<BTreeMap<String, PathBuf>> {
    let entries = ["/proc/self/fd", "/dev/fd"].iter().find_map(|folder| fs::read_dir(folder).ok())?;
    let open = entries.flatten().filter_map(|entry| {
        let target = fs::read_link(entry.path()).unwrap_or_default();
        // The descriptor with which we read this folder is ours.
        let ours = target.ends_with("fd") && target.starts_with("/proc");
        (!ours).then(|| (entry.file_name().to_string_lossy().into_owned(), target))
    });
    Some(open.collect())
}

fn status_rows() -> BTreeMap<String, String> {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let row = |line: &str| line.split_once(':').map(|(key, value)| (key.to_owned(), value.trim().to_owned()));
    text.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_change_is_not_reported() {
        let then = Surroundings::now();
        assert_eq!(then.changed(&then.clone()), Vec::<String>::new());
    }

    #[test]
    fn each_change_is_named() {
        let then = Surroundings::now();
        let mut now = then.clone();
        now.folder = Some("/elsewhere".into());
        now.environment.insert("TZ".into(), "UTC+25".into());
        now.kernel.insert("SigCgt".into(), "not what it was".into());
        let text = then.changed(&now).join("; ");
        for word in ["/elsewhere", "variable TZ", "signal handlers"] {
            assert!(text.contains(word), "{word} is missing in {text}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_descriptor_that_stays_open_is_named() {
        let then = Surroundings::now();
        let file = std::fs::File::open("/dev/null").unwrap();
        let changes = then.changed(&Surroundings::now());
        assert!(changes.iter().any(|change| change.contains("/dev/null")), "{changes:?}");
        drop(file);
    }

    #[test]
    fn a_slope_is_that_of_the_line() {
        assert!((slope(&[1.0, 3.0, 5.0, 7.0]) - 2.0).abs() < 1e-9);
        assert!(slope(&[4.0, 4.0, 4.0]).abs() < 1e-9);
    }
}
