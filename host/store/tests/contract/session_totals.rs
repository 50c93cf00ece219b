//! Totals of sessions.

use exstreamtv_model::ChannelId;
use exstreamtv_store::{ChannelTotal, StoreErrorKind};

use crate::fixture::House;

fn total(channel: i64, sessions: u64, bytes: u64) -> ChannelTotal {
    ChannelTotal { channel: ChannelId(channel), sessions, bytes }
}

#[tokio::test]
async fn totals_add_up_over_a_restart_and_outlive_their_channel() {
    let house = House::open().await;
    assert_eq!(house.store.session_totals().list().await.unwrap(), []);
    let channel = house.channel("1").await.id;
    house.store.session_totals().add(&[total(9, 1, 5), total(channel.0, 2, 4_000_000_000)]).await.unwrap();
    let house = house.reopen().await;
    house.store.session_totals().add(&[total(channel.0, 1, 4_000_000_000)]).await.unwrap();
    house.store.channels().delete(channel).await.unwrap();
    let kept = house.store.session_totals().list().await.unwrap();
    assert_eq!(kept, [total(channel.0, 3, 8_000_000_000), total(9, 1, 5)]);
}

#[tokio::test]
async fn nothing_is_added_where_nothing_happened() {
    let house = House::open().await;
    house.store.session_totals().add(&[]).await.unwrap();
    assert_eq!(house.store.session_totals().list().await.unwrap(), []);
}

#[tokio::test]
async fn a_total_that_overflows_is_refused_and_the_old_one_stays() {
    let house = House::open().await;
    house.store.session_totals().add(&[total(1, 1, 5)]).await.unwrap();
    let refused = house.store.session_totals().add(&[total(2, 1, 1), total(1, 1, u64::MAX)]).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Engine, "{refused:?}");
    assert_eq!(house.store.session_totals().list().await.unwrap(), [total(1, 1, 5)]);
}
