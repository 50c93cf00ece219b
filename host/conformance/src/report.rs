//! What came of a check, for people and for machines.
//!
//! Does: hold the lines, and say whether the library is good.
//! Does not: print.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use crate::{catalogue::Test, job::Plugin, verdict::Verdict};

/// What came of all tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The library.
    pub file: PathBuf,
    /// Up to which level it was tested.
    pub level: u8,
    /// Where random questions came from.
    pub seed: u64,
    /// What is inside.
    pub plugins: Vec<Plugin>,
    /// One line per test and plugin.
    pub lines: Vec<Line>,
}

/// What came of one test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The test's name.
    pub test: &'static str,
    /// Its level.
    pub level: u8,
    /// Which plugin was tested; absent for the library as a whole.
    pub plugin: Option<String>,
    /// Which rule was tested.
    pub rule: &'static str,
    /// What to do about a breach.
    pub advice: String,
    /// What came of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl Report {
    /// Returns whether every rule is kept.
    pub fn is_good(&self) -> bool {
        !self.plugins.is_empty() && !self.lines.iter().any(|line| line.verdict.is_failure())
    }

    /// Returns the highest level of which, and below which, every rule is kept; 0 if a rule of level 1 is broken.
    pub fn reached(&self) -> u8 {
        let broken = self.lines.iter().filter(|line| line.verdict.is_failure()).map(|line| line.level).min();
        broken.map_or(self.level, |level| (level - 1).min(self.level))
    }

    /// Returns the document for machines.
    pub fn document(&self) -> serde_json::Value {
        serde_json::json!({
            "file": self.file.display().to_string(),
            "level": self.level,
            "reached": self.reached(),
            "good": self.is_good(),
            "seed": self.seed.to_string(),
            "plugins": self.plugins,
            "tests": self.lines,
        })
    }

    /// Returns the last line for people.
    pub fn summary(&self) -> String {
        let count = |fits: fn(&Verdict) -> bool| self.lines.iter().filter(|line| fits(&line.verdict)).count();
        let passed = count(|verdict| *verdict == Verdict::Passed);
        let warned = count(|verdict| matches!(verdict, Verdict::Warned { .. }));
        let skipped = count(|verdict| matches!(verdict, Verdict::Skipped { .. }));
        let failed = count(Verdict::is_failure);
        let name = self.file.display();
        let level = if self.is_good() {
            format!("{name} keeps the rules of level {}", self.level)
        } else {
            format!("{name} breaks rules; it reaches level {} of {}", self.reached(), self.level)
        };
        format!("{level}: {passed} passed, {failed} failed, {warned} warned, {skipped} skipped (seed {})", self.seed)
    }
}

impl Line {
    /// Returns the line of a test of the catalogue.
    pub fn of(test: &'static Test, plugin: Option<&Plugin>, verdict: Verdict) -> Self {
        let plugin = plugin.map(|plugin| plugin.id.clone());
        Self { test: test.name, level: test.level, plugin, rule: test.rule, advice: test.advice.into(), verdict }
    }

    /// Returns the line of fuzzing.
    pub fn of_fuzz(plugin: &Plugin, questions: u64, seed: Option<u64>, verdict: Verdict) -> Self {
        let again = seed.map_or_else(String::new, |seed| format!("ask it again with --reproduce {seed}"));
        let verdict = match verdict {
            Verdict::Passed if questions == 0 => Verdict::skipped("there was no time for a question"),
            other => other,
        };
        Self {
            test: "fuzz",
            level: 10,
            plugin: Some(plugin.id.clone()),
            rule: "no request crashes the plugin, hangs it, or gets an answer that the host cannot use",
            advice: again,
            verdict,
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whom = self.plugin.as_deref().unwrap_or("library");
        write!(f, "{:>2} {:<5} {:<22} {whom}", self.level, self.verdict.word(), self.test)?;
        if let Some(story) = self.verdict.story() {
            write!(f, "\n         {story}")?;
        }
        if self.verdict.is_failure() || matches!(self.verdict, Verdict::Warned { .. }) {
            write!(f, "\n         rule: {}", self.rule)?;
            if !self.advice.is_empty() {
                write!(f, "\n         what to do: {}", self.advice)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalogue, contract::Contract};

    fn report(verdict: Verdict) -> Report {
        let plugin = Plugin { id: "a.b".into(), version: "1.0.0".into(), contract: Some(Contract::Picker) };
        let test = catalogue::named("failing-sink").unwrap();
        let lines = vec![Line::of(test, Some(&plugin), verdict)];
        Report { file: "x.so".into(), level: 5, seed: 1, plugins: vec![plugin], lines }
    }

    #[test]
    fn a_breach_says_the_rule_and_what_to_do_and_a_pass_says_neither() {
        let broken = report(Verdict::failed("it said that all is well"));
        let text = broken.lines[0].to_string();
        assert!(
            text.contains("FAIL") && text.contains("rule: when the sink") && text.contains("what to do: look at"),
            "{text}"
        );
        assert_eq!((broken.is_good(), broken.reached()), (false, 3));
        let good = report(Verdict::Passed);
        assert_eq!(good.lines[0].to_string().lines().count(), 1);
        assert_eq!((good.is_good(), good.reached()), (true, 5));
    }

    #[test]
    fn a_library_with_nothing_inside_is_not_good() {
        assert!(!Report { plugins: Vec::new(), ..report(Verdict::Passed) }.is_good());
    }

    #[test]
    fn machines_get_the_verdict_beside_the_rule() {
        let document = report(Verdict::Exited { code: 3 }).document();
        assert_eq!((&document["tests"][0]["result"], &document["tests"][0]["code"]), (&"exited".into(), &3.into()));
    }
}
