//! What is measured when, with a meter that is told what to find.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::DateTime;
use exstreamtv_model::MediaState;

use super::*;

struct Told {
    answer: Result<Loudness, String>,
    asked: AtomicUsize,
}

impl Meter for Told {
    fn measure(&self, _: Sound) -> BoxFuture<'_, Result<Loudness, String>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.answer.clone();
        async move { answer }.boxed()
    }
}

struct Scene {
    store: Store,
    meter: Arc<Told>,
    settings: watch::Sender<Settings>,
    keeper: LoudnessKeeper,
    media: MediaItem,
    folder: tempfile::TempDir,
}

async fn scene(answer: Result<Loudness, String>) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("db"), DateTime::UNIX_EPOCH).await.unwrap();
    let media = MediaItem {
        id: MediaId(1),
        path: "/m/a.mkv".into(),
        size_bytes: 1,
        mtime_ms: 5,
        state: MediaState::Broken { reason: "no matter".into() },
        probe: None,
        metadata: Default::default(),
    };
    let meter = Arc::new(Told { answer, asked: AtomicUsize::new(0) });
    let settings = watch::Sender::new(Settings { enabled: true, target_lufs: -23.0 });
    let keeper = LoudnessKeeper::start(store.clone(), meter.clone(), settings.subscribe(), &Lifecycle::default()).await;
    Scene { store, meter, settings, keeper, media, folder }
}

impl Scene {
    fn gain(&self, mtime_ms: i64) -> Option<f64> {
        let media = MediaItem { mtime_ms, ..self.media.clone() };
        self.keeper.gain_db(Sound::of(&media, 1, None, 2))
    }

    async fn settled(&self, asked: usize) {
        while self.meter.asked.load(Ordering::Relaxed) < asked || self.keeper.wanted.capacity() < MOST_WAITING {
            tokio::task::yield_now().await;
        }
    }
}

fn loud(integrated: f64, peak: f64) -> Loudness {
    Loudness { integrated_lufs: Some(integrated), true_peak_dbtp: Some(peak) }
}

#[tokio::test]
async fn the_first_time_it_is_played_as_it_is_and_the_next_time_it_is_known() {
    let scene = scene(Ok(loud(-18.0, -3.0))).await;
    assert_eq!(scene.gain(5), None);
    while scene.gain(5).is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(scene.gain(5), Some(-5.0));
    assert_eq!(scene.meter.asked.load(Ordering::Relaxed), 1, "it is measured once");
    assert_eq!(scene.gain(6), None, "another file has another loudness");
    scene.settings.send_replace(Settings { enabled: false, target_lufs: -23.0 });
    assert_eq!(scene.gain(5), None);
    assert!(scene.folder.path().exists());
    assert_eq!(scene.store.loudness().list().await.unwrap(), [], "a file that the library does not know");
}

#[tokio::test]
async fn what_cannot_be_measured_is_asked_once() {
    let scene = scene(Err("no such stream".into())).await;
    assert_eq!((scene.gain(5), scene.gain(5)), (None, None));
    scene.settled(1).await;
    assert_eq!(scene.gain(5), None);
    assert_eq!(scene.meter.asked.load(Ordering::Relaxed), 1);
}

#[test]
fn a_gain_reaches_the_target_and_no_peak_is_cut_off() {
    assert_eq!(loud(-18.0, -3.0).gain_db(-23.0), Some(-5.0));
    assert_eq!(loud(-30.0, -15.0).gain_db(-23.0), Some(7.0));
    assert_eq!(loud(-30.0, -4.0).gain_db(-23.0), Some(3.0), "more would cut its peaks off");
    assert_eq!(loud(-30.0, 0.5).gain_db(-23.0), Some(0.0), "a quiet sound is never made quieter");
    assert_eq!(Loudness { integrated_lufs: None, true_peak_dbtp: None }.gain_db(-23.0), None);
    assert_eq!(loud(-60.0, -50.0).gain_db(-23.0), Some(30.0));
}
