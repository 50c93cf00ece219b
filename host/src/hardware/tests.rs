//! What a worker found out is taken over, or quoted.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::*;

/// A worker that prints `answer` and notes its arguments.
fn worker(folder: &Path, script: &str) -> Settings {
    let path = folder.join("worker");
    fs::write(&path, format!("#!/bin/sh\necho \"$@\" >> {}/asked\n{script}\n", folder.display())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Settings {
        worker: path,
        ffmpeg: "ffmpeg".into(),
        ffprobe: "ffprobe".into(),
        profiles: Some("/etc/tv/hwprofiles".into()),
        disabled_quirks: vec!["amd-pad".into()],
        cache: "/var/cache/tv".into(),
        accel: "cuda".into(),
        device: String::new(),
        channels: BTreeMap::new(),
    }
}

const FOUND: &str = r#"{"ffmpeg":"6.1","platform":"linux-x86_64","kernel":null,"cards":[],"absent":[
  {"profile":"cuda","title":"NVIDIA","reason":{"kind":"no_device","because":"there is no NVIDIA card","advice":null,"evidence":null}}]}"#;

#[tokio::test]
async fn a_worker_is_asked_and_its_answer_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let hardware = Hardware::new(worker(folder.path(), &format!("cat <<'E'\n{FOUND}\nE")));
    assert!(!hardware.view().known);
    hardware.detect(Ask::IfChanged).await.unwrap();
    hardware.detect(Ask::Again).await.unwrap();
    let view = hardware.view();
    assert!(view.known && view.remark.unwrap().ends_with("accel = cuda: there is no NVIDIA card"));
    let asked = fs::read_to_string(folder.path().join("asked")).unwrap();
    let usual =
        "detect --json --ffmpeg ffmpeg --cache /var/cache/tv --profiles /etc/tv/hwprofiles --disable-quirk amd-pad";
    assert_eq!(asked, format!("{usual}\n{usual} --refresh\n"));
}

#[tokio::test]
async fn a_worker_that_gives_up_is_quoted_with_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let script = "echo 'exstreamtv-worker: failed to use the hardware profile x.toml, line 3' >&2; exit 78";
    let error = Hardware::new(worker(folder.path(), script)).detect(Ask::IfChanged).await.unwrap_err();
    assert_eq!(error.code(), 78);
    assert!(error.to_string().ends_with("use the hardware profile x.toml, line 3"), "{error}");
    let error = Hardware::new(worker(folder.path(), "echo nonsense")).detect(Ask::IfChanged).await.unwrap_err();
    assert!(matches!(error, DetectError::Unintelligible(_)), "{error}");
    let missing = Settings { worker: "/nowhere/worker".into(), ..worker(folder.path(), "") };
    let error = Hardware::new(missing).detect(Ask::IfChanged).await.unwrap_err();
    assert!(error.to_string().contains("/nowhere/worker"), "{error}");
}
