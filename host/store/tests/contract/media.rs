//! The library.

use std::{collections::BTreeSet, ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};

use exstreamtv_model::{MediaId, MediaState, Metadata};
use exstreamtv_store::{KnownFile, MediaCounts, MediaFilter, MediaStateFilter, ScannedMedia, StoreErrorKind};

use crate::fixture::{House, at, broken, probe, ready};

#[tokio::test]
async fn a_file_reads_back_as_it_was_scanned_over_a_restart() {
    let house = House::open().await;
    let scanned = ScannedMedia {
        size_bytes: u64::MAX,
        mtime_ms: -1,
        metadata: Metadata {
            title: "Tést".into(),
            score: Some(7.3),
            artwork: Some("/m/poster.jpg".into()),
            external_ids: [("imdb".to_owned(), "tt0133093".to_owned())].into(),
            ..Metadata::default()
        },
        ..ready("/m/it's a \"test\" %41.mkv")
    };
    let id = house.store.media().upsert(&scanned, at(0)).await.unwrap();
    let house = house.reopen().await;
    let item = house.store.media().find(id).await.unwrap().unwrap();
    assert_eq!((item.path, item.size_bytes, item.mtime_ms), (scanned.path, u64::MAX, -1));
    assert_eq!((item.state, item.probe, item.metadata), (scanned.state, scanned.probe, scanned.metadata));
    assert_eq!(house.store.media().find(MediaId(99)).await.unwrap(), None);
}

#[tokio::test]
async fn paths_that_are_not_utf8_are_kept_byte_for_byte() {
    let house = House::open().await;
    let odd = |bytes: &'static [u8]| PathBuf::from(OsStr::from_bytes(bytes));
    let scanned = ScannedMedia {
        metadata: Metadata { artwork: Some(odd(b"/m/\xfe.jpg")), ..ready("/").metadata },
        ..ready(odd(b"/m/\xff\x80.mkv"))
    };
    let id = house.store.media().upsert(&scanned, at(0)).await.unwrap();
    let other = house.media(odd(b"/m/\xff\x81.mkv")).await;
    assert_ne!(id, other);
    let item = house.store.media().find(id).await.unwrap().unwrap();
    assert_eq!((item.path, item.metadata.artwork), (scanned.path.clone(), Some(odd(b"/m/\xfe.jpg"))));
    assert_eq!(house.store.media().upsert(&scanned, at(1)).await.unwrap(), id);
}

#[tokio::test]
async fn a_file_that_vanishes_and_returns_is_the_same_file() {
    let house = House::open().await;
    let media = house.store.media();
    let id = house.media("/m/1.mkv").await;
    media.mark_missing(&[id, MediaId(99)]).await.unwrap();
    let gone = media.find(id).await.unwrap().unwrap();
    assert_eq!((&gone.state, gone.probe.is_some(), gone.playable_ms()), (&MediaState::Missing, true, None));
    assert!(media.known_files("/m".as_ref(), None, 9).await.unwrap()[0].missing);
    assert_eq!(house.media("/m/1.mkv").await, id);
    assert_eq!(media.find(id).await.unwrap().unwrap().state, MediaState::Ready);
}

#[tokio::test]
async fn a_rescan_replaces_everything_but_the_identity() {
    let house = House::open().await;
    let media = house.store.media();
    let id = media.upsert(&broken("/m/1.mkv"), at(0)).await.unwrap();
    let listed = media.find(id).await.unwrap().unwrap();
    assert_eq!(listed.state, MediaState::Broken { reason: "moov atom not found".into() });
    let repaired = ScannedMedia { size_bytes: 5, mtime_ms: 6, probe: Some(probe(7)), ..ready("/m/1.mkv") };
    assert_eq!(media.upsert(&repaired, at(1)).await.unwrap(), id);
    let item = media.find(id).await.unwrap().unwrap();
    assert_eq!((item.size_bytes, item.mtime_ms, item.playable_ms()), (5, 6, Some(7)));
}

