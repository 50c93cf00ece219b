//! How the database is looked after.

use exstreamtv_store::StoreErrorKind;

use super::*;
use crate::http::fakes::Host;

async fn wait_for_size(host: &Host, size: u32) {
    while host.database.usage().readers.size != size {
        tokio::task::yield_now().await;
    }
}

async fn looked_at(host: &Host) -> Health {
    host.database.watch().wait_for(|health| health.at.is_some()).await.unwrap().clone()
}

#[tokio::test]
async fn connections_follow_the_channels_and_the_settings_while_the_server_runs() {
    let host = Host::open().await;
    assert_eq!(host.database.usage().readers.size, 10);
    let mut channels = Vec::new();
    for (number, size) in [("1", 12), ("2", 15), ("3", 17)] {
        channels.push(host.channel(number, "x").await.id);
        wait_for_size(&host, size).await;
    }
    assert_eq!(host.database.channels(), 3);
    host.looked_after.send_modify(|settings| settings.sizing.base = 20);
    wait_for_size(&host, 27).await;
    for (id, size) in channels.into_iter().zip([25, 22, 20]) {
        host.store.channels().delete(id).await.unwrap();
        wait_for_size(&host, size).await;
    }
}

#[tokio::test]
async fn a_look_takes_the_pulse_and_finds_a_whole_database_whole() {
    let host = Host::open().await;
    let health = looked_at(&host).await;
    assert!(health.probe.is_some() && health.failure.is_none(), "{health:?}");
    assert!(health.bytes > 10_000 && health.free_bytes.is_some(), "{health:?}");
    assert_eq!((health.checkpoints, health.check.unwrap().fault), (1, None));
}

#[tokio::test]
async fn the_next_look_comes_after_the_interval_and_closes_what_nobody_needs() {
    let host = Host::open().await;
    let collections = host.store.collections();
    // Questions that are asked at once may still be answered one after the other.
    while host.database.usage().readers.idle < 3 {
        let _ = futures::join!(collections.list(), collections.list(), collections.list(), collections.list());
    }
    looked_at(&host).await;
    host.looked_after.send_modify(|settings| {
        settings.pool.idle_timeout = Duration::ZERO;
        settings.interval = Duration::from_millis(1);
    });
    let mut looks = host.database.watch();
    looks.wait_for(|health| health.checkpoints > 1).await.unwrap();
    assert!(host.database.usage().readers.recycled >= 2);
}

#[tokio::test]
async fn waiting_too_long_is_told_and_ends_in_an_error_after_the_time_that_was_set() {
    let host = Host::open().await;
    looked_at(&host).await;
    let nobody_waits =
        PoolSettings { acquire_timeout: Duration::ZERO, exhausted_after: Duration::ZERO, ..PoolSettings::default() };
    host.looked_after.send_modify(|settings| settings.sizing = PoolSizing { base: 1, most: 1, per_channel: 0.0 });
    wait_for_size(&host, 1).await;
    let mut alarms = host.database.exhaustions();
    let collections = host.store.collections();
    let both = || async { futures::join!(collections.list(), collections.list()) };
    assert!(matches!(both().await, (Ok(_), Ok(_))), "one after the other");
    host.looked_after.send_modify(|settings| settings.pool = nobody_waits);
    let error = loop {
        // The keeper takes the new settings over when it is its turn.
        tokio::task::yield_now().await;
        if let (Ok(_), Err(error)) = both().await {
            break error;
        }
    };
    assert_eq!(error.kind(), StoreErrorKind::Locked);
    assert_eq!(alarms.recv().await.unwrap().role, Role::Reader);
    assert_eq!(host.database.usage().readers.timeouts, 1);
}
