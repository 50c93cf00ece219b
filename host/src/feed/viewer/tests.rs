//! Viewers of a feed that nobody writes but the test.

use exstreamtv_core::session::{Limits, SessionKind};
use exstreamtv_model::{ChannelId, OutputProfile, ThrottleWish};
use exstreamtv_transport::{Chunk, FrameGrid};
use futures::{FutureExt, StreamExt};

use super::*;
use crate::{
    clock::SystemClock,
    config::StreamThrottler,
    sessions::{
        Sessions,
        view::{EndView, SessionView, StateView},
    },
};

/// Bytes of a chunk of ten frames: at 30 frames a second a stream of 480 kb/s.
const CHUNK_BYTES: usize = 20_000;

struct House {
    feed: Arc<Feed>,
    sessions: Sessions,
    configured: watch::Sender<StreamThrottler>,
    channel: watch::Sender<ThrottleWish>,
}

impl House {
    fn new(capacity_frames: i64) -> Self {
        let limits = Limits { per_channel: 9, total: 9, idle_timeout_ms: 300_000 };
        Self {
            feed: Arc::new(Feed::idle(FrameGrid::new(&OutputProfile::default()), capacity_frames)),
            sessions: Sessions::of_tests(Arc::new(SystemClock), limits),
            configured: watch::channel(StreamThrottler::default()).0,
            channel: watch::channel(ThrottleWish::default()).0,
        }
    }

    fn viewer(&self, behind_frames: i64, slow_client: SlowClient) -> BoxStream<'static, Bytes> {
        let about = exstreamtv_core::session::About {
            channel_id: ChannelId(1),
            channel_number: "1".parse().unwrap(),
            kind: SessionKind::Ts,
            client_id: None,
            client_ip: None,
            user_agent: None,
            idle_after_ms: 10_000,
            over_after_ms: None,
        };
        let ticket = self.sessions.admit(about, ThrottleWish::default(), None).unwrap();
        let pacing = Pacing {
            configured: self.configured.subscribe(),
            channel: self.channel.subscribe(),
            session: ticket.meter().wish(),
            profile: OutputProfile::default(),
            slow_client,
        };
        stream(Arc::clone(&self.feed), behind_frames, Viewing { ticket, pacing })
    }

    /// Pushes chunks of ten frames; every third one begins with a keyframe.
    fn push(&self, numbers: std::ops::Range<u8>) {
        numbers.for_each(|number| {
            self.feed.push(Chunk {
                data: Bytes::from(vec![number; CHUNK_BYTES]),
                first_index: i64::from(number) * 10,
                frames: 10,
                starts_with_key: number.is_multiple_of(3),
            });
        });
    }

    fn wish(&self, mode: ThrottleMode, target_bitrate_bps: u32) {
        self.channel.send_replace(ThrottleWish { mode: Some(mode), target_bitrate_bps: Some(target_bitrate_bps) });
    }

    fn session(&self) -> SessionView {
        self.sessions.list().pop().unwrap()
    }
}

#[tokio::test]
async fn a_viewer_begins_at_a_keyframe_and_gets_every_chunk_once_and_whole() {
    let house = House::new(120);
    house.push(0..8);
    let mut viewer = house.viewer(20, SlowClient::Skip);
    assert_eq!(viewer.next().await.unwrap(), [6; CHUNK_BYTES][..]);
    assert_eq!(viewer.next().await.unwrap(), [7; CHUNK_BYTES][..]);
    assert!(viewer.next().now_or_never().is_none());
    house.push(8..9);
    assert_eq!(viewer.next().await.unwrap(), [8; CHUNK_BYTES][..]);
    assert_eq!(house.feed.viewers(), 1);
    drop(viewer);
    assert_eq!(house.feed.viewers(), 0);
}

#[tokio::test]
async fn a_session_knows_what_its_viewer_got_and_ends_with_him() {
    let house = House::new(120);
    house.push(0..6);
    let mut viewer = house.viewer(60, SlowClient::Skip);
    assert_eq!(house.session().state, StateView::Created);
    for _ in 0..6 {
        viewer.next().await.unwrap();
    }
    let session = house.session();
    assert_eq!((session.state, session.bytes_sent), (StateView::Active, 6 * CHUNK_BYTES as u64));
    assert!((479_000..483_000).contains(&session.rate_bps), "{}", session.rate_bps);
    let throttle = session.throttle.unwrap();
    assert_eq!(throttle.mode, Some(ThrottleMode::Realtime));
    assert!(throttle.target_bitrate_bps > Some(4_000_000), "an inherited target is raised: {throttle:?}");
    drop(viewer);
    assert_eq!(house.session().ended, Some(EndView::Left));
}

