//! Scans of real folders into a real database; only the prober is pretended.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use exstreamtv_model::{MediaItem, MediaState};
use exstreamtv_store::{MediaFilter, Store};
use futures::{FutureExt, future::BoxFuture};
use tempfile::TempDir;
use tokio::sync::watch;

use super::{Library, ProbeFailure, Prober, ScanStatus, Settings};
use crate::{clock::Clock, lifecycle::Lifecycle};

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_767_225_600_000).unwrap()
    }
}

const ANSWER: &str = r#"{"format":{"format_name":"matroska,webm","duration":"60"},"streams":[
    {"index":0,"codec_type":"video","codec_name":"h264","width":16,"height":16}]}"#;

/// Answers from a table; by default every file is a minute long.
struct FakeProber {
    answers: Mutex<BTreeMap<String, Result<String, ProbeFailure>>>,
    probed: Mutex<Vec<String>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    /// Probes wait until so many are under way together.
    together: watch::Sender<usize>,
    /// Probes wait while this is false.
    open: watch::Sender<bool>,
}

impl Prober for FakeProber {
    fn probe(&self, path: PathBuf) -> BoxFuture<'_, Result<String, ProbeFailure>> {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        async move {
            self.probed.lock().unwrap().push(name.clone());
            let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_under_way.fetch_max(under_way, Ordering::SeqCst);
            self.together.send_modify(|together| *together = (*together).max(under_way));
            self.open.subscribe().wait_for(|open| *open).await.unwrap();
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            let answer = self.answers.lock().unwrap().get(&name).cloned();
            answer.unwrap_or_else(|| Ok(ANSWER.to_owned()))
        }
        .boxed()
    }
}

/// A library on disk, its database and its scans.
struct Scene {
    disk: TempDir,
    _data: TempDir,
    store: Store,
    prober: Arc<FakeProber>,
    life: Lifecycle,
    settings: Settings,
}

