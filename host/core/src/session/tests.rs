//! Scenes with a known end, and 256 simulated days at the door.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const LIMITS: Limits = Limits { per_channel: 5, total: 12, idle_timeout_ms: 300_000 };

fn at(mono_ms: i64) -> At {
    At { mono_ms, wall_ms: 1_800_000_000_000 + mono_ms }
}

fn about(channel: i64, kind: SessionKind) -> About {
    About {
        channel_id: ChannelId(channel),
        channel_number: "5.1".parse().expect("a number"),
        kind,
        client_id: None,
        client_ip: Some([192, 168, 1, 9].into()),
        user_agent: Some("VLC/3".into()),
        idle_after_ms: 10_000,
        over_after_ms: (kind == SessionKind::Hls).then_some(17_000),
    }
}

fn session(kind: SessionKind) -> StreamSession {
    StreamSession::new(SessionId(7), about(1, kind), at(0))
}

fn error(text: &str, mono_ms: i64) -> SessionError {
    SessionError { at: at(mono_ms), text: text.into() }
}

fn register() -> Register {
    Register::new(LIMITS, BTreeMap::new())
}

fn told(register: &mut Register) -> Vec<Happening> {
    std::iter::from_fn(|| register.next_happening()).collect()
}

#[test]
fn an_identity_is_text_that_reads_back() {
    let id = SessionId(0xfeed);
    assert_eq!(id.to_string(), "0000000000000000000000000000feed");
    assert_eq!(id.to_string().parse(), Ok(id));
    for text in [
        "",
        "feed",
        "0000000000000000000000000000FEED",
        "+000000000000000000000000000feed",
        "é000000000000000000000000000000",
    ] {
        assert_eq!(text.parse::<SessionId>(), Err(SessionIdError), "{text:?}");
    }
}

#[test]
fn a_session_counts_what_it_got() {
    let mut session = session(SessionKind::Ts);
    session.sent(at(100), Sent { bytes: 250_000, stream_ms: 1_000 }).unwrap();
    session.sent(at(200), Sent { bytes: 250_000, stream_ms: 1_000 }).unwrap();
    assert_eq!((session.state(), session.bytes_sent(), session.rate_bps()), (SessionState::Active, 500_000, 2_000_000));
    assert_eq!((session.created_at(), session.last_activity()), (at(0), at(200)));
}

#[test]
fn who_takes_nothing_is_idle_and_then_over() {
    let mut session = session(SessionKind::Ts);
    session.active(at(0)).unwrap();
    for (now_ms, state) in [
        (9_999, SessionState::Active),
        (10_000, SessionState::Idle),
        (299_999, SessionState::Idle),
        (300_000, SessionState::Disconnected),
    ] {
        session.pass_time(at(now_ms), 300_000);
        assert_eq!(session.state(), state, "{now_ms}");
    }
    assert_eq!(session.end(), Some(End::TimedOut));
    assert!(session.active(at(300_001)).is_err() && session.sent(at(300_001), Sent::default()).is_err());
}

#[test]
fn a_player_that_no_longer_asks_is_over_after_its_own_time() {
    let mut session = session(SessionKind::Hls);
    session.active(at(0)).unwrap();
    session.pass_time(at(16_999), 300_000);
    assert_eq!(session.state(), SessionState::Idle);
    session.pass_time(at(17_000), 300_000);
    assert_eq!(session.end(), Some(End::TimedOut));
}

#[test]
fn who_waits_for_a_cold_channel_is_not_idle_but_does_not_wait_for_ever() {
    let mut session = session(SessionKind::Ts);
    session.pass_time(at(60_000), 300_000);
    assert_eq!(session.state(), SessionState::Created);
    session.pass_time(at(300_000), 300_000);
    assert_eq!(session.end(), Some(End::TimedOut));
}

#[test]
fn errors_behind_the_feed_send_nobody_away_and_the_newest_fifty_are_kept() {
    let mut session = session(SessionKind::Ts);
    for number in 0..80 {
        session.failed(error(&format!("run {number} broke"), number), Blame::Feed).unwrap();
    }
    assert_eq!((session.state(), session.errors().len(), session.error_count()), (SessionState::Error, 50, 80));
    assert_eq!(session.errors().next().map(|error| error.text.as_str()), Some("run 30 broke"));
    session.sent(at(90), Sent { bytes: 1, stream_ms: 0 }).unwrap();
    assert_eq!(session.state(), SessionState::Active);
}

#[test]
fn a_client_that_errs_again_and_again_is_sent_away_unless_something_goes_well_between() {
    let mut well = session(SessionKind::Hls);
    let mut badly = well.clone();
    for number in 0..i64::from(MAX_ERRORS_IN_A_ROW) {
        badly.failed(error("there is no such segment", number), Blame::Client).unwrap();
        well.failed(error("there is no such segment", number), Blame::Client).unwrap();
        well.sent(at(number), Sent { bytes: 1, stream_ms: 0 }).unwrap();
    }
    assert_eq!((badly.state(), badly.end()), (SessionState::Disconnected, Some(End::TooManyErrors)));
    assert_eq!(well.state(), SessionState::Active);
}

