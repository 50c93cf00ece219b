//! Puts the library's papers where the library will be, so that what was just built can be loaded and checked as it is.
//!
//! Does: write two files into the folder of the profile (`target/debug`), three above the folder that Cargo gives to build scripts.
//! Does not: decide what they say; tests compare the sidecar with the library and run the checks.

use std::{env, error::Error, fs, path::Path};

const SIDECAR: &str = "exstreamtv_shipped.plugin.toml";
const CHECKS: &str = "exstreamtv_shipped.check.toml";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SIDECAR}");
    println!("cargo::rerun-if-changed={CHECKS}");
    let out = env::var("OUT_DIR")?;
    // target/debug/build/exstreamtv-shipped-0123456789abcdef/out
    let profile = Path::new(&out).ancestors().nth(3).ok_or("find the folder of the profile above OUT_DIR")?;
    fs::copy(SIDECAR, profile.join(SIDECAR))?;
    let workspace = env::var("CARGO_MANIFEST_DIR")? + "/../..";
    fs::write(profile.join(CHECKS), fs::read_to_string(CHECKS)?.replace("@ROOT@", &workspace))?;
    Ok(())
}
