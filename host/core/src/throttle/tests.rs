//! Every mode in virtual time: how fast, how smooth, and what becomes of those who fall behind.

use proptest::prelude::*;

use super::*;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const CHUNKS: [usize; 6] = [1, 188, 1_316, 65_536, 1 << 20, 4 << 20];

fn terms(mode: ThrottleMode, target_bps: u64) -> Terms {
    Terms { mode, target_bps, may_skip: true }
}

fn offer(now: Duration, bytes: usize) -> Offer {
    Offer { now, bytes, whole: true, lag_ms: 0, can_skip: false, socket: None }
}

/// A viewer for whom there always is a next chunk.
struct Greedy {
    throttle: Throttle,
    chunk: usize,
    left: usize,
    now: Duration,
    sent: u64,
    waits: u32,
    longest: Duration,
}

impl Greedy {
    fn new(terms: Terms, chunk: usize) -> Self {
        let throttle = Throttle::new(terms, Duration::ZERO);
        Self { throttle, chunk, left: chunk, now: Duration::ZERO, sent: 0, waits: 0, longest: Duration::ZERO }
    }

    /// Sends until a moment, and returns how much.
    fn run_until(&mut self, end: Duration) -> u64 {
        let before = self.sent;
        while self.now < end {
            let whole = self.left == self.chunk;
            match self.throttle.offer(Offer { whole, ..offer(self.now, self.left) }) {
                Verdict::Send(bytes) => {
                    self.sent += bytes as u64;
                    self.left -= bytes;
                    if self.left == 0 {
                        self.left = self.chunk;
                    }
                }
                Verdict::WaitUntil(at) => {
                    self.waits += 1;
                    self.longest = self.longest.max(at - self.now);
                    self.now = at;
                }
                Verdict::SkipToKeyframe => panic!("there is nothing to skip to"),
            }
        }
        self.sent - before
    }
}

fn assert_rate(what: &str, bytes: u64, over: Duration, target_bps: f64) {
    let bps = bytes as f64 * 8.0 / over.as_secs_f64();
    assert!((bps / target_bps - 1.0).abs() < 0.02, "{what}: {bps:.0} b/s instead of {target_bps:.0}");
}

#[test]
fn a_cap_is_kept_to_two_percent_whatever_the_size_of_chunks() {
    for mode in [ThrottleMode::Realtime, ThrottleMode::Burst] {
        for target_bps in [64_000, 500_000, 4_000_000, 50_000_000] {
            for chunk in CHUNKS.into_iter().filter(|chunk| *chunk > 1 || target_bps <= 500_000) {
                let what = format!("{mode:?}, {target_bps} b/s, {chunk} bytes");
                let mut viewer = Greedy::new(terms(mode, target_bps), chunk);
                viewer.run_until(30 * SECOND);
                let before = viewer.now;
                let waits = viewer.waits;
                let sent = viewer.run_until(70 * SECOND);
                assert_rate(&what, sent, viewer.now - before, target_bps as f64);
                assert!(viewer.longest <= MAX_WAIT, "{what}: waited {:?}", viewer.longest);
                assert!(viewer.waits - waits <= 40 * 25, "{what}: {} waits in 40 s", viewer.waits - waits);
            }
        }
    }
}

#[test]
fn a_joiner_of_a_capped_stream_gets_his_burst_at_once() {
    let mut throttle = Throttle::new(terms(ThrottleMode::Realtime, 4_000_000), Duration::ZERO);
    // Eight seconds of 4 Mb/s, in chunks of 200 ms.
    for _ in 0..40 {
        assert_eq!(throttle.offer(offer(Duration::ZERO, 100_000)), Verdict::Send(100_000));
    }
}

#[test]
fn a_stream_below_the_cap_never_waits_even_at_its_peaks() {
    let mut throttle = Throttle::new(terms(ThrottleMode::Realtime, 4_000_000), Duration::ZERO);
    for tick in 0..3_000_u32 {
        // Keyframes are five times as large; the mean is 3.6 Mb/s.
        let bytes = if tick % 10 == 0 { 321_400 } else { 64_300 };
        assert_eq!(throttle.offer(offer(200 * tick * MILLISECOND, bytes)), Verdict::Send(bytes), "tick {tick}");
    }
}

