//! Runs tests, each in a process of its own.
//!
//! Does: start children, wait for them, tell crash, hang, exit and broken rule apart, and compare what two processes say.
//! Does not: run a plugin's code.
//! Invariant: when [`check`] returns, every child has ended, and so has whatever the plugin started in the child's process group.

mod process;

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    catalogue::{self, CATALOGUE, Check, Concerns, Test},
    job::{ChildReport, DESCRIBE, FUZZ, Job, Plugin, REPRODUCE},
    report::{Line, Report},
    verdict::Verdict,
};

/// How to start a child: the program and the arguments in front of the job's.
#[derive(Debug, Clone)]
pub struct ChildProgram {
    /// The program.
    pub program: PathBuf,
    /// Its first arguments.
    pub arguments: Vec<OsString>,
}

/// What is to be checked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The library.
    pub file: PathBuf,
    /// Up to which level.
    pub level: u8,
    /// Names of the tests to run; all of the level if there are none.
    pub only: Vec<String>,
    /// Where random questions come from.
    pub seed: u64,
    /// How long to fuzz each plugin after the tests.
    pub fuzz: Option<Duration>,
}

/// Why nothing was checked; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such test.
    #[error("find the test {name:?}; there are {}", test_names())]
    NoTest {
        /// What was asked for.
        name: String,
    },
    /// There is no such file.
    #[error("look at {}", .path.display())]
    NoFile {
        /// Which one.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A child cannot be started, or its report cannot be kept.
    #[error("start a test in a process of its own")]
    Child(#[source] io::Error),
}

/// A test may take this long, whatever it does; its calls are watched more closely by the child.
const TEST_LIMIT: Duration = Duration::from_secs(300);

/// After so many crashes nothing more is learnt; a hang counts for two, because everybody waits for it.
const MAX_DEATHS: usize = 4;

/// The seconds of the clock in which two processes answer must differ.
const OTHER_SECOND_MS: u64 = 1_100;

/// Checks a library, and gives each line to `show` as soon as it is known.
///
/// # Errors
/// If the file is not there or children cannot be started; a library that breaks rules is no error.
pub fn check(plan: &Plan, child: &ChildProgram, show: &mut dyn FnMut(&Line)) -> Result<Report, RunError> {
    let file = existing(&plan.file)?;
    if let Some(name) = plan.only.iter().find(|name| catalogue::named(name).is_none()) {
        return Err(RunError::NoTest { name: name.clone() });
    }
    let folder = tempfile::tempdir().map_err(RunError::Child)?;
    let mut run = Run { plan, file, child, folder: folder.path(), lines: Vec::new(), show };
    run.library()?;
    let plugins = run.described()?;
    for plugin in &plugins {
        run.plugin(plugin)?;
    }
    Ok(Report { file: plan.file.clone(), level: plan.level, seed: plan.seed, plugins, lines: run.lines })
}

/// Asks one question again by its seed; gives the request and what came of it, for each plugin of the library.
///
/// # Errors
/// If the file is not there or children cannot be started.
pub fn reproduce(plan: &Plan, child: &ChildProgram) -> Result<Vec<Reproduced>, RunError> {
    let file = existing(&plan.file)?;
    let folder = tempfile::tempdir().map_err(RunError::Child)?;
    let mut ignore = |_: &Line| {};
    let run = Run { plan, file, child, folder: folder.path(), lines: Vec::new(), show: &mut ignore };
    let plugins = run.described()?;
    let one = |plugin: &Plugin| {
        let report = run.job(REPRODUCE, &plugin.id, 0, process::Scene::Here)?;
        let verdict = report.verdict.unwrap_or_else(|| Verdict::failed("the test said nothing"));
        Ok(Reproduced { plugin: plugin.id.clone(), request: report.request, verdict })
    };
    plugins.iter().map(one).collect()
}

/// What came of a question that was asked again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Reproduced {
    /// Which plugin was asked.
    pub plugin: String,
    /// What it was asked.
    pub request: Option<String>,
    /// What came of it.
    pub verdict: Verdict,
}

struct Run<'a> {
    plan: &'a Plan,
    file: PathBuf,
    child: &'a ChildProgram,
    folder: &'a Path,
    lines: Vec<Line>,
    show: &'a mut dyn FnMut(&Line),
}

