//! Channels.

use exstreamtv_model::{Channel, ChannelId, CollectionId, CollectionSource, ItemOrder};
use exstreamtv_store::{NewChannel, StoreError, StoreErrorKind};

use crate::fixture::{House, NOBODY, at, checkpoint, entry, new_channel};

#[tokio::test]
async fn a_channel_reads_back_as_it_was_written_over_a_restart() {
    let house = House::open().await;
    let written = house.channel("1984.1").await;
    let house = house.reopen().await;
    let channels = house.store.channels();
    assert_eq!(channels.find(written.id).await.unwrap(), Some(written.clone()));
    assert_eq!(channels.find_by_number(&written.number).await.unwrap(), Some(written));
    assert_eq!(channels.find(NOBODY).await.unwrap(), None);
}

#[tokio::test]
async fn the_lineup_is_sorted_by_number_not_by_text() {
    let house = House::open().await;
    for number in ["10", "2.10", "2", "1984.1", "2.2"] {
        house.channel(number).await;
    }
    let lineup = house.store.channels().list().await.unwrap();
    let numbers: Vec<_> = lineup.iter().map(|channel| channel.number.as_str()).collect();
    assert_eq!(numbers, ["2", "2.2", "2.10", "10", "1984.1"]);
}

#[tokio::test]
async fn two_channels_cannot_share_a_number() {
    let house = House::open().await;
    house.channel("5").await;
    let six = house.channel("6").await;
    let again = house.store.channels().insert(&new_channel("5")).await.unwrap_err();
    assert_eq!(again.to_string(), "give the channel number 5: another channel has it");
    assert_eq!(again.kind(), StoreErrorKind::Conflict);
    let renumbered = Channel { number: "5".parse().unwrap(), ..six.clone() };
    let taken = house.store.channels().update(&renumbered).await;
    assert!(matches!(taken, Err(StoreError::NumberTaken(_))), "{taken:?}");
    assert_eq!(house.store.channels().find(six.id).await.unwrap(), Some(six));
}

#[tokio::test]
async fn a_channel_keeps_its_id_when_its_number_changes_and_no_other_gets_it_later() {
    let house = House::open().await;
    let five = house.channel("5").await;
    let changed = Channel { number: "7".parse().unwrap(), order: ItemOrder::Name, logo: None, enabled: false, ..five };
    assert!(house.store.channels().update(&changed).await.unwrap());
    assert_eq!(house.store.channels().find(changed.id).await.unwrap(), Some(changed.clone()));
    assert!(house.store.channels().delete(changed.id).await.unwrap());
    assert!(!house.store.channels().delete(changed.id).await.unwrap());
    assert!(!house.store.channels().update(&changed).await.unwrap());
    assert!(house.channel("7").await.id > changed.id);
}

#[tokio::test]
async fn a_channel_plays_a_collection_that_exists() {
    let house = House::open().await;
    let ghost = NewChannel { collection: Some(CollectionId(9)), ..new_channel("1") };
    let refused = house.store.channels().insert(&ghost).await;
    assert!(matches!(refused, Err(StoreError::NoSuch { what: "collection", id: 9 })), "{refused:?}");
    let source = CollectionSource::Folder { path: "/m".into() };
    let collection = house.store.collections().insert("all", &source).await.unwrap();
    let real = NewChannel { collection: Some(collection.id), ..new_channel("1") };
    assert_eq!(house.store.channels().insert(&real).await.unwrap().collection, Some(collection.id));
}

#[tokio::test]
async fn a_deleted_channel_takes_its_timeline_with_it() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    house.store.playout().append(channel, &[entry(0, 10, None)], &checkpoint(10)).await.unwrap();
    house.store.channels().delete(channel).await.unwrap();
    assert_eq!(house.store.playout().on_air(channel, at(5)).await.unwrap(), None);
    assert_eq!(house.store.playout().checkpoint(channel, at(99)).await.unwrap(), None);
}

#[tokio::test]
async fn a_damaged_row_is_an_error_that_names_table_column_and_row() {
    for (sql, column) in [
        ("UPDATE channels SET number = 'five'", "number"),
        ("UPDATE channels SET zone = 'Mars/Olympus'", "zone"),
        ("UPDATE channels SET profile = '{'", "profile"),
        ("UPDATE channels SET schedule = '{\"by\":1}'", "schedule"),
        ("UPDATE channels SET tracks = '1'", "tracks"),
        ("UPDATE channels SET throttle = '{\"mode\":\"fast\"}'", "throttle"),
        ("UPDATE channels SET item_order = '{\"by\":\"mood\"}'", "item_order"),
    ] {
        let house = House::open().await;
        house.channel("1").await;
        house.tamper(sql).await;
        let error = house.store.channels().find(ChannelId(1)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Damaged);
        let place = format!("read column {column} of table channels, row 1: ");
        assert!(error.to_string().starts_with(&place), "{error}");
    }
}
