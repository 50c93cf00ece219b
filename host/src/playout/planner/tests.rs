//! Whose turn it is, with a strategy that hangs: nothing here depends on how long anything takes.

use exstreamtv_model::Channel;

use super::*;
use crate::playout::house::House;

const ROUND: Duration = Duration::from_secs(600);
const FOR_EVER: Duration = Duration::from_secs(3_600);

/// A house whose channel has a strategy that hangs, and two other channels whose strategies answer.
async fn street() -> (House, [Channel; 2]) {
    let house = House::with(Some("test.count")).await;
    house.strategies.hangs_on.lock().unwrap().insert(house.channel.id.to_string());
    let others = [house.another("2", Some("test.count")).await, house.another("3", None).await];
    (house, others)
}

fn planner(house: &House, patience: Duration) -> Planner {
    Planner { patience, ..Planner::new(house.author.clone(), Lifecycle::default()) }
}

/// Returns whether a channel is planned as far ahead as it must be.
async fn is_planned(house: &House, channel: &Channel) -> bool {
    let end = house.author.store.playout().end(channel.id).await.unwrap();
    end.is_some_and(|end| end >= house.author.clock.now() + house.author.horizon)
}

async fn wait_for_hang(house: &House) {
    let asked =
        || house.strategies.requests.lock().unwrap().iter().any(|(_, it)| it.channel == house.channel.id.to_string());
    while !asked() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn channels_are_planned_while_the_strategy_of_another_hangs() {
    let (house, others) = street().await;
    let (_inbox, requests) = mpsc::channel(1);
    let mut changes = house.author.changed.subscribe();
    let round = Lifecycle::default().spawn(planner(&house, Duration::ZERO).run(requests, ROUND));
    for other in &others {
        while !is_planned(&house, other).await {
            changes.changed().await.unwrap();
        }
    }
    wait_for_hang(&house).await;
    assert_eq!(house.author.store.playout().end(house.channel.id).await.unwrap(), None, "it still hangs");
    round.abort();
}

#[tokio::test]
async fn who_waits_for_a_picture_does_not_wait_for_the_strategy_of_another_channel() {
    let (house, others) = street().await;
    let (inbox, requests) = mpsc::channel(1);
    let round = Lifecycle::default().spawn(planner(&house, FOR_EVER).run(requests, ROUND));
    wait_for_hang(&house).await;
    let until = house.author.clock.now() + house.author.horizon;
    for other in &others {
        let (reply, answer) = oneshot::channel();
        inbox.send(Request::Reach(other.id, until, reply)).await.unwrap();
        answer.await.unwrap().unwrap();
        assert!(is_planned(&house, other).await);
    }
    round.abort();
}

#[tokio::test]
async fn routine_work_is_done_one_channel_after_the_other_as_long_as_it_is_quick() {
    let (house, others) = street().await;
    let jobs = [Job::Extend(house.channel.id), Job::Compare(house.channel.id), Job::Extend(others[0].id)];
    let mut patient = planner(&house, FOR_EVER);
    patient.routine.extend(jobs);
    patient.begin();
    assert_eq!((patient.running.len(), patient.routine.len()), (1, 2));
    assert!(patient.next_turn().is_some(), "the next one's turn comes even if nobody is done");

    let mut impatient = planner(&house, Duration::ZERO);
    impatient.routine.extend(jobs);
    impatient.begin();
    assert_eq!((impatient.running.len(), impatient.routine.len()), (2, 1));
    assert!(matches!(impatient.routine[0], Job::Compare(_)), "no two pieces of work on one channel");
}

#[tokio::test]
async fn slow_work_is_bounded() {
    let (house, _) = street().await;
    let mut planner = planner(&house, Duration::ZERO);
    planner.routine.extend((0..50).map(|id| Job::Extend(ChannelId(id))));
    planner.begin();
    assert_eq!((planner.running.len(), planner.next_turn()), (MOST_AT_ONCE, None));
}

#[tokio::test]
async fn work_in_hand_goes_on_while_the_planner_itself_waits_for_the_database() {
    let (house, _) = street().await;
    let mut planner = planner(&house, FOR_EVER);
    // As fair as the writer's queue.
    let writer = Arc::new(tokio::sync::Semaphore::new(1));
    let held = writer.clone().acquire_owned().await.unwrap();
    let (turn, channel) = (writer.clone(), house.channel.id);
    let work = async move {
        drop(turn.acquire().await);
        Done { channel, rest: None }
    };
    planner.running.push(work.boxed());
    assert!(planner.running.next().now_or_never().is_none(), "it stands in the queue");
    drop(held);
    planner.meanwhile(async move { drop(writer.acquire().await) }).await;
    assert!(planner.running.is_empty(), "its turn came first");
}