impl Scene {
    async fn new(files: &[&str]) -> Self {
        let (disk, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let store = Store::open(&data.path().join("db"), FixedClock.now()).await.unwrap();
        let prober = Arc::new(FakeProber {
            answers: Mutex::default(),
            probed: Mutex::default(),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            together: watch::channel(0).0,
            open: watch::channel(true).0,
        });
        let roots = vec![disk.path().canonicalize().unwrap()];
        let settings = Settings { roots, rescan_interval: None, watch: false, probe_concurrency: 2 };
        let scene = Self { disk, _data: data, store, prober, life: Lifecycle::default(), settings };
        files.iter().for_each(|file| scene.write(file, "x"));
        scene
    }

    fn root(&self) -> &Path {
        &self.settings.roots[0]
    }

    fn write(&self, file: &str, content: &str) {
        let path = self.disk.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn remove(&self, file: &str) {
        std::fs::remove_file(self.disk.path().join(file)).unwrap();
    }

    fn answer(&self, file: &str, answer: Result<&str, ProbeFailure>) {
        self.prober.answers.lock().unwrap().insert(file.to_owned(), answer.map(str::to_owned));
    }

    fn start(&self) -> Library {
        let clock = Arc::new(FixedClock);
        let prober: Arc<dyn Prober> = self.prober.clone();
        Library::start(self.store.clone(), prober, clock, self.life.clone(), self.settings.clone())
    }

    /// Starts a library of its own and lets it scan once.
    async fn scan(&self) -> ScanStatus {
        after(&self.start(), 1).await
    }

    /// Returns which files were probed since the last time, sorted.
    fn probed(&self) -> Vec<String> {
        let mut probed = std::mem::take(&mut *self.prober.probed.lock().unwrap());
        probed.sort();
        probed
    }

    async fn items(&self) -> BTreeMap<String, MediaItem> {
        let items = self.store.media().page(None, 1000, &MediaFilter::default()).await.unwrap();
        let name = |item: &MediaItem| item.path.strip_prefix(self.root()).unwrap().to_string_lossy().into_owned();
        items.into_iter().map(|item| (name(&item), item)).collect()
    }

    /// Writes each file and the first letter of its state: "a.mkv:R".
    async fn states(&self) -> Vec<String> {
        let letter = |item: &MediaItem| match item.state {
            MediaState::Ready => 'R',
            MediaState::Broken { .. } => 'B',
            MediaState::Missing => 'M',
        };
        self.items().await.iter().map(|(name, item)| format!("{name}:{}", letter(item))).collect()
    }
}

/// Waits until so many scans have ended.
async fn after(library: &Library, scans: u64) -> ScanStatus {
    let mut status = library.status();
    status.wait_for(|status| status.completed_scans >= scans).await.unwrap().clone()
}

fn notes(status: &ScanStatus) -> String {
    status.notes.values().flat_map(|notes| notes.texts.clone()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn every_file_is_probed_once_and_again_only_when_it_changes() {
    let scene =
        Scene::new(&["Show/Season 01/Show - S01E02 - Title.mkv", "a-b.mkv", "a/c.mkv", "a.mkv", "notes.txt"]).await;
    let status = scene.scan().await;
    assert_eq!((status.found, status.probed, status.unchanged, status.done(), status.scanning), (4, 4, 0, 4, false));
    assert_eq!(scene.probed().len(), 4);
    let items = scene.items().await;
    let episode = &items["Show/Season 01/Show - S01E02 - Title.mkv"];
    assert_eq!(
        (episode.metadata.title.as_str(), episode.metadata.episode, episode.playable_ms()),
        ("Title", Some(2), Some(60_000))
    );
    let status = scene.scan().await;
    assert_eq!((status.found, status.probed, status.unchanged), (4, 0, 4));
    scene.write("a/c.mkv", "longer");
    let status = scene.scan().await;
    assert_eq!((status.probed, status.unchanged), (1, 3));
    assert_eq!(scene.probed(), ["c.mkv"]);
    assert_eq!(scene.items().await["a/c.mkv"].id, items["a/c.mkv"].id, "a changed file keeps its identity");
}

#[tokio::test]
async fn broken_files_are_listed_with_their_reason() {
    let scene = Scene::new(&["cut.mkv", "picture.mkv", "good.mkv"]).await;
    scene.write("empty.mkv", "");
    scene.answer("cut.mkv", Err(ProbeFailure::Broken { reason: "moov atom not found".into() }));
    scene.answer("picture.mkv", Ok(r#"{"streams":[]}"#));
    let status = scene.scan().await;
    assert_eq!((status.probed, status.broken), (4, 3));
    let items = scene.items().await;
    let reason = |name: &str| match &items[name].state {
        MediaState::Broken { reason } => reason.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(reason("empty.mkv"), "the file is empty");
    assert_eq!(reason("cut.mkv"), "moov atom not found");
    assert_eq!(reason("picture.mkv"), "it holds no pictures and no sound");
    assert_eq!(items["good.mkv"].state, MediaState::Ready);
    assert_eq!(scene.probed(), ["cut.mkv", "good.mkv", "picture.mkv"]);
    assert_eq!(scene.scan().await.probed, 0, "nor are broken files probed again");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_may_not_be_read_is_listed_and_tried_again() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new(&["closed.mkv"]).await;
    let path = scene.root().join("closed.mkv");
    let permit = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    permit(0o000);
    if std::fs::File::open(&path).is_ok() {
        eprintln!("SKIPPED: this user may read everything, so nothing can be closed to it");
        return;
    }
    scene.scan().await;
    let MediaState::Broken { reason } = scene.items().await["closed.mkv"].state.clone() else {
        panic!("it is not listed")
    };
    assert!(reason.starts_with("it may not be read by the server"), "{reason}");
    permit(0o644);
    scene.scan().await;
    assert_eq!(scene.states().await, ["closed.mkv:R"]);
}

#[tokio::test]
async fn a_prober_that_cannot_run_says_nothing_about_files() {
    let scene = Scene::new(&["a.mkv"]).await;
    scene.answer("a.mkv", Err(ProbeFailure::Unavailable { reason: "the worker is gone".into() }));
    let status = scene.scan().await;
    assert!(scene.states().await.is_empty());
    assert_eq!((status.put_off, status.done()), (1, 1));
    assert!(notes(&status).contains("the worker is gone"), "{}", notes(&status));
    scene.answer("a.mkv", Ok(ANSWER));
    assert_eq!(scene.scan().await.notes, BTreeMap::new());
    assert_eq!(scene.states().await, ["a.mkv:R"]);
}

#[tokio::test]
async fn a_file_that_changes_under_the_prober_waits_for_the_next_scan() {
    let scene = Scene::new(&["a.mkv"]).await;
    scene.prober.open.send_replace(false);
    let library = scene.start();
    scene.prober.together.subscribe().wait_for(|under_way| *under_way == 1).await.unwrap();
    scene.write("a.mkv", "more of it");
    scene.prober.open.send_replace(true);
    let status = after(&library, 1).await;
    assert!(notes(&status).contains("still being written"), "{}", notes(&status));
    assert!(scene.states().await.is_empty());
    assert_eq!(scene.scan().await.probed, 1);
}

const TEN: [&str; 10] =
    ["a-b.mkv", "a.mkv", "a/b.mkv", "a/b/c.mkv", "b.mkv", "c d.mkv", "c/d.mkv", "c0.mkv", "e.mkv", "é.mkv"];

#[tokio::test]
async fn vanished_files_are_marked_and_come_back_as_they_were() {
    let scene = Scene::new(&TEN).await;
    scene.scan().await;
    scene.probed();
    let before = scene.items().await;
    scene.remove("a/b.mkv");
    scene.remove("é.mkv");
    let status = scene.scan().await;
    assert_eq!((status.missing, status.unchanged), (2, 8));
    let missing: Vec<_> = scene.states().await.into_iter().filter(|state| state.ends_with('M')).collect();
    assert_eq!(missing, ["a/b.mkv:M", "é.mkv:M"]);
    assert_eq!(scene.scan().await.missing, 0, "what is missing does not vanish twice");
    let path = scene.disk.path().join("a/b.mkv");
    scene.write("a/b.mkv", "x");
    let mtime = std::time::UNIX_EPOCH + Duration::from_millis(before["a/b.mkv"].mtime_ms.cast_unsigned());
    std::fs::File::options().write(true).open(path).unwrap().set_modified(mtime).unwrap();
    scene.scan().await;
    assert_eq!(scene.items().await["a/b.mkv"], before["a/b.mkv"]);
    assert_eq!(scene.probed(), Vec::<String>::new(), "the same file is not probed again");
}

#[tokio::test]
async fn when_more_than_a_fifth_vanishes_nothing_is_marked_until_somebody_agrees() {
    let scene = Scene::new(&TEN).await;
    scene.scan().await;
    ["a.mkv", "a-b.mkv", "b.mkv"].iter().for_each(|file| scene.remove(file));
    let library = scene.start();
    let status = after(&library, 1).await;
    assert_eq!(status.missing, 0);
    assert!(notes(&status).contains("3 of 10 files"), "{}", notes(&status));
    assert!(scene.states().await.iter().all(|state| state.ends_with('R')));
    library.accept_removals(scene.root().to_owned());
    let status = after(&library, 2).await;
    assert_eq!((status.missing, notes(&status).as_str()), (3, ""));
    assert_eq!(scene.states().await.iter().filter(|state| state.ends_with('M')).count(), 3);
}

#[tokio::test]
async fn a_disk_that_is_not_mounted_takes_nothing_away() {
    let scene = Scene::new(&TEN).await;
    scene.scan().await;
    let (root, aside) = (scene.root().to_owned(), scene.root().with_extension("aside"));
    std::fs::rename(&root, &aside).unwrap();
    let status = scene.scan().await;
    assert!(notes(&status).contains("is it mounted"), "{}", notes(&status));
    std::fs::create_dir(&root).unwrap();
    let status = scene.scan().await;
    assert!(notes(&status).contains("none of the 10 files"), "{}", notes(&status));
    assert!(scene.states().await.iter().all(|state| state.ends_with('R')));
    std::fs::remove_dir(&root).unwrap();
    std::fs::rename(&aside, &root).unwrap();
    let status = scene.scan().await;
    assert_eq!((status.unchanged, notes(&status).as_str()), (10, ""));
}

#[tokio::test]
async fn as_many_files_are_probed_at_once_as_agreed_and_no_more() {
    let scene = Scene::new(&TEN).await;
    scene.prober.open.send_replace(false);
    let library = scene.start();
    scene.prober.together.subscribe().wait_for(|under_way| *under_way == 2).await.unwrap();
    scene.prober.open.send_replace(true);
    after(&library, 1).await;
    assert_eq!(scene.prober.most_under_way.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn requests_during_a_scan_lead_to_one_more_scan() {
    let scene = Scene::new(&["a.mkv"]).await;
    scene.prober.open.send_replace(false);
    let library = scene.start();
    scene.prober.together.subscribe().wait_for(|under_way| *under_way == 1).await.unwrap();
    for _ in 0..10 {
        library.request_scan(None);
        library.request_scan(Some(scene.root().join("a")));
    }
    assert!(library.status().borrow().scanning);
    scene.prober.open.send_replace(true);
    let mut status = library.status();
    let at_rest = status.wait_for(|status| status.completed_scans > 0 && !status.scanning).await.unwrap().clone();
    assert_eq!(at_rest.completed_scans, 2);
    assert_eq!(scene.probed(), ["a.mkv"]);
}

#[tokio::test]
async fn a_scan_that_was_cut_short_goes_on_where_it_was() {
    let mut scene = Scene::new(&TEN).await;
    scene.settings.probe_concurrency = 1;
    scene.prober.open.send_replace(false);
    let library = scene.start();
    scene.prober.together.subscribe().wait_for(|under_way| *under_way == 1).await.unwrap();
    scene.prober.open.send_replace(true);
    library.status().wait_for(|status| status.probed >= 1).await.unwrap();
    assert!(scene.life.stop(Duration::from_secs(10)).await, "the scan ends when the host does");
    let saved = scene.states().await.len();
    assert!(saved >= 1);
    scene.life = Lifecycle::default();
    let status = scene.scan().await;
    assert_eq!(status.unchanged as usize, saved);
    assert_eq!(scene.states().await.len(), 10);
}

#[tokio::test]
async fn a_request_reads_sidecars_anew_without_probing() {
    let scene = Scene::new(&["Movie.mkv"]).await;
    let library = scene.start();
    after(&library, 1).await;
    let changes = *library.changes().borrow();
    scene.write("Movie.nfo", "<movie><title>The Film</title></movie>");
    library.request_scan(None);
    after(&library, 2).await;
    assert_eq!(scene.items().await["Movie.mkv"].metadata.title, "The Film");
    library.changes().wait_for(|number| *number == changes + 1).await.unwrap();
    library.request_scan(None);
    after(&library, 3).await;
    assert_eq!(*library.changes().borrow(), changes + 1, "a scan that finds nothing new is no news");
    assert_eq!(scene.probed(), ["Movie.mkv"]);
}

#[tokio::test]
async fn what_the_walk_passes_by_is_told() {
    let scene = Scene::new(&["a.mkv", "Film/VIDEO_TS/VTS_01_1.VOB"]).await;
    scene.write("a.nfo", "nothing of use");
    let status = scene.scan().await;
    let notes = notes(&status);
    assert!(notes.contains("disc folder") && notes.contains("a.nfo"), "{notes}");
}

#[tokio::test]
async fn new_roots_are_scanned_and_dropped_ones_are_left_in_peace() {
    let scene = Scene::new(&["one/a.mkv", "two/b.mkv"]).await;
    let library = scene.start();
    after(&library, 1).await;
    let other = TempDir::new().unwrap();
    std::fs::write(other.path().join("c.mkv"), "x").unwrap();
    library.set_roots(vec![other.path().to_owned()]);
    let status = after(&library, 2).await;
    assert_eq!((status.roots, status.found), (vec![other.path().to_owned()], 1));
    let items = scene.store.media().page(None, 10, &MediaFilter::default()).await.unwrap();
    assert!(items.len() == 3 && items.iter().all(|item| item.state == MediaState::Ready));
}

#[tokio::test]
async fn the_library_is_scanned_again_from_time_to_time() {
    let mut scene = Scene::new(&["a.mkv"]).await;
    scene.settings.rescan_interval = Some(Duration::from_millis(20));
    let library = scene.start();
    after(&library, 1).await;
    scene.write("b.mkv", "x");
    library.changes().wait_for(|number| *number >= 2).await.unwrap();
    assert_eq!(scene.states().await, ["a.mkv:R", "b.mkv:R"]);
}

#[tokio::test]
async fn a_new_file_is_noticed_without_being_asked_for() {
    let mut scene = Scene::new(&["a.mkv", "Show/b.mkv"]).await;
    scene.settings.watch = true;
    let library = scene.start();
    after(&library, 1).await;
    scene.write("Show/Season 1/c.mkv", "x");
    library.changes().wait_for(|number| *number >= 2).await.unwrap();
    assert_eq!(scene.states().await, ["Show/Season 1/c.mkv:R", "Show/b.mkv:R", "a.mkv:R"]);
    assert!(scene.life.stop(Duration::from_secs(10)).await);
}
