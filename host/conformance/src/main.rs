//! Does one test of one plugin, as `exstreamtv plugin-check-one` does: lets this crate's own tests do without the host.
//!
//! Invariant: everything is in the library; this only hands over the arguments.

use std::{ffi::OsString, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    exstreamtv_conformance::child::run(&arguments)
}
