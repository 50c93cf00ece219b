//! One test, as the parent orders it and as the child reports it.
//!
//! Does: turn an order into arguments and back, and keep the report in a file that outlives the child.
//! Does not: start or run anything.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{contract::Contract, verdict::Verdict};

/// What a child is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The library.
    pub file: PathBuf,
    /// Name of the test, or [`DESCRIBE`], [`FUZZ`], [`REPRODUCE`].
    pub test: String,
    /// Where the report is written.
    pub report: PathBuf,
    /// The plugin that is tested; empty for the library.
    pub plugin: String,
    /// Where random questions come from.
    pub seed: u64,
    /// How long to go on with random questions, for [`FUZZ`].
    pub for_ms: u64,
}

/// The job that only says what is inside.
pub const DESCRIBE: &str = "describe";

/// The job that asks random and damaged questions for some time.
pub const FUZZ: &str = "fuzz";

/// The job that asks one of these again.
pub const REPRODUCE: &str = "reproduce";

/// What a child says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildReport {
    /// What came of the test; absent if the child ended before it knew.
    pub verdict: Option<Verdict>,
    /// What is inside the library.
    pub plugins: Vec<Plugin>,
    /// Answers in short, for comparison with those of another process.
    pub fingerprints: Vec<(String, u64)>,
    /// The seed of the question that was asked last.
    pub seed: Option<u64>,
    /// How many questions were asked.
    pub questions: u64,
    /// The request that was asked last, where somebody asked for it.
    pub request: Option<String>,
}

/// A plugin of a library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its contract; `None` for one that this host does not know.
    pub contract: Option<Contract>,
}

/// Arguments are not an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("understand the order: expected FILE TEST REPORT PLUGIN SEED FOR_MS")]
pub struct JobError;

impl Job {
    /// Returns the order as arguments.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![self.file.clone().into(), self.test.clone().into()];
        arguments.extend([self.report.clone().into(), self.plugin.clone().into()]);
        arguments.extend([self.seed.to_string().into(), self.for_ms.to_string().into()]);
        arguments
    }

    /// Returns the order that arguments give.
    ///
    /// # Errors
    /// If they are none.
    pub fn from_arguments(arguments: &[OsString]) -> Result<Self, JobError> {
        let [file, test, report, plugin, seed, for_ms] = arguments else { return Err(JobError) };
        let text = |argument: &OsStr| argument.to_str().map(str::to_owned).ok_or(JobError);
        let number = |argument: &OsStr| text(argument)?.parse().map_err(|_| JobError);
        Ok(Self {
            file: file.into(),
            test: text(test)?,
            report: report.into(),
            plugin: text(plugin)?,
            seed: number(seed)?,
            for_ms: number(for_ms)?,
        })
    }
}

impl ChildReport {
    /// Writes the report, in place of what was said before.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        fs::write(file, serde_json::to_vec(self)?)
    }

    /// Reads what a child said; nothing if it said nothing.
    pub fn read(file: &Path) -> Self {
        fs::read(file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_survives_the_command_line() {
        let job = Job {
            file: "/a b/ü.so".into(),
            test: FUZZ.into(),
            report: "/tmp/r".into(),
            plugin: String::new(),
            seed: u64::MAX,
            for_ms: 5,
        };
        assert_eq!(Job::from_arguments(&job.arguments()), Ok(job));
        assert_eq!(Job::from_arguments(&[]), Err(JobError));
    }
}
