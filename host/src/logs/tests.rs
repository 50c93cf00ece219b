//! Scenes of collecting.

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_healing::Draft;

use super::*;
use crate::clock::SystemClock;

const LIMITS: Limits = Limits { events: 1_000, bytes: 1 << 20, age: TimeDelta::minutes(30) };

fn start(realtime: bool) -> (Collector, watch::Sender<Settings>, Lifecycle) {
    let (sender, settings) = watch::channel(Settings { limits: LIMITS, realtime });
    let life = Lifecycle::default();
    (
        Collector::start(
            Arc::new(Intake::default()),
            Templates::new(TEMPLATES),
            Arc::new(SystemClock),
            settings,
            &life,
        ),
        sender,
        life,
    )
}

fn now() -> DateTime<Utc> {
    SystemClock.now()
}

fn said(level: LogLevel, message: &str) -> Draft {
    Draft::new(now(), LogSource::Plex, level, message)
}

#[tokio::test]
async fn what_is_said_is_numbered_sorted_kept_and_told_without_its_secrets() {
    let (collector, _settings, _life) = start(true);
    let mut news = collector.listen().unwrap();
    collector.intake().say(said(LogLevel::Error, "GET http://10.0.0.1/x?X-Plex-Token=abc123 failed"));
    collector.intake().say(said(LogLevel::Info, "GET http://10.0.0.2/y?X-Plex-Token=def failed"));
    let (first, second) = (news.recv().await.unwrap(), news.recv().await.unwrap());
    assert!(first.message.contains("X-Plex-Token=***") && second.event_id > first.event_id);
    assert_eq!(first.template, second.template);
    let template = collector.template(first.template).unwrap();
    assert_eq!((template.text.as_str(), template.count, template.level), ("GET <*> failed", 2, LogLevel::Error));
    assert!(!format!("{template:?}").contains("abc123"), "a template has no secrets either");
    let errors = Filter { level: Some(LogLevel::Error), ..Filter::default() };
    assert_eq!(collector.newest(&errors, None, 10), [first]);
    assert_eq!(collector.counts().events, 2);
}

#[tokio::test]
async fn a_listener_who_is_slow_loses_events_and_nobody_waits_for_him() {
    let (collector, _settings, _life) = start(true);
    let (mut slow, mut quick) = (collector.listen().unwrap(), collector.listen().unwrap());
    for round in 0..NEWS + 10 {
        collector.intake().say(said(LogLevel::Info, &format!("event {round}")));
        quick.recv().await.unwrap();
    }
    assert!(matches!(slow.recv().await, Err(broadcast::error::RecvError::Lagged(10))));
    assert_eq!(collector.counts().lost, 0);
}

#[tokio::test]
async fn a_reload_changes_how_much_is_kept_and_whether_anybody_may_listen() {
    let (collector, settings, _life) = start(true);
    let mut news = collector.listen().unwrap();
    for round in 0..20 {
        collector.intake().say(said(LogLevel::Info, &format!("event {round}")));
        news.recv().await.unwrap();
    }
    settings.send_replace(Settings { limits: Limits { events: 5, ..LIMITS }, realtime: false });
    assert!(collector.listen().is_none());
    collector.intake().say(said(LogLevel::Info, "one more"));
    news.recv().await.unwrap();
    assert_eq!(collector.counts().events, 5);
}
