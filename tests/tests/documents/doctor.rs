//! Each row of the table of symptoms is a fault that the doctor finds.
//!
//! Does: make the fault, ask the doctor, look for the row's words.
//! Invariant: a row without a fault that is made here fails the test.

use std::{fs, io::Read, net::TcpListener, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use exstreamtv_tests::{
    host::{Outcome, Setup},
    process::host_binary,
    stage::Stage,
};

use super::text::table;

/// What the doctor is asked about, and how.
struct Patient {
    stage: Stage,
    setup: Setup,
    wrapper: Vec<String>,
    data: Option<PathBuf>,
    /// Holds an address while the doctor looks.
    _listener: Option<TcpListener>,
}

impl Patient {
    fn healthy() -> Self {
        let stage = Stage::new();
        let media = format!("[\"{}\"]", stage.media().display());
        let setup = Setup::new(stage.path()).set("library.folders", media).set("server.listen", "\"127.0.0.1:0\"");
        Self { stage, setup, wrapper: Vec::new(), data: None, _listener: None }
    }

    fn set(mut self, key: &str, value: &str) -> Self {
        self.setup = self.setup.set(key, value);
        self
    }

    fn through(mut self, words: &[&str]) -> Self {
        self.wrapper = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Asks the doctor.
    fn ask(&self) -> Outcome {
        self.setup.write_config();
        let binary = host_binary().display().to_string();
        let mut words = self.wrapper.iter().chain([&binary]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).arg("doctor").arg("--config").arg(self.setup.config_file());
        command.arg("--data-dir").arg(self.data.clone().unwrap_or_else(|| self.setup.data()));
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Outcome { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

/// Makes the fault that a row of the table is about.
fn with_fault(says: &str) -> Patient {
    let patient = Patient::healthy();
    match says {
        "`FFmpeg`" => patient.set("ffmpeg.ffmpeg", "\"/nowhere/ffmpeg\""),
        "`the configuration`" => patient.set("server.lissen", "\"127.0.0.1:0\""),
        "`media`: No such file" => patient.set("library.folders", "[\"/nowhere\"]"),
        "`media`: no folder is configured" => patient.set("library.folders", "[]"),
        "`media`: cannot read" => {
            let film = patient.stage.media().join("Film.mkv");
            fs::write(&film, "").unwrap();
            fs::set_permissions(&film, fs::Permissions::from_mode(0o000)).unwrap();
            fs::create_dir_all(patient.setup.data()).unwrap();
            for (folder, mode) in [(patient.stage.path().to_owned(), 0o755), (patient.setup.data(), 0o777)] {
                fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
            }
            let is_root = nix::unistd::geteuid().is_root();
            let nobody: &[&str] =
                if is_root { &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] } else { &[] };
            patient.through(nobody)
        }
        "`database`: damaged" => {
            fs::create_dir_all(patient.setup.data()).unwrap();
            fs::write(patient.setup.data().join("exstreamtv.db"), "this is no database".repeat(1000)).unwrap();
            patient
        }
        "`data folder`" => {
            let file = patient.stage.path().join("a file");
            fs::write(&file, "").unwrap();
            Patient { data: Some(file.join("data")), ..patient }
        }
        "`address`: in use" => {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let stranger = listener.try_clone().unwrap();
            // A program that takes connections and is none of ours.
            std::thread::spawn(move || stranger.accept().map(|(mut client, _)| client.read(&mut [0; 64])));
            Patient { _listener: Some(listener), ..patient }.set("server.listen", &format!("\"{address}\""))
        }
        "`address`: only this machine reaches it" => patient,
        "`backups`" => {
            fs::create_dir_all(patient.setup.data()).unwrap();
            fs::write(patient.setup.data().join("backups"), "").unwrap();
            patient
        }
        "`video cards`" => patient.set("hardware.accel", "\"rkmpp\""),
        "`plugins`" => patient.set("plugins.resolver", "\"org.example.nobody\""),
        "`open files`" => patient.through(&["sh", "-c", "ulimit -n 300; exec \"$@\"", "sh"]),
        other => panic!("nobody makes the fault of the row {other:?}: add it here"),
    }
}

#[test]
fn a_healthy_machine_has_no_fault() {
    let outcome = Patient::healthy().ask();
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    assert!(!outcome.stdout.contains("FAULT"), "{outcome:#?}");
}

#[test]
fn the_doctor_finds_every_fault_of_the_table() {
    let rows = table("OPERATING.md", "| what you see | what the doctor says |");
    assert!(rows.len() >= 12, "{rows:?}");
    for row in rows {
        let says = &row[1];
        let outcome = with_fault(says).ask();
        let (what, words) = says.split_once("`: ").unwrap_or((says.trim_end_matches('`'), ""));
        let what = what.trim_matches('`');
        if what == "the configuration" {
            assert_eq!(outcome.code, Some(78), "{says}: {outcome:#?}");
            assert!(outcome.stderr.contains("server.lissen") || outcome.stderr.contains("lissen"), "{outcome:#?}");
            continue;
        }
        // What is no fault of the machine is said all the same.
        let is_fault = !words.contains("only this machine");
        let mark = if is_fault { "FAULT" } else { "ok   " };
        let line = outcome.stdout.lines().find(|line| line.starts_with(&format!("{mark}  {what}: ")));
        let line = line.unwrap_or_else(|| panic!("{says} is not found: {outcome:#?}"));
        assert!(line.contains(words), "{says}: {line}");
        assert_eq!(outcome.code == Some(0), !is_fault, "{says}: {outcome:#?}");
        let code = row[0].split("exit code ").nth(1).map(|code| code.trim().parse::<i32>().unwrap());
        assert!(code.is_none() || code == outcome.code, "{says}: the table says {code:?}: {outcome:#?}");
    }
}
