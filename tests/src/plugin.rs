//! Plugins in C, built for one test.
//!
//! Does: compile a source of `tests/plugins` against the header that authors get, and write its sidecar.
//! Does not: judge them; `exstreamtv plugin check` does.
//! Invariant: what comes out can be loaded, however it behaves when it is called.

use std::{fmt::Write, fs, path::Path, process::Command};

/// Builds `tests/plugins/NAME.c` into `folder`, with a sidecar for schedulers of these ids.
///
/// # Panics
/// When there is no C compiler, or it complains.
pub fn build(name: &str, ids: &[&str], folder: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(folder).unwrap_or_else(|error| panic!("make {}: {error}", folder.display()));
    let library = folder.join(format!("{name}.{}", std::env::consts::DLL_EXTENSION));
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-I"]);
    compiler.arg(here.join("../plugins/api/include")).arg("-o").arg(&library);
    let status = compiler.arg(here.join("plugins").join(format!("{name}.c"))).status();
    assert!(status.unwrap_or_else(|error| panic!("run cc: {error}")).success(), "{name}.c does not compile");
    fs::write(folder.join(format!("{name}.plugin.toml")), sidecar(ids))
        .unwrap_or_else(|error| panic!("write the sidecar of {name}: {error}"));
}

fn sidecar(ids: &[&str]) -> String {
    let mut text = String::from("abi = 1\n");
    for id in ids {
        let misdeed = id.trim_start_matches("test.");
        write!(
            text,
            "[[plugin]]\nid = \"{id}\"\nname = \"Test of {misdeed}\"\nversion = \"1.0.0\"\nvendor = \"EXStreamTV tests\"\nlicence = \"MIT\"\n\
             url = \"\"\ncontract = \"exstreamtv.scheduler/1\"\nmin_host_minor = 0\nencodings = [\"json\"]\npermissions = []\n"
        )
        .expect("writing to a string cannot fail");
    }
    text
}
