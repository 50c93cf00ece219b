//! Scenes of patterns: what is said, what goes wrong, what is kept.

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_healing::{
    Draft, Limits, LogLevel, LogSource, Templates,
    learning::learnt::{LearntId, Standing},
    patterns::Pattern,
};
use exstreamtv_model::Cause;

use super::{learning::Recollection, *};
use crate::{
    http::fakes::Host,
    logs::{Intake, Settings, TEMPLATES},
};

/// A clock that tests set.
#[derive(Debug)]
struct Hand(Mutex<DateTime<Utc>>);

impl Clock for Hand {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

struct Scene {
    patterns: Patterns,
    logs: Collector,
    sources: Sources,
    clock: Arc<Hand>,
    life: Lifecycle,
    // What they send stays in force while they live.
    _settings: watch::Sender<Settings>,
}

const RULES: Rules = Rules { enabled: true, learns: true, window: TimeDelta::seconds(120), tell_from: 0.75 };

impl Scene {
    async fn of(host: &Host, rules: Rules) -> Self {
        let life = Lifecycle::default();
        let clock = Arc::new(Hand(Mutex::new(host.now())));
        let limits = Limits { events: 100, bytes: 1 << 20, age: TimeDelta::days(9) };
        let (_settings, settings) = watch::channel(Settings { limits, realtime: false });
        let Recollection { memory, templates, last_template } = Recollection::read(&host.store).await;
        let templates = Templates::restored(TEMPLATES, last_template, templates);
        let logs = Collector::start(Arc::new(Intake::default()), templates, clock.clone(), settings, &life);
        let sources = Sources {
            logs: logs.clone(),
            incidents: broadcast::channel(1).1,
            on_air: Box::new(|| [ChannelId(1)].into()),
            clock: clock.clone(),
            store: host.store.clone(),
        };
        let learning = Learning::new(memory, rules, logs.clone(), host.store.clone());
        let patterns = Patterns { detector: Arc::default(), learning };
        Self { patterns, logs, sources, clock, life, _settings }
    }

    /// Lets time pass up to a moment, in steps as the server does.
    fn pass(&self, until: DateTime<Utc>) {
        loop {
            let mut now = self.clock.0.lock().unwrap();
            if *now >= until {
                return;
            }
            *now += TimeDelta::seconds(5);
            drop(now);
            self.patterns.pass_time(&self.sources);
        }
    }

    /// Somebody says something now, and it is looked at.
    async fn say(&self, message: &str) {
        let mut news = self.logs.news();
        let mut draft = Draft::new(self.clock.now(), LogSource::Jellyfin, LogLevel::Info, message);
        draft.channel_id = Some(ChannelId(1));
        self.logs.intake().say(draft);
        self.patterns.take(&news.recv().await.unwrap());
    }

    fn breaks(&self) {
        let (began, title, detail) = (self.clock.now(), String::new(), String::new());
        let (channel, cause) = (ChannelId(1), Cause::FfmpegHung);
        let mut incident = ChannelIncident { channel, cause, began, ended: None, failures: 1, title, detail };
        self.patterns.incident(&incident);
        incident.ended = Some(began + TimeDelta::seconds(10));
        self.patterns.incident(&incident);
    }

