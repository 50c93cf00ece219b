//! Any order of commands and observations, without a process.

use exstreamtv_model::{MediaProbe, OutputProfile, Screen, health::Vitals, order::BurnIn, slate::Message};
use exstreamtv_worker_protocol::FfmpegFacts;

use super::*;

/// A machine with its tools, and a clock that the test turns.
struct Bench {
    machine: Machine,
    now: Instant,
}

impl Bench {
    fn configured() -> Self {
        let mut bench = Self::unconfigured();
        let configure = Command::Configure { ffmpeg: "/bin/ffmpeg".into(), ffprobe: "/bin/ffprobe".into() };
        assert_eq!(bench.command(configure), []);
        bench
    }

    fn unconfigured() -> Self {
        Self { machine: Machine::default(), now: Instant::now() }
    }

    fn apply(&mut self, event: Event) -> Vec<Effect> {
        self.machine.apply(self.now, event);
        std::iter::from_fn(|| self.machine.next_effect()).collect()
    }

    fn command(&mut self, command: Command) -> Vec<Effect> {
        self.apply(Event::Command(command))
    }

    fn play(&mut self, run: i64) -> Vec<Effect> {
        self.command(Command::Play(order(run, "")))
    }

    fn cancel(&mut self, run: i64) -> Vec<Effect> {
        self.command(Command::Cancel { run: RunId(run) })
    }

    fn started(&mut self, run: i64) -> Vec<Effect> {
        self.apply(Event::Started { run: RunId(run), pid: 1, command_line: vec![], card: None })
    }

    fn exited(&mut self, run: i64, code: Option<i32>, signal: Option<i32>) -> Vec<Effect> {
        self.apply(Event::Exited { run: RunId(run), exit: Exit { code, signal, ..Exit::default() } })
    }

    fn playing(run: i64) -> Self {
        let mut bench = Self::configured();
        bench.play(run);
        bench.started(run);
        bench
    }

    fn at_deadline(&mut self) -> Vec<Effect> {
        self.now = self.machine.deadline().unwrap();
        self.apply(Event::Tick)
    }
}

fn order(run: i64, text: &str) -> Box<PlayOrder> {
    let source = Source::Slate { screen: Screen::plain(Message::titled(text)) };
    Box::new(PlayOrder {
        run: RunId(run),
        source,
        profile: OutputProfile::default(),
        frames: 1,
        keyframe_offset: 0,
        card: None,
        gain_db: None,
        watermark: None,
    })
}

fn start(run: i64, text: &str, draw_text: bool) -> Effect {
    let abilities = Abilities { draw_text, burn_text: true, tone_map: false };
    Effect::Start { ffmpeg: "/bin/ffmpeg".into(), order: order(run, text), abilities }
}

fn ended(run: i64, end: RunEnd) -> Effect {
    Effect::Send(Report::Ended { run: RunId(run), end })
}

fn identity(draw_text: bool) -> Identity {
    let facts = FfmpegFacts { version: "6.0".to_owned(), path: "/bin/ffmpeg".into(), landlock: 0 };
    Identity { ffmpeg: Ok(facts), abilities: Abilities { draw_text, burn_text: true, tone_map: false } }
}

#[test]
fn a_run_starts_is_announced_and_ends_once() {
    let mut bench = Bench::configured();
    assert_eq!(bench.play(7), [start(7, "", false)]);
    let announced = Report::Started { run: RunId(7), pid: 1, command_line: vec![], card: None };
    assert_eq!(bench.started(7), [Effect::Send(announced)]);
    assert_eq!(bench.exited(7, Some(0), None), [Effect::Forget(RunId(7)), ended(7, RunEnd::Completed)]);
    assert_eq!(bench.exited(7, Some(0), None), [Effect::Forget(RunId(7))], "there is no second end");
}

