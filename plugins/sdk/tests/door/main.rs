//! The way through the exported functions: what an author's strategy never sees, and a host always meets.

#![expect(clippy::unwrap_used, reason = "tests")]

use exstreamtv_plugin_sdk::{
    EntryKind, LogLevel, MediaKind, Status, api,
    kit::{Instance, Plugins, TestHost},
    schedule::{MAIN_POOL, PlanAnswer, PlanRequest, Pool, PoolItem, Window},
    serde_json::{self, Value, json},
};

mod strategies;

use strategies::{DROPPED, exported_plugins};

fn open(id: &str, host: TestHost) -> Instance {
    Plugins::of(exported_plugins()).create(id, b"", host).unwrap()
}

fn plain(id: &str) -> Instance {
    open(id, TestHost::default())
}

fn item(id: i64) -> PoolItem {
    PoolItem {
        id: exstreamtv_plugin_sdk::MediaId(id),
        duration_ms: 1_000,
        kind: MediaKind::Clip,
        title: format!("Item {id}"),
        show: None,
        season: None,
        episode: None,
        position: None,
        chapters_ms: Vec::new(),
    }
}

fn request(pools: Vec<Pool>) -> PlanRequest {
    PlanRequest {
        channel: String::new(),
        zone: "UTC".into(),
        window: Window { start_ms: 0, stop_ms: 1_000 },
        settings: Value::Null,
        pools,
        state: None,
        seed: 7,
        aired: Vec::new(),
    }
}

fn bytes(request: &PlanRequest) -> Vec<u8> {
    serde_json::to_vec(request).unwrap()
}

#[test]
fn the_entry_says_what_the_header_says() {
    let entry = exported_plugins().entry();
    assert_eq!((entry.magic, entry.abi_major, entry.abi_minor), (api::MAGIC, 1, 0));
    assert_eq!(entry.struct_size as usize, size_of::<api::Entry>());
    assert!(std::ptr::eq(strategies::exstreamtv_plugin_entry_v1(), entry));
}

#[test]
fn strategies_are_described_with_what_the_package_says_unless_told_otherwise() {
    let described = Plugins::of(exported_plugins()).described();
    let ids: Vec<_> = described.iter().map(|plugin| (plugin.id.as_str(), plugin.contract.as_str())).collect();
    assert_eq!(ids[0], ("test.counter", "exstreamtv.scheduler/1"));
    assert_eq!(ids[2], ("test.ear", "exstreamtv.picker/1"));
    assert_eq!(ids[3], ("test.patience", "exstreamtv.resolver/1"));
    let about = &described[0];
    assert_eq!((about.name.as_str(), about.vendor.as_str()), ("Counter", "EXStreamTV"));
    assert_eq!((about.version.as_str(), about.licence.as_str()), (env!("CARGO_PKG_VERSION"), "MIT OR Apache-2.0"));
    assert_eq!((about.encodings, about.permissions, about.min_host_minor), (1, 0, 0));
    assert_eq!((described[3].version.as_str(), described[3].url.as_str()), ("9.8.7", ""));
}

#[test]
fn a_pool_is_whole_when_the_strategy_sees_it() {
    // Miri, which watches every access, takes its time.
    let (count, page) = if cfg!(miri) { (50, 20) } else { (5_000, 2_000) };
    let items: Vec<_> = (1..=count).map(item).collect();
    let first = Pool { key: MAIN_POOL.into(), count: items.len() as u64, items: items[..page].to_vec() };
    for max_page_items in [page - 1, page, page * 5] {
        let pools = vec![Pool::whole(MAIN_POOL, items.clone())];
        let mut counter = open("test.counter", TestHost { pools, max_page_items, ..TestHost::default() });
        let answer = counter.call("plan", &bytes(&request(vec![first.clone()]))).unwrap();
        let answer: PlanAnswer = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer.state, json!({ "items": count, "last": count.to_string() }), "pages of {max_page_items}");
    }
}

