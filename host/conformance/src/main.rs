//! Does one test of one plugin, as `exstreamtv plugin-check-one` does: lets this crate's own tests do without the host.
//!
//! Invariant: everything is in the library; this only hands over the arguments.

use std::ffi::OsString;

use exstreamtv_conformance::{child, job::JobError};

fn main() -> Result<(), JobError> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    child::run(&arguments)
}
