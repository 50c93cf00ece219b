//! What packages lay beside the program: units, profile, pages, formula, configuration.
//!
//! Does: let the tools of those who read these files read them, compare them with each other, be the service manager of a server.
//! Does not: build packages; `make deb-test` does, and lives with them.
//! Invariant: a tool that is missing is named, and nothing is claimed about what it would have said.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use exstreamtv_tests::{
    patience::LONG,
    process::{host_binary, is_installed},
    stage::Stage,
};
use nix::sys::signal::Signal;

/// The most exposure that a unit may have, in tenths; it may only fall.
const MAX_EXPOSURE: u32 = 20;

const UNITS: [&str; 2] = ["packaging/systemd/exstreamtv.service", "packaging/systemd/exstreamtv@.service"];

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn read(name: &str) -> String {
    fs::read_to_string(workspace().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Runs a tool in the repository; `None` where it is not installed.
fn tool(program: &str, arguments: &[&str]) -> Option<Output> {
    // Debian keeps some where only root looks.
    let found = is_installed(program) || Path::new("/usr/sbin").join(program).is_file();
    if !found {
        eprintln!("left out: {program} is not installed");
        return None;
    }
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
    Some(Command::new(program).args(arguments).env("PATH", path).current_dir(workspace()).output().unwrap())
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn units_expose_little() {
    for unit in UNITS {
        let most = format!("--threshold={MAX_EXPOSURE}");
        let Some(output) = tool("systemd-analyze", &["security", "--offline=true", &most, unit]) else { return };
        assert!(output.status.success(), "{unit}: {}", said(&output));
    }
    let open = "--threshold=1";
    let output = tool("systemd-analyze", &["security", "--offline=true", open, UNITS[0]]).unwrap();
    assert!(!output.status.success(), "the gate lets everything through");
}

/// The key and value of every line.
fn directives(unit: &str) -> Vec<(String, String)> {
    let text = read(unit);
    let lines = text.lines().filter(|line| !line.starts_with(['#', '[']));
    lines.filter_map(|line| line.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[test]
fn units_are_understood_word_for_word() {
    for unit in UNITS {
        let folder = tempfile::tempdir().unwrap();
        // The program is not installed here; all else stays as it is.
        let name = Path::new(unit).file_name().unwrap().to_str().unwrap().replace('@', "@one");
        let copy = folder.path().join(name);
        fs::write(&copy, read(unit).replace("/usr/bin/exstreamtv", "/bin/true")).unwrap();
        let Some(output) = tool("systemd-analyze", &["verify", "--man=no", copy.to_str().unwrap()]) else { return };
        let ours: Vec<_> =
            said(&output).lines().filter(|line| line.contains("exstreamtv")).map(str::to_owned).collect();
        assert!(ours.is_empty(), "{unit}: {ours:#?}");
    }
}

#[test]
fn an_instance_differs_from_the_service_in_its_names_alone() {
    let [one, many] = UNITS.map(directives);
    assert_eq!(one.len(), many.len());
    for ((key, value), (other, named)) in one.into_iter().zip(many) {
        assert_eq!(key, other);
        let unnamed = named.replace("/%i.toml", "/exstreamtv.toml").replace("/%i", "").replace(" (%i)", "");
        assert_eq!(unnamed, value, "{key}");
    }
}

/// What the worker needs of the kernel to wall FFmpeg in, and the host to limit channels, must not be taken away by the unit.
#[test]
fn the_units_walls_leave_room_for_those_of_the_worker() {
    for unit in UNITS {
        let all = directives(unit);
        let values =
            |key: &str| all.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str()).collect::<Vec<_>>();
        let filters = values("SystemCallFilter");
        let allowed: BTreeSet<_> =
            filters.iter().filter(|line| !line.starts_with('~')).flat_map(|line| line.split(' ')).collect();
        for call in
            ["@system-service", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp"]
        {
            assert!(allowed.contains(call), "{unit} forbids {call}");
        }
        let denied: String = filters.iter().filter(|line| line.starts_with('~')).copied().collect();
        assert!(!denied.contains("@resources"), "{unit} forbids [ffmpeg] nice and limits");
        let delegated: BTreeSet<_> = values("Delegate").into_iter().flat_map(|line| line.split(' ')).collect();
        assert!(["memory", "pids", "cpu"].iter().all(|name| delegated.contains(name)), "{unit}: {delegated:?}");
        assert!(values("ProtectControlGroups").is_empty() && values("ProcSubset").is_empty(), "{unit}");
        assert!(values("PrivateDevices").is_empty() && values("MemoryDenyWriteExecute").is_empty(), "{unit}");
    }
}

#[test]
fn the_apparmor_profile_can_be_read() {
    let Some(output) = tool("apparmor_parser", &["-Q", "-K", "-T", "packaging/apparmor/exstreamtv"]) else { return };
    assert!(output.status.success(), "{}", said(&output));
    let units: Vec<_> = UNITS.into_iter().flat_map(directives).filter(|(key, _)| key == "AppArmorProfile").collect();
    assert!(units.len() == 2 && units.iter().all(|(_, name)| name == "-exstreamtv"), "{units:?}");
}

#[test]
fn manual_pages_are_clean() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(host_binary());
    assert!(program.arg("man").arg(folder.path()).args(["--date", "2026-01-02"]).status().unwrap().success());
    let pages: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(pages.len(), 3);
    for page in pages {
        let Some(output) = tool("mandoc", &["-Tlint", "-Wwarning", page.to_str().unwrap()]) else { return };
        assert!(output.status.success(), "{}", said(&output));
    }
}

#[test]
fn shells_read_their_completions() {
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("completions");
        let output = Command::new(host_binary()).args(["completions", shell]).output().unwrap();
        assert!(output.status.success() && output.stdout.len() > 1000, "{shell}");
        fs::write(&file, output.stdout).unwrap();
        if let Some(output) = tool(shell, &[check, file.to_str().unwrap()]) {
            assert!(output.status.success(), "{shell}: {}", said(&output));
        }
    }
}

#[test]
fn the_formula_has_what_brew_asks_for() {
    let formula = "packaging/homebrew/exstreamtv.rb";
    let Some(output) = tool("ruby", &["-wc", formula]) else { return };
    assert!(output.status.success() && said(&output).trim() == "Syntax OK", "{}", said(&output));
    let check = "packaging/homebrew/check.rb";
    let output = tool("ruby", &[check, formula, &version()]).unwrap();
    assert!(output.status.success(), "{}", said(&output));
    // The check can fail.
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("exstreamtv.rb");
    for (there, gone) in [("keep_alive crashed: true", ""), ("depends_on \"ffmpeg\"", ""), ("/iptv/channels.m3u", "/")]
    {
        let text = read(formula);
        assert!(text.contains(there));
        fs::write(&broken, text.replace(there, gone)).unwrap();
        let output = tool("ruby", &[check, broken.to_str().unwrap()]).unwrap();
        assert!(!output.status.success(), "without {there:?} nothing is wrong");
    }
}

fn version() -> String {
    let text = read("Cargo.toml");
    let line = text.lines().find_map(|line| line.strip_prefix("version = ")).unwrap();
    line.trim_matches('"').to_owned()
}

#[test]
fn every_file_tells_the_same_version() {
    let version = version();
    let first = |name: &str| read(name).lines().next().unwrap().to_owned();
    assert!(first("packaging/debian/changelog").starts_with(&format!("exstreamtv ({version}-")));
    assert!(read("packaging/pkgconfig/exstreamtv-plugin.pc").contains(&format!("\nVersion: {version}\n")));
    assert!(read("OPERATING.md").contains(&format!("exstreamtv_{version}-1_amd64.deb")));
}

#[test]
fn what_the_package_of_debian_holds_is_there() {
    let text = read("host/Cargo.toml");
    let assets: Vec<_> = text.lines().filter_map(|line| line.trim().strip_prefix("[\"")).collect();
    assert!(assets.len() > 25, "{assets:?}");
    for source in assets.iter().map(|line| line.split('"').next().unwrap()) {
        // These are built or written by packaging/stage.sh.
        if source.starts_with("target/") || source.starts_with("../target/") {
            continue;
        }
        let path = workspace().join("host").join(source);
        let folder = path.parent().unwrap();
        let there = if source.contains('*') { folder.is_dir() } else { path.is_file() };
        assert!(there, "{source} is not there");
    }
}

#[test]
fn the_packaged_configuration_sets_nothing_but_a_folder_for_media() {
    let output = tool("sh", &["packaging/example_config.sh"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exstreamtv.toml");
    fs::write(&file, &output.stdout).unwrap();
    let text = said(&output);
    let set: Vec<_> =
        text.lines().filter(|line| line.starts_with(|letter: char| letter.is_ascii_lowercase())).collect();
    assert_eq!(set, ["folders = [\"/var/lib/exstreamtv/media\"]"]);
    let commented =
        text.lines().filter(|line| line.starts_with('#') && line.contains(" = ") && !line.starts_with("# ")).count();
    assert!(commented > 80, "{commented}");
    let checked = Command::new(host_binary()).args(["config", "check", "--config"]).arg(&file).output().unwrap();
    assert!(checked.status.success(), "{}", said(&checked));
    // With every comment taken away it is the file of the repository, but for the folder.
    let all: String = text.lines().skip(2).map(|line| strip(line) + "\n").collect();
    let whole: String =
        read("packaging/config/exstreamtv.toml").lines().skip(2).map(|line| line.to_owned() + "\n").collect();
    assert_eq!(all.replace("[\"/var/lib/exstreamtv/media\"]", "[]"), whole);
}

fn strip(line: &str) -> String {
    line.strip_prefix('#')
        .filter(|rest| rest.starts_with(|letter: char| letter.is_ascii_lowercase()))
        .unwrap_or(line)
        .to_owned()
}

#[test]
fn scripts_are_read_by_a_plain_shell() {
    let mut scripts: Vec<PathBuf> =
        vec!["packaging/debian/postinst".into(), "packaging/debian/prerm".into(), "packaging/debian/postrm".into()];
    let folder = fs::read_dir(workspace().join("packaging")).unwrap().map(|entry| entry.unwrap().path());
    scripts.extend(folder.filter(|path| path.extension().is_some_and(|extension| extension == "sh")));
    assert!(scripts.len() > 7, "{scripts:?}");
    for script in scripts {
        let output = tool("sh", &["-n", script.to_str().unwrap()]).unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
}

/// The test is the service manager of a server.
#[test]
fn a_service_manager_hears_when_the_server_is_ready_reloads_lives_and_stops() {
    let stage = Stage::new();
    let socket = stage.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(LONG)).unwrap();
    let mut alive = 0;
    let mut hear = |wanted: &str| loop {
        let mut buffer = [0; 1024];
        let count = manager.recv(&mut buffer).unwrap_or_else(|error| panic!("{wanted} was never said: {error}"));
        let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
        if text.lines().any(|line| line.starts_with(wanted)) {
            return text;
        }
        assert_eq!(text, "WATCHDOG=1\n", "something else was said than {wanted}");
        alive += 1;
    };
    let mut command = stage.setup().command();
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "200000");
    let host = exstreamtv_tests::host::Host::spawn(command);
    let ready = hear("READY=1");
    assert!(ready.contains(&format!("STATUS=serving at {}", host.url)), "{ready}");
    hear("WATCHDOG=1");
    hear("WATCHDOG=1");
    host.signal(Signal::SIGHUP);
    assert!(hear("RELOADING=1").contains("MONOTONIC_USEC="));
    hear("READY=1");
    host.signal(Signal::SIGTERM);
    hear("STOPPING=1");
}
