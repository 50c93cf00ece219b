//! What schedulers may draw from.

use exstreamtv_model::{CollectionSource, MediaKind, MediaProbe, Metadata, collection::MediaQuery, media::Chapter};
use exstreamtv_store::{PoolSelection, ScannedMedia, StoreErrorKind};

use crate::fixture::{House, at, broken, probe, ready};

fn episode(path: &str, show: &str, episode: u32) -> ScannedMedia {
    let metadata = Metadata {
        kind: MediaKind::Episode,
        title: format!("Part {episode}"),
        show: Some(show.into()),
        season: Some(1),
        episode: Some(episode),
        ..Metadata::default()
    };
    ScannedMedia { metadata, ..ready(path) }
}

impl House {
    async fn save(&self, media: &ScannedMedia) -> exstreamtv_model::MediaId {
        self.store.media().upsert(media, at(0)).await.unwrap()
    }

    /// Reads a set page by page and returns the titles of each page.
    async fn pages(&self, selection: &PoolSelection, limit: u32) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        let mut after = None;
        loop {
            let page = self.store.pools().page(selection, after.as_ref(), limit).await.unwrap();
            assert!(page.items.len() <= limit as usize);
            pages.push(page.items.into_iter().map(|item| item.title).collect());
            match page.next {
                Some(next) => after = Some(next),
                None => return pages,
            }
        }
    }
}

#[tokio::test]
async fn every_kind_of_set_comes_in_pages_that_neither_repeat_nor_skip() {
    let house = House::open().await;
    let mut ids = Vec::new();
    for name in ["e", "b", "d", "a", "c"] {
        ids.push(house.save(&ready(format!("/m/{name}.mkv"))).await);
    }
    house.save(&ready("/other/x.mkv")).await;
    house.save(&broken("/m/0.mkv")).await;
    let collections = house.store.collections();
    let folder = collections.insert("folder", &CollectionSource::Folder { path: "/m".into() }).await.unwrap().id;
    let items = vec![ids[2], ids[0], ids[2]];
    let list = collections.insert("list", &CollectionSource::Manual { items }).await.unwrap().id;
    let query = MediaQuery { text: Some("X".into()), ..MediaQuery::default() };
    for (selection, limit, expected) in [
        (PoolSelection::Collection(folder), 2, vec![vec!["a", "b"], vec!["c", "d"], vec!["e"]]),
        (PoolSelection::Collection(list), 2, vec![vec!["d", "e"], vec!["d"]]),
        (PoolSelection::Query(MediaQuery::default()), 4, vec![vec!["e", "b", "d", "a"], vec!["c", "x"]]),
        (PoolSelection::Query(query), 4, vec![vec!["x"]]),
        (PoolSelection::Collection(exstreamtv_model::CollectionId(99)), 4, vec![vec![]]),
    ] {
        assert_eq!(house.pages(&selection, limit).await, expected, "{selection:?}");
        let whole: Vec<_> = house.store.pools().whole(&selection).await.unwrap();
        assert_eq!(
            whole.iter().map(|item| item.title.as_str()).collect::<Vec<_>>(),
            expected.concat(),
            "{selection:?}"
        );
    }
    let positions: Vec<_> = collections.pool(list).await.unwrap().iter().map(|item| item.position).collect();
    assert_eq!(positions, [Some(0), Some(1), Some(2)]);
    assert!(collections.pool(folder).await.unwrap().iter().all(|item| item.position.is_none()));
}

#[tokio::test]
async fn a_folder_that_is_a_file_is_one_item_on_its_own_page() {
    let house = House::open().await;
    house.save(&ready("/m/film.mkv")).await;
    house.save(&ready("/m/film.mkv/odd.mkv")).await;
    let source = CollectionSource::Folder { path: "/m/film.mkv".into() };
    let id = house.store.collections().insert("one", &source).await.unwrap().id;
    assert_eq!(house.pages(&PoolSelection::Collection(id), 1).await, [vec!["film"], vec!["odd"], vec![]]);
}

