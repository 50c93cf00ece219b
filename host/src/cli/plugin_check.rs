//! `exstreamtv plugin check`: says which rules a plugin breaks.
//!
//! Does: define the command, print lines for people or one document for machines, and turn the result into an exit code.
//! Does not: test anything; that is `exstreamtv-conformance`, whose children this program is when it is called as `plugin-check-one`.
//! Invariant: this process never runs the plugin's code.

use std::{ffi::OsString, io, path::PathBuf, time::Duration};

use clap::Args;
use exstreamtv_conformance::{
    catalogue::{DEFAULT_LEVEL, MAX_LEVEL},
    child,
    report::Line,
    runner::{self, ChildProgram, Plan, Reproduced, RunError},
};

/// Name of the hidden command that runs one test.
pub const CHECK_ONE: &str = "plugin-check-one";

/// Tests a plugin library, each rule in a process of its own.
#[derive(Debug, Args)]
pub struct Check {
    /// The library.
    file: PathBuf,
    /// Up to which level; 5 is the lowest that is of use to hosts.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_LEVEL, value_parser = clap::value_parser!(u8).range(1..=i64::from(MAX_LEVEL)))]
    level: u8,
    /// Runs this test only; may be given several times.
    #[arg(long, value_name = "TEST")]
    only: Vec<String>,
    /// Prints one JSON document instead of lines.
    #[arg(long)]
    json: bool,
    /// After the tests, puts random and damaged requests to each plugin for this long: 30s, 10m, 1h30m.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    fuzz: Option<Duration>,
    /// Where random requests begin.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Puts the request of this seed again, shows it and what came of it, and does nothing else.
    #[arg(long, value_name = "SEED", conflicts_with_all = ["fuzz", "only", "level", "seed"])]
    reproduce: Option<u64>,
}

/// Why a check did not end well; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It could not be done.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The name of this program is not known, so no child can be started.
    #[error("find this program, to start it again for each test")]
    Program(#[source] io::Error),
    /// The plugin breaks rules; they have been printed.
    #[error("find {} keeping every rule of its level", .file.display())]
    Broken {
        /// The library.
        file: PathBuf,
    },
}

impl CheckError {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Broken { .. } => 65,
            Self::Run(RunError::NoFile { .. }) => 66,
            Self::Run(RunError::NoTest { .. }) => 64,
            Self::Run(RunError::Child(_)) | Self::Program(_) => 70,
        }
    }
}

impl Check {
    /// Checks, and prints what comes of it.
    ///
    /// # Errors
    /// If the library breaks a rule, or nothing could be tested.
    pub fn run(self) -> Result<(), CheckError> {
        let this = std::env::current_exe().map_err(CheckError::Program)?;
        let program = ChildProgram { program: this, arguments: vec![CHECK_ONE.into()] };
        match self.reproduce {
            Some(seed) => self.again(seed, &program),
            None => self.all(&program),
        }
    }

    fn all(self, program: &ChildProgram) -> Result<(), CheckError> {
        let Self { file, level, only, json, fuzz, seed, .. } = self;
        let plan = Plan { file, level, only, seed, fuzz };
        let mut show = |line: &Line| {
            if !json {
                say!("{line}");
            }
        };
        let report = runner::check(&plan, program, &mut show)?;
        if json {
            say!("{:#}", report.document());
        } else {
            say!("{}", report.summary());
        }
        if report.is_good() { Ok(()) } else { Err(CheckError::Broken { file: plan.file }) }
    }

    fn again(self, seed: u64, program: &ChildProgram) -> Result<(), CheckError> {
        let Self { file, level, json, .. } = self;
        let plan = Plan { file, level, only: Vec::new(), seed, fuzz: None };
        let again = runner::reproduce(&plan, program)?;
        if json {
            say!("{:#}", serde_json::json!({ "seed": seed.to_string(), "plugins": again }));
        } else {
            again.iter().for_each(print_again);
        }
        let broken = again.is_empty() || again.iter().any(|one| one.verdict.is_failure());
        if broken { Err(CheckError::Broken { file: plan.file }) } else { Ok(()) }
    }
}

fn print_again(one: &Reproduced) {
    say!("{} {}", one.verdict.word(), one.plugin);
    if let Some(story) = one.verdict.story() {
        say!("{story}");
    }
    say!("{}", one.request.as_deref().unwrap_or("the process ended before the request was made"));
}

/// Runs one test; the hidden command's whole work.
///
/// # Errors
/// If the arguments are no order of a check.
pub fn check_one(arguments: &[OsString]) -> io::Result<()> {
    child::run(arguments).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

/// Reads "1h30m", "10m", "45s".
fn duration(text: &str) -> Result<Duration, String> {
    let mut seconds = 0_u64;
    let mut digits = String::new();
    for character in text.chars() {
        let unit = match character {
            '0'..='9' => {
                digits.push(character);
                continue;
            }
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return Err(not_a_duration()),
        };
        let count: u64 = digits.parse().map_err(|_| not_a_duration())?;
        digits.clear();
        seconds = count.checked_mul(unit).and_then(|more| seconds.checked_add(more)).ok_or_else(not_a_duration)?;
    }
    if seconds > 0 && digits.is_empty() { Ok(Duration::from_secs(seconds)) } else { Err(not_a_duration()) }
}

fn not_a_duration() -> String {
    "it must be like 30s, 10m or 1h30m".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_hours_minutes_and_seconds() {
        let seconds = |text| duration(text).map(|duration| duration.as_secs());
        assert_eq!((seconds("30s"), seconds("10m"), seconds("1h30m")), (Ok(30), Ok(600), Ok(5_400)));
        for text in ["", "s", "10", "0s", "-1s", "1d", "1m30", "99999999999999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
