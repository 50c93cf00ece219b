//! The `exstreamtv` program.
//!
//! Does: hand over to the command line.
//! Invariant: nothing happens here that a test could not do through the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    exstreamtv::cli::run()
}