#[test]
fn a_burst_is_twice_as_fast_until_the_bucket_is_empty() {
    for chunk in [188, 65_536, 4 << 20] {
        let mut viewer = Greedy::new(terms(ThrottleMode::Burst, 4_000_000), chunk);
        viewer.run_until(SECOND);
        let before = viewer.now;
        let fast = viewer.run_until(9 * SECOND);
        assert_rate("the burst", fast, viewer.now - before, 8_000_000.0);
        viewer.run_until(11 * SECOND);
        let before = viewer.now;
        let slow = viewer.run_until(60 * SECOND);
        assert_rate("after it", slow, viewer.now - before, 4_000_000.0);
    }
}

#[test]
fn a_bucket_fills_again_while_little_is_sent() {
    let mut viewer = Greedy::new(terms(ThrottleMode::Burst, 4_000_000), 65_536);
    viewer.run_until(30 * SECOND);
    viewer.now += 20 * SECOND;
    let (before, now) = (viewer.sent, viewer.now);
    viewer.run_until(now + 5 * SECOND);
    assert!((viewer.sent - before) as f64 * 8.0 / 5.0 > 7_800_000.0);
}

#[test]
fn disabled_sends_whatever_there_is() {
    let mut throttle = Throttle::new(terms(ThrottleMode::Disabled, 64_000), Duration::ZERO);
    for chunk in CHUNKS {
        let late = Offer { lag_ms: 60_000, can_skip: true, ..offer(Duration::ZERO, chunk) };
        assert_eq!(throttle.offer(late), Verdict::Send(chunk));
    }
}

#[test]
fn a_change_of_terms_is_no_second_burst() {
    let mut throttle = Throttle::new(terms(ThrottleMode::Disabled, 1), Duration::ZERO);
    throttle.change(terms(ThrottleMode::Realtime, 800_000), SECOND);
    assert!(matches!(throttle.offer(offer(SECOND, 100_000)), Verdict::WaitUntil(_)));
    assert_eq!(throttle.offer(offer(2 * SECOND, 100_000)), Verdict::Send(100_000));
    throttle.change(terms(ThrottleMode::Realtime, 800_000), 2 * SECOND);
    assert!(matches!(throttle.offer(offer(2 * SECOND, 1)), Verdict::WaitUntil(_)), "the same terms are no change");
}

/// A feed of chunks of 200 ms with a keyframe every two seconds, and a viewer who follows it.
struct Follow {
    throttle: Throttle,
    now: Duration,
    /// Bytes of a chunk.
    chunk: usize,
    /// Next chunk to send, and what was sent of it.
    at: i64,
    sent_of_chunk: usize,
    sent: u64,
    skips: Vec<(i64, i64)>,
    link: Option<Link>,
    /// Where the player's clock is, chunks; it starts when it has two seconds.
    played: Option<f64>,
    stalled_ms: f64,
}

/// A network with a queue in front of it.
#[derive(Clone, Copy)]
struct Link {
    bytes_per_s: f64,
    queued: f64,
}

const CHUNK_MS: i64 = 200;
const CHUNKS_IN_GOP: i64 = 10;
/// Chunks in the ring when the viewer joins: six seconds.
const BACKLOG: i64 = 30;

impl Follow {
    fn new(terms: Terms, stream_bps: f64, link: Option<Link>) -> Self {
        Self {
            throttle: Throttle::new(terms, Duration::ZERO),
            now: Duration::ZERO,
            chunk: (stream_bps / 8.0 * CHUNK_MS as f64 / 1000.0) as usize,
            at: 0,
            sent_of_chunk: 0,
            sent: 0,
            skips: vec![],
            link,
            played: None,
            stalled_ms: 0.0,
        }
    }

    fn newest(&self) -> i64 {
        BACKLOG + self.now.as_millis() as i64 / CHUNK_MS
    }

    fn pass(&mut self, time: Duration) {
        if let Some(link) = &mut self.link {
            link.queued = (link.queued - link.bytes_per_s * time.as_secs_f64()).max(0.0);
        }
        self.now += time;
        // What stands in the queue is not at the player yet.
        let queued = self.link.map_or(0.0, |link| link.queued);
        let arrived = self.at as f64 - queued / self.chunk as f64;
        match &mut self.played {
            Some(played) => {
                let step = time.as_secs_f64() * 1000.0 / CHUNK_MS as f64;
                self.stalled_ms += ((*played + step - arrived).max(0.0) * CHUNK_MS as f64).min(time.as_millis() as f64);
                *played = (*played + step).min(arrived.max(*played));
            }
            None if arrived >= 10.0 => self.played = Some(0.0),
            None => {}
        }
    }