#[tokio::test]
async fn files_are_found_in_the_order_in_which_they_are_asked_for() {
    let house = House::open().await;
    let (one, two) = (house.media("/1").await, house.media("/2").await);
    let found = house.store.media().find_many(&[two, MediaId(99), one, two]).await.unwrap();
    assert_eq!(found.iter().map(|item| item.id).collect::<Vec<_>>(), [two, one, two]);
    assert_eq!(house.store.media().find_many(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn pages_hold_what_the_filter_says_and_the_counts_agree() {
    let house = House::open().await;
    let media = house.store.media();
    let (wolf, gone) = (house.media("/m/Wolf Ä.mkv").await, house.media("/m/gone.mkv").await);
    let bad = media.upsert(&broken("/m/bad wolf.mkv"), at(0)).await.unwrap();
    media.mark_missing(&[gone]).await.unwrap();
    let page = async |state, text: Option<&str>| {
        let filter = MediaFilter { state, text: text.map(str::to_owned) };
        let page = media.page(None, 10, &filter).await.unwrap();
        page.into_iter().map(|item| item.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, None).await, [wolf, gone, bad]);
    assert_eq!(page(Some(MediaStateFilter::Ready), None).await, [wolf]);
    assert_eq!(page(Some(MediaStateFilter::Broken), None).await, [bad]);
    assert_eq!(page(Some(MediaStateFilter::Missing), None).await, [gone]);
    assert_eq!(page(None, Some("WOLF")).await, [wolf, bad]);
    assert_eq!(page(Some(MediaStateFilter::Ready), Some("wolf ä")).await, [wolf]);
    assert_eq!(media.counts().await.unwrap(), MediaCounts { ready: 1, broken: 1, missing: 1 });
}

#[tokio::test]
async fn a_damaged_row_is_an_error_that_names_its_place() {
    for (sql, column) in
        [("UPDATE media SET metadata = '7'", "metadata"), ("UPDATE media SET probe = '{\"container\":1}'", "probe")]
    {
        let house = House::open().await;
        let id = house.media("/1").await;
        house.tamper(sql).await;
        let error = house.store.media().find(id).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Damaged);
        assert!(error.to_string().starts_with(&format!("read column {column} of table media, row 1: ")), "{error}");
    }
}

/// 100,000 rows, written behind the store's back because only reading them is the question.
#[tokio::test]
async fn a_hundred_thousand_files_are_read_a_page_at_a_time() {
    let house = House::open().await;
    house
        .tamper(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
             INSERT INTO media (path, size_bytes, mtime_ms, state, scanned_ms, metadata, kind, title, search_fold,
                                duration_ms)
             SELECT CAST(printf('/m/%03d/%05d.mkv', i % 500, i) AS BLOB), i, 0, 'ready', 0, '{}', 'clip', '', '', 1
               FROM n",
        )
        .await;
    let media = house.store.media();
    let (mut after, mut seen, mut pages): (Option<PathBuf>, usize, usize) = (None, 0, 0);
    loop {
        let page = media.known_files("/m".as_ref(), after.as_deref(), 1_000).await.unwrap();
        assert!(page.len() <= 1_000);
        assert!(page.iter().is_sorted_by(|a, b| path_key(a) < path_key(b)));
        assert!(page.first().is_none_or(|first| after.as_ref() < Some(&first.path)));
        let Some(last) = page.last() else { break };
        after = Some(last.path.clone());
        (seen, pages) = (seen + page.len(), pages + 1);
    }
    assert_eq!((seen, pages), (100_000, 100));
    assert_eq!(media.known_files("/m/007".as_ref(), None, 1_000).await.unwrap().len(), 200);
    assert_eq!(media.counts().await.unwrap().ready, 100_000);
    let (mut after, mut ids) = (None, BTreeSet::new());
    while ids.len() < 3_000 {
        let page = media.page(after, 1_000, &MediaFilter::default()).await.unwrap();
        after = page.last().map(|item| item.id);
        ids.extend(page.iter().map(|item| item.id));
    }
    assert_eq!(ids.len(), 3_000);
}

fn path_key(file: &KnownFile) -> &[u8] {
    file.path.as_os_str().as_bytes()
}
