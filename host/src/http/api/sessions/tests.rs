//! Sessions over the API.

use axum::{
    body::Body,
    http::{StatusCode, header},
};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::{
    http::fakes::{Host, body_json, body_text, request},
    sessions::Limits,
};

/// Tunes in, and returns the stream.
async fn watch(host: &Host, path: &str) -> impl StreamExt<Item = Result<bytes::Bytes, axum::Error>> + use<> {
    let response = host.get(path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let mut stream = Box::pin(response.into_body().into_data_stream());
    assert!(stream.next().await.is_some());
    stream
}

async fn items(host: &Host, query: &str) -> Vec<Value> {
    body_json(host.get(&format!("/api/v1/sessions{query}")).await).await["items"].as_array().unwrap().clone()
}

/// Follows the channel's own address, and returns the variant's.
async fn variant(host: &Host, number: &str) -> String {
    let master = body_text(host.get(&format!("/iptv/channel/{number}.m3u8")).await).await;
    format!("/iptv/channel/{}", master.lines().last().unwrap())
}

#[tokio::test]
async fn sessions_come_in_pages_and_can_be_filtered() {
    let host = Host::open().await;
    let (five, six) = (host.channel("5", "Five").await.id, host.channel("6", "Six").await.id);
    let mut streams = Vec::new();
    for path in ["/iptv/channel/5.ts", "/iptv/channel/6.ts", "/auto/v5"] {
        streams.push(Box::pin(watch(&host, path).await));
    }
    let page = body_json(host.get("/api/v1/sessions?limit=2").await).await;
    let next = page["next"].as_str().unwrap();
    let rest = items(&host, &format!("?limit=2&after={next}")).await;
    assert_eq!((page["items"].as_array().unwrap().len(), rest.len()), (2, 1));
    assert_eq!(page["items"][1]["channel_id"], six.to_string());
    assert_eq!(items(&host, &format!("?channel={five}")).await.len(), 2);
    assert_eq!(items(&host, "?state=active&kind=ts").await.len(), 3);
    assert_eq!(items(&host, "?state=idle").await.len(), 0);
    assert_eq!(items(&host, "?kind=hls").await.len(), 0);
    for wrong in ["?state=lost", "?after=x", "?page=1"] {
        assert_eq!(host.get(&format!("/api/v1/sessions{wrong}")).await.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
    let first = &page["items"][0];
    let one = body_json(host.get(&format!("/api/v1/sessions/{}", first["session_id"].as_str().unwrap())).await).await;
    assert_eq!(one["bytes_sent"], 188);
    assert_eq!(one["channel_number"], "5");
    for none in ["0", "0000000000000000000000000000feed"] {
        assert_eq!(host.get(&format!("/api/v1/sessions/{none}")).await.status(), StatusCode::NOT_FOUND);
    }
    streams.clear();
    assert_eq!(items(&host, "?state=disconnected").await[0]["ended"], "left");
}

#[tokio::test]
async fn a_killed_connection_ends() {
    let host = Host::open().await;
    host.channel("5", "Five").await;
    let mut stream = Box::pin(watch(&host, "/iptv/channel/5.ts").await);
    let id = items(&host, "").await[0]["session_id"].as_str().unwrap().to_owned();
    let place = format!("/api/v1/sessions/{id}");
    assert_eq!(host.json("DELETE", &place, "").await.status(), StatusCode::NO_CONTENT);
    assert!(stream.next().await.is_none());
    assert_eq!(body_json(host.get(&place).await).await["ended"], "killed");
    assert_eq!(host.json("DELETE", &place, "").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_players_token_is_in_its_addresses_and_is_refused_once_it_was_killed() {
    let host = Host::open().await;
    let channel = host.channel("5", "Five").await.id;
    let list = variant(&host, "5").await;
    let text = body_text(host.get(&list).await).await;
    assert!(text.ends_with("\n7.ts\n"), "segments are relative to the list: {text}");
    let segment = list.replace("video.m3u8", "7.ts");
    assert_eq!(body_text(host.get(&segment).await).await.len(), 376);
    let session = items(&host, "?kind=hls").await.remove(0);
    assert_eq!((&session["state"], &session["bytes_sent"]), (&json!("active"), &json!(376)));
    let token = session["session_id"].as_str().unwrap();
    assert_eq!(list, format!("/iptv/channel/hls/{channel}/{token}/video.m3u8"));

    assert_eq!(host.get(&list.replace("video.m3u8", "8.ts")).await.status(), StatusCode::NOT_FOUND);
    let errors = items(&host, "?kind=hls").await[0]["errors"].clone();
    assert_eq!(errors[0]["text"], "8.ts is not there");

    assert_eq!(host.json("DELETE", &format!("/api/v1/sessions/{token}"), "").await.status(), StatusCode::NO_CONTENT);
    for path in [&list, &segment] {
        let response = host.get(path).await;
        assert_eq!(response.status(), StatusCode::GONE, "{path}");
        assert_eq!(body_json(response).await["type"], "urn:exstreamtv:problem:session-ended");
    }
    assert_ne!(variant(&host, "5").await, list, "whoever was sent away may begin anew");
}

#[tokio::test]
async fn a_player_goes_on_with_a_token_of_the_host_before() {
    let host = Host::open().await;
    let channel = host.channel("5", "Five").await.id;
    let token = "00000000000000000000000000c0ffee";
    let list = format!("/iptv/channel/hls/{channel}/{token}/video.m3u8");
    assert_eq!(host.get(&list).await.status(), StatusCode::OK);
    assert_eq!(items(&host, "").await[0]["session_id"], token);
    let other = host.channel("6", "Six").await.id;
    let elsewhere = host.get(&format!("/iptv/channel/hls/{other}/{token}/video.m3u8")).await;
    assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND);
    let nonsense = host.get(&format!("/iptv/channel/hls/{channel}/x/video.m3u8")).await;
    assert_eq!(nonsense.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_player_that_comes_back_to_the_channels_own_address_is_known_by_its_cookie() {
    let host = Host::open().await;
    host.channel("5", "Five").await;
    let response = host.get("/iptv/channel/5.m3u8").await;
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    let first = body_text(response).await;
    let cookie = cookie.split(';').next().unwrap();
    let again = request("GET", "/iptv/channel/5.m3u8").header("cookie", format!("a=b; {cookie}")).body(Body::empty());
    assert_eq!(body_text(host.send(again.unwrap()).await).await, first);
    assert_ne!(body_text(host.get("/iptv/channel/5.m3u8").await).await, first, "without it there are two");
    assert_eq!(items(&host, "").await.len(), 2);
}

#[tokio::test]
async fn a_list_without_a_token_leads_to_segments_with_one() {
    let host = Host::open().await;
    let channel = host.channel("5", "Five").await.id;
    let response = host.get(&format!("/iptv/channel/hls/{channel}/video.m3u8")).await;
    assert!(response.headers().contains_key(header::SET_COOKIE));
    let text = body_text(response).await;
    let token = items(&host, "").await[0]["session_id"].as_str().unwrap().to_owned();
    assert!(text.ends_with(&format!("\n{token}/7.ts\n")), "{text}");
}

#[tokio::test]
async fn a_full_channel_answers_with_503_to_both_kinds_of_clients() {
    let host = Host::with_limits(Limits { per_channel: 1, total: 9, idle_timeout_ms: 300_000 }).await;
    host.channel("5", "Five").await;
    let _stream = Box::pin(watch(&host, "/iptv/channel/5.ts").await);
    for path in ["/iptv/channel/5.ts", "/auto/v5", "/iptv/channel/5.m3u8"] {
        let response = host.get(path).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(response.headers()[header::RETRY_AFTER], "15");
        assert_eq!(body_json(response).await["type"], "urn:exstreamtv:problem:too-many-sessions", "{path}");
    }
    assert_eq!(host.tunes(), 1, "who is refused starts no feed");
}

#[tokio::test]
async fn how_fast_a_session_is_sent_its_stream_can_be_changed() {
    let host = Host::open().await;
    host.channel("5", "Five").await;
    let _stream = Box::pin(watch(&host, "/iptv/channel/5.ts?throttle=burst").await);
    variant(&host, "5").await;
    let id = |kind: &'static str| async { items(&host, kind).await[0]["session_id"].as_str().unwrap().to_owned() };
    let place = format!("/api/v1/sessions/{}", id("?kind=ts").await);
    let changed = host.json("PATCH", &place, r#"{"throttle":{"target_bitrate_bps":500000}}"#).await;
    assert_eq!(changed.status(), StatusCode::OK);
    let wish = body_json(changed).await["throttle"]["wish"].clone();
    assert_eq!(wish, json!({"mode": "burst", "target_bitrate_bps": 500_000}));
    let cleared = body_json(host.json("PATCH", &place, r#"{"throttle":{"mode":null}}"#).await).await;
    assert_eq!(cleared["throttle"]["wish"], json!({"target_bitrate_bps": 500_000}));
    for (body, pointer) in [
        (r#"{"throttle":{"mode":"fast"}}"#, "/throttle/mode"),
        (r#"{"throttle":{"target_bitrate_bps":1}}"#, "/throttle/target_bitrate_bps"),
        (r#"{"state":"active"}"#, "/state"),
    ] {
        let refused = host.json("PATCH", &place, body).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(body_json(refused).await["errors"][0]["pointer"], pointer, "{body}");
    }
    let player = format!("/api/v1/sessions/{}", id("?kind=hls").await);
    let refused = host.json("PATCH", &player, r#"{"throttle":{"mode":"burst"}}"#).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn each_thing_that_happens_is_an_event() {
    let host = Host::with_limits(Limits { per_channel: 1, total: 9, idle_timeout_ms: 300_000 }).await;
    host.channel("5", "Five").await;
    let response = host.get("/api/v1/sessions/events").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.into_body().into_data_stream();
    let stream = Box::pin(watch(&host, "/iptv/channel/5.ts").await);
    host.get("/iptv/channel/5.ts").await;
    drop(stream);
    let mut names = Vec::new();
    while names.last().is_none_or(|name| name != "ended") {
        let event = String::from_utf8(events.next().await.unwrap().unwrap().to_vec()).unwrap();
        let (name, data) = event.trim_start_matches("event: ").split_once('\n').unwrap();
        assert!(serde_json::from_str::<Value>(data.trim_start_matches("data: ").trim()).is_ok(), "{event}");
        names.push(name.to_owned());
    }
    assert_eq!(names, ["created", "state", "limit", "state", "ended"]);
}

#[tokio::test]
async fn totals_count_who_was_there() {
    let host = Host::open().await;
    let five = host.channel("5", "Five").await.id;
    drop(Box::pin(watch(&host, "/iptv/channel/5.ts").await));
    let _stream = Box::pin(watch(&host, "/iptv/channel/5.ts").await);
    let totals = body_json(host.get("/api/v1/sessions/totals").await).await;
    assert_eq!((&totals["sessions"], &totals["bytes"], &totals["live"]), (&json!(2), &json!(376), &json!(1)));
    assert_eq!(totals["channels"][0], json!({"channel_id": five, "sessions": 2, "bytes": 376, "live": 1}));
}