#[tokio::test]
async fn a_series_is_its_whole_title_ignoring_case() {
    let house = House::open().await;
    for (path, show, number) in [("/1", "Löwen", 1), ("/2", "LÖWEN", 2), ("/3", "Löwen und Bären", 3)] {
        house.save(&episode(path, show, number)).await;
    }
    let show = PoolSelection::Show("löwen".into());
    assert_eq!(house.pages(&show, 10).await, [["Part 1", "Part 2"]]);
    assert_eq!(house.pages(&PoolSelection::Show("Bären".into()), 10).await, [Vec::<String>::new()]);
    let item = &house.store.pools().whole(&show).await.unwrap()[0];
    assert_eq!((item.season, item.episode, item.kind), (Some(1), Some(1), MediaKind::Episode));
}

#[tokio::test]
async fn chapters_of_a_file_are_told_with_it_and_follow_a_rescan() {
    let house = House::open().await;
    let chapter = |start_ms| Chapter { start_ms, end_ms: start_ms + 1, title: None };
    let chaptered = MediaProbe { chapters: vec![chapter(0), chapter(20_000), chapter(99_000)], ..probe(60_000) };
    house.save(&ScannedMedia { probe: Some(chaptered), ..ready("/a") }).await;
    let everything = PoolSelection::Query(MediaQuery::default());
    assert_eq!(house.store.pools().whole(&everything).await.unwrap()[0].chapters_ms, [20_000]);
    house.save(&ready("/a")).await;
    assert!(house.store.pools().whole(&everything).await.unwrap()[0].chapters_ms.is_empty());
}

#[tokio::test]
async fn people_name_collections_by_id_or_by_name() {
    let house = House::open().await;
    let collections = house.store.collections();
    let source = CollectionSource::Query(MediaQuery::default());
    let first = collections.insert("Kurzfilme", &source).await.unwrap().id;
    let second = collections.insert("1", &source).await.unwrap().id;
    assert_eq!(collections.resolve(" kurzFILME").await.unwrap(), Some(first));
    assert_eq!(collections.resolve(&second.to_string()).await.unwrap(), Some(second));
    assert_eq!(collections.resolve("1").await.unwrap(), Some(first), "an id comes before a name");
    assert_eq!(collections.resolve("9").await.unwrap(), None);
}

#[tokio::test]
async fn a_damaged_row_is_an_error_that_names_it() {
    let house = House::open().await;
    house.save(&ready("/a")).await;
    house.tamper("UPDATE media SET chapters = '{'").await;
    let error = house.store.pools().whole(&PoolSelection::Query(MediaQuery::default())).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Damaged);
    assert!(error.to_string().contains("column chapters of table media, row 1"), "{error}");
}

/// 100,000 rows, written behind the store's back because only reading them is the question.
#[tokio::test]
async fn a_pool_of_a_hundred_thousand_files_is_read_a_page_at_a_time() {
    let house = House::open().await;
    house
        .tamper(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
             INSERT INTO media (path, size_bytes, mtime_ms, state, scanned_ms, metadata, kind, title, search_fold,
                                duration_ms)
             SELECT CAST(printf('/m/%05d.mkv', i) AS BLOB), i, 0, 'ready', 0, '{}', 'clip', i, '', 1
               FROM n",
        )
        .await;
    let source = CollectionSource::Folder { path: "/m".into() };
    let folder = house.store.collections().insert("all", &source).await.unwrap().id;
    for selection in [PoolSelection::Collection(folder), PoolSelection::Query(MediaQuery::default())] {
        let pages = house.pages(&selection, 5_000).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [&[5_000; 20][..], &[0]].concat());
        let titles = pages.concat();
        assert!((0..100_000).zip(&titles).all(|(number, title)| *title == number.to_string()));
    }
}
