//! The schedule endpoints, on a host whose playout is pretended.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::super::fakes::{Call, Host, body_json};

const SLOTS: &str = r#"{"strategy":"test.slots","settings":{"slots":[1,2]}}"#;

#[tokio::test]
async fn a_schedule_is_set_read_and_taken_back() {
    let host = Host::open().await;
    let channel = host.channel("5", "Five").await;
    let place = format!("/api/v1/channels/{}/schedule", channel.id);
    let nothing = body_json(host.get(&place).await).await;
    assert_eq!(nothing, json!({"schedule": null, "waiting": null}));

    let set = host.json("PUT", &place, SLOTS).await;
    assert_eq!(set.status(), StatusCode::OK);
    assert_eq!(body_json(set).await["schedule"]["settings"], json!({"slots": [1, 2]}));
    let shown = body_json(host.get(&format!("/api/v1/channels/{}", channel.id)).await).await;
    assert_eq!(shown["schedule"]["strategy"], "test.slots");

    assert_eq!(host.json("DELETE", &place, "").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(body_json(host.get(&place).await).await["schedule"], Value::Null);
    assert_eq!(host.calls(), [Call::Rebuild(channel.id), Call::Rebuild(channel.id)]);
    assert_eq!(host.get("/api/v1/channels/77/schedule").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(host.json("DELETE", "/api/v1/channels/77/schedule", "").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_schedule_for_later_waits_and_the_playout_hears_from_when_on() {
    let host = Host::open().await;
    let channel = host.channel("5", "Five").await;
    let place = format!("/api/v1/channels/{}/schedule", channel.id);
    let at = |hours| host.now() + chrono::TimeDelta::hours(hours);
    let later = |hours| json!({"strategy": "test.slots", "from": at(hours)}).to_string();
    let view = body_json(host.json("PUT", &place, &later(3)).await).await;
    assert_eq!(view["schedule"], Value::Null, "nothing changes before its time");
    assert_eq!(view["waiting"]["schedule"]["strategy"], "test.slots");
    assert_eq!(host.calls(), [Call::Switch(channel.id, at(3))]);

    let view = body_json(host.json("PUT", &place, &later(5)).await).await;
    assert_eq!(view["waiting"]["from"], json!(at(5)));
    assert_eq!(host.calls().last(), Some(&Call::Switch(channel.id, at(3))), "what waited before had rows already");

    let past = json!({"strategy": "test.slots", "from": at(-1)}).to_string();
    let refused = body_json(host.json("PUT", &place, &past).await).await;
    assert_eq!(refused["errors"][0]["pointer"], "/from");
}

#[tokio::test]
async fn each_fault_of_the_settings_is_pointed_at() {
    let host = Host::open().await;
    let channel = host.channel("5", "Five").await;
    host.find_fault("settings.slots[2].start_time", "it must be like 20:15");
    host.find_fault("settings", "there are no slots");
    let place = format!("/api/v1/channels/{}/schedule", channel.id);
    let whole = json!({"number": "6", "name": "Six", "schedule": {"strategy": "test.slots"}}).to_string();
    for (method, path, body, prefix) in [
        ("PUT", place.clone(), SLOTS, ""),
        ("POST", format!("{place}/preview"), SLOTS, ""),
        ("POST", "/api/v1/channels".to_owned(), whole.as_str(), "/schedule"),
        ("PATCH", format!("/api/v1/channels/{}", channel.id), r#"{"schedule":{"strategy":"test.slots"}}"#, "/schedule"),
    ] {
        let refused = host.json(method, &path, body).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{method} {path}");
        let errors = &body_json(refused).await["errors"];
        let expected = json!([
            {"pointer": format!("{prefix}/settings/slots/2/start_time"), "detail": "it must be like 20:15"},
            {"pointer": format!("{prefix}/settings"), "detail": "there are no slots"},
        ]);
        assert_eq!(errors, &expected, "{method} {path}");
    }
    assert!(host.calls().is_empty());
}

#[tokio::test]
async fn a_preview_shows_rows_notes_and_shares_and_stores_nothing() {
    let host = Host::open().await;
    let channel = host.channel("5", "Five").await;
    let place = format!("/api/v1/channels/{}/schedule/preview", channel.id);
    let shown = host.json("POST", &format!("{place}?hours=2"), SLOTS).await;
    assert_eq!(shown.status(), StatusCode::OK);
    let shown = body_json(shown).await;
    assert_eq!((&shown["by"], &shown["notes"]), (&json!("test.slots"), &json!(["a note"])));
    assert_eq!(shown["entries"][0]["title"], "Tried");
    assert_eq!(shown["distribution"][0]["share"], 0.75);
    assert_eq!(shown["to_ms"].as_i64().unwrap() - shown["from_ms"].as_i64().unwrap(), 2 * 3_600_000);

    assert_eq!(
        host.send_empty("POST", &place).await.status(),
        StatusCode::OK,
        "without a body it is the channel's own"
    );
    assert_eq!(host.json("POST", &format!("{place}?hours=337"), SLOTS).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(host.store.schedules().waiting(channel.id).await.unwrap(), None);
    assert_eq!(host.store.channels().find(channel.id).await.unwrap(), Some(channel));
    assert!(host.calls().is_empty());
}

#[tokio::test]
async fn another_schedule_of_the_channel_takes_the_place_of_one_that_waits() {
    let host = Host::open().await;
    let channel = host.channel("5", "Five").await;
    let (place, schedule) =
        (format!("/api/v1/channels/{}", channel.id), format!("/api/v1/channels/{}/schedule", channel.id));
    let later = json!({"strategy": "test.slots", "from": host.now() + chrono::TimeDelta::hours(1)}).to_string();
    host.json("PUT", &schedule, &later).await;
    host.json("PATCH", &place, r#"{"name":"Fünf"}"#).await;
    assert!(!body_json(host.get(&schedule).await).await["waiting"].is_null(), "another name is no other schedule");
    host.json("PATCH", &place, r#"{"schedule":{"strategy":"test.other"}}"#).await;
    let view = body_json(host.get(&schedule).await).await;
    assert_eq!((&view["schedule"]["strategy"], &view["waiting"]), (&json!("test.other"), &Value::Null));
}