    /// So often: half an hour of quiet, a sign, and an incident.
    async fn goes_wrong(&self, times: i64) {
        for n in 0..times {
            self.pass(self.clock.now() + TimeDelta::minutes(30));
            self.say(&format!("transcode {n} for tv was throttled")).await;
            self.pass(self.clock.now() + TimeDelta::seconds(40));
            self.breaks();
        }
    }
}

#[tokio::test]
async fn what_is_learnt_is_written_in_batches_and_goes_on_after_a_restart() {
    let host = Host::open().await;
    let scene = Scene::of(&host, RULES).await;
    scene.goes_wrong(8).await;
    let learned = scene.patterns.learning().learned();
    let [pattern] = &learned.patterns[..] else { panic!("{:?}", learned.patterns) };
    assert_eq!((pattern.steps.len(), pattern.steps[0].text.as_str()), (1, "transcode <*> for tv was throttled"));
    assert_eq!(host.store.learning().read().await.unwrap().windows, [], "nothing is written per event");
    scene.patterns.learning().write().await.unwrap();
    let kept = host.store.learning().read().await.unwrap();
    assert_eq!((kept.patterns.len(), kept.looks), (1, 8));
    let decided = scene.patterns.learning().decide(pattern.id, Standing::Confirmed, host.now()).await.unwrap();
    assert_eq!(decided.map(|pattern| pattern.standing), Some(Standing::Confirmed));

    let scene = Scene::of(&host, RULES).await;
    let again = scene.patterns.learning().learned();
    assert_eq!((again.patterns[0].standing, again.patterns[0].id), (Standing::Confirmed, LearntId(1)));
    assert_eq!((again.incidents, again.quiet), (learned.incidents, learned.quiet));
    assert_eq!(again.patterns[0].samples, learned.patterns[0].samples);
    // The same line is the same template, so the pattern is seen.
    scene.pass(scene.clock.now() + TimeDelta::seconds(5));
    scene.say("transcode 4711 for tv was throttled").await;
    let foretold = scene.patterns.learning().learned().foretold;
    assert_eq!((foretold[0].channel, foretold[0].leads_to), (ChannelId(1), Some(Cause::FfmpegHung)));
    assert!(foretold[0].probability > 0.8, "{foretold:?}");
}

#[tokio::test]
async fn what_was_learnt_goes_with_a_reset_and_what_cannot_be_read_is_learnt_anew() {
    let host = Host::open().await;
    let scene = Scene::of(&host, RULES).await;
    scene.goes_wrong(8).await;
    scene.patterns.learning().write().await.unwrap();
    assert_eq!(scene.patterns.learning().reset().await.unwrap(), 1);
    let kept = host.store.learning().read().await.unwrap();
    assert_eq!((kept.patterns.len(), kept.windows.len(), kept.looks), (0, 0, 0));
    assert!(!kept.templates.is_empty(), "lines are called as before");
    let rows = exstreamtv_store::LearningRows {
        patterns: vec![exstreamtv_store::PatternRow { id: 1, standing: "odd".into(), document: 5.into() }],
        ..Default::default()
    };
    host.store.learning().write(&rows, &Default::default()).await.unwrap();
    assert_eq!(Recollection::read(&host.store).await, Recollection::default());
}

#[tokio::test]
async fn nothing_is_learnt_where_that_is_not_wanted_and_nothing_from_what_we_say_about_patterns() {
    let host = Host::open().await;
    let scene = Scene::of(&host, Rules { learns: false, ..RULES }).await;
    scene.goes_wrong(8).await;
    let learned = scene.patterns.learning().learned();
    assert_eq!((learned.learns, learned.incidents, learned.patterns.len()), (false, 0, 0));
    scene.patterns.set_rules(RULES);
    assert!(scene.patterns.learning().learned().learns);
    let mut own = Draft::new(host.now(), LogSource::Application, LogLevel::Error, "the token has expired");
    own.component = Some("patterns::learning".into());
    let mut news = scene.logs.news();
    scene.logs.intake().say(own);
    scene.patterns.take(&news.recv().await.unwrap());
    assert!(scene.patterns.active().is_empty());
}

#[tokio::test]
async fn what_is_said_is_looked_at_while_that_is_wanted() {
    let host = Host::open().await;
    let Scene { logs, sources, clock, life, _settings, .. } = Scene::of(&host, RULES).await;
    let (rules, wanted) = watch::channel(RULES);
    let patterns = Patterns::start(sources, Memory::default(), wanted, &life);
    let text = "the token has expired";
    logs.intake().say(Draft::new(clock.now(), LogSource::Plex, LogLevel::Error, text));
    while patterns.active().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(patterns.active()[0].pattern, Pattern::UrlExpiration);
    rules.send_replace(Rules { enabled: false, ..RULES });
    while !patterns.active().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(life.stop(Duration::from_secs(60)).await, "whoever looks does not end");
}
