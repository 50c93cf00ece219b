//! Good plugins pass: what we ship at the highest level, the example in C at the level that hosts demand.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use exstreamtv_conformance::{contract::Contract, report::Report};

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
    for contract in [Contract::Scheduler, Contract::Picker, Contract::Resolver] {
        let shipped = report.plugins.iter().any(|plugin| plugin.contract == Some(contract));
        assert!(shipped, "no {contract:?} in {:?}", report.plugins);
    }
}

/// Builds an example in C against a header, and checks it at the level that hosts demand.
fn example_in_c(example: &Path, header: &Path) -> Report {
    let folder = folder();
    let library = folder.path().join("libexample_in_order.so");
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fPIC", "-fvisibility=hidden", "-shared", "-I"]);
    run(cc.arg(header).arg("-o").arg(&library).arg(example.join("in_order.c")));
    fs::copy(example.join("example_in_order.plugin.toml"), folder.path().join("example_in_order.plugin.toml")).unwrap();
    check(&plan(&library, 5))
}

#[test]
fn the_example_in_c_keeps_every_rule_of_level_five() {
    let report = example_in_c(&root().join("plugins/examples/c-scheduler"), &root().join("plugins/api/include"));
    assert!(report.is_good(), "{}", report.summary());
    assert_eq!(verdict(&report, "exports").word(), "ok");
}

#[test]
fn a_plugin_built_against_the_first_header_still_loads_and_keeps_its_level() {
    let frozen = root().join("plugins/api/tests/abi_v1");
    let report = example_in_c(&frozen, &frozen);
    assert!(report.is_good(), "{}", report.summary());
}