#[test]
fn every_way_to_end_has_its_name() {
    let end = |cancelled, code, signal| {
        let mut bench = Bench::playing(1);
        if cancelled {
            assert_eq!(bench.cancel(1), [Effect::Kill(RunId(1))]);
        }
        let Some(Effect::Send(Report::Ended { end, .. })) = bench.exited(1, code, signal).pop() else { panic!() };
        end
    };
    assert_eq!(end(true, None, Some(9)), RunEnd::Cancelled);
    assert_eq!(end(true, Some(255), None), RunEnd::Cancelled);
    assert_eq!(end(true, Some(0), None), RunEnd::Completed, "it was done before the signal came");
    assert_eq!(end(false, None, Some(11)), RunEnd::Killed { signal: 11 });
    assert!(matches!(end(false, Some(1), None), RunEnd::Failed { code: 1, message } if message.contains("code 1")));
}

#[test]
fn a_run_that_is_cancelled_before_it_started_is_killed_when_it_has() {
    let mut bench = Bench::configured();
    bench.play(1);
    assert_eq!(bench.cancel(1), []);
    assert_eq!(bench.started(1).last(), Some(&Effect::Kill(RunId(1))));
    assert_eq!(bench.exited(1, None, Some(9)).last(), Some(&ended(1, RunEnd::Cancelled)));
    assert_eq!(bench.cancel(1), [], "it is over");
}

#[test]
fn a_second_order_for_a_playing_run_is_refused_and_does_not_end_the_first() {
    let mut bench = Bench::playing(1);
    let refused = bench.play(1);
    assert!(matches!(&refused[..], [Effect::Send(Report::Log { line, .. })] if line.level == LogLevel::Error));
    assert_eq!(bench.exited(1, Some(0), None).last(), Some(&ended(1, RunEnd::Completed)));
}

#[test]
fn what_cannot_be_started_has_an_end() {
    let mut bench = Bench::configured();
    bench.play(1);
    let message = "no such file".to_owned();
    let effects = bench.apply(Event::NotStarted { run: RunId(1), message: message.clone() });
    assert_eq!(effects, [ended(1, RunEnd::NotStarted { message })]);
}

#[test]
fn without_tools_everything_is_answered_and_nothing_is_done() {
    let mut bench = Bench::unconfigured();
    let answers = [bench.play(1), bench.command(Command::Play(order(2, "text")))];
    for answer in answers {
        assert!(matches!(&answer[..], [Effect::Send(Report::Ended { end: RunEnd::NotStarted { .. }, .. })]));
    }
    let probed = bench.command(Command::Probe { ticket: 1, path: "/a".into() });
    assert!(matches!(&probed[..], [Effect::Send(Report::Probed { ticket: 1, result: Err(_) })]));
    let identified = bench.command(Command::Identify);
    assert!(matches!(&identified[..], [Effect::Send(Report::Identified { ffmpeg: Err(_) })]));
}

#[test]
fn a_slate_with_text_waits_until_it_is_known_whether_text_can_be_drawn() {
    let mut bench = Bench::configured();
    let identify = Effect::Identify(Tools { ffmpeg: "/bin/ffmpeg".into(), ffprobe: "/bin/ffprobe".into() });
    assert_eq!(bench.command(Command::Play(order(1, "sorry"))), [identify]);
    assert_eq!(bench.command(Command::Play(order(2, "sorry"))), [], "one question is enough");
    assert_eq!(bench.cancel(2), [ended(2, RunEnd::Cancelled)]);
    assert_eq!(bench.apply(Event::Identified(identity(true))), [start(1, "sorry", true)]);
    assert_eq!(bench.command(Command::Play(order(3, "sorry"))), [start(3, "sorry", true)]);
}

