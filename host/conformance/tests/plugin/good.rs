//! Good plugins pass: what we ship at the highest level, the example in C at the level that hosts demand.

use std::{fs, path::PathBuf, process::Command};

use super::workshop::{cargo, check, folder, optimised, plan, root, run, target, verdict};

/// Builds the shipped library; usually there is nothing to do.
fn shipped() -> PathBuf {
    run(optimised(cargo()).current_dir(root()).args(["build", "--package", "exstreamtv-shipped"]));
    target().join(format!("debug/libexstreamtv_shipped.{}", std::env::consts::DLL_EXTENSION))
}

#[test]
fn the_shipped_strategies_keep_every_rule_of_level_nine() {
    let folder = folder();
    let library = shipped();
    let place = folder.path().join(library.file_name().unwrap());
    fs::copy(&library, &place).unwrap();
    fs::copy(
        root().join("plugins/shipped/exstreamtv_shipped.plugin.toml"),
        folder.path().join("exstreamtv_shipped.plugin.toml"),
    )
    .unwrap();
    let given =
        fs::read_to_string(root().join("plugins/shipped/exstreamtv_shipped.check.toml")).unwrap();
    let given = given.replace("@ROOT@", root().to_str().unwrap());
    fs::write(folder.path().join("exstreamtv_shipped.check.toml"), given).unwrap();
    let report = check(&plan(&place, 9));
    assert!(report.is_good(), "{}", report.summary());
    assert!(report.plugins.len() >= 3, "{:?}", report.plugins);
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
