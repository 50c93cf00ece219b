//! Builds libraries and checks them.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use exstreamtv_conformance::{
    contract::Contract,
    report::{Line, Report},
    runner::{self, ChildProgram, Plan},
    scaffold::{Language, Scaffold, SdkSource},
    verdict::Verdict,
};

/// A folder that only we may write, as plugins must lie in.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Returns the workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// How children are started here.
pub fn child() -> ChildProgram {
    ChildProgram { program: env!("CARGO_BIN_EXE_plugin-check-one").into(), arguments: Vec::new() }
}

/// Where libraries in Rust are built: a folder under the workspace's own, so that it stays warm.
pub fn target() -> PathBuf {
    root().join("target/plugin-new")
}

/// Returns a tool that builds optimised, as plugins are shipped: deadlines are for those. What two builds share is built once.
pub fn optimised(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env("CARGO_TARGET_DIR", target()).env("CARGO_NET_OFFLINE", "true").env("CARGO_PROFILE_DEV_OPT_LEVEL", "2");
    command
}

/// Returns the cargo that runs this test.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Returns what is asked for at a level.
pub fn plan(file: &Path, level: u8) -> Plan {
    Plan { file: file.to_owned(), level, only: Vec::new(), seed: 1, fuzz: None }
}

/// Checks a library and shows each line, for whoever reads the output of a failed test.
pub fn check(plan: &Plan) -> Report {
    let report = runner::check(plan, &child(), &mut |line: &Line| println!("{line}")).unwrap();
    println!("{}", report.summary());
    report
}

/// Runs some tests only.
pub fn check_only(file: &Path, tests: &[&str]) -> Report {
    check(&Plan { only: tests.iter().map(|test| (*test).to_owned()).collect(), ..plan(file, 9) })
}

/// Returns what came of one test, for the library's first plugin.
pub fn verdict<'a>(report: &'a Report, test: &str) -> &'a Verdict {
    &report.lines.iter().find(|line| line.test == test).unwrap_or_else(|| panic!("{test} was not run")).verdict
}

/// Runs a tool to its good end, and returns what it said.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} ended with {}:\n{out}\n{err}", output.status);
    format!("{out}{err}")
}

/// Writes the project of a new scheduler in C, changes its source by `edit`, and builds it. Returns the library.
pub fn scheduler_in_c(folder: &Path, edit: impl Fn(&str) -> String) -> PathBuf {
    let sdk = SdkSource::Git(String::new());
    let project = Scaffold::new("subject", Contract::Scheduler, Language::C, sdk).unwrap().write(folder).unwrap();
    for name in ["subject.c", "json.h"] {
        let file = project.join(name);
        fs::write(&file, edit(&fs::read_to_string(&file).unwrap())).unwrap();
    }
    let library = project.join("libsubject.so");
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-shared", "-fPIC", "-fvisibility=hidden", "-O1", "-o"]).arg(&library);
    run(cc.arg(project.join("subject.c")).arg("-lpthread"));
    library
}
