//! The commands of documents run.
//!
//! Does: run each block of commands against a server with a channel, as the reader would; ask the program about commands inside of sentences.
//! Does not: install packages or talk to a service manager; [`ELSEWHERE`] says who does.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use exstreamtv_tests::{fixtures::KILO, host::Host, process::host_binary, stage::Stage};
use serde_json::Value;

use super::text::{DOCUMENTS, blocks, inline, workspace};

/// Commands that are not run here: what they begin with, and what runs them or why nothing can.
const ELSEWHERE: &[(&str, &str)] = &[
    ("sudo apt install ./exstreamtv_", "packaging/deb_test.sh installs and upgrades with apt"),
    (
        "sudo systemctl ",
        "there is no systemd here; packages.rs looks at the units and at what the server tells systemd",
    ),
    ("systemctl ", "the same"),
    ("journalctl ", "the same"),
    ("sudoedit ", "an editor"),
    ("brew ", "there is no brew here; packages.rs looks at the formula"),
    ("sudo -E -u exstreamtv exstreamtv serve --restore-if-corrupt", "tests/tests/database/damage.rs"),
    ("exstreamtv serve --media ", "every end-to-end test"),
];

/// Who runs a command.
#[derive(Debug, PartialEq, Eq)]
enum Deed<'a> {
    Here(String),
    Make(&'a str),
    Elsewhere,
}

/// Returns who runs a line of `document`. What is made in a plugin's folder is none of our targets.
fn deed<'a>(document: &str, line: &'a str) -> Deed<'a> {
    let line = line.split("  #").next().unwrap_or_default().split(" # ").next().unwrap_or_default().trim();
    if ELSEWHERE.iter().any(|(start, _)| line.starts_with(start)) {
        return Deed::Elsewhere;
    }
    match line.strip_prefix("make ") {
        Some(words) if !document.contains("plugin") => Deed::Make(words),
        _ => Deed::Here(line.to_owned()),
    }
}

/// A folder in which commands of documents can be typed.
struct Desk {
    stage: Stage,
    _host: Host,
    backup: String,
}

impl Desk {
    fn new() -> Self {
        let stage = Stage::new().channel("Demo", &[KILO]);
        let media = format!("[\"{}\"]", stage.media().display());
        let host = stage.setup().start();
        host.channel("Demo");
        let address = host.url.trim_start_matches("http://").to_owned();
        // What commands read is what the server has.
        stage.setup().set("library.folders", media).set("server.listen", format!("{address:?}")).write_config();
        let programs = stage.path().join("bin");
        fs::create_dir(&programs).unwrap();
        symlink(host_binary(), programs.join("exstreamtv")).unwrap();
        let sudo = programs.join("sudo");
        fs::write(&sudo, "#!/bin/sh\n# Drops what makes another user of us.\nwhile :; do case $1 in -E) shift ;; -u) shift 2 ;; *) break ;; esac; done\nexec \"$@\"\n").unwrap();
        fs::set_permissions(&sudo, fs::Permissions::from_mode(0o755)).unwrap();
        let mut desk = Self { stage, _host: host, backup: String::new() };
        let made = desk.type_in("a reader", "exstreamtv backup create --json");
        desk.backup = serde_json::from_str::<Value>(&made).unwrap()["id"].as_str().unwrap().to_owned();
        desk
    }

    /// Types lines of `document` into a shell, in a folder of its own beside a clone of the repository, and returns what they print.
    fn type_in(&self, document: &str, lines: &str) -> String {
        let folder = self.stage.path();
        let place = folder.join(document.replace('/', " "));
        if !place.exists() {
            fs::create_dir(&place).unwrap();
            symlink(workspace().join("plugins"), place.join("plugins")).unwrap();
        }
        let (config, data) = (folder.join("exstreamtv.toml"), folder.join("data"));
        let lines = lines
            .replace("/etc/exstreamtv/exstreamtv.toml", &config.display().to_string())
            .replace("/var/lib/exstreamtv", &data.display().to_string())
            .replace("/tmp/channels.toml", &folder.join("channels.toml").display().to_string())
            .replace("HEADER_DIR=/usr/include", &format!("HEADER_DIR={}", include_folder().display()))
            .replace(" ID", &format!(" {}", self.backup));
        let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("sh");
        shell.args(["-eu", "-c", &lines]).current_dir(&place).env("PATH", path);
        shell.env("EXSTREAMTV_CONFIG", config).env("EXSTREAMTV_DATA_DIR", data).env_remove("MAKEFLAGS");
        let output = shell.output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{lines}\n{}\n{out}\n{err}", output.status);
        out.into_owned()
    }
}