#[test]
fn who_is_given_up_is_over_at_once_with_the_reason() {
    let mut register = register();
    register.admit(SessionId(1), about(1, SessionKind::Ts), at(0)).unwrap();
    register.given_up(SessionId(1), error("it fell behind", 5)).unwrap();
    let session = register.find(SessionId(1)).unwrap();
    assert_eq!((session.end(), session.error_count()), (Some(End::TooManyErrors), 1));
    assert!(register.given_up(SessionId(1), error("again", 6)).is_err());
}

#[test]
fn whatever_a_session_does_it_can_leave() {
    for prepare in [
        |_: &mut StreamSession| {},
        |session: &mut StreamSession| session.active(at(1)).unwrap(),
        |session: &mut StreamSession| session.failed(error("x", 1), Blame::Feed).unwrap(),
        |session: &mut StreamSession| {
            session.active(at(1)).unwrap();
            session.pass_time(at(20_000), 300_000);
        },
    ] {
        let mut session = session(SessionKind::Ts);
        prepare(&mut session);
        session.leave(End::Killed);
        session.leave(End::Left);
        session.restarted();
        assert_eq!((session.state(), session.end()), (SessionState::Disconnected, Some(End::Killed)));
        assert_eq!(session.restart_count(), 0);
    }
}

#[test]
fn a_full_channel_and_a_full_house_refuse_and_say_when_to_come_back() {
    let mut register = register();
    for id in 0..5 {
        register.admit(SessionId(id), about(1, SessionKind::Ts), at(0)).unwrap();
    }
    let full = register.admit(SessionId(5), about(1, SessionKind::Hls), at(0));
    assert_eq!(full, Err(Refusal::ChannelFull { limit: 5, retry_after_s: 15 }));
    for id in 10..17 {
        register.admit(SessionId(id), about(id as i64, SessionKind::Ts), at(0)).unwrap();
    }
    let full = register.admit(SessionId(20), about(30, SessionKind::Ts), at(0));
    assert_eq!(full, Err(Refusal::Full { limit: 12, retry_after_s: 15 }));
    register.leave(SessionId(0), End::Left);
    assert_eq!(register.admit(SessionId(20), about(30, SessionKind::Ts), at(0)), Ok(()));
    let hits = told(&mut register).into_iter().filter(|happening| matches!(happening, Happening::LimitHit { .. }));
    assert_eq!(hits.count(), 2);
}

#[test]
fn who_was_sent_away_is_refused_and_who_timed_out_may_come_back() {
    let mut register = register();
    for id in 1..3 {
        register.admit(SessionId(id), about(1, SessionKind::Hls), at(0)).unwrap();
    }
    assert!(register.kill(SessionId(1), at(0)) && !register.kill(SessionId(1), at(0)));
    register.pass_time(at(300_000));
    assert_eq!(register.find(SessionId(2)).and_then(StreamSession::end), Some(End::TimedOut));
    assert_eq!(register.admit(SessionId(1), about(1, SessionKind::Hls), at(300_000)), Err(Refusal::Killed));
    assert_eq!(register.admit(SessionId(2), about(1, SessionKind::Hls), at(300_000)), Ok(()));
    assert_eq!(register.admit(SessionId(1), about(1, SessionKind::Hls), at(3_600_000)), Ok(()));
}

#[test]
fn what_happens_is_told_once_and_in_order() {
    let mut register = register();
    let id = SessionId(1);
    register.admit(id, about(1, SessionKind::Ts), at(0)).unwrap();
    register.sent(id, at(1), Sent { bytes: 188, stream_ms: 0 }).unwrap();
    register.sent(id, at(2), Sent { bytes: 188, stream_ms: 0 }).unwrap();
    register.channel_failed(ChannelId(1), &error("a run broke", 3));
    register.channel_restarted(ChannelId(1));
    register.leave(id, End::Left);
    let changed = |from, to| Happening::Changed { id, from, to };
    use SessionState::*;
    assert_eq!(
        told(&mut register),
        [
            Happening::Created(id),
            changed(Created, Active),
            changed(Active, Error),
            changed(Error, Disconnected),
            Happening::Ended(id, End::Left),
        ]
    );
    assert_eq!(told(&mut register), []);
    assert_eq!(register.find(id).map(StreamSession::restart_count), Some(1));
    assert_eq!((register.clean(), register.all().count()), (vec![id], 0));
}

