//! How the database is looked after.

use exstreamtv_store::StoreErrorKind;

use super::*;
use crate::{clock::SystemClock, http::fakes::Host};

fn settings() -> Settings {
    Settings { sizing: PoolSizing::default(), pool: PoolSettings::default(), interval: Duration::from_secs(3_600) }
}

async fn wait_for_size(host: &Host, size: u32) {
    while host.store.usage().readers.size != size {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn connections_follow_the_channels_and_the_settings_while_the_server_runs() {
    let host = Host::open().await;
    let (change, receiver) = watch::channel(settings());
    let life = Lifecycle::default();
    let database = Database::start(host.store.clone(), Arc::new(SystemClock), receiver, &life);
    assert_eq!(database.usage().readers.size, 10);
    let mut channels = Vec::new();
    for (number, size) in [("1", 12), ("2", 15), ("3", 17)] {
        channels.push(host.channel(number, "x").await.id);
        wait_for_size(&host, size).await;
    }
    assert_eq!(database.channels(), 3);
    change.send_modify(|settings| settings.sizing.base = 20);
    wait_for_size(&host, 27).await;
    for (id, size) in channels.into_iter().zip([25, 22, 20]) {
        host.store.channels().delete(id).await.unwrap();
        wait_for_size(&host, size).await;
    }
    life.stop(Duration::from_secs(60)).await;
}

#[tokio::test]
async fn a_look_takes_the_pulse_and_finds_a_whole_database_whole() {
    let host = Host::open().await;
    let (_, receiver) = watch::channel(settings());
    let life = Lifecycle::default();
    let database = Database::start(host.store.clone(), Arc::new(SystemClock), receiver, &life);
    let mut looks = database.watch();
    let health = looks.wait_for(|health| health.at.is_some()).await.unwrap().clone();
    assert!(health.probe.is_some() && health.failure.is_none(), "{health:?}");
    assert!(health.bytes > 10_000 && health.free_bytes.is_some(), "{health:?}");
    assert_eq!((health.checkpoints, health.check.unwrap().fault), (1, None));
    life.stop(Duration::from_secs(60)).await;
}

#[tokio::test]
async fn waiting_too_long_is_told_and_ends_in_an_error_after_the_time_that_was_set() {
    let host = Host::open().await;
    let nobody_waits =
        PoolSettings { acquire_timeout: Duration::ZERO, exhausted_after: Duration::ZERO, ..PoolSettings::default() };
    let sizing = PoolSizing { base: 1, most: 1, per_channel: 0.0 };
    let (change, receiver) = watch::channel(Settings { sizing, ..settings() });
    let life = Lifecycle::default();
    let database = Database::start(host.store.clone(), Arc::new(SystemClock), receiver, &life);
    database.watch().wait_for(|health| health.at.is_some()).await.unwrap();
    let mut alarms = database.exhaustions();
    let collections = host.store.collections();
    let both = || async { futures::join!(collections.list(), collections.list()) };
    assert!(matches!(both().await, (Ok(_), Ok(_))), "one after the other");
    change.send_modify(|settings| settings.pool = nobody_waits);
    let error = loop {
        // The keeper takes the new settings over when it is its turn.
        tokio::task::yield_now().await;
        if let (Ok(_), Err(error)) = both().await {
            break error;
        }
    };
    assert_eq!(error.kind(), StoreErrorKind::Locked);
    assert_eq!(alarms.recv().await.unwrap().role, Role::Reader);
    assert_eq!(database.usage().readers.timeouts, 1);
    life.stop(Duration::from_secs(60)).await;
}