#[tokio::test]
async fn who_cannot_keep_up_skips_to_a_keyframe_or_is_closed_by_policy() {
    for (policy, skips) in [(SlowClient::Skip, true), (SlowClient::Close, false)] {
        let house = House::new(120);
        house.push(0..3);
        let mut viewer = house.viewer(0, policy);
        assert_eq!(viewer.next().await.unwrap()[0], 0);
        house.push(3..60);
        let next = viewer.next().await;
        assert_eq!(next.is_some(), skips, "{policy:?}");
        let number = next.map(|data| data[0]);
        assert!(number.is_none_or(|number| number > 3 && number.is_multiple_of(3)), "{policy:?} goes on at {number:?}");
        let session = house.session();
        assert_eq!(session.errors.len(), 1, "{policy:?}");
        assert_eq!(session.ended, (!skips).then_some(EndView::TooManyErrors));
        assert_eq!(session.skipped_ms > 0, skips);
    }
}

#[tokio::test(start_paused = true)]
async fn a_capped_viewer_gets_pieces_falls_behind_and_skips_to_the_newest_keyframe() {
    let house = House::new(100_000);
    house.wish(ThrottleMode::Realtime, 64_000);
    house.push(0..1);
    let mut viewer = house.viewer(0, SlowClient::Skip);
    let (mut got, mut pieces, mut jumps) = (0, 0, Vec::new());
    let (began, mut last) = (Instant::now(), 0);
    for number in 1..180_u8 {
        // A third of a second of stream, and of time.
        let end = Instant::now() + std::time::Duration::from_micros(333_333);
        house.push(number..number + 1);
        while let Ok(piece) = tokio::time::timeout_at(end, viewer.next()).await {
            let piece = piece.unwrap();
            (got, pieces) = (got + piece.len(), pieces + 1);
            if piece[0] > last + 1 {
                jumps.push(piece[0]);
            }
            last = piece[0];
        }
    }
    let fair = 64_000.0 / 8.0 * began.elapsed().as_secs_f64();
    // Twelve seconds of burst, and what flowed in since.
    let burst = 64_000.0 / 8.0 * 12.0;
    assert!((got as f64 - burst) / fair > 0.95 && (got as f64 - burst) / fair < 1.02, "{got} of {fair} and {burst}");
    assert!(pieces > 300, "{pieces} pieces");
    assert!(jumps.len() >= 3 && jumps.iter().all(|number| number.is_multiple_of(3)), "{jumps:?}");
    let session = house.session();
    assert!(session.skipped_ms > 20_000 && session.errors.len() == jumps.len(), "{session:?}");
    assert!(session.errors[0].text.contains("64000 b/s"), "{:?}", session.errors[0]);
    assert!(session.throttle.unwrap().held_back);
}

#[tokio::test(start_paused = true)]
async fn a_wish_of_the_session_takes_effect_while_it_is_being_sent_the_stream() {
    let house = House::new(100_000);
    house.wish(ThrottleMode::Burst, 64_000);
    house.push(0..60);
    let mut viewer = house.viewer(600, SlowClient::Skip);
    // At twice the cap the backlog of a megabyte takes a minute.
    for _ in 0..20 {
        viewer.next().await.unwrap();
    }
    let since = Instant::now();
    let id = house.session().session_id.parse().unwrap();
    assert!(house.sessions.set_wish(id, ThrottleWish { mode: Some(ThrottleMode::Disabled), target_bitrate_bps: None }));
    let mut last = 0;
    while last < 59 {
        last = viewer.next().await.unwrap()[0];
    }
    assert!(since.elapsed() < std::time::Duration::from_millis(200), "{:?} of virtual time", since.elapsed());
    assert_eq!(house.session().throttle.unwrap().mode, Some(ThrottleMode::Disabled));
}

#[tokio::test]
async fn a_session_that_is_ended_ends_the_stream_whatever_it_waits_for() {
    let house = House::new(120);
    let mut waiting_for_the_first = house.viewer(0, SlowClient::Skip);
    assert!(waiting_for_the_first.next().now_or_never().is_none());
    let end = |house: &House| assert!(house.sessions.kill(house.session().session_id.parse().unwrap()));
    end(&house);
    assert_eq!(waiting_for_the_first.next().await, None);
    house.push(0..1);
    let mut waiting_for_more = house.viewer(0, SlowClient::Skip);
    assert!(waiting_for_more.next().await.is_some());
    assert!(waiting_for_more.next().now_or_never().is_none());
    end(&house);
    assert_eq!(waiting_for_more.next().await, None);
}
