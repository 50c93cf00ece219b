//! The loader against libraries that are built on the spot from `tests/bad/*.c`.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use exstreamtv_loader::{
    CallError, CreateError, EntryFault, HostCalls, Instance, LoadError, LogLevel, PluginFile, QueryFault,
};

const DEADLINE: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 8 << 20;

/// A library built from a C file, in a folder of its own.
struct Built {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn build(name: &str) -> Built {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("lib{name}.so"));
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-shared", "-fPIC", "-I"]).arg(crate_folder.join("../../plugins/api/include"));
    cc.arg(crate_folder.join(format!("tests/bad/{name}.c"))).arg("-o").arg(&path);
    assert!(cc.status().unwrap().success(), "{name}.c does not build");
    Built { _folder: folder, path }
}

fn open(name: &str) -> Result<PluginFile, LoadError> {
    PluginFile::open(&build(name).path)
}

fn entry_fault(name: &str) -> EntryFault {
    match open(name).unwrap_err() {
        LoadError::Entry { source, .. } => source,
        other => panic!("{name}: {other:?}"),
    }
}

/// Answers "echo" with the question, panics at "panic", and remembers what is logged.
#[derive(Default)]
struct Desk(Mutex<Vec<(LogLevel, String)>>);

impl HostCalls for Desk {
    fn log(&self, level: LogLevel, message: &str) {
        self.0.lock().unwrap().push((level, message.to_owned()));
    }

    fn query(&self, method: &str, input: &[u8]) -> Result<Vec<u8>, QueryFault> {
        match method {
            "echo" => Ok(input.to_vec()),
            "panic" => panic!("the host has a bug"),
            other => Err(QueryFault::UnknownMethod { method: other.to_owned() }),
        }
    }
}

fn instance(name: &str) -> Instance {
    instance_with(name, Arc::new(Desk::default()))
}

fn instance_with(name: &str, desk: Arc<Desk>) -> Instance {
    let file = open(name).unwrap();
    let id = file.descriptors()[0].id.clone();
    file.create(&id, b"", desk).unwrap()
}

fn call(name: &str, input: &str) -> Result<Vec<u8>, CallError> {
    instance(name).call("plan", input.as_bytes(), DEADLINE, MAX_BYTES)
}

#[test]
fn a_library_is_described_and_called_after_its_file_is_gone() {
    let file = open("built_later").unwrap();
    let descriptor = &file.descriptors()[0];
    assert_eq!((descriptor.id.as_str(), descriptor.version.as_str()), ("org.example.bad.built-later", "1.0.0"));
    assert_eq!(descriptor.contract, "exstreamtv.scheduler/1");
    assert_eq!((descriptor.encodings.as_slice(), descriptor.permissions.len()), (["json".to_owned()].as_slice(), 0));
    let mut instance = file.create(&descriptor.id, b"{}", Arc::new(Desk::default())).unwrap();
    assert_eq!(instance.call("plan", b"", DEADLINE, MAX_BYTES).unwrap(), b"{}");
    assert!(!instance.has_extension("exstreamtv.anything/1"));
}

#[test]
fn what_is_no_plugin_of_ours_is_refused_with_the_reason() {
    assert_eq!(entry_fault("wrong_magic"), EntryFault::Magic { found: 0x1234_5678 });
    assert!(matches!(entry_fault("short_entry"), EntryFault::Size { what: "entry", found: 20, .. }));
    assert_eq!(entry_fault("no_create"), EntryFault::Function { name: "create" });
    assert_eq!(entry_fault("duplicate_ids"), EntryFault::Duplicate { id: "org.example.bad.duplicate-ids".into() });
    assert!(matches!(entry_fault("invalid_utf8"), EntryFault::Text { index: 0, field: "name", .. }));
    assert!(matches!(open("not_a_plugin"), Err(LoadError::NoSymbol { .. })));
}