fn include_folder() -> std::path::PathBuf {
    workspace().join("plugins/api/include")
}

#[test]
fn every_command_of_a_document_runs() {
    let desk = Desk::new();
    let mut run = 0;
    for name in DOCUMENTS {
        for block in blocks(name).into_iter().filter(|block| block.language == "sh") {
            let deeds = block.lines.iter().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
            let mut here = Vec::new();
            for line in deeds {
                match deed(name, line) {
                    Deed::Here(line) => here.push(line),
                    Deed::Make(words) => assert_is_a_target(name, words),
                    Deed::Elsewhere => {}
                }
            }
            run += here.len();
            if !here.is_empty() {
                eprintln!("{name}: {here:?}");
                desk.type_in(name, &here.join("\n"));
            }
        }
    }
    assert!(run > 12, "only {run} commands were found");
    assert!(
        desk.type_in("a reader", "cat /tmp/channels.toml").contains("[[channel]]"),
        "the document that was exported is empty"
    );
}

/// make can say what it would do, so the target and everything that it needs is there.
fn assert_is_a_target(document: &str, words: &str) {
    let mut make = Command::new("make");
    let output =
        make.arg("-n").args(words.split_whitespace()).current_dir(workspace()).env_remove("MAKEFLAGS").output();
    let output = output.unwrap();
    assert!(output.status.success(), "{document}: make {words}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn who_cannot_be_run_here_is_named_and_needed() {
    let lines: Vec<_> = DOCUMENTS.into_iter().flat_map(blocks).flat_map(|block| block.lines).collect();
    for (start, reason) in ELSEWHERE {
        assert!(lines.iter().any(|line| line.starts_with(start)), "no document shows {start:?} any more");
        for path in reason.split_whitespace().filter(|word| word.contains('/')) {
            assert!(workspace().join(path).exists(), "{path} does not run {start:?}: it is not there");
        }
    }
    assert_eq!(deed("README.md", "sudo systemctl reload exstreamtv"), Deed::Elsewhere);
    assert_eq!(deed("README.md", "make run            # watch it"), Deed::Make("run"));
    assert_eq!(deed("README.md", "exstreamtv config check"), Deed::Here("exstreamtv config check".into()));
}

/// `exstreamtv backup list` inside of a sentence: the command is there, and so are its flags.
#[test]
fn every_command_that_a_sentence_names_is_there() {
    let mut seen = 0;
    for name in DOCUMENTS {
        for words in inline(name).iter().filter_map(|words| words.strip_prefix("exstreamtv ")) {
            let words: Vec<_> = words.split_whitespace().collect();
            let is_name = |word: &&&str| {
                !word.starts_with('-') && word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-')
            };
            let path: Vec<_> = words.iter().take_while(is_name).copied().collect();
            let alternatives: Vec<_> = words.get(path.len()).map(|word| word.split('|').collect()).unwrap_or_default();
            let ends = if alternatives.len() > 1 { alternatives } else { vec![""] };
            for end in ends {
                let help = help(path.iter().copied().chain(Some(end)).filter(|word| !word.is_empty()));
                assert!(!help.is_empty(), "{name}: `exstreamtv {}` is no command", words.join(" "));
                for flag in words.iter().filter(|word| word.starts_with("--")) {
                    assert!(help.contains(flag), "{name}: `exstreamtv {}` has no {flag}", words.join(" "));
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 15, "only {seen} were found");
}

/// Returns what a command says about itself; empty if there is none of this name.
fn help<'a>(path: impl Iterator<Item = &'a str>) -> String {
    let output = Command::new(host_binary()).args(path).arg("--help").output().unwrap();
    if output.status.success() { String::from_utf8_lossy(&output.stdout).into_owned() } else { String::new() }
}

#[test]
fn every_file_that_a_document_links_to_is_there() {
    for name in DOCUMENTS.into_iter().filter(|name| name.ends_with(".md")) {
        let text = super::text::read(name);
        let folder = Path::new(name).parent().unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            assert!(workspace().join(folder).join(path).exists(), "{name} links to {link}");
        }
    }
}
