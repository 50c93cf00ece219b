//! Scenes with sessions.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Utc};
use exstreamtv_core::session::MAX_ERRORS_IN_A_ROW;
use tokio::time::advance;
use tokio_util::sync::CancellationToken;

use super::{
    view::{EndView, KindView, StateView},
    *,
};

const LIMITS: Limits = Limits { per_channel: 2, total: 3, idle_timeout_ms: 300_000 };

struct Noon;

impl Clock for Noon {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_800_000_000_000).unwrap()
    }
}

fn sessions() -> Sessions {
    Sessions::of_tests(Arc::new(Noon), LIMITS)
}

fn about(channel: i64, kind: SessionKind) -> About {
    About {
        channel_id: ChannelId(channel),
        channel_number: "5".parse().unwrap(),
        kind,
        client_id: Some("tv".into()),
        client_ip: Some([10, 0, 0, 1].into()),
        user_agent: Some("VLC/3".into()),
        idle_after_ms: 6_000,
        over_after_ms: (kind == SessionKind::Hls).then_some(17_000),
    }
}

fn ask(channel: i64, known: Known) -> HlsAsk {
    HlsAsk { about: about(channel, SessionKind::Hls), known }
}

fn piece(bytes: usize) -> Piece {
    Piece { bytes, stream_ms: 1_000, position_ms: 1_800_000_000_000 }
}

async fn pass(seconds: u64) {
    advance(Duration::from_secs(seconds)).await;
}

/// A connection that remembers whether it was cut.
#[derive(Debug, Default)]
struct Wire(CancellationToken);

impl Connection for Wire {
    fn feedback(&self) -> Option<SocketFeedback> {
        None
    }

    fn cut(&self) {
        self.0.cancel();
    }
}

/// A channel that is a second ahead.
#[derive(Default)]
struct Edge(AtomicU32);

impl LiveEdges for Edge {
    fn edge(&self, _: ChannelId) -> Option<LiveEdge> {
        Some(LiveEdge {
            newest_ms: 1_800_000_001_000,
            newest_segment_ms: 1_800_000_000_500,
            failures: self.0.load(Ordering::Relaxed),
        })
    }
}

