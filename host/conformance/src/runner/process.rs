//! One child: start, wait, and how it ended.

use std::{
    io::{self, Read},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use super::ChildProgram;
use crate::{
    job::{ChildReport, Job},
    verdict::Verdict,
};

/// Where a child runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// With the parent's folder and environment.
    Here,
    /// In another folder, with another time zone, locale, home and name.
    Elsewhere,
}

/// Most bytes of standard output and error that are kept.
const MAX_OUTPUT_BYTES: u64 = 64 * 1024;

/// Runs a job and returns its report, with the verdict that the child's end says.
pub fn run(program: &ChildProgram, job: &Job, limit: Duration, scene: Scene, folder: &Path) -> io::Result<ChildReport> {
    // What an earlier child said must not be taken for this one's words.
    ChildReport::default().write(&job.report)?;
    let mut command = Command::new(&program.program);
    command.args(&program.arguments).args(job.arguments());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    if scene == Scene::Elsewhere {
        command
            .current_dir(folder)
            .env("TZ", "Pacific/Chatham")
            .env("LANG", "tr_TR.UTF-8")
            .env("LC_ALL", "tr_TR.UTF-8");
        command.env("HOME", folder).env("USER", "somebody").env("HOSTNAME", "elsewhere").env("COLUMNS", "17");
    }
    let mut child = command.spawn()?;
    let stdout = drained(child.stdout.take());
    let stderr = drained(child.stderr.take());
    let status = wait(child, limit)?;
    let mut report = ChildReport::read(&job.report);
    let (stdout, stderr) = (collected(&stdout), collected(&stderr));
    report.verdict = verdict(status, report.verdict, limit, &stdout, &stderr);
    Ok(report)
}

/// Waits for the end of a child; one that is too slow, and whatever it started, is ended.
fn wait(mut child: Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let group = i32::try_from(child.id()).map(Pid::from_raw).map_err(io::Error::other)?;
    let (send, receive) = mpsc::channel();
    thread::spawn(move || send.send(child.wait()));
    let end_all = || killpg(group, Signal::SIGKILL);
    match receive.recv_timeout(limit) {
        Ok(status) => {
            // A plugin may have started processes, which would outlive it. Usually there are none, and that is no error.
            let _ = end_all();
            status.map(Some)
        }
        Err(_) => {
            let _ = end_all();
            Ok(None)
        }
    }
}

fn verdict(
    status: Option<ExitStatus>,
    said: Option<Verdict>,
    limit: Duration,
    stdout: &[u8],
    stderr: &[u8],
) -> Option<Verdict> {
    let Some(status) = status else {
        let after_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        return Some(Verdict::TimedOut { call: String::new(), after_ms });
    };
    if let Some(signal) = status.signal() {
        let signal = Signal::try_from(signal).map_or_else(|_| format!("signal {signal}"), |signal| signal.to_string());
        return Some(Verdict::Crashed { signal, last_words: last_words(stderr) });
    }
    match said {
        // A child that has done its job ends with 0.
        None => Some(Verdict::Exited { code: status.code().unwrap_or(-1) }),
        Some(said) if !said.is_failure() && !stdout.is_empty() => {
            let text: String = String::from_utf8_lossy(stdout).chars().take(60).collect();
            Some(Verdict::failed(format_args!("the plugin wrote to standard output, which is not its own: {text:?}")))
        }
        said => said,
    }
}

/// Returns the last line of standard error, which after an abort says why.
fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.trim().chars().take(200).collect()
}

/// Reads a pipe to its end on a thread of its own, so that a child that writes much does not block; keeps the beginning.
fn drained(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let mut kept = Vec::new();
            let _ = pipe.by_ref().take(MAX_OUTPUT_BYTES).read_to_end(&mut kept);
            let _ = io::copy(&mut pipe, &mut io::sink());
            send.send(kept)
        });
    }
    receive
}

fn collected(pipe: &mpsc::Receiver<Vec<u8>>) -> Vec<u8> {
    // A process outside the group could hold the pipe open; it is not waited for.
    pipe.recv_timeout(Duration::from_secs(2)).unwrap_or_default()
}
