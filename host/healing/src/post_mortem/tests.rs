//! Scenes of accounts.

use exstreamtv_model::MediaId;

use super::{
    evidence::{MOST_SAID, Span, evidence},
    *,
};
use crate::{
    event::{
        LogEvent,
        tests::{at, event},
    },
    templates::TemplateId,
};

pub(crate) const CHANNEL: ChannelId = ChannelId(5);

fn ms(ms: i64) -> DateTime<Utc> {
    at(0) + TimeDelta::milliseconds(ms)
}

fn aired(start_ms: i64, stop_ms: i64, kind: EntryKind) -> AiredRow {
    let cause = (kind == EntryKind::Slate).then_some(Cause::FfmpegCrashed);
    let (media, title) = (Some(MediaId(1)), "Film".to_owned());
    AiredRow { channel: CHANNEL, start: ms(start_ms), stop: ms(stop_ms), kind, media, in_point_ms: 0, title, cause }
}

fn facts() -> Facts {
    let line = |second, level, channel: Option<i64>, template, message: &str| LogEvent {
        level,
        channel_id: channel.map(ChannelId),
        template: TemplateId(template),
        ..event(template, second, message)
    };
    let events = [
        line(-30, LogLevel::Warning, Some(5), 1, "http://nas.lan/film is slow"),
        line(-20, LogLevel::Warning, Some(6), 2, "http://nas.lan/other is slow"),
        line(-15, LogLevel::Warning, Some(7), 3, "http://other.lan/x is slow"),
        line(0, LogLevel::Warning, Some(5), 4, "a run broke"),
        line(1, LogLevel::Info, Some(5), 5, "another attempt"),
        line(90, LogLevel::Warning, Some(5), 6, "long after"),
    ];
    let span = Span { channel: CHANNEL, began: ms(100), until: ms(4_100) };
    let evidence = evidence(span, events.iter(), |id| Some(format!("template {id}")));
    Facts {
        id: 12,
        channel: ("5".into(), "Five".into()),
        incident: ChannelIncident {
            channel: CHANNEL,
            cause: Cause::FfmpegCrashed,
            began: ms(100),
            ended: Some(ms(4_100)),
            failures: 2,
            title: "Film".into(),
            detail: "FFmpeg was ended by signal 9\nand more".into(),
        },
        aired: vec![
            aired(-60_000, 1_000, EntryKind::Programme),
            aired(1_000, 4_200, EntryKind::Slate),
            aired(4_200, 9_000, EntryKind::Programme),
        ],
        failed: vec![FailedRun {
            dossier: "0001".into(),
            at: ms(50),
            cause: Cause::FfmpegCrashed,
            why: "FFmpeg was ended by `signal` 9 | x".into(),
        }],
        evidence: Evidence { viewers: Some(2), ..evidence },
        others: vec![(ChannelId(6), Cause::FfmpegCrashed)],
        now: ms(60_000),
    }
}

#[test]
fn an_account_says_what_why_when_and_what_to_do() {
    let account = facts().account();
    assert_eq!(
        account.summary,
        "Channel 5 “Five” lost “Film” on 15 January 2027 at 08:00:00 UTC: the player of the server failed. Viewers saw the slate for 3.2 s; the \
         programme was back 4.0 s after the server noticed, after 2 failures."
    );
    assert_eq!(
        account.root_cause,
        "The player of the server failed (EX-21): FFmpeg was ended by signal 9. The likeliest root is server nas.lan: 2 of 3 warnings around it are \
         about it, on 2 channels. Another channel broke within a minute with the same cause, so it is hardly this channel alone."
    );
    assert_eq!(account.outcome, Outcome::Recovered);
    let impact = Impact { programme_lost_s: 3.2, viewers: Some(2), detected_after_s: 30.1, over_after_s: Some(4.0) };
    assert_eq!(account.impact, impact);
    use Moment::{Action, Detected, Failure, FirstSign, Recovered, SlateOff, SlateOn};
    let moments: Vec<_> = account.timeline.iter().map(|entry| entry.moment).collect();
    assert_eq!(moments, [FirstSign, Failure, Detected, SlateOn, Action, Recovered, SlateOff]);
    assert!(account.timeline.is_sorted_by_key(|entry| entry.at));
    assert!(account.what_to_do[1].contains("nas.lan") && account.what_to_do[2].contains("0001"), "{account:?}");
    let messages: Vec<_> = account.evidence.iter().map(|said| said.message.as_str()).collect();
    let expected = ["http://nas.lan/film is slow", "http://nas.lan/other is slow", "a run broke", "another attempt"];
    assert_eq!(messages, expected, "what another channel says about another server is no evidence");
    assert_eq!(account.evidence[1].template_text, "template 2");
}

#[test]
fn the_text_has_every_section_and_quotes_what_others_said() {
    let facts = facts();
    let text = facts.markdown(&facts.account());
    let titles: Vec<_> = text.lines().filter(|line| line.starts_with('#')).collect();
    let expected = [
        "# Incident 12: The player of the server failed (EX-21)",
        "## What happened",
        "## Impact",
        "## Root cause",
        "## Timeline",
        "## What was done",
        "## What to do",
        "## Evidence",
    ];
    assert_eq!(titles, expected);
    assert!(
        text.contains("| 08:00:00.100 | +0.000 s | the server noticed: the player of the server failed |"),
        "{text}"
    );
    assert!(text.contains("a run failed: `FFmpeg was ended by 'signal' 9 \\| x`"), "{text}");
    assert!(text.contains("- Programme lost: 3.2 s\n- Who watched: 2 viewers\n"), "{text}");
    assert!(text.contains("Channel 5 Five · 2027-01-15 08:00:00 UTC · recovered"), "{text}");
    println!("{text}");
}

#[test]
fn one_that_goes_on_one_that_was_given_up_and_one_that_nobody_saw_are_told_apart() {
    let mut facts = facts();
    facts.incident.ended = None;
    facts.aired.truncate(2);
    let open = facts.account();
    assert_eq!((open.outcome, open.impact.over_after_s), (Outcome::Open, None));
    assert!(open.summary.ends_with("it goes on, after 2 failures so far."), "{}", open.summary);
    facts.incident.ended = Some(ms(4_200));
    assert_eq!(facts.account().outcome, Outcome::Abandoned);
    facts.aired = vec![aired(-60_000, 9_000, EntryKind::Programme)];
    let unseen = facts.account();
    assert_eq!((unseen.outcome, unseen.impact.programme_lost_s), (Outcome::Recovered, 0.0));
    assert!(unseen.summary.contains("no interruption"), "{}", unseen.summary);
}

#[test]
fn of_a_flood_the_most_serious_and_nearest_lines_are_kept_and_counted() {
    let said = |n: u64, level| LogEvent {
        level,
        channel_id: Some(CHANNEL),
        template: TemplateId(n % 200),
        ..event(n, i64::try_from(n % 100).unwrap() - 50, &format!("kind {}", n % 200))
    };
    let mut events: Vec<_> = (0..2_000).map(|n| said(n, LogLevel::Info)).collect();
    events.push(said(7, LogLevel::Critical));
    let span = Span { channel: CHANNEL, began: at(0), until: at(60) };
    let found = evidence(span, events.iter(), |_| None);
    assert_eq!(found.said.len(), MOST_SAID);
    let worst = found.said.iter().find(|said| said.level == LogLevel::Critical).unwrap();
    assert_eq!((worst.times, worst.message.as_str()), (11, "kind 7"));
    assert!(serde_json::to_string(&found).unwrap().len() < 40_000);
}
