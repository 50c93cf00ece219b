//! The worker: owns the FFmpeg processes of one channel, and probes files.
//!
//! Does: obey its host over one socket, plan, spawn, watch and kill FFmpeg, and say how it is.
//! Does not: open the database, load a plugin, read the clock on the wall or touch a byte of media.
//! Invariant: when this process ends, for whatever reason, so does everything that it started.

mod burn_ins;
mod capture;
mod cards;
mod children;
mod control;
mod detect;
mod dispatcher;
mod event;
mod explain;
mod extract;
mod ffmpeg;
mod identify;
mod isolation;
mod lines;
mod loudness;
mod machine;
mod probe;
mod progress;
mod stderr;
mod vitals;

use std::{
    os::{fd::RawFd, unix::net::UnixStream},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::control::Control;

/// Exit code for wrong usage (`EX_USAGE`): somebody started the worker by hand.
const USAGE: u8 = 64;

/// Exit code when the runtime cannot be set up (`EX_OSERR`).
const NO_RUNTIME: u8 = 71;

/// Names the variable with the host's secret, so that it can tell its worker from a stranger.
const TOKEN_VARIABLE: &str = "EXSTREAMTV_WORKER_TOKEN";

const BY_HAND: &str = "exstreamtv-worker is started by `exstreamtv serve`, which talks to it over a socket; it does nothing useful by itself.
To watch your channels run:  exstreamtv serve --media DIR
To check FFmpeg and disks:   exstreamtv doctor
To see what video cards do:  exstreamtv hardware";

/// Runs the FFmpeg processes of one channel. Started by `exstreamtv serve`, not by people.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Inherited descriptor of the socket to the host.
    #[arg(long, default_value_t = 3)]
    control_fd: RawFd,
    #[command(subcommand)]
    errand: Option<Errand>,
}

/// Something that is done without a host.
#[derive(Debug, Subcommand)]
enum Errand {
    /// Finds out what this machine's video cards can do; `exstreamtv hardware` shows it, too.
    Detect(detect::Arguments),
    /// Says how an order would be played; `exstreamtv hardware explain` asks it.
    Explain,
}

fn main() -> ExitCode {
    let Arguments { control_fd, errand } = Arguments::parse();
    if let Some(errand) = errand {
        children::inherit_nothing_further();
        children::die_with_the_host();
        start_logging();
        return match errand {
            Errand::Detect(arguments) => detect::run(&arguments),
            Errand::Explain => explain::run(),
        };
    }
    let Ok(token) = std::env::var(TOKEN_VARIABLE) else {
        return refuse(&format!("failed to find the host's token in {TOKEN_VARIABLE}"));
    };
    let socket = match control::adopt(control_fd) {
        Ok(socket) => socket,
        Err(error) => return refuse(&format!("failed to {}", chain(&error))),
    };
    children::inherit_nothing_further();
    children::die_with_the_host();
    start_logging();
    match work(socket, token) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!(error = chain(&error), "this worker cannot work");
            ExitCode::from(NO_RUNTIME)
        }
    }
}

/// Why the worker cannot work.
#[derive(Debug, thiserror::Error)]
enum WorkError {
    /// There is no runtime.
    #[error("set up the runtime")]
    Runtime(#[source] std::io::Error),
    /// There is no talking to the host.
    #[error("set up the talk with the host")]
    Control(#[source] control::AdoptError),
}

/// Everything, spawning above all, happens on this thread: the kernel ties a child's life to the thread that made it.
fn work(socket: UnixStream, token: String) -> Result<ExitCode, WorkError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(WorkError::Runtime)?;
    let code = runtime.block_on(async {
        let control = Control::over(socket).map_err(WorkError::Control)?;
        Ok(dispatcher::run(control, token).await)
    });
    // A call that hangs on a dead network disk must not keep us.
    runtime.shutdown_background();
    code
}

fn refuse(reason: &str) -> ExitCode {
    eprintln!("{reason}\n\n{BY_HAND}");
    ExitCode::from(USAGE)
}

fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("EXSTREAMTV_LOG").unwrap_or_else(|_| "info".into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::env::var("EXSTREAMTV_LOG_FORMAT").is_ok_and(|format| format == "json") {
        log.json().init();
    } else {
        log.with_ansi(false).init();
    }
}

/// Returns an error with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
