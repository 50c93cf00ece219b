//! Playlist counters.

use exstreamtv_store::StoreError;

use crate::fixture::{House, NOBODY};

#[tokio::test]
async fn a_counter_survives_a_restart_and_never_goes_back() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    assert_eq!(house.store.broadcasts().next_sequence(channel).await.unwrap(), None);
    house.store.broadcasts().save(channel, 900_000_000).await.unwrap();
    house.store.broadcasts().save(channel, 5).await.unwrap();
    let house = house.reopen().await;
    assert_eq!(house.store.broadcasts().next_sequence(channel).await.unwrap(), Some(900_000_000));
}

#[tokio::test]
async fn a_counter_belongs_to_a_channel_and_goes_with_it() {
    let house = House::open().await;
    let nobody = house.store.broadcasts().save(NOBODY, 1).await;
    assert!(matches!(nobody, Err(StoreError::NoSuch { what: "channel", id: 4_711 })), "{nobody:?}");
    let channel = house.channel("1").await.id;
    house.store.broadcasts().save(channel, 1).await.unwrap();
    house.store.channels().delete(channel).await.unwrap();
    assert_eq!(house.store.broadcasts().next_sequence(channel).await.unwrap(), None);
}
