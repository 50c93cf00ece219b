//! Collections.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};

use exstreamtv_model::{
    Collection, CollectionId, CollectionSource, MediaId, MediaKind, Metadata, collection::MediaQuery,
};
use exstreamtv_store::{NewChannel, ScannedMedia, StoreError};

use crate::fixture::{House, at, broken, new_channel, probe, ready};

async fn insert(house: &House, source: CollectionSource) -> Collection {
    house.store.collections().insert("a collection", &source).await.unwrap()
}

async fn items(house: &House, id: CollectionId) -> Vec<MediaId> {
    house.store.collections().items(id).await.unwrap().iter().map(|item| item.id).collect()
}

async fn folder(house: &House, path: &str) -> Vec<MediaId> {
    let collection = insert(house, CollectionSource::Folder { path: path.into() }).await;
    items(house, collection.id).await
}

#[tokio::test]
async fn every_kind_of_collection_reads_back_over_a_restart() {
    let house = House::open().await;
    let (one, two) = (house.media("/1.mkv").await, house.media("/2.mkv").await);
    let bytes = PathBuf::from(OsStr::from_bytes(b"/m\xff"));
    let written = [
        insert(&house, CollectionSource::Folder { path: bytes }).await,
        insert(&house, CollectionSource::Manual { items: vec![two, one, two] }).await,
        insert(&house, CollectionSource::Query(MediaQuery { year_to: Some(1999), ..MediaQuery::default() })).await,
    ];
    let house = house.reopen().await;
    assert_eq!(house.store.collections().list().await.unwrap(), written);
    assert_eq!(house.store.collections().find(written[1].id).await.unwrap().as_ref(), Some(&written[1]));
    assert_eq!(house.store.collections().find(CollectionId(99)).await.unwrap(), None);
}

#[tokio::test]
async fn a_folder_holds_what_is_below_it_and_not_what_merely_begins_like_it() {
    let house = House::open().await;
    let inside = house.media("/a/b/one.mkv").await;
    let deep = house.media("/a/b/c/two.mkv").await;
    let beside = house.media("/a/bc/three.mkv").await;
    let like = house.media("/a/b").await;
    house.media("/a/b-4.mkv").await;
    house.media("/a/b0").await;
    assert_eq!(folder(&house, "/a/b").await, [like, deep, inside]);
    assert_eq!(folder(&house, "/a/b/").await, [like, deep, inside]);
    assert_eq!(folder(&house, "/a/bc").await, [beside]);
    assert_eq!(folder(&house, "/").await.len(), 6);
    assert_eq!(folder(&house, "/x").await, []);
}

#[tokio::test]
async fn only_what_can_be_played_is_in_a_collection() {
    let house = House::open().await;
    let good = house.media("/m/good.mkv").await;
    let gone = house.media("/m/gone.mkv").await;
    let media = house.store.media();
    let bad = media.upsert(&broken("/m/bad.mkv"), at(0)).await.unwrap();
    let no_length = ScannedMedia { probe: Some(probe(0)), ..ready("/m/still.jpg") };
    let still = media.upsert(&no_length, at(0)).await.unwrap();
    media.mark_missing(&[gone]).await.unwrap();
    let manual = insert(&house, CollectionSource::Manual { items: vec![still, bad, gone, good] }).await;
    let query = insert(&house, CollectionSource::Query(MediaQuery::default())).await;
    assert_eq!(folder(&house, "/m").await, [good]);
    assert_eq!(items(&house, manual.id).await, [good]);
    assert_eq!(items(&house, query.id).await, [good]);
    assert_eq!(items(&house, CollectionId(99)).await, []);
}

#[tokio::test]
async fn a_manual_collection_keeps_its_order_and_its_repeats() {
    let house = House::open().await;
    let (one, two, three) = (house.media("/1").await, house.media("/2").await, house.media("/3").await);
    let list = insert(&house, CollectionSource::Manual { items: vec![three, one, three, two] }).await;
    assert_eq!(items(&house, list.id).await, [three, one, three, two]);
    let pool = house.store.collections().pool(list.id).await.unwrap();
    assert_eq!(
        pool.iter().map(|item| (item.id, item.position)).collect::<Vec<_>>(),
        [(three, Some(0)), (one, Some(1)), (three, Some(2)), (two, Some(3)),]
    );
    let shorter = Collection { source: CollectionSource::Manual { items: vec![two] }, ..list };
    assert!(house.store.collections().update(&shorter).await.unwrap());
    assert_eq!(items(&house, shorter.id).await, [two]);
    let ghost = Collection { source: CollectionSource::Manual { items: vec![one, MediaId(77)] }, ..shorter };
    let refused = house.store.collections().update(&ghost).await;
    assert!(matches!(refused, Err(StoreError::NoSuch { what: "media", id: 77 })), "{refused:?}");
    assert_eq!(items(&house, ghost.id).await, [two], "a refused change leaves nothing behind");
}