#[test]
fn subtitles_are_tried_at_once_and_left_out_of_the_next_attempt_when_nothing_came_of_it() {
    let mut bench = Bench::configured();
    let film = |run, subtitles: bool| {
        let subtitles = subtitles.then(|| BurnIn::Sidecar { path: "/m/film.srt".into() });
        let probe = MediaProbe {
            container: String::new(),
            duration_ms: 1,
            bitrate_bps: None,
            streams: vec![],
            chapters: vec![],
        };
        let (path, in_point_ms, video, audio, downmix) = ("/m/film.mkv".into(), 0, Some(0), None, None);
        Box::new(PlayOrder {
            source: Source::File { path, probe, in_point_ms, video, audio, downmix, subtitles },
            ..*order(run, "")
        })
    };
    let starts = |effect: &Effect, wanted: Box<PlayOrder>, burn_text| matches!(effect, Effect::Start { order, abilities, .. } if *order == wanted && abilities.burn_text == burn_text);
    let first = bench.command(Command::Play(film(1, true)));
    let [Effect::Identify(_), start] = &first[..] else { panic!("{first:?}") };
    assert!(starts(start, film(1, true), true), "nobody waits for the answer");
    bench.started(1);
    bench.exited(1, Some(1), None);

    let second = bench.command(Command::Play(film(2, true)));
    let [Effect::Send(Report::Log { line, .. }), start] = &second[..] else { panic!("{second:?}") };
    assert!(line.level == LogLevel::Warning && line.text.contains("subtitles"));
    assert!(starts(start, film(2, false), true));

    let mut unable = identity(true);
    unable.abilities.burn_text = false;
    assert_eq!(bench.apply(Event::Identified(unable)), []);
    let other = bench.command(Command::Play(film(3, false)));
    assert!(starts(&other[0], film(3, false), false));
}

#[test]
fn each_question_for_the_tools_is_answered() {
    let mut bench = Bench::configured();
    assert_eq!(bench.command(Command::Identify).len(), 1);
    assert_eq!(bench.command(Command::Identify), []);
    let answer = Effect::Send(Report::Identified { ffmpeg: identity(false).ffmpeg });
    let answers = bench.apply(Event::Identified(identity(false)));
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|effect| *effect == answer));
}

#[test]
fn probes_are_bounded_and_each_is_answered() {
    let mut bench = Bench::configured();
    let ask = |ticket| Command::Probe { ticket, path: "/a".into() };
    let probe = |ticket| Effect::Probe { ffprobe: "/bin/ffprobe".into(), ticket, path: "/a".into() };
    assert_eq!(bench.command(ask(1)), [probe(1)]);
    assert_eq!(bench.command(ask(2)), [probe(2)]);
    assert_eq!(bench.command(ask(3)), []);
    let answered = bench.apply(Event::Probed { ticket: 2, result: Ok("{}".to_owned()) });
    assert_eq!(answered, [Effect::Send(Report::Probed { ticket: 2, result: Ok("{}".to_owned()) }), probe(3)]);
    bench.command(ask(4));
    let stopped = bench.command(Command::Stop { grace_ms: 0 });
    assert!(matches!(&stopped[..], [Effect::Send(Report::Probed { ticket: 4, result: Err(_) }), Effect::Exit]));
}

#[test]
fn extractions_are_bounded_answered_and_in_nobodys_way() {
    let mut bench = Bench::configured();
    let ask = |ticket| Command::Extract { ticket, path: "/a".into(), stream: 3, to: "/b".into() };
    let extraction = |ticket| Extraction { ticket, path: "/a".into(), stream: 3, to: "/b".into() };
    let extract =
        |ticket| Effect::Read { ffmpeg: "/bin/ffmpeg".into(), reading: Reading::Subtitles(extraction(ticket)) };
    assert_eq!(bench.command(ask(1)), [extract(1)]);
    assert_eq!(bench.command(ask(2)), [extract(2)]);
    assert_eq!(bench.command(ask(3)), []);
    assert_eq!(bench.command(Command::Probe { ticket: 9, path: "/a".into() }).len(), 1, "a probe does not wait");
    let answered = bench.apply(Event::Extracted { ticket: 1, result: Ok(()) });
    assert_eq!(answered, [Effect::Send(Report::Extracted { ticket: 1, result: Ok(()) }), extract(3)]);
    bench.command(ask(4));
    let stopped = bench.command(Command::Stop { grace_ms: 0 });
    assert!(matches!(&stopped[..], [Effect::Send(Report::Extracted { ticket: 4, result: Err(_) }), Effect::Exit]));

    let refused = Bench::unconfigured().command(ask(1));
    assert!(matches!(&refused[..], [Effect::Send(Report::Extracted { ticket: 1, result: Err(_) })]));
}