impl Run<'_> {
    fn library(&mut self) -> Result<(), RunError> {
        for test in self.tests().into_iter().filter(|test| test.concerns == Concerns::Library) {
            self.test(test, None)?;
        }
        Ok(())
    }

    /// Asks the library what is inside; nothing if it cannot be loaded.
    fn described(&self) -> Result<Vec<Plugin>, RunError> {
        self.job(DESCRIBE, "", 0, process::Scene::Here).map(|report| report.plugins)
    }

    fn plugin(&mut self, plugin: &Plugin) -> Result<(), RunError> {
        // A contract that is not known is a breach of its own, and there is nothing to ask.
        let Some(contract) = plugin.contract else { return Ok(()) };
        for test in self.tests().into_iter().filter(|test| test.concerns.includes(contract)) {
            self.test(test, Some(plugin))?;
        }
        self.plan.fuzz.map_or(Ok(()), |time| self.fuzz(plugin, time))
    }

    fn tests(&self) -> Vec<&'static Test> {
        let wanted = |test: &&Test| match self.plan.only.as_slice() {
            [] => test.level <= self.plan.level,
            only => only.iter().any(|name| name == test.name),
        };
        CATALOGUE.iter().filter(wanted).collect()
    }

    fn test(&mut self, test: &'static Test, plugin: Option<&Plugin>) -> Result<(), RunError> {
        let id = plugin.map_or("", |plugin| plugin.id.as_str());
        let died = |line: &Line| match line.verdict {
            Verdict::TimedOut { .. } => 2,
            _ => usize::from(line.verdict.is_death()),
        };
        let deaths: usize = self.lines.iter().map(died).sum();
        let verdict = match test.check {
            _ if deaths >= MAX_DEATHS => Verdict::skipped("the plugin crashed or hung too often before"),
            Check::TwoProcesses => self.compared(test, id)?,
            Check::File(_) | Check::Plugin(_) => said(self.job(test.name, id, 0, process::Scene::Here)?),
        };
        self.say(Line::of(test, plugin, verdict));
        Ok(())
    }

    fn compared(&self, test: &Test, id: &str) -> Result<Verdict, RunError> {
        let here = self.job(test.name, id, 0, process::Scene::Here)?;
        let there = self.job(test.name, id, OTHER_SECOND_MS, process::Scene::Elsewhere)?;
        let differing = here.fingerprints.iter().zip(&there.fingerprints).find(|(here, there)| here != there);
        let label = differing.map(|((label, _), _)| label.clone());
        Ok(match (said(here), said(there), label) {
            (Verdict::Passed, Verdict::Passed, Some(label)) => Verdict::failed(format_args!(
                "{label}: another process, at another time and in another place, gets another answer"
            )),
            (Verdict::Passed, there, _) => there,
            (here, _, _) => here,
        })
    }

    fn fuzz(&mut self, plugin: &Plugin, time: Duration) -> Result<(), RunError> {
        let for_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let report = self.job(FUZZ, &plugin.id, for_ms, process::Scene::Here)?;
        let seed = report.seed;
        let line = Line::of_fuzz(plugin, report.questions, seed, said(report));
        self.say(line);
        Ok(())
    }

    fn job(&self, test: &str, plugin: &str, for_ms: u64, scene: process::Scene) -> Result<ChildReport, RunError> {
        let job = Job {
            file: self.file.clone(),
            test: test.to_owned(),
            report: self.folder.join("report.json"),
            plugin: plugin.to_owned(),
            seed: self.plan.seed,
            for_ms,
        };
        let limit = TEST_LIMIT.saturating_add(Duration::from_millis(for_ms));
        process::run(self.child, &job, limit, scene, self.folder).map_err(RunError::Child)
    }

    fn say(&mut self, line: Line) {
        (self.show)(&line);
        self.lines.push(line);
    }
}

fn said(report: ChildReport) -> Verdict {
    report.verdict.unwrap_or_else(|| Verdict::failed("the test ended without a word; was its report removed?"))
}

fn existing(file: &Path) -> Result<PathBuf, RunError> {
    std::path::absolute(file)
        .and_then(|path| path.metadata().map(|_| path))
        .map_err(|source| RunError::NoFile { path: file.into(), source })
}

fn test_names() -> String {
    CATALOGUE.iter().map(|test| test.name).collect::<Vec<_>>().join(", ")
}
