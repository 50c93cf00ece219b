//! Who watches, how many may, and how fast each is sent what he watches.
//!
//! Does: watch like players, slow ones too, and compare with what the host says of its sessions.
//! Does not: assert how long anything took: rates are measured by the stream's own clock.
//! Invariant: a session is found by what the host tells of it, never by its place in a list.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::Command,
    sync::mpsc,
    thread,
};

use exstreamtv_tests::{
    api::Channel,
    fixtures::LONG as CLIP,
    hls::Follower,
    host::Host,
    patience::{LONG, wait_for},
    process::host_binary,
    stage::{RATE, Stage},
    ts::Kind,
    viewer::{Capture, Stalled, Viewer},
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

fn on_air(names: &[&str], settings: &[(&str, &str)]) -> (Stage, Host) {
    let stage = names.iter().fold(Stage::new(), |stage, name| stage.channel(name, &[CLIP]));
    let setup = settings.iter().fold(stage.setup(), |setup, (key, value)| setup.set(key, value));
    let host = setup.start();
    (stage, host)
}

fn sessions(host: &Host, query: &str) -> Vec<Value> {
    host.get::<Value>(&format!("/api/v1/sessions?limit=500{query}"))["items"].as_array().unwrap().clone()
}

fn token(session: &Value) -> String {
    session["session_id"].as_str().unwrap().to_owned()
}

fn session(host: &Host, token: &str) -> Value {
    host.get(&format!("/api/v1/sessions/{token}"))
}

fn send(host: &Host, method: reqwest::Method, path: &str, body: &Value) -> u16 {
    let request = host.http.request(method, host.at(path)).header("content-type", "application/json");
    request.body(body.to_string()).send().unwrap().status().as_u16()
}

fn kill(host: &Host, token: &str) {
    assert_eq!(send(host, reqwest::Method::DELETE, &format!("/api/v1/sessions/{token}"), &json!({})), 204);
}

/// Listens to the events of sessions; each is its name and its document.
fn listen(host: &Host) -> mpsc::Receiver<(String, Value)> {
    let client = reqwest::blocking::Client::builder().timeout(None).build().unwrap();
    let response = client.get(host.at("/api/v1/sessions/events")).send().unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let (sender, events) = mpsc::channel();
    thread::spawn(move || {
        let mut name = String::new();
        for line in BufReader::new(response).lines().map_while(Result::ok) {
            if let Some(event) = line.strip_prefix("event: ") {
                event.clone_into(&mut name);
            } else if let Some(data) = line.strip_prefix("data: ")
                && sender.send((name.clone(), serde_json::from_str(data).unwrap())).is_err()
            {
                return;
            }
        }
    });
    events
}

fn wait_for_event(events: &mpsc::Receiver<(String, Value)>, name: &str, is_meant: impl Fn(&Value) -> bool) -> Value {
    loop {
        let event = events.recv_timeout(LONG).unwrap_or_else(|_| panic!("no event {name:?} that is meant"));
        if event.0 == name && is_meant(&event.1) {
            return event.1;
        }
    }
}

#[test]
fn two_viewers_behind_one_address_are_two_sessions_and_one_can_be_ended() {
    let (_stage, host) = on_air(&["Long"], &[]);
    let channel = host.channel("Long");
    let events = listen(&host);
    let first = Viewer::tune(&host.at(&channel.ts()));
    first.wait_for_seconds(4.0);
    let of_first = token(&sessions(&host, "&state=active")[0]);
    let second = Viewer::tune(&host.at(&channel.ts()));
    second.wait_for_seconds(4.0);
    let both = sessions(&host, &format!("&channel={}&kind=ts&state=active", channel.id));
    assert_eq!(both.len(), 2, "{both:#?}");
    assert_eq!(both[0]["client_ip"], both[1]["client_ip"]);
    let of_second = both.iter().map(token).find(|token| *token != of_first).unwrap();
    let told = session(&host, &of_second);
    assert!(told["bytes_sent"].as_u64() > Some(100_000) && told["rate_bps"].as_u64() > Some(100_000), "{told:#}");
    // A viewer who keeps up has everything but what is on its way.
    assert!(told["behind_live_ms"].as_i64() < Some(3_000), "{told:#}");

    kill(&host, &of_first);
    assert!(first.wait_for_end(LONG).is_some(), "a viewer who was sent away still gets bytes");
    let ended = wait_for_event(&events, "ended", |session| token(session) == of_first);
    assert_eq!(ended["ended"], "killed");
    second.wait_for_more(4.0);
    assert_eq!(second.ended(), None);
    second.leave().check(RATE).assert_clean();
    host.stop();
}

#[test]
fn a_viewer_who_takes_nothing_is_sent_away_in_time_and_forgotten_at_the_next_clean_up() {
    let settings =
        [("session_manager.idle_timeout_seconds", "3"), ("session_manager.cleanup_interval_seconds", "3600")];
    let (stage, host) = on_air(&["Long"], &settings);
    let channel = host.channel("Long");
    let events = listen(&host);
    let good = Viewer::tune(&host.at(&channel.ts()));
    good.wait_for_seconds(4.0);
    // More than the system's buffers hold must be on its way before a client counts as taking nothing.
    let mut stalled = Stalled::tune(&host.url, &channel.ts());
    assert_eq!(stalled.first_line(), "HTTP/1.1 200 OK");
    let ended = wait_for_event(&events, "ended", |session| session["ended"] == "timed_out");
    assert_eq!(good.ended(), None);
    assert_eq!(sessions(&host, "&state=disconnected").len(), 1, "it is listed until the next clean-up");

    stage.setup().set("session_manager.cleanup_interval_seconds", 1).write_config();
    host.signal(Signal::SIGHUP);
    let path = format!("/api/v1/sessions/{}", token(&ended));
    wait_for("the clean-up", LONG, || (host.http.get(host.at(&path)).send().unwrap().status() == 404).then_some(()));
    good.wait_for_more(2.0);
    host.stop();
}

#[test]
fn who_comes_when_all_seats_are_taken_is_told_to_come_back_and_a_reload_makes_room() {
    let limits = [("session_manager.max_sessions_per_channel", "1"), ("session_manager.max_sessions", "2")];
    let (stage, host) = on_air(&["One", "Two", "Three"], &limits);
    let channels = ["One", "Two", "Three"].map(|name| host.channel(name));
    let events = listen(&host);
    let _first = Viewer::tune(&host.at(&channels[0].ts()));
    let refused = |channel: &Channel, path: String, limit: &str| {
        let response = host.http.get(host.at(&path)).send().unwrap();
        assert_eq!(response.status(), 503, "{path}");
        assert_eq!(response.headers()["retry-after"], "15");
        let problem: Value = serde_json::from_str(&response.text().unwrap()).unwrap();
        assert_eq!(problem["type"], "urn:exstreamtv:problem:too-many-sessions");
        assert!(problem["detail"].as_str().unwrap().contains(limit), "{problem}");
        wait_for_event(&events, "limit", |hit| hit["channel_id"] == channel.id);
    };
    refused(&channels[0], channels[0].ts(), "it has 1 viewers");
    refused(&channels[0], channels[0].hls(), "it has 1 viewers");
    let _second = Viewer::tune(&host.at(&channels[1].ts()));
    refused(&channels[2], channels[2].ts(), "the server has 2 viewers");
    assert!(host.feed(&channels[2]).is_none(), "whoever is refused starts nothing");

    stage.setup().set("session_manager.max_sessions", 3).write_config();
    host.signal(Signal::SIGHUP);
    let path = host.at(&channels[2].ts());
    let room = wait_for("room for a third viewer", LONG, || {
        Some(host.http.get(&path).send().unwrap()).filter(|response| response.status() == 200)
    });
    drop(room);
    host.stop();
}

#[test]
fn a_player_is_one_session_as_long_as_it_asks_and_none_soon_after() {
    let (_stage, host) = on_air(&["Long"], &[("profile.gop_ms", "1000")]);
    let channel = host.channel("Long");
    let events = listen(&host);
    let mut players = [0, 1].map(|_| Follower::tune(&host.at(&channel.hls())));
    players.iter_mut().for_each(|player| player.follow(8.0));
    for player in &players {
        assert!(player.breaches.is_empty(), "{:#?}", player.breaches);
    }
    let all = sessions(&host, "&kind=hls");
    assert_eq!(all.len(), 2, "{all:#?}");
    assert_eq!(host.get::<Value>("/api/v1/feeds")["items"][0]["hls_sessions"], 2);
    let [first, second] = [0, 1].map(|index: usize| {
        let address = players[index].address_of_list();
        all.iter().find(|session| address.contains(&token(session))).unwrap_or_else(|| panic!("{address}: {all:#?}"))
    });
    let fetched = |player: &Follower| player.media.values().map(Vec::len).sum::<usize>() as u64;
    assert_eq!(first["bytes_sent"].as_u64(), Some(fetched(&players[0])));
    assert!(first["behind_live_ms"].as_i64() <= Some(2_000) && first["rate_bps"].as_u64() > Some(100_000), "{first:#}");

    // One is sent away, the other one just stops asking.
    kill(&host, &token(first));
    let list = players[0].address_of_list().to_owned();
    for address in [list.clone(), list.replace("video.m3u8", "1.ts")] {
        assert_eq!(host.http.get(&address).send().unwrap().status(), 410, "{address}");
    }
    wait_for_event(&events, "state", |change| token(change) == token(second) && change["to"] == "idle");
    let over = wait_for_event(&events, "ended", |session| token(session) == token(second));
    assert_eq!(over["ended"], "timed_out");
    // And may come back under its own name.
    assert_eq!(host.http.get(players[1].address_of_list()).send().unwrap().status(), 200);
    assert_eq!(session(&host, &token(second))["state"], "active");
    host.stop();
}

#[test]
fn totals_survive_a_restart_and_a_players_addresses_do() {
    let (stage, host) = on_air(&["Long"], &[]);
    let channel = host.channel("Long");
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(6.0);
    let mut player = Follower::tune(&host.at(&channel.hls()));
    player.follow(4.0);
    let before: Value = host.get("/api/v1/sessions/totals");
    assert_eq!((&before["sessions"], &before["live"]), (&json!(2), &json!(2)));
    let address = player.address_of_list().trim_start_matches(&host.url).to_owned();
    host.stop();

    let host = stage.setup().start();
    host.channel("Long");
    let after: Value = host.get("/api/v1/sessions/totals");
    assert_eq!((&after["sessions"], &after["live"]), (&json!(2), &json!(0)), "{after:#}");
    assert!(
        after["bytes"].as_u64() >= before["bytes"].as_u64() && before["bytes"].as_u64() > Some(300_000),
        "{after:#}"
    );
    assert_eq!(after["channels"][0]["channel_id"], channel.id);
    assert!(sessions(&host, "").is_empty(), "sessions end with the host");
    host.text(&address);
    assert!(address.contains(&token(&sessions(&host, "&kind=hls")[0])), "the player goes on as the same session");
    host.stop();
}

#[test]
fn the_configuration_the_channel_and_the_session_say_how_fast_a_viewer_is_sent_the_stream() {
    let throttler = [("stream_throttler.mode", "\"burst\""), ("stream_throttler.target_bitrate_bps", "9000000")];
    let (stage, host) = on_air(&["Long"], &throttler);
    let channel = host.channel("Long");
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(2.0);
    let token = token(&sessions(&host, "&state=active")[0]);
    let wait_for_terms = |what: &str, mode: &str, target_bps: u64| {
        wait_for(what, LONG, || {
            let throttle = session(&host, &token)["throttle"].clone();
            (throttle["mode"] == mode && throttle["target_bitrate_bps"] == target_bps).then_some(())
        });
    };
    wait_for_terms("the configuration's terms", "burst", 9_000_000);
    let place = format!("/api/v1/channels/{}", channel.id);
    let wish = json!({"throttle": {"mode": "adaptive", "target_bitrate_bps": 7_000_000}});
    assert_eq!(send(&host, reqwest::Method::PATCH, &place, &wish), 200);
    wait_for_terms("the channel's terms", "adaptive", 7_000_000);
    let wish = json!({"throttle": {"mode": "realtime"}});
    assert_eq!(send(&host, reqwest::Method::PATCH, &format!("/api/v1/sessions/{token}"), &wish), 200);
    wait_for_terms("the session's terms", "realtime", 7_000_000);
    stage.setup().set("stream_throttler.enabled", false).write_config();
    host.signal(Signal::SIGHUP);
    wait_for_terms("no terms at all", "disabled", 7_000_000);
    viewer.wait_for_more(2.0);
    viewer.leave().check(RATE).assert_clean();
    host.stop();
}

#[test]
fn a_target_below_what_channels_send_is_remarked_upon() {
    let (stage, host) = on_air(&["Long"], &[("profile.video_bitrate_bps", "8000000")]);
    host.channel("Long");
    host.stop();
    let mut command = Command::new(host_binary());
    let output = command.args(["config", "check", "--config"]).arg(stage.setup().config_file()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("[stream_throttler] target_bitrate_bps = 4000000"), "{said}");
    let host = stage.setup().set("profile.video_bitrate_bps", 8_000_000).start();
    wait_for("the remark on the channel", LONG, || {
        host.said().iter().any(|line| line.contains("channel 1 sends")).then_some(())
    });
    host.stop();
}

/// Fails unless FFmpeg decodes every picture, and nothing is wrong but what a skip leaves out.
fn assert_decodable(capture: &Capture) {
    let report = capture.check(RATE);
    println!("{report}");
    let left_out = [
        Kind::Continuity,
        Kind::VideoGap,
        Kind::AudioHole,
        Kind::PcrInterval,
        Kind::PsiInterval,
        Kind::Late,
        Kind::NoTimes,
    ];
    let wrong: Vec<_> = report.kinds().into_iter().filter(|kind| !left_out.contains(kind)).collect();
    assert!(wrong.is_empty(), "{wrong:?}: {report}");
    assert!(report.count(Kind::VideoGap) > 0, "nothing was skipped");
    capture.watch(&report);
}

#[test]
fn a_cap_holds_by_the_streams_own_clock_and_what_it_leaves_out_begins_with_a_keyframe() {
    let (_stage, host) = on_air(&["Long"], &[]);
    let channel = host.channel("Long");
    let free = Viewer::tune(&host.at(&channel.ts()));
    // What each may send beyond its target: a joiner's burst, a bucket.
    let capped = [("realtime", 12.0), ("burst", 10.0)].map(|(mode, burst_s)| {
        let path = format!("{}?throttle={mode}&target_bitrate_bps=200000&client_id={mode}", channel.ts());
        (mode, burst_s, Viewer::tune(&host.at(&path)))
    });
    free.wait_for_seconds(50.0);
    for (mode, burst_s, viewer) in capped {
        viewer.wait_for_seconds(40.0);
        let told = sessions(&host, "&state=active").into_iter().find(|session| session["client_id"] == mode).unwrap();
        assert!(told["skipped_ms"].as_i64() > Some(3_000), "{told:#}");
        let error = told["errors"][0]["text"].as_str().unwrap();
        assert!(error.contains("more than 200000 b/s"), "{error}");
        let seconds = viewer.seconds();
        let capture = viewer.leave();
        let fair = 200_000.0 / 8.0 * (seconds + burst_s);
        let got = capture.bytes.len() as f64;
        // The clock of the stream begins some seconds before ours.
        assert!(got < fair * 1.1 && got > fair * 0.5, "{mode}: {got} bytes in {seconds:.1} s, {fair} would be fair");
        assert_decodable(&capture);
    }
    let seconds = free.seconds();
    let all = free.leave();
    assert!(all.bytes.len() as f64 > 2.0 * 200_000.0 / 8.0 * seconds, "the channel sends too little to be capped");
    all.check(RATE).assert_clean();
    host.stop();
}

/// A player on a slow network: it takes so many bytes of the stream in each second of the stream.
struct Slow {
    stream: BufReader<TcpStream>,
    bytes: Vec<u8>,
}

impl Slow {
    fn tune(host: &Host, path: &str) -> Self {
        let address: std::net::SocketAddr = host.url.trim_start_matches("http://").parse().unwrap();
        let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(16_384).unwrap();
        socket.connect(&address.into()).unwrap();
        let mut stream = TcpStream::from(socket);
        // HTTP/1.0 has no chunks in between.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").unwrap();
        let mut stream = BufReader::with_capacity(4_096, stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            assert!(stream.read_line(&mut line).unwrap() > 0, "no head");
        }
        Self { stream, bytes: Vec::new() }
    }

    fn take(&mut self, bytes: u64) {
        (&mut self.stream).take(bytes).read_to_end(&mut self.bytes).unwrap();
    }
}

#[test]
fn a_slow_viewer_skips_to_keyframes_stays_decodable_and_harms_nobody() {
    let (_stage, host) = on_air(&["Long"], &[]);
    let channel = host.channel("Long");
    let good = Viewer::tune(&host.at(&channel.ts()));
    good.wait_for_seconds(8.0);
    let mut slow = Slow::tune(&host, &format!("{}?throttle=adaptive&client_id=slow", channel.ts()));
    let told = || sessions(&host, "").into_iter().find(|session| session["client_id"] == "slow").unwrap();
    let mut seconds = 0;
    // A third of what the channel sends.
    while told()["skipped_ms"].as_i64().unwrap() < 8_000 {
        good.wait_for_more(1.0);
        slow.take(25_000);
        seconds += 1;
        assert!(seconds < 90, "nothing was skipped in {seconds} s: {:#}", told());
    }
    let skipped = told();
    assert!(skipped["errors"][0]["text"].as_str().unwrap().contains("slower than the channel"), "{skipped:#}");
    if cfg!(target_os = "linux") {
        // What stands in the system's queue could not be skipped any more.
        assert!(skipped["bytes_sent"].as_u64().unwrap() < slow.bytes.len() as u64 + 400_000, "{skipped:#}");
    }
    // What was on its way before the skip comes first, and a capture ends with its last whole group of pictures.
    let sent = skipped["bytes_sent"].as_u64().unwrap();
    while (slow.bytes.len() as u64) < sent + 400_000 {
        slow.take(25_000);
    }
    assert_decodable(&Capture::new(slow.bytes));
    assert_eq!(good.ended(), None);
    good.leave().check(RATE).assert_clean();
    host.stop();
}
