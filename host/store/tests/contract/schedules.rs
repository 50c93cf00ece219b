//! Schedules of channels, in force and waiting.

use exstreamtv_model::{ChannelId, Schedule};
use exstreamtv_store::WaitingSchedule;

use crate::fixture::{House, NOBODY, at, time_slots};

fn balance() -> Schedule {
    Schedule { strategy: "exstreamtv.balance".into(), settings: serde_json::json!({"sources": []}) }
}

async fn in_force(house: &House, channel: ChannelId) -> Option<Schedule> {
    house.store.channels().find(channel).await.unwrap().unwrap().schedule
}

#[tokio::test]
async fn a_schedule_waits_for_its_time_over_a_restart_and_is_then_in_force() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    assert!(house.store.schedules().set(channel, Some(&balance()), Some(at(100))).await.unwrap());
    let house = house.reopen().await;
    let schedules = house.store.schedules();
    let waiting = WaitingSchedule { from: at(100), schedule: Some(balance()) };
    assert_eq!(schedules.waiting(channel).await.unwrap(), Some(waiting));
    assert_eq!(schedules.next().await.unwrap(), Some(at(100)));
    assert_eq!(schedules.settle(at(99)).await.unwrap(), []);
    assert_eq!(in_force(&house, channel).await, Some(time_slots()));
    assert_eq!(schedules.settle(at(100)).await.unwrap(), [channel]);
    assert_eq!(in_force(&house, channel).await, Some(balance()));
    assert_eq!((schedules.waiting(channel).await.unwrap(), schedules.next().await.unwrap()), (None, None));
    assert_eq!(schedules.settle(at(200)).await.unwrap(), []);
}

#[tokio::test]
async fn the_plain_order_can_wait_like_any_schedule() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    house.store.schedules().set(channel, None, Some(at(5))).await.unwrap();
    house.store.schedules().settle(at(5)).await.unwrap();
    assert_eq!(in_force(&house, channel).await, None);
}

#[tokio::test]
async fn a_new_schedule_takes_the_place_of_one_that_waits() {
    let house = House::open().await;
    let (one, two) = (house.channel("1").await.id, house.channel("2").await.id);
    let schedules = house.store.schedules();
    schedules.set(one, Some(&balance()), Some(at(5))).await.unwrap();
    schedules.set(two, Some(&balance()), Some(at(6))).await.unwrap();
    schedules.set(one, None, Some(at(9))).await.unwrap();
    assert_eq!(schedules.waiting(one).await.unwrap(), Some(WaitingSchedule { from: at(9), schedule: None }));
    assert_eq!(schedules.next().await.unwrap(), Some(at(6)));
    schedules.set(one, Some(&balance()), None).await.unwrap();
    assert_eq!(schedules.waiting(one).await.unwrap(), None);
    assert_eq!(in_force(&house, one).await, Some(balance()));
    assert!(schedules.waiting(two).await.unwrap().is_some(), "another channel's schedule still waits");
}

#[tokio::test]
async fn a_channel_that_is_not_there_gets_no_schedule_and_a_deleted_one_takes_its_own_along() {
    let house = House::open().await;
    let schedules = house.store.schedules();
    assert!(!schedules.set(NOBODY, Some(&balance()), None).await.unwrap());
    assert!(!schedules.set(NOBODY, Some(&balance()), Some(at(5))).await.unwrap());
    let channel = house.channel("1").await.id;
    schedules.set(channel, Some(&balance()), Some(at(5))).await.unwrap();
    house.store.channels().delete(channel).await.unwrap();
    assert_eq!(schedules.next().await.unwrap(), None);
}