#[tokio::test(start_paused = true)]
async fn two_connections_from_one_address_are_two_sessions_and_the_third_is_refused() {
    let sessions = sessions();
    let admit = || sessions.admit(about(1, SessionKind::Ts), ThrottleWish::default(), None);
    let (first, _second) = (admit().unwrap(), admit().unwrap());
    assert_eq!(sessions.count(ChannelId(1), SessionKind::Ts), 2);
    assert!(matches!(admit(), Err(Refusal::ChannelFull { limit: 2, .. })));
    drop(first);
    assert!(admit().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_view_says_everything_that_the_specification_names() {
    let sessions = sessions();
    let edge: Arc<dyn LiveEdges> = Arc::new(Edge::default());
    sessions.watch_edges(Arc::downgrade(&edge));
    let ticket = sessions.admit(about(1, SessionKind::Ts), ThrottleWish::default(), None).unwrap();
    pass(2).await;
    ticket.meter().sent(piece(250_000), Instant::now());
    sessions.channel_restarted(ChannelId(1));
    ticket.note("something".into());
    let view = sessions.find(ticket.id()).unwrap();
    assert_eq!((view.kind, view.state, view.bytes_sent), (KindView::Ts, StateView::Active, 250_000));
    assert_eq!((view.rate_bps, view.behind_live_ms, view.restart_count), (2_000_000, Some(1_000), 1));
    assert_eq!((view.client_ip.as_deref(), view.client_id.as_deref()), (Some("10.0.0.1"), Some("tv")));
    assert_eq!((view.errors.len(), view.errors[0].text.as_str()), (1, "something"));
}

#[tokio::test(start_paused = true)]
async fn failures_behind_a_channel_are_told_to_those_who_watch_it_then() {
    let sessions = sessions();
    let failing = Arc::new(Edge(AtomicU32::new(7)));
    let edge: Arc<dyn LiveEdges> = failing.clone();
    sessions.watch_edges(Arc::downgrade(&edge));
    let ticket = sessions.admit(about(1, SessionKind::Ts), ThrottleWish::default(), None).unwrap();
    sessions.tick();
    assert!(sessions.find(ticket.id()).unwrap().errors.is_empty(), "those before are nobody's");
    failing.0.store(9, Ordering::Relaxed);
    sessions.tick();
    sessions.tick();
    let errors = sessions.find(ticket.id()).unwrap().errors;
    assert_eq!(
        errors.iter().map(|error| error.text.as_str()).collect::<Vec<_>>(),
        ["2 more runs of the channel failed"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_over_and_its_connection_is_cut() {
    let sessions = sessions();
    let wire = Arc::new(Wire::default());
    let ticket = sessions.admit(about(1, SessionKind::Ts), ThrottleWish::default(), Some(wire.clone())).unwrap();
    ticket.meter().sent(piece(1), Instant::now());
    pass(6).await;
    assert_eq!(sessions.find(ticket.id()).unwrap().state, StateView::Idle);
    pass(294).await;
    sessions.tick();
    assert_eq!(sessions.find(ticket.id()).unwrap().ended, Some(EndView::TimedOut));
    assert!(ticket.meter().stop().is_cancelled() && !wire.0.is_cancelled(), "it is asked first");
    pass(2).await;
    sessions.tick();
    assert!(wire.0.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_connection_to_which_nobody_sends_any_more_is_never_cut() {
    let sessions = sessions();
    let admit = |wire: &Arc<Wire>| {
        let connection: Arc<dyn Connection> = wire.clone();
        sessions.admit(about(1, SessionKind::Ts), ThrottleWish::default(), Some(connection)).unwrap()
    };
    let (refused, killed) = (Arc::new(Wire::default()), Arc::new(Wire::default()));
    admit(&refused).off_air();
    let ticket = admit(&killed);
    sessions.kill(ticket.id());
    drop(ticket);
    pass(10).await;
    sessions.tick();
    sessions.clean();
    // Both clients were answered, and may ask for something else.
    assert!(!refused.0.is_cancelled() && !killed.0.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_clean_up_forgets_who_is_over_and_nobody_else() {
    let sessions = sessions();
    let stays = sessions.admit(about(1, SessionKind::Ts), ThrottleWish::default(), None).unwrap();
    drop(sessions.admit(about(1, SessionKind::Ts), ThrottleWish::default(), None).unwrap());
    assert_eq!(sessions.list().len(), 2);
    sessions.clean();
    assert_eq!(
        sessions.list().iter().map(|view| view.session_id.clone()).collect::<Vec<_>>(),
        [stays.id().to_string()]
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_goes_on_under_its_own_name_over_a_restart_and_after_a_pause() {
    let sessions = sessions();
    let of_the_host_before = SessionId(0xfeed);
    let visit = sessions.visit(ask(1, Known::Address(of_the_host_before))).unwrap();
    assert_eq!(visit.id, of_the_host_before);
    pass(17).await;
    assert_eq!(sessions.find(visit.id).unwrap().ended, Some(EndView::TimedOut));
    let again = sessions.visit(ask(1, Known::Address(visit.id))).unwrap();
    assert_eq!((again.id, sessions.list().len()), (visit.id, 1));
    assert_eq!(sessions.summary().channels[&ChannelId(1)].0.sessions, 2);
}

#[tokio::test(start_paused = true)]
async fn a_player_that_asks_stays_one_session_and_its_bytes_are_counted() {
    let sessions = sessions();
    let visit = sessions.visit(ask(1, Known::Not)).unwrap();
    for _ in 0..20 {
        pass(4).await;
        let again = sessions.visit(ask(1, Known::Address(visit.id))).unwrap();
        sessions.here(again.id);
        again.meter.sent(piece(1_000), Instant::now());
    }
    let view = sessions.find(visit.id).unwrap();
    assert_eq!((view.state, view.bytes_sent, sessions.list().len()), (StateView::Active, 20_000, 1));
    assert_eq!(sessions.count(ChannelId(1), SessionKind::Hls), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cookie_leads_back_to_its_session_unless_that_is_being_played() {
    let sessions = sessions();
    let first = sessions.visit(ask(1, Known::Not)).unwrap().id;
    let reloaded = sessions.visit(ask(1, Known::Cookie(first))).unwrap().id;
    assert_eq!(reloaded, first, "nothing was played yet");
    sessions.here(first);
    let window = sessions.visit(ask(1, Known::Cookie(first))).unwrap().id;
    assert_ne!(window, first, "a second window of the same browser");
    pass(6).await;
    sessions.here(window);
    assert_eq!(sessions.visit(ask(1, Known::Cookie(first))).unwrap().id, first, "it has fallen silent");
    assert!(sessions.kill(first));
    assert_ne!(sessions.visit(ask(1, Known::Cookie(first))).unwrap().id, first, "whoever was sent away may begin anew");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_somebody_ended_is_refused_and_one_of_another_channel_leads_nowhere() {
    let sessions = sessions();
    let id = sessions.visit(ask(1, Known::Not)).unwrap().id;
    assert!(matches!(sessions.visit(ask(2, Known::Address(id))), Err(Refusal::Elsewhere)));
    assert!(matches!(sessions.revisit(id, ChannelId(2)), Err(Refusal::Elsewhere)));
    assert!(sessions.revisit(id, ChannelId(1)).unwrap().is_some());
    assert!(sessions.kill(id) && !sessions.kill(id));
    assert!(matches!(sessions.visit(ask(1, Known::Address(id))), Err(Refusal::Killed)));
    assert!(matches!(sessions.revisit(id, ChannelId(1)), Err(Refusal::Killed)));
}

#[tokio::test(start_paused = true)]
async fn a_player_that_asks_for_nothing_but_what_is_gone_is_sent_away() {
    let sessions = sessions();
    let id = sessions.visit(ask(1, Known::Not)).unwrap().id;
    (0..MAX_ERRORS_IN_A_ROW).for_each(|number| sessions.missed(id, format!("{number}.ts is not there")));
    let view = sessions.find(id).unwrap();
    assert_eq!((view.ended, view.errors.len()), (Some(EndView::TooManyErrors), MAX_ERRORS_IN_A_ROW as usize));
}

#[tokio::test(start_paused = true)]
async fn listeners_hear_what_happens_in_order() {
    let sessions = sessions();
    let mut news = sessions.news();
    let ticket = sessions.admit(about(1, SessionKind::Ts), ThrottleWish::default(), None).unwrap();
    let _other = sessions.admit(about(1, SessionKind::Ts), ThrottleWish::default(), None).unwrap();
    assert!(sessions.admit(about(1, SessionKind::Ts), ThrottleWish::default(), None).is_err());
    ticket.meter().sent(piece(5), Instant::now());
    drop(ticket);
    let mut heard = Vec::new();
    while let Ok(happened) = news.try_recv() {
        heard.push(match happened {
            SessionNews::Created(_) => "created".to_owned(),
            SessionNews::State(change) => format!("{:?} to {:?}", change.from, change.to),
            SessionNews::Ended(view) => format!("ended with {} bytes", view.bytes_sent),
            SessionNews::Limit(hit) => hit.detail,
        });
    }
    let refusal = "watch the channel: it has 2 viewers already, try again in 15 s";
    assert_eq!(
        heard,
        ["created", "created", refusal, "Created to Active", "Active to Disconnected", "ended with 5 bytes"]
    );
}

#[tokio::test]
async fn totals_are_written_down_and_go_on_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("test.db"), Noon.now()).await.unwrap();
    let settings = Settings { limits: LIMITS, cleanup_interval: Duration::from_secs(3_600) };
    let (_keep, settings) = watch::channel(settings);
    for round in 1..=2 {
        let life = Lifecycle::default();
        let sessions = Sessions::start(store.clone(), Arc::new(Noon), settings.clone(), &life).await.unwrap();
        let ticket = sessions.admit(about(1, SessionKind::Ts), ThrottleWish::default(), None).unwrap();
        ticket.meter().sent(piece(1_000), Instant::now());
        drop(ticket);
        let totals = Totals { sessions: round, bytes: round * 1_000 };
        assert_eq!(sessions.summary().channels[&ChannelId(1)], (totals, 0));
        assert!(life.stop(Duration::from_secs(60)).await);
    }
    let kept = store.session_totals().list().await.unwrap();
    assert_eq!(kept, [ChannelTotal { channel: ChannelId(1), sessions: 2, bytes: 2_000 }]);
}