#[test]
fn versions_that_do_not_fit_are_refused_with_both_numbers() {
    let major = entry_fault("newer_major").to_string();
    assert!(major.contains("ABI 2.7") && major.contains("this host speaks 1.0"), "{major}");
    let minor = entry_fault("newer_minor").to_string();
    assert!(minor.contains("needs ABI 1.9") && minor.contains("this host speaks 1.0"), "{minor}");
}

#[test]
fn a_file_that_is_no_library_or_lies_open_to_all_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let built = build("built_later");
    std::fs::set_permissions(&built.path, std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(PluginFile::open(&built.path), Err(LoadError::Place { .. })));
    std::fs::set_permissions(&built.path, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(&built.path, "no library").unwrap();
    assert!(matches!(PluginFile::open(&built.path), Err(LoadError::Open { .. })));
}

#[test]
fn every_status_becomes_its_own_error_with_the_plugins_words() {
    let text = "because I was told to".to_owned();
    let ends_with = |status: &str| call("refuses", status).unwrap_err();
    assert_eq!(call("refuses", "0").unwrap(), text.as_bytes());
    assert_eq!(ends_with("1"), CallError::UnknownMethod { text: text.clone() });
    assert_eq!(ends_with("2"), CallError::BadInput { text: text.clone() });
    assert_eq!(ends_with("3"), CallError::Failed { text: text.clone() });
    assert_eq!(ends_with("4"), CallError::Timeout { text: text.clone() });
    assert_eq!(ends_with("5"), CallError::Panic { text });
    assert_eq!(ends_with("6"), CallError::TooLong { max_bytes: MAX_BYTES });
    assert!(matches!(ends_with("7"), CallError::Failed { text } if text.contains("unknown id (7)")));
    assert!(matches!(ends_with("-4711"), CallError::Failed { text } if text.contains("(-4711)")));
}

#[test]
fn an_answer_of_100_mb_is_cut_off_at_the_limit_whatever_the_plugin_thinks_of_it() {
    assert_eq!(call("huge", ""), Err(CallError::TooLong { max_bytes: MAX_BYTES }));
}

#[test]
fn words_about_an_error_become_one_line() {
    assert_eq!(call("panics", ""), Err(CallError::Panic { text: "index out of bounds: the len is 0".into() }));
}

#[test]
fn a_plugin_can_ask_the_host_and_write_to_its_log() {
    let desk = Arc::new(Desk::default());
    let mut asking = instance_with("asks", desk.clone());
    assert_eq!(asking.call("echo", b"hello", DEADLINE, MAX_BYTES).unwrap(), b"hello");
    assert_eq!(*desk.0.lock().unwrap(), [(LogLevel::Warn, "asking".to_owned())]);
    let unknown = asking.call("dance", b"", DEADLINE, MAX_BYTES).unwrap_err();
    assert!(matches!(&unknown, CallError::UnknownMethod { text } if text.contains("dance")), "{unknown:?}");
    assert!(matches!(asking.call("echo", b"too long", DEADLINE, 3), Err(CallError::TooLong { max_bytes: 3 })));
}

#[test]
fn a_bug_of_the_host_does_not_unwind_into_the_plugin() {
    let error = instance("asks").call("panic", b"", DEADLINE, MAX_BYTES).unwrap_err();
    assert!(matches!(&error, CallError::Failed { text } if text.contains("the host has a bug")), "{error:?}");
}

#[test]
fn an_instance_that_is_not_there_is_noticed() {
    let id = "org.example.bad.no-instance".to_owned();
    let file = open("no_instance").unwrap();
    assert_eq!(file.create(&id, b"", Arc::new(Desk::default())).unwrap_err(), CreateError::Nothing { id });
    let unknown = open("asks").unwrap().create("org.example.other", b"", Arc::new(Desk::default())).unwrap_err();
    assert_eq!(unknown, CreateError::UnknownId { id: "org.example.other".into() });
}

#[test]
fn an_instance_may_be_called_from_one_thread_after_the_other() {
    let mut moved = instance("asks");
    for _ in 0..3 {
        moved = std::thread::spawn(move || {
            moved.call("echo", b"x", DEADLINE, MAX_BYTES).unwrap();
            moved
        })
        .join()
        .unwrap();
    }
}
