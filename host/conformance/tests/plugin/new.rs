//! What `plugin new` writes builds without a warning and passes the check as it stands.

use std::{fs, path::Path, process::Command};

use exstreamtv_conformance::{
    contract::Contract,
    scaffold::{Language, Scaffold, SdkSource},
};

use super::workshop::{cargo, check, folder, optimised, plan, root, run};

fn project(parent: &Path, name: &str, contract: Contract, language: Language) -> std::path::PathBuf {
    let sdk = SdkSource::Path(root().join("plugins/sdk"));
    Scaffold::new(name, contract, language, sdk).unwrap().write(parent).unwrap()
}

#[test]
fn every_kind_in_c_builds_and_passes_level_five() {
    let folder = folder();
    for (contract, name) in [(Contract::Scheduler, "new-s"), (Contract::Picker, "new-p"), (Contract::Resolver, "new-r")]
    {
        let project = project(folder.path(), name, contract, Language::C);
        run(Command::new("make").current_dir(&project));
        let extension = std::env::consts::DLL_EXTENSION;
        let report = check(&plan(&project.join(format!("lib{}.{extension}", name.replace('-', "_"))), 5));
        assert!(report.is_good(), "{contract:?}: {}", report.summary());
    }
}

#[test]
fn the_header_of_a_project_is_clean_c_plus_plus_too() {
    let folder = folder();
    let project = project(folder.path(), "new-x", Contract::Resolver, Language::C);
    let source = project.join("x.cc");
    fs::write(&source, "#include \"exstreamtv_plugin.h\"\n").unwrap();
    let flags = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"];
    run(Command::new("c++").args(flags).arg(&source));
}

/// One test for all, so that what they share is built once.
#[test]
fn every_kind_in_rust_builds_passes_its_own_tests_and_level_nine() {
    let folder = folder();
    for (contract, name) in [(Contract::Scheduler, "new-s"), (Contract::Picker, "new-p"), (Contract::Resolver, "new-r")]
    {
        let project = project(folder.path(), name, contract, Language::Rust);
        // The workspace's versions, which are here even where there is no network.
        fs::copy(root().join("Cargo.lock"), project.join("Cargo.lock")).unwrap();
        // `make check` would want the program that this crate is a part of; its two halves are done here.
        let built = run(optimised("make").current_dir(&project).args(["all", "PROFILE=dev"]));
        let tested = run(optimised(cargo()).current_dir(&project).arg("test"));
        assert!(!(built + &tested).contains("warning"), "the compiler warns of what is written for a {contract:?}");
        let extension = std::env::consts::DLL_EXTENSION;
        let report = check(&plan(&project.join(format!("dist/lib{}.{extension}", name.replace('-', "_"))), 9));
        assert!(report.is_good(), "{contract:?}: {}", report.summary());
    }
}