    fn run_until(&mut self, end: Duration) {
        while self.now < end {
            if self.at >= self.newest() {
                self.pass(20 * MILLISECOND);
                continue;
            }
            let key = (self.newest() - 1) / CHUNKS_IN_GOP * CHUNKS_IN_GOP;
            let socket = self.link.map(|link| SocketFeedback { queued_bytes: link.queued as u64, delivery_bps: None });
            let verdict = self.throttle.offer(Offer {
                now: self.now,
                bytes: self.chunk - self.sent_of_chunk,
                whole: self.sent_of_chunk == 0,
                lag_ms: (self.newest() - self.at - 1) * CHUNK_MS,
                can_skip: key > self.at,
                socket,
            });
            match verdict {
                Verdict::Send(bytes) => {
                    self.sent += bytes as u64;
                    self.sent_of_chunk += bytes;
                    self.link.iter_mut().for_each(|link| link.queued += bytes as f64);
                    if self.sent_of_chunk == self.chunk {
                        (self.at, self.sent_of_chunk) = (self.at + 1, 0);
                    }
                }
                Verdict::WaitUntil(at) => self.pass(at - self.now),
                Verdict::SkipToKeyframe => {
                    assert!(key > self.at && self.sent_of_chunk == 0, "skipped inside a chunk or backwards");
                    self.skips.push((self.at, key));
                    self.at = key;
                }
            }
        }
    }

    fn lag_ms(&self) -> i64 {
        (self.newest() - self.at) * CHUNK_MS
    }
}

#[test]
fn a_stream_above_its_cap_lags_skips_to_keyframes_and_never_starves() {
    let mut viewer = Follow::new(terms(ThrottleMode::Realtime, 1_000_000), 2_000_000.0, None);
    viewer.run_until(30 * SECOND);
    let (before, skips) = (viewer.sent, viewer.skips.len());
    viewer.run_until(90 * SECOND);
    assert_rate("the cap", viewer.sent - before, 60 * SECOND, 1_000_000.0);
    let skips = &viewer.skips[skips..];
    assert!((4..=20).contains(&skips.len()), "{skips:?}");
    assert!(skips.iter().all(|(_, to)| to % CHUNKS_IN_GOP == 0), "{skips:?}");
    assert!(viewer.lag_ms() <= 12_000, "{} ms behind", viewer.lag_ms());
}

#[test]
fn who_may_not_skip_falls_behind_at_the_cap() {
    let capped = Terms { may_skip: false, ..terms(ThrottleMode::Realtime, 1_000_000) };
    let mut viewer = Follow::new(capped, 2_000_000.0, None);
    viewer.run_until(60 * SECOND);
    assert!(viewer.skips.is_empty() && viewer.lag_ms() > 20_000);
}

#[test]
fn a_viewer_who_keeps_up_is_never_waited_for() {
    for mode in [ThrottleMode::Realtime, ThrottleMode::Adaptive, ThrottleMode::Disabled] {
        let link = Link { bytes_per_s: 12_500_000.0, queued: 0.0 };
        let mut viewer = Follow::new(terms(mode, 4_000_000), 2_700_000.0, Some(link));
        viewer.run_until(120 * SECOND);
        assert!(viewer.skips.is_empty() && viewer.lag_ms() <= 200, "{mode:?}: {} ms", viewer.lag_ms());
        assert!(viewer.stalled_ms < 1.0, "{mode:?} stalled for {} ms", viewer.stalled_ms);
    }
}

#[test]
fn a_struggling_client_is_slowed_skips_before_its_player_stalls_and_recovers() {
    let link = Link { bytes_per_s: 1_250_000.0, queued: 0.0 };
    let mut viewer = Follow::new(terms(ThrottleMode::Adaptive, 4_000_000), 2_700_000.0, Some(link));
    viewer.run_until(20 * SECOND);
    assert!(viewer.skips.is_empty() && viewer.lag_ms() <= 400);
    // The network now takes 60 % of what the stream needs.
    viewer.link = Some(Link { bytes_per_s: 202_500.0, queued: 0.0 });
    let before = viewer.sent;
    viewer.run_until(80 * SECOND);
    assert!(!viewer.skips.is_empty(), "nothing was skipped");
    assert!(viewer.stalled_ms < 100.0, "the player stood still for {} ms", viewer.stalled_ms);
    let sent = viewer.sent - before;
    assert!(sent as f64 > 60.0 * 202_500.0 * 0.97, "the network was not used: {sent} bytes in 60 s");
    let queued = viewer.link.expect("there is one").queued;
    assert!(queued < 202_500.0 * 1.6, "{queued} bytes stand in the queue and cannot be skipped");
    // And is as fast as before again.
    viewer.link = Some(Link { bytes_per_s: 1_250_000.0, queued });
    viewer.run_until(90 * SECOND);
    let skips = viewer.skips.len();
    viewer.run_until(150 * SECOND);
    assert!(viewer.skips.len() == skips && viewer.lag_ms() <= 400, "{} ms behind", viewer.lag_ms());
}

