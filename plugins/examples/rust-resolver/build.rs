//! Puts the sidecar where the library will be, so that `exstreamtv plugin check target/debug/libexample_resolver.so` finds it.

use std::{env, error::Error, fs, path::Path};

const SIDECAR: &str = "example_resolver.plugin.toml";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SIDECAR}");
    let out = env::var("OUT_DIR")?;
    // target/debug/build/exstreamtv-example-resolver-0123456789abcdef/out
    let profile = Path::new(&out).ancestors().nth(3).ok_or("find the folder of the profile above OUT_DIR")?;
    fs::copy(SIDECAR, profile.join(SIDECAR))?;
    Ok(())
}