#[test]
fn a_pool_that_shrank_meanwhile_is_taken_as_it_is() {
    let promised = Pool { key: MAIN_POOL.into(), count: u64::MAX, items: vec![item(1)] };
    let pools = vec![Pool::whole(MAIN_POOL, vec![item(1), item(2)])];
    let mut counter = open("test.counter", TestHost { pools, ..TestHost::default() });
    let answer = counter.call("plan", &bytes(&request(vec![promised]))).unwrap();
    assert_eq!(serde_json::from_slice::<PlanAnswer>(&answer).unwrap().state["items"], 2);
}

#[test]
fn members_that_a_newer_host_adds_are_ignored() {
    let mut newer = serde_json::to_value(request(vec![Pool::whole(MAIN_POOL, vec![item(1)])])).unwrap();
    newer["weather"] = json!("rain");
    newer["pools"][0]["smell"] = json!({ "of": ["popcorn"] });
    newer["pools"][0]["items"][0]["colour"] = json!(7);
    assert!(plain("test.counter").ask("plan", &newer).is_ok());
    let audio = json!({ "streams": [], "output_channels": 2, "preferences": { "loudness": "high" }, "mood": 1 });
    assert!(plain("test.ear").ask("pick_audio", &audio).is_ok());
}

#[test]
fn what_is_no_request_is_refused_and_never_fatal() {
    let good = bytes(&request(vec![Pool::whole(MAIN_POOL, vec![item(1)])]));
    let cut: Vec<_> =
        (0..good.len()).step_by(if cfg!(miri) { 70 } else { 7 }).map(|end| good[..end].to_vec()).collect();
    let depth = if cfg!(miri) { 1_000 } else { 1_000_000 };
    let deep = [b"[".repeat(depth), b"{\"window\":".repeat(depth / 10)];
    let odd =
        [&b"null"[..], b"[]", b"{}", b"\xff\xfe", b"\xef\xbb\xbf{}", b"{\"seed\":7}", b"1e999"].map(<[u8]>::to_vec);
    let mut counter = plain("test.counter");
    for input in cut.iter().chain(&deep).chain(&odd) {
        let refusal = counter.call("plan", input).unwrap_err();
        assert_eq!(refusal.status, Status::BAD_INPUT, "{:.60}", String::from_utf8_lossy(input));
        assert!(refusal.text.starts_with("read the request: "), "{}", refusal.text);
    }
    assert!(counter.call("plan", &good).is_ok(), "it goes on working");
}