#[tokio::test]
async fn a_query_needs_all_its_conditions() {
    let house = House::open().await;
    let media = house.store.media();
    let with = |path: &str, metadata: Metadata| ScannedMedia { metadata, ..ready(path) };
    let episode = Metadata {
        kind: MediaKind::Episode,
        title: "Das Boot ist voll".into(),
        show: Some("ÄRZTE".into()),
        season: Some(1),
        episode: Some(2),
        year: Some(1999),
        genres: vec!["Drama".into(), "KRIMI".into(), "Krimi".into()],
        ..Metadata::default()
    };
    let aired = chrono::NaiveDate::from_ymd_opt(2010, 5, 1);
    let film = Metadata { kind: MediaKind::Movie, title: "100% Wolf".into(), aired, ..Metadata::default() };
    let episode = media.upsert(&with("/1", episode), at(0)).await.unwrap();
    let film = media.upsert(&with("/2", film), at(0)).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let all = MediaQuery::default();
    for (query, expected) in [
        (all.clone(), vec![episode, film]),
        (MediaQuery { kind: Some(MediaKind::Movie), ..all.clone() }, vec![film]),
        (MediaQuery { show: text("Ärzte"), ..all.clone() }, vec![episode]),
        (MediaQuery { show: text("Ärz"), ..all.clone() }, vec![]),
        (MediaQuery { genre: text("krimi"), ..all.clone() }, vec![episode]),
        (MediaQuery { text: text("0% w"), ..all.clone() }, vec![film]),
        (MediaQuery { text: text("ärzt"), ..all.clone() }, vec![episode]),
        (MediaQuery { text: text("%"), ..all.clone() }, vec![film]),
        (MediaQuery { year_from: Some(2000), ..all.clone() }, vec![film]),
        (MediaQuery { year_to: Some(1999), ..all.clone() }, vec![episode]),
        (MediaQuery { year_to: Some(1999), kind: Some(MediaKind::Movie), ..all }, vec![]),
    ] {
        let collection = insert(&house, CollectionSource::Query(query.clone())).await;
        assert_eq!(items(&house, collection.id).await, expected, "{query:?}");
    }
}

#[tokio::test]
async fn the_pool_says_the_same_as_the_items() {
    let house = House::open().await;
    let metadata = Metadata {
        kind: MediaKind::Episode,
        title: "Two".into(),
        show: Some("Show".into()),
        season: Some(0),
        episode: Some(2),
        ..Metadata::default()
    };
    house.store.media().upsert(&ScannedMedia { metadata, ..ready("/m/2") }, at(0)).await.unwrap();
    house.media("/m/1").await;
    let folder = insert(&house, CollectionSource::Folder { path: "/m".into() }).await;
    let items = house.store.collections().items(folder.id).await.unwrap();
    let pool = house.store.collections().pool(folder.id).await.unwrap();
    assert_eq!(pool.len(), 2);
    for (item, offered) in items.iter().zip(&pool) {
        assert_eq!((item.id, item.playable_ms()), (offered.id, Some(offered.duration_ms)));
        assert_eq!((&item.metadata.title, &item.metadata.show), (&offered.title, &offered.show));
        assert_eq!((item.metadata.season, item.metadata.episode), (offered.season, offered.episode));
        assert_eq!((item.metadata.kind, offered.position), (offered.kind, None));
    }
}

#[tokio::test]
async fn a_collection_that_a_channel_plays_cannot_be_deleted() {
    let house = House::open().await;
    let collection = insert(&house, CollectionSource::Query(MediaQuery::default())).await;
    let new = NewChannel { collection: Some(collection.id), ..new_channel("1") };
    let channel = house.store.channels().insert(&new).await.unwrap();
    let refused = house.store.collections().delete(collection.id).await;
    assert!(matches!(refused, Err(StoreError::InUse(id)) if id == collection.id), "{refused:?}");
    house.store.channels().delete(channel.id).await.unwrap();
    assert!(house.store.collections().delete(collection.id).await.unwrap());
    assert!(!house.store.collections().delete(collection.id).await.unwrap());
    assert!(!house.store.collections().update(&collection).await.unwrap());
}
