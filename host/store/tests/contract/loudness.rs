//! How loud files are.

use exstreamtv_model::{MediaId, media::Loudness};
use exstreamtv_store::Measured;

use crate::fixture::House;

fn measured(media: MediaId, sound: &str, integrated_lufs: Option<f64>) -> Measured {
    let loudness = Loudness { integrated_lufs, true_peak_dbtp: integrated_lufs.map(|lufs| lufs + 15.0) };
    Measured { media, sound: sound.into(), mtime_ms: 7, loudness }
}

#[tokio::test]
async fn what_was_measured_is_kept_over_a_restart_and_goes_with_its_file() {
    let house = House::open().await;
    let media = house.media("/m/a.mkv").await;
    let loudness = house.store.loudness();
    for known in [measured(media, "1", Some(-18.5)), measured(media, "2", None), measured(media, "1", Some(-19.0))] {
        loudness.keep(&known).await.unwrap();
    }
    let house = house.reopen().await;
    let kept = [measured(media, "1", Some(-19.0)), measured(media, "2", None)];
    assert_eq!(house.store.loudness().list().await.unwrap(), kept);
    house.store.loudness().keep(&measured(MediaId(media.0 + 1), "1", Some(-1.0))).await.unwrap();
    assert_eq!(house.store.loudness().list().await.unwrap(), kept, "of a file that is gone nothing is kept");
}
