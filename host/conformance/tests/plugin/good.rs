//! Good plugins pass: what we ship at the highest level, the example in C at the level that hosts demand.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::workshop::{cargo, check, folder, plan, root, run, verdict};

/// Builds the shipped library beside this test's own program, with its sidecar and its check file; usually there is nothing to do.
fn shipped() -> PathBuf {
    let profile = Path::new(env!("CARGO_BIN_EXE_plugin-check-one")).parent().unwrap();
    let mut build = Command::new(cargo());
    build.current_dir(root()).args(["build", "--offline", "--package", "exstreamtv-shipped", "--target-dir"]);
    build.arg(profile.parent().unwrap());
    if profile.ends_with("release") {
        build.arg("--release");
    }
    run(&mut build);
    profile.join(format!("libexstreamtv_shipped.{}", std::env::consts::DLL_EXTENSION))
}

#[test]
fn the_shipped_strategies_keep_every_rule_of_level_nine() {
    let report = check(&plan(&shipped(), 9));
    assert!(report.is_good(), "{}", report.summary());
    assert!(report.plugins.len() >= 5, "{:?}", report.plugins);
}

#[test]
fn the_example_in_c_keeps_every_rule_of_level_five() {
    let folder = folder();
    let example = root().join("plugins/examples/c-scheduler");
    let library = folder.path().join("libexample_in_order.so");
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fPIC", "-fvisibility=hidden", "-shared", "-I"]);
    run(cc.arg(root().join("plugins/api/include")).arg("-o").arg(&library).arg(example.join("in_order.c")));
    fs::copy(example.join("example_in_order.plugin.toml"), folder.path().join("example_in_order.plugin.toml")).unwrap();
    let report = check(&plan(&library, 5));
    assert!(report.is_good(), "{}", report.summary());
    assert_eq!(verdict(&report, "exports").word(), "ok");
}
