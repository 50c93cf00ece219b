//! Seats in a small house.

use std::time::Duration;

use futures::FutureExt;

use super::*;

fn house(channels: Option<u32>, when_full: WhenFull) -> (Admission, watch::Sender<Settings>) {
    let (sender, settings) = watch::channel(Settings { channels, when_full });
    let machine = || Resources { cores: 1.0, memory_bytes: 64 << 30, open_files: 10_000 };
    (Admission::on(Box::new(machine), settings), sender)
}

fn ask(admission: &Admission, channel: i64) -> Result<Place, Shortage> {
    admission.ask(ChannelId(channel), &OutputProfile::default())
}

#[tokio::test]
async fn who_is_refused_gets_no_seat_and_is_counted() {
    let (admission, _settings) = house(Some(1), WhenFull::Refuse);
    let first = ask(&admission, 1).unwrap();
    assert!(first.is_admitted());
    assert_eq!(ask(&admission, 2).err(), Some(Shortage::Channels));
    assert_eq!(admission.view().refused, 1);
    drop(first);
    assert!(ask(&admission, 2).unwrap().is_admitted());
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_admitted_when_somebody_leaves_in_the_order_of_coming() {
    let (admission, _settings) = house(Some(1), WhenFull::Slate);
    let first = ask(&admission, 1).unwrap();
    let (mut second, mut third) = (ask(&admission, 2).unwrap(), ask(&admission, 3).unwrap());
    assert!(!second.is_admitted() && !third.is_admitted());
    assert_eq!(admission.view().waiting, [ChannelId(2), ChannelId(3)]);
    assert_eq!(second.turn().now_or_never(), None);
    drop(first);
    assert_eq!(third.turn().now_or_never(), None, "the other one came before");
    second.turn().await;
    assert_eq!(second.turn().now_or_never(), None, "it is said once");
    drop(second);
    third.turn().await;
    assert_eq!(admission.view().channels.len(), 1);
    drop(third);
    assert_eq!((admission.view().channels.len(), admission.view().waiting.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn one_that_gives_up_lets_the_next_one_in() {
    let (admission, _settings) = house(Some(1), WhenFull::Slate);
    let first = ask(&admission, 1).unwrap();
    let (second, mut third) = (ask(&admission, 2).unwrap(), ask(&admission, 3).unwrap());
    drop(first);
    let wait = async { third.turn().await };
    let give_up = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(second);
    };
    tokio::join!(wait, give_up);
    assert!(third.is_admitted());
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_allows_more_lets_them_in() {
    let (admission, settings) = house(Some(1), WhenFull::Slate);
    let _first = ask(&admission, 1).unwrap();
    let mut second = ask(&admission, 2).unwrap();
    assert_eq!(second.turn().now_or_never(), None);
    settings.send_replace(Settings { channels: Some(2), when_full: WhenFull::Slate });
    second.turn().await;
}

#[tokio::test]
async fn without_a_number_the_machine_decides() {
    let (admission, _settings) = house(None, WhenFull::Refuse);
    let places: Vec<_> = (0..10).map_while(|channel| ask(&admission, channel).ok()).collect();
    assert_eq!(places.len(), 2, "720p is reckoned to take 0.42 of a core");
    let view = admission.view();
    assert!(view.in_use.cores <= view.capacity.cores);
    assert_eq!((view.max_channels_on_air, view.refused), (None, 1));
    places[0].measured(Vitals { rss_bytes: 1 << 30, cpu_percent: 50.0, runs: 1 });
    assert_eq!(admission.view().capacity.memory_bytes, (64 << 30) + (1 << 30), "what a channel uses is no longer free");
}

#[test]
fn this_machine_has_something() {
    let machine = this_machine();
    assert!(machine.cores >= 1.0 && machine.open_files > 0 && machine.memory_bytes > 0, "{machine:?}");
}

#[tokio::test(start_paused = true)]
async fn cold_channels_begin_when_those_before_them_have_caught_up() {
    let (admission, _settings) = house(Some(100), WhenFull::Refuse);
    let mut places: Vec<_> = (1..=4).map(|channel| ask(&admission, channel).unwrap()).collect();
    let may_begin = |places: &[Place]| places.iter().map(Place::may_begin).collect::<Vec<_>>();
    assert!(places.iter().all(Place::is_admitted), "there is room for all of them");
    assert_eq!(may_begin(&places), [true, true, false, false]);
    assert_eq!(places[2].turn().now_or_never(), None);
    places[1].caught_up();
    places[1].caught_up();
    assert_eq!(places[3].turn().now_or_never(), None, "the third comes first");
    places[2].turn().await;
    drop(places.remove(0));
    places[2].turn().await;
    assert_eq!(may_begin(&places), [true, true, true]);
}

#[tokio::test(start_paused = true)]
async fn one_that_never_catches_up_does_not_keep_the_others_waiting_for_ever() {
    let (admission, _settings) = house(Some(100), WhenFull::Refuse);
    let _stuck = [ask(&admission, 1).unwrap(), ask(&admission, 2).unwrap()];
    ask(&admission, 3).unwrap().turn().await;
}
