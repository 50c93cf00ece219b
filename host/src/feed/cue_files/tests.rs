//! Cue files with a tool that writes one cue and counts.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Writes one cue, or fails.
#[derive(Default)]
pub struct OneCue {
    pub asked: AtomicUsize,
    pub broken: std::sync::atomic::AtomicBool,
}

impl ExtractText for OneCue {
    fn extract(&self, path: PathBuf, stream: u32, to: PathBuf) -> BoxFuture<'_, Result<(), String>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        async move {
            if self.broken.load(Ordering::Relaxed) {
                return Err("FFmpeg says: no".into());
            }
            let text = format!("WEBVTT\n\n00:01.000 --> 00:02.000\n{} {stream}\n", path.display());
            std::fs::write(to, text).map_err(|error| error.to_string())
        }
        .boxed()
    }
}

fn track(name: &str) -> TextTrack {
    TextTrack { path: "/m/film.mkv".into(), stream: 3, name: name.into() }
}

struct Bench {
    folder: tempfile::TempDir,
    tool: Arc<OneCue>,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), tool: Arc::default() }
    }

    fn files(&self) -> CueFiles {
        CueFiles::new(self.folder.path().join("subtitles"), Arc::clone(&self.tool) as _, Lifecycle::default())
    }

    fn asked(&self) -> usize {
        self.tool.asked.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn a_track_is_extracted_once_and_found_again_after_a_restart() {
    let bench = Bench::new();
    let files = bench.files();
    files.want(&track("1-2-3"));
    let wanted = track("1-2-3");
    let (one, other) = tokio::join!(files.cues(&wanted), files.cues(&wanted));
    assert_eq!(one, other);
    assert_eq!(one.unwrap()[0].text, "/m/film.mkv 3");
    assert!(bench.files().cues(&track("1-2-3")).await.is_some());
    assert_eq!(bench.asked(), 1);
    assert!(files.cues(&track("1-3-3")).await.is_some(), "a file that changed is another one");
    assert_eq!(bench.asked(), 2);
}

#[tokio::test]
async fn what_failed_rests_and_is_tried_again() {
    let bench = Bench::new();
    let files = bench.files();
    bench.tool.broken.store(true, Ordering::Relaxed);
    assert_eq!(files.cues(&track("a")).await, None);
    bench.tool.broken.store(false, Ordering::Relaxed);
    assert_eq!(files.cues(&track("a")).await, None);
    assert_eq!(bench.asked(), 1);
    tokio::time::pause();
    tokio::time::advance(RETRY).await;
    assert!(files.cues(&track("a")).await.is_some());
}

#[tokio::test]
async fn the_oldest_files_make_room() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..MOST_FILES + 2 {
        let file = std::fs::File::create(folder.path().join(number.to_string())).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(number as u64)).unwrap();
    }
    make_room(folder.path()).unwrap();
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, MOST_FILES - 1);
    assert!(!folder.path().join("2").exists() && folder.path().join("3").exists());
}