#[test]
fn an_idle_worker_stops_at_once() {
    assert_eq!(Bench::unconfigured().command(Command::Stop { grace_ms: 5_000 }), [Effect::Exit]);
}

#[test]
fn stop_asks_then_kills_then_leaves() {
    let mut bench = Bench::playing(1);
    assert_eq!(bench.command(Command::Stop { grace_ms: 500 }), [Effect::Terminate(RunId(1))]);
    let late = bench.play(2);
    assert!(matches!(&late[..], [Effect::Send(Report::Ended { end: RunEnd::NotStarted { .. }, .. })]));
    assert_eq!(bench.at_deadline(), [Effect::Kill(RunId(1))]);
    assert_eq!(bench.at_deadline(), [Effect::Exit], "a process that even a kill does not end is left behind");
}

#[test]
fn stop_ends_with_the_last_run() {
    let mut bench = Bench::playing(1);
    bench.play(2);
    bench.started(2);
    assert_eq!(bench.command(Command::Stop { grace_ms: 500 }).len(), 2);
    assert!(!bench.exited(1, Some(255), None).contains(&Effect::Exit));
    let last = bench.exited(2, Some(255), None);
    assert_eq!(last, [Effect::Forget(RunId(2)), ended(2, RunEnd::Cancelled), Effect::Exit]);
}

#[test]
fn stop_during_start_up_leaves_nothing_behind() {
    let mut bench = Bench::configured();
    bench.play(1);
    bench.command(Command::Play(order(2, "waits")));
    assert_eq!(bench.command(Command::Stop { grace_ms: 500 }), [ended(2, RunEnd::Cancelled)]);
    assert_eq!(bench.started(1).last(), Some(&Effect::Kill(RunId(1))));
    assert_eq!(bench.exited(1, None, Some(9)).last(), Some(&Effect::Exit));
}

#[test]
fn without_a_host_everything_is_killed_at_once() {
    let mut bench = Bench::playing(1);
    assert_eq!(bench.apply(Event::HostGone), [Effect::Kill(RunId(1)), Effect::Exit]);
}

#[test]
fn vitals_are_measured_whether_something_runs_or_not() {
    let mut bench = Bench::playing(1);
    assert_eq!(bench.at_deadline(), [Effect::Measure]);
    let vitals = Vitals { runs: 1, ..Vitals::default() };
    assert_eq!(bench.apply(Event::Measured(vitals)), [Effect::Send(Report::Vitals(vitals))]);
    bench.exited(1, Some(0), None);
    assert_eq!(bench.at_deadline(), [Effect::Measure]);
    assert_eq!(Bench::configured().at_deadline(), [Effect::Measure]);
    assert_eq!(Bench::unconfigured().machine.deadline(), None);
}

#[test]
fn words_of_a_run_that_is_over_are_not_passed_on() {
    let mut bench = Bench::playing(1);
    let line = || Event::Line { run: RunId(1), line: LogLine { level: LogLevel::Info, text: "hm".to_owned() } };
    assert_eq!(bench.apply(line()).len(), 1);
    bench.exited(1, Some(0), None);
    assert_eq!(bench.apply(line()), []);
}

#[test]
fn subtitles_go_before_loudness_because_somebody_waits_for_them() {
    let mut bench = Bench::configured();
    let measure = |ticket| Command::Measure { ticket, path: "/a".into(), stream: 1, downmix: None, channels: 2 };
    for ticket in 1..=3 {
        bench.command(measure(ticket));
    }
    bench.command(Command::Extract { ticket: 9, path: "/a".into(), stream: 3, to: "/b".into() });
    let result = Err("no such stream".to_owned());
    let effects = bench.apply(Event::Heard { ticket: 1, result: result.clone() });
    assert_eq!(effects[0], Effect::Send(Report::Measured { ticket: 1, result }));
    assert!(matches!(&effects[1], Effect::Read { reading: Reading::Subtitles(wanted), .. } if wanted.ticket == 9));
    let stopped = bench.command(Command::Stop { grace_ms: 0 });
    assert!(matches!(&stopped[0], Effect::Send(Report::Measured { ticket: 3, result: Err(_) })), "{stopped:?}");
}
