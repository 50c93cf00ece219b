//! Puts the sidecar where the library will be, so that what was just built can be loaded as it is.
//!
//! Does: copy one file into the folder of the profile (`target/debug`), three above the folder that Cargo gives to build scripts.
//! Does not: decide what the sidecar says; a test compares it with the library.

use std::{env, error::Error, fs, path::Path};

const SIDECAR: &str = "exstreamtv_shipped.plugin.toml";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SIDECAR}");
    let out = env::var("OUT_DIR")?;
    // target/debug/build/exstreamtv-shipped-0123456789abcdef/out
    let profile = Path::new(&out).ancestors().nth(3).ok_or("find the folder of the profile above OUT_DIR")?;
    fs::copy(SIDECAR, profile.join(SIDECAR))?;
    Ok(())
}