#[test]
fn totals_go_on_from_what_was_written_down() {
    let before = Totals { sessions: 10, bytes: 1_000 };
    let mut register = Register::new(LIMITS, BTreeMap::from([(ChannelId(1), before)]));
    register.admit(SessionId(1), about(1, SessionKind::Ts), at(0)).unwrap();
    register.sent(SessionId(1), at(1), Sent { bytes: 188, stream_ms: 0 }).unwrap();
    assert_eq!(register.totals()[&ChannelId(1)], Totals { sessions: 11, bytes: 1_188 });
    let unsaved = register.unsaved();
    assert_eq!(unsaved, [(ChannelId(1), Totals { sessions: 1, bytes: 188 })]);
    register.sent(SessionId(1), at(2), Sent { bytes: 12, stream_ms: 0 }).unwrap();
    register.saved(&unsaved);
    assert_eq!(register.unsaved(), [(ChannelId(1), Totals { sessions: 0, bytes: 12 })]);
}

/// A simulated day: clients come, watch, err, fall silent, leave and are sent away, in any order.
struct Day {
    register: Register,
    now_ms: i64,
    dice: u64,
    /// What the register must know, kept the simple way.
    sent: BTreeMap<SessionId, u64>,
    sent_ever: u64,
    killed: BTreeSet<SessionId>,
    states: BTreeMap<SessionId, SessionState>,
}

impl Day {
    fn new(seed: u64) -> Self {
        Self {
            register: register(),
            now_ms: 0,
            dice: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            sent: BTreeMap::new(),
            sent_ever: 0,
            killed: BTreeSet::new(),
            states: BTreeMap::new(),
        }
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice >> 33) % sides
    }

    fn tick(&mut self) {
        self.now_ms += [1, 20, 500, 4_000, 40_000][self.roll(5) as usize];
        let (id, now) = (SessionId(self.roll(30).into()), at(self.now_ms));
        match self.roll(8) {
            0 | 1 => self.come(id),
            2..=4 => {
                let sent = Sent { bytes: self.roll(100_000), stream_ms: self.roll(400) as i64 };
                if self.register.sent(id, now, sent).is_ok() {
                    *self.sent.entry(id).or_default() += sent.bytes;
                    self.sent_ever += sent.bytes;
                }
            }
            5 => {
                let blame = if self.roll(2) == 0 { Blame::Client } else { Blame::Feed };
                let _ = self.register.failed(id, error("x", self.now_ms), blame);
            }
            6 => match self.roll(3) {
                0 => {
                    if self.register.kill(id, now) {
                        self.killed.insert(id);
                    }
                }
                1 => self.register.leave(id, End::Left),
                _ => drop(self.register.clean()),
            },
            _ => self.register.pass_time(now),
        }
        self.check();
    }

    fn come(&mut self, id: SessionId) {
        if self.register.find_alive(id).is_some() {
            return;
        }
        let kind = if self.roll(2) == 0 { SessionKind::Ts } else { SessionKind::Hls };
        let about = about(self.roll(4) as i64, kind);
        let alive = self.register.alive().count();
        match self.register.admit(id, about, at(self.now_ms)) {
            Ok(()) => {
                self.sent.insert(id, 0);
                self.states.insert(id, SessionState::Created);
            }
            Err(Refusal::Killed) => assert!(self.killed.contains(&id), "{id} was never sent away"),
            Err(_) => assert!(alive >= LIMITS.per_channel, "refused with {alive} in the house"),
        }
    }

    fn check(&mut self) {
        while let Some(happening) = self.register.next_happening() {
            let Happening::Changed { id, from, to } = happening else { continue };
            let known = self.states.insert(id, to);
            assert!(known == Some(from) || from == SessionState::Created, "{id} was {known:?}, not {from:?}");
        }
        let alive: Vec<_> = self.register.alive().collect();
        assert!(alive.len() <= LIMITS.total);
        for channel in 0..4 {
            let here = alive.iter().filter(|session| session.about().channel_id == ChannelId(channel)).count();
            assert!(here <= LIMITS.per_channel, "{here} on channel {channel}");
        }
        for session in self.register.all() {
            assert_eq!(session.bytes_sent(), self.sent[&session.session_id()]);
            assert!(session.errors().len() <= MAX_ERRORS_KEPT && session.created_at().mono_ms <= self.now_ms);
            assert_eq!(session.end().is_some(), session.state() == SessionState::Disconnected);
            assert_eq!(self.states.get(&session.session_id()), Some(&session.state()), "told otherwise");
        }
        let total: u64 = self.register.totals().values().map(|totals| totals.bytes).sum();
        assert_eq!(total, self.sent_ever);
    }
}

#[test]
fn on_256_busy_days_no_limit_is_broken_no_byte_is_lost_and_every_change_is_told() {
    for seed in 1..=256 {
        let mut day = Day::new(seed);
        (0..1_500).for_each(|_| day.tick());
        // Nobody who does nothing stays.
        day.register.pass_time(at(day.now_ms + LIMITS.idle_timeout_ms));
        assert_eq!(day.register.alive().count(), 0, "seed {seed}");
    }
}
