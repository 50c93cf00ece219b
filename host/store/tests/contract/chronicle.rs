//! What was aired, and what went wrong.

use exstreamtv_model::{AiredRow, Cause, ChannelId, ChannelIncident, EntryKind};
use exstreamtv_store::StoreError;

use crate::fixture::{House, NOBODY, at};

fn stretch(channel: ChannelId, start_ms: i64, stop_ms: i64, title: &str) -> AiredRow {
    let (start, stop, title) = (at(start_ms), at(stop_ms), title.to_owned());
    AiredRow { channel, start, stop, kind: EntryKind::Programme, media: None, in_point_ms: 7, title, cause: None }
}

fn incident(channel: ChannelId, began_ms: i64) -> ChannelIncident {
    ChannelIncident {
        channel,
        cause: Cause::FfmpegHung,
        began: at(began_ms),
        ended: None,
        failures: 1,
        title: "Film".into(),
        detail: "it gives nothing".into(),
    }
}

async fn spans(house: &House, channel: ChannelId) -> Vec<(i64, i64, String)> {
    let rows = house.store.chronicle().aired(channel, at(-1_000_000), at(1_000_000), 100).await.unwrap();
    let since = |moment: chrono::DateTime<chrono::Utc>| moment.timestamp_millis() - at(0).timestamp_millis();
    rows.into_iter().map(|row| (since(row.start), since(row.stop), row.title)).collect()
}

#[tokio::test]
async fn a_stretch_grows_and_what_was_sent_before_gives_way() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    for row in [
        stretch(channel, 0, 5_000, "a"),
        stretch(channel, 0, 9_000, "a"),
        stretch(channel, 9_000, 12_000, "b"),
        stretch(channel, 12_000, 20_000, "c"),
        // The host crashed, and the channel begins again six seconds in the past.
        stretch(channel, 11_000, 30_000, "d"),
    ] {
        house.store.chronicle().air(&row).await.unwrap();
    }
    let expected = [(0, 9_000, "a"), (9_000, 11_000, "b"), (11_000, 30_000, "d")];
    let expected: Vec<_> = expected.map(|(start, stop, title)| (start, stop, title.to_owned())).into();
    assert_eq!(spans(&house, channel).await, expected);
}

#[tokio::test]
async fn a_stretch_reads_back_as_it_was_written_and_goes_with_its_channel() {
    let house = House::open().await;
    let (channel, media) = (house.channel("1").await.id, house.media("/m/a.mkv").await);
    let shown = AiredRow { media: Some(media), ..stretch(channel, 0, 1_000, "a") };
    let slate =
        AiredRow { kind: EntryKind::Slate, cause: Some(Cause::SourceMissing), ..stretch(channel, 1_000, 2_000, "b") };
    for row in [&shown, &slate] {
        house.store.chronicle().air(row).await.unwrap();
    }
    assert_eq!(house.store.chronicle().aired(channel, at(0), at(5_000), 10).await.unwrap(), [shown.clone(), slate]);
    assert_eq!(house.store.chronicle().aired(channel, at(0), at(1_000), 10).await.unwrap(), [shown]);
    let nobody = house.store.chronicle().air(&stretch(NOBODY, 0, 1, "x")).await;
    assert!(matches!(nobody, Err(StoreError::NoSuch { what: "channel", .. })), "{nobody:?}");
    house.store.channels().delete(channel).await.unwrap();
    assert_eq!(spans(&house, channel).await, []);
}

#[tokio::test]
async fn an_incident_is_one_row_from_its_beginning_to_its_end() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let chronicle = house.store.chronicle();
    chronicle.note(&incident(channel, 1_000)).await.unwrap();
    let over = ChannelIncident { ended: Some(at(4_000)), failures: 3, ..incident(channel, 1_000) };
    chronicle.note(&over).await.unwrap();
    chronicle.note(&incident(channel, 9_000)).await.unwrap();
    let listed = chronicle.incidents(Some(channel), None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|found| &found.incident).collect::<Vec<_>>(), [&incident(channel, 9_000), &over]);
    let older = chronicle.incidents(None, Some(listed[0].id), 10).await.unwrap();
    assert_eq!(older, listed[1..]);
    assert_eq!(chronicle.incidents(Some(NOBODY), None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_new_host_ends_what_the_old_one_left_open_and_what_is_old_is_forgotten() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let chronicle = house.store.chronicle();
    chronicle.note(&incident(channel, 1_000)).await.unwrap();
    chronicle.air(&stretch(channel, 0, 5_000, "a")).await.unwrap();
    assert_eq!(chronicle.end_all(at(6_000)).await.unwrap(), 1);
    assert_eq!(chronicle.end_all(at(7_000)).await.unwrap(), 0);
    assert_eq!(chronicle.incidents(None, None, 10).await.unwrap()[0].incident.ended, Some(at(6_000)));
    assert_eq!(chronicle.forget(at(5_000)).await.unwrap(), 0);
    assert_eq!(chronicle.forget(at(6_001)).await.unwrap(), 2);
    assert_eq!(chronicle.incidents(None, None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_known_about_an_incident_is_kept_with_it_and_goes_with_it() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let chronicle = house.store.chronicle();
    let evidence = serde_json::json!({"viewers": 3});
    let orphan = chronicle.prove(channel, at(1_000), &evidence).await.unwrap_err();
    assert!(matches!(orphan, StoreError::NoSuch { .. }), "{orphan:?}");
    for began_ms in [1_000, 2_000, 3_000] {
        chronicle.note(&incident(channel, began_ms)).await.unwrap();
    }
    chronicle.prove(channel, at(1_000), &serde_json::json!({"viewers": 1})).await.unwrap();
    chronicle.prove(channel, at(1_000), &evidence).await.unwrap();
    // What is new about an incident leaves its evidence alone.
    chronicle.note(&incident(channel, 1_000)).await.unwrap();
    assert_eq!(chronicle.proof(channel, at(1_000)).await.unwrap(), Some(evidence));
    assert_eq!(chronicle.proof(channel, at(2_000)).await.unwrap(), None);
    let within = chronicle.incidents_within(at(1_000), at(3_000), 10).await.unwrap();
    assert_eq!(within.iter().map(|one| one.incident.began).collect::<Vec<_>>(), [at(1_000), at(2_000)]);
    let one = chronicle.incident(within[1].id).await.unwrap();
    assert_eq!((one.as_ref(), chronicle.incident(99).await.unwrap()), (Some(&within[1]), None));
    chronicle.end_all(at(4_000)).await.unwrap();
    chronicle.forget(at(5_000)).await.unwrap();
    assert_eq!(chronicle.proof(channel, at(1_000)).await.unwrap(), None);
}