#[test]
fn a_method_that_is_not_there_is_named() {
    let refusal = plain("test.counter").call("pick_audio", b"{}").unwrap_err();
    assert_eq!(refusal.status, Status::UNKNOWN_METHOD);
    assert_eq!(refusal.text, r#"find the method "pick_audio": this plugin does not have it"#);
    let subtitles = json!({ "streams": [] });
    assert_eq!(plain("test.ear").ask("pick_subtitle", &subtitles).unwrap_err().status, Status::UNKNOWN_METHOD);
    assert_eq!(plain("test.counter").call("", b"").unwrap_err().status, Status::UNKNOWN_METHOD);
}

#[test]
fn a_scheduler_without_needs_of_its_own_plays_the_channels_collection() {
    let preparation = plain("test.counter").ask("prepare", &json!({ "zone": "UTC", "settings": {} })).unwrap();
    assert_eq!(preparation, json!({ "faults": [], "pools": [{ "key": "main", "source": { "type": "channel" } }] }));
}

#[test]
fn an_error_becomes_a_status_and_one_line_for_people() {
    let refusal = |plan: &str| {
        let mut request = request(Vec::new());
        request.settings = json!(plan);
        plain("test.moody").call("plan", &bytes(&request)).unwrap_err()
    };
    let empty = refusal("empty");
    assert_eq!((empty.status, empty.text.as_str()), (Status::FAILED, "plan without anything to play"));
    assert_eq!(refusal("late").status, Status::TIMEOUT);
    let settings = refusal("settings");
    assert_eq!(settings.status, Status::FAILED);
    assert_eq!(settings.text, "use the settings at slots[2].start_time: \"25:00\" is no time of day, two lines");
}

#[test]
fn a_panic_becomes_a_status_with_its_message() {
    let refusal = |plan: &str| {
        let mut request = request(Vec::new());
        request.settings = json!(plan);
        plain("test.moody").call("plan", &bytes(&request)).unwrap_err()
    };
    let panicked = refusal("panic");
    assert_eq!(panicked.status, Status::PANIC);
    assert_eq!(panicked.text, "go on, because the plugin panicked: index out of bounds: seven");
    assert_eq!(refusal("panic with a constant").text, "go on, because the plugin panicked: constant");
    assert_eq!(refusal("panic with a bomb").text, "go on, because the plugin panicked: it did not say why");
}

#[test]
fn a_sink_that_refuses_is_respected() {
    let input = bytes(&request(vec![Pool::whole(MAIN_POOL, vec![item(1)])]));
    let mut counter = open("test.counter", TestHost { max_output_bytes: 10, ..TestHost::default() });
    let refusal = counter.call("plan", &input).unwrap_err();
    assert_eq!((refusal.status, refusal.text.as_str()), (Status::SINK_REFUSED, ""));
    // Even where there is no room for the reason, the reason's status arrives.
    assert_eq!(counter.call("plan", b"").unwrap_err().status, Status::BAD_INPUT);
}

#[test]
fn an_instance_is_made_by_id_and_configuration() {
    let plugins = Plugins::of(exported_plugins());
    let create = |id, config: &[u8]| plugins.create(id, config, TestHost::default()).map(|_| ());
    let unknown = create("test.nobody", b"").unwrap_err();
    assert_eq!(unknown.status, Status::UNKNOWN_ID);
    assert_eq!(unknown.text, r#"find the plugin "test.nobody" in this library"#);
    for config in [&b""[..], b"null", br#"{"greeting":"hello"}"#] {
        assert_eq!(create("test.patience", config), Ok(()));
    }
    for config in [&b"{"[..], br#"{"greeting":7}"#, b"[["] {
        let refusal = create("test.patience", config).unwrap_err();
        assert_eq!(refusal.status, Status::BAD_INPUT);
        assert!(refusal.text.starts_with("read the plugin's configuration: "), "{}", refusal.text);
    }
    assert_eq!(create("test.patience", br#"{"greeting":"panic"}"#).unwrap_err().status, Status::PANIC);
}

#[test]
fn the_host_hears_what_a_strategy_logs_and_answers_during_calls_alone() {
    let mut resolver = Plugins::of(exported_plugins())
        .create("test.patience", br#"{"greeting":"hello"}"#, TestHost::default())
        .unwrap();
    let incident = json!({ "id": "1", "issue": "FFMPEG_HANG", "severity": "HIGH", "at_ms": 0 });
    let limits = json!({ "actions": [], "max_risk": "LOW", "max_proposals": 3 });
    let request = json!({ "incident": incident, "limits": limits, "now_ms": 0 });
    let answer = resolver.ask("propose", &request).unwrap();
    let elsewhere = "ask the host: it answers during a call only, on the thread of that call";
    assert_eq!(answer["notes"], json!(["0 items on this thread", elsewhere]));
    assert_eq!(resolver.log(), [(LogLevel::INFO, "hello".to_owned())]);
}

#[test]
fn a_strategy_is_dropped_with_its_instance_and_may_panic_even_then() {
    let before = DROPPED.get();
    drop(plain("test.moody"));
    assert_eq!(DROPPED.get(), before + 1);
}

#[test]
fn a_window_without_length_is_the_hosts_fault() {
    let mut request = request(vec![Pool::whole(MAIN_POOL, vec![item(1)])]);
    request.window.stop_ms = 0;
    assert_eq!(plain("test.counter").call("plan", &bytes(&request)).unwrap_err().status, Status::BAD_INPUT);
}

#[test]
fn an_instance_may_be_called_from_changing_threads() {
    let mut counter = plain("test.counter");
    let input = bytes(&request(vec![Pool::whole(MAIN_POOL, vec![item(1)])]));
    let here = counter.call("plan", &input).unwrap();
    let there = std::thread::spawn(move || counter.call("plan", &input).unwrap()).join().unwrap();
    assert_eq!(here, there);
    assert_eq!(serde_json::from_slice::<PlanAnswer>(&there).unwrap().entries[0].kind, EntryKind::Slate);
}
