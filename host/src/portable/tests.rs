//! Documents, written and read.

use exstreamtv_model::{CollectionSource, MediaProbe, MediaState, Metadata};
use exstreamtv_store::{ScannedMedia, Store};
use serde_json::json;

use super::*;
use crate::http::fakes::Host;

async fn file(store: &Store, path: &str, metadata: Metadata) -> exstreamtv_model::MediaId {
    let probe =
        MediaProbe { container: "x".into(), duration_ms: 1, bitrate_bps: None, streams: vec![], chapters: vec![] };
    let (state, probe, path) = (MediaState::Ready, Some(probe), path.into());
    let media = ScannedMedia { path, size_bytes: 1, mtime_ms: 1, state, probe, metadata };
    store.media().upsert(&media, DateTime::UNIX_EPOCH).await.unwrap()
}

fn film(title: &str, year: i32, imdb: Option<&str>) -> Metadata {
    let external_ids = imdb.map(|id| ("imdb".to_owned(), id.to_owned())).into_iter().collect();
    Metadata { title: title.into(), year: Some(year), external_ids, ..Default::default() }
}

fn episode(show: &str, season: u32, episode: u32) -> Metadata {
    let (season, episode) = (Some(season), Some(episode));
    Metadata { title: "Pilot".into(), show: Some(show.into()), season, episode, ..Default::default() }
}

#[tokio::test]
async fn files_are_found_by_path_by_ids_by_episode_and_by_title_and_a_guess_is_none() {
    let (here, there) = (Host::open().await, Host::open().await);
    let mut items = Vec::new();
    for (path, metadata) in [
        ("/tv/same.mkv", film("Same", 1990, None)),
        ("/tv/matrix.mkv", film("The Matrix", 1999, Some("tt0133093"))),
        ("/tv/show/s1e2.mkv", episode("Show", 1, 2)),
        ("/tv/m.mkv", film("M", 1931, None)),
        ("/tv/twice.mkv", film("Twice", 2000, None)),
        ("/tv/gone.mkv", film("Gone", 2001, None)),
    ] {
        items.push(file(&here.store, path, metadata).await);
    }
    here.store.collections().insert("List", &CollectionSource::Manual { items: items.clone() }).await.unwrap();
    let mut wanted = Vec::new();
    for (path, metadata) in [
        ("/tv/same.mkv", film("Otherwise", 1, None)),
        ("/srv/Matrix (1999).mkv", film("Matrix", 1999, Some("tt0133093"))),
        ("/srv/S01E02.mkv", episode("SHOW", 1, 2)),
        ("/srv/M (1931).mkv", film("m", 1931, None)),
        ("/srv/hd/twice.mkv", film("Twice", 2000, None)),
    ] {
        wanted.push(file(&there.store, path, metadata).await);
    }
    file(&there.store, "/srv/twice-sd.mkv", film("Twice", 2000, None)).await;
    file(&there.store, "/srv/m-remake.mkv", film("M", 1951, None)).await;

    let document = export(&here.store).await.unwrap();
    let document = Document::read(&document.to_toml().unwrap()).unwrap();
    let report = import(&there.store, &document, false).await.unwrap();
    let missing: Vec<_> = report.missing.iter().map(|missing| missing.file.title.as_str()).collect();
    assert_eq!(missing, ["Gone"]);
    let list = there.store.collections().list().await.unwrap().remove(0);
    assert_eq!(list.source, CollectionSource::Manual { items: wanted });
}

#[tokio::test]
async fn everything_about_a_channel_survives_the_way_through_toml_and_through_json() {
    let (here, there) = (Host::open().await, Host::open().await);
    let films =
        here.store.collections().insert("Films", &CollectionSource::Query(MediaQuery::default())).await.unwrap();
    here.store.collections().insert("films ", &CollectionSource::Folder { path: "/tv/ü".into() }).await.unwrap();
    let mut channel = here.channel("5.10", "Fünf \"1\"").await;
    channel.collection = Some(films.id);
    channel.order = ItemOrder::Shuffle { seed: u32::MAX };
    channel.profile.width = 640;
    channel.zone = chrono_tz::Australia::Lord_Howe;
    let settings =
        |zero| json!({"default_collection_id": films.id, "list": [{"collection_id": "Films", "x": zero}], "n": null});
    channel.schedule = Some(Schedule { strategy: "s".into(), settings: settings(0) });
    here.store.channels().update(&channel).await.unwrap();
    let later = Schedule { strategy: "t".into(), settings: settings(1) };
    here.store.schedules().set(channel.id, Some(&later), Some(here.now())).await.unwrap();
    let screen = ScreenChanges { title: Some("x".into()), ..Default::default() };
    here.store.screens().set(channel.id, &screen).await.unwrap();

    let document = export(&here.store).await.unwrap();
    assert_eq!(document.collections.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Films", "films (2)"]);
    assert_eq!(Document::read(&document.to_json()).unwrap(), document);
    let report = import(&there.store, &Document::read(&document.to_toml().unwrap()).unwrap(), false).await.unwrap();
    assert_eq!(report.changes.len(), 3);
    let again = export(&there.store).await.unwrap();
    assert_eq!(again.to_toml().unwrap(), document.to_toml().unwrap());
    let unchanged = import(&here.store, &again, true).await.unwrap();
    // The second collection has another name now, and nothing else is different.
    assert_eq!(unchanged.changes.iter().map(|change| change.name.as_str()).collect::<Vec<_>>(), ["films (2)"]);

    let mut changed = again.clone();
    (changed.channels[0].name, changed.channels[0].waiting) = ("Other".into(), None);
    let report = import(&there.store, &changed, true).await.unwrap();
    assert_eq!(report.changes[0].fields, ["name", "waiting"]);
    assert_eq!(export(&there.store).await.unwrap(), again, "a dry run changes nothing");
    import(&there.store, &changed, false).await.unwrap();
    let mut now = export(&there.store).await.unwrap();
    now.channels[0].schedule.clone_from(&changed.channels[0].schedule);
    assert_eq!(now, changed);
}

#[test]
fn mistakes_are_shown_with_their_place() {
    let said = |text: &str| Document::read(text).unwrap_err().to_string();
    assert!(said("format = 1\n[[channel]]\nnumbr = \"5\"\n").contains("line 3"), "TOML");
    assert!(said("{\"format\": 1,\n \"chanel\": []}").contains("line 2"), "JSON");
    assert!(said("format = 7").contains("it has format 7, this program knows 1"));
}