#[test]
fn a_client_that_takes_nothing_is_asked_ten_times_a_second_at_most() {
    let mut throttle = Throttle::new(terms(ThrottleMode::Adaptive, 4_000_000), Duration::ZERO);
    let (mut now, mut queued, mut waits) = (Duration::ZERO, 0_u64, 0);
    while now < 20 * SECOND {
        let socket = Some(SocketFeedback { queued_bytes: queued, delivery_bps: Some(900_000_000) });
        match throttle.offer(Offer { socket, ..offer(now, 67_500) }) {
            Verdict::Send(bytes) => {
                queued += bytes as u64;
                now += 10 * MILLISECOND;
            }
            Verdict::WaitUntil(at) => (now, waits) = (at, waits + 1),
            Verdict::SkipToKeyframe => panic!("there is nothing to skip to"),
        }
    }
    assert!(queued <= 400_000, "{queued} bytes were pushed at a client that takes nothing");
    assert!(waits <= 20 * 12, "{waits} waits in 20 s");
}

#[test]
fn without_a_word_from_the_socket_adaptive_still_skips() {
    let mut throttle = Throttle::new(terms(ThrottleMode::Adaptive, 4_000_000), Duration::ZERO);
    let behind = |lag_ms| Offer { lag_ms, can_skip: true, ..offer(SECOND, 1_000) };
    assert_eq!(throttle.offer(behind(7_000)), Verdict::Send(1_000));
    assert_eq!(throttle.offer(behind(0)), Verdict::Send(1_000));
    assert_eq!(throttle.offer(Offer { whole: false, ..behind(7_000) }), Verdict::Send(1_000));
    assert_eq!(throttle.offer(behind(7_000)), Verdict::SkipToKeyframe);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_mixture_of_chunks_flows_at_the_cap(
        target_bps in 64_000_u64..100_000_000,
        chunks in prop::collection::vec(prop_oneof![1_usize..400, 1_000_usize..100_000, 1_000_000_usize..4_200_000], 1..6),
        burst: bool,
        jitter_us in 0_u64..4_000,
    ) {
        let mode = if burst { ThrottleMode::Burst } else { ThrottleMode::Realtime };
        let mut throttle = Throttle::new(terms(mode, target_bps), Duration::ZERO);
        let (mut now, mut sent, mut measured_from) = (Duration::ZERO, 0_u64, None);
        let mut chunks = chunks.iter().cycle();
        let mut left = 0;
        for _ in 0..400_000 {
            if left == 0 {
                left = *chunks.next().expect("it goes round");
            }
            match throttle.offer(Offer { whole: false, ..offer(now, left) }) {
                Verdict::Send(bytes) => {
                    prop_assert!(bytes >= 1 && bytes <= left);
                    (left, sent) = (left - bytes, sent + bytes as u64);
                }
                Verdict::WaitUntil(at) => {
                    prop_assert!(at > now && at - now <= MAX_WAIT);
                    // Timers are late, never early.
                    now = at + Duration::from_micros(jitter_us);
                    if now > 30 * SECOND && measured_from.is_none() {
                        measured_from = Some((now, sent));
                    }
                    if now > 90 * SECOND {
                        break;
                    }
                }
                Verdict::SkipToKeyframe => prop_assert!(false, "inside a chunk"),
            }
        }
        if let Some((from, before)) = measured_from.filter(|(from, _)| now - *from > 20 * SECOND) {
            let bps = (sent - before) as f64 * 8.0 / (now - from).as_secs_f64();
            prop_assert!((bps / target_bps as f64 - 1.0).abs() < 0.02, "{} instead of {}", bps, target_bps);
        }
    }
}
