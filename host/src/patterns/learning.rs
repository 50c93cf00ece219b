//! What is learnt about what precedes incidents, between the log, the feeds and the database.
//!
//! Does: show the learner events, incidents and which channels are on air; restore it at start; write down what changed, in batches; tell of what is new.
//! Does not: learn; `exstreamtv_healing::learning` does. Act; nobody does on a prediction alone.
//! Invariants: nothing is written per event; what could not be written is written later; what the database cannot give back is learnt anew, and the
//! server starts without it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_healing::{
    LogEvent, LogLevel, TemplateId,
    learning::{
        Changes, Foretold, Learner, Memory, News,
        evidence::{MOST_OF_CHANNEL, MOST_WINDOWS},
        learnt::{Learnt, LearntId, Standing, Step},
        window::Window,
    },
    templates::{Remembered, Since},
};
use exstreamtv_model::{Cause, ChannelId, ChannelIncident};
use exstreamtv_store::{Going, LearningRows, PatternRow, Store, StoreError, TemplateRow, WindowRow};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::logs::Collector;

/// How often what was learnt is written down.
pub const WRITING: Duration = Duration::from_secs(60);

/// What the learner was, and what lines were called, before a restart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recollection {
    /// What was learnt.
    pub memory: Memory,
    /// The templates, the one heard last last.
    pub templates: Vec<Remembered>,
    /// The highest number that was given to one.
    pub last_template: u64,
}

impl Recollection {
    /// Reads what was learnt; what cannot be read is as if it had never been.
    pub async fn read(store: &Store) -> Self {
        let read = store.learning().read().await.map_err(Unreadable::Store);
        read.and_then(|rows| Self::of(rows).map_err(Unreadable::Document)).unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "what was learnt about incidents cannot be read; it is learnt anew");
            Self::default()
        })
    }

    fn of(rows: LearningRows) -> Result<Self, serde_json::Error> {
        let patterns = rows.patterns.into_iter().map(|row| serde_json::from_value(row.document));
        let patterns = patterns.collect::<Result<Vec<Learnt>, _>>()?;
        let mut templates = rows.templates.into_iter().map(template).collect::<Result<Vec<_>, _>>()?;
        for step in patterns.iter().flat_map(|pattern| &pattern.steps) {
            // A pattern is looked for by its lines, even where a backup brought it back without them.
            if !templates.iter().any(|known| known.id == step.template) {
                templates.push(of_step(step));
            }
        }
        let windows = rows.windows.into_iter().map(window).collect::<Result<_, _>>()?;
        Ok(Self {
            memory: Memory { looks: rows.looks, windows, patterns },
            templates,
            last_template: u64::try_from(rows.last_template).unwrap_or_default(),
        })
    }
}

#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("read the database")]
    Store(#[source] StoreError),
    #[error("understand a document")]
    Document(#[source] serde_json::Error),
}

/// What can be changed while running.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Whether anything is looked for.
    pub enabled: bool,
    /// Whether new patterns are learnt.
    pub learns: bool,
    /// How long before an incident its signs are looked for.
    pub window: TimeDelta,
    /// From these odds on a prediction is told.
    pub tell_from: f64,
}

/// What is known, for whoever asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// Whether more is learnt.
    pub learns: bool,
    /// Incidents and quiet stretches that are known.
    pub incidents: usize,
    /// Quiet stretches.
    pub quiet: usize,
    /// The patterns.
    pub patterns: Vec<Learnt>,
    /// What confirmed ones foretell.
    pub foretold: Vec<Foretold>,
}

/// The learner and where what it learns is kept. Cheap to clone.
#[derive(Clone)]
pub struct Learning {
    learner: Arc<Mutex<Learner>>,
    rules: Arc<Mutex<Rules>>,
    logs: Collector,
    store: Store,
    /// One writes at a time, and knows up to which line templates are written.
    written: Arc<tokio::sync::Mutex<u64>>,
}

impl Learning {
    /// Goes on with what was learnt.
    pub fn new(memory: Memory, rules: Rules, logs: Collector, store: Store) -> Self {
        let mut learner = Learner::new(rules.window, memory);
        learner.set_learning(rules.learns);
        let learning = Self {
            learner: Arc::new(Mutex::new(learner)),
            rules: Arc::new(Mutex::new(rules)),
            logs,
            store,
            written: Arc::default(),
        };
        learning.pin();
        learning
    }

    /// Takes over other rules.
    pub(super) fn set_rules(&self, rules: Rules) {
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = rules;
        let mut learner = self.lock();
        learner.set_learning(rules.learns);
        learner.set_window(rules.window);
    }

    pub(super) fn rules(&self) -> Rules {
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self, event: &LogEvent) {
        let news = self.lock().take(event);
        self.tell(news);
    }

    pub(super) fn incident(&self, incident: &ChannelIncident) {
        // These are ordered, or said by the schedule; nothing breaks.
        let broke = !matches!(incident.cause, Cause::Starting | Cause::NothingScheduled | Cause::RestartOrdered);
        let wording = |id: TemplateId| {
            let template = self.logs.template(id)?;
            Some((template.source, template.text))
        };
        let news = match incident.ended {
            Some(ended) => {
                self.lock().incident_ends(incident.channel, ended);
                Vec::new()
            }
            None if broke => self.lock().incident_begins(incident.channel, incident.cause, incident.began, &wording),
            None => Vec::new(),
        };
        if !news.is_empty() {
            self.pin();
        }
        self.tell(news);
    }

    pub(super) fn pass_time(&self, now: DateTime<Utc>, on_air: &BTreeSet<ChannelId>) {
        let news = self.lock().pass_time(now, on_air);
        self.tell(news);
    }

    /// Knows what was learnt elsewhere.
    #[cfg(test)]
    pub(crate) fn remember(&self, memory: Memory) {
        *self.lock() = Learner::new(self.rules().window, memory);
    }

    /// Returns what is known.
    pub fn learned(&self) -> Learned {
        let rules = self.rules();
        let learner = self.lock();
        let (incidents, quiet) = learner.known();
        Learned {
            learns: rules.enabled && rules.learns,
            incidents,
            quiet,
            patterns: learner.patterns().cloned().collect(),
            foretold: learner.foretold(),
        }
    }

    /// A person decides on a pattern; `None` if there is no such pattern.
    ///
    /// # Errors
    /// Fails when the database does; the decision holds until the next start, and is written later.
    pub async fn decide(
        &self,
        id: LearntId,
        standing: Standing,
        now: DateTime<Utc>,
    ) -> Result<Option<Learnt>, StoreError> {
        let decided = self.lock().decide(id, standing, now).cloned();
        if decided.is_some() {
            self.write().await?;
        }
        Ok(decided)
    }

    /// Forgets everything that was learnt; returns how many patterns that were.
    ///
    /// # Errors
    /// Fails when the database does; then nothing is forgotten.
    pub async fn reset(&self) -> Result<usize, StoreError> {
        // Nobody may write in between what is to be forgotten.
        let _written = self.written.lock().await;
        self.store.learning().reset().await?;
        Ok(self.lock().reset())
    }

    /// Writes down what changed, if anything did.
    ///
    /// # Errors
    /// Fails when the database does; what changed is written the next time.
    pub async fn write(&self) -> Result<(), StoreError> {
        let mut written = self.written.lock().await;
        let changes = self.lock().take_changes();
        if changes.is_empty() {
            return Ok(());
        }
        let since = self.logs.templates_since(*written);
        let (rows, going) = rows(&changes, &since);
        let done = self.store.learning().write(&rows, &going).await;
        match &done {
            Ok(()) => *written = since.lines,
            Err(_) => self.lock().put_back(changes),
        }
        done
    }

    /// Writes what changed, now and then and in the end.
    pub(super) async fn keep(self, stopping: CancellationToken) {
        let mut writing = super::interval(WRITING);
        loop {
            tokio::select! {
                () = stopping.cancelled() => break,
                _ = writing.tick() => self.write_or_warn().await,
            }
        }
        self.write_or_warn().await;
    }

    async fn write_or_warn(&self) {
        if let Err(error) = self.write().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what was learnt about incidents is not written down yet"
            );
        }
    }

    /// Templates that patterns are made of are never forgotten, or the patterns would never be seen again.
    fn pin(&self) {
        let steps = self.lock().patterns().flat_map(|pattern| &pattern.steps).map(|step| step.template).collect();
        self.logs.pin(steps);
    }

    fn tell(&self, news: Vec<News>) {
        let tell_from = self.rules().tell_from;
        news.into_iter().for_each(|news| tell(news, tell_from));
    }

    /// Locked for moments only.
    fn lock(&self) -> MutexGuard<'_, Learner> {
        self.learner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(news: News, tell_from: f64) {
    match news {
        News::Proposed(pattern) => tracing::info!(
            pattern = pattern.id.0,
            sequence = sequence(&pattern),
            support = pattern.statistics.support,
            confidence = pattern.statistics.confidence,
            p_adjusted = pattern.statistics.p_adjusted,
            "a pattern was found that precedes incidents; confirm or reject it"
        ),
        News::Confirmed(pattern) => tracing::info!(
            pattern = pattern.id.0,
            sequence = sequence(&pattern),
            came_true = pattern.record.came_true,
            did_not = pattern.record.did_not,
            "evidence confirms a learnt pattern"
        ),
        News::GivenUp(id) => tracing::info!(pattern = id.0, "a learnt pattern foretells nothing any more"),
        News::Foretold(foretold) if foretold.probability >= tell_from => tracing::warn!(
            channel.id = %foretold.channel,
            pattern = foretold.pattern.0,
            probability = foretold.probability,
            leads_to = foretold.leads_to.map(Cause::word),
            "a learnt pattern foretells an incident"
        ),
        News::Foretold(_) => {}
    }
}

fn sequence(pattern: &Learnt) -> String {
    pattern.steps.iter().map(|step| step.text.as_str()).collect::<Vec<_>>().join(" → ")
}

fn rows(changes: &Changes, since: &Since) -> (LearningRows, Going) {
    let pattern = |pattern: &Learnt| PatternRow {
        id: pattern.id.0,
        standing: name(&pattern.standing),
        // It has no map whose keys are not text, so this cannot fail.
        document: serde_json::to_value(pattern).unwrap_or_default(),
    };
    let rows = LearningRows {
        looks: changes.looks,
        last_template: number(since.last),
        templates: since.changed.iter().map(template_row).collect(),
        windows: changes.windows.iter().map(window_row).collect(),
        patterns: changes.patterns.iter().map(pattern).collect(),
    };
    let going = Going {
        templates_that_stay: since.known.iter().map(|id| number(id.0)).collect(),
        patterns: changes.gone.iter().map(|id| id.0).collect(),
        windows_of_channel: u32::try_from(MOST_OF_CHANNEL).unwrap_or(u32::MAX),
        windows: u32::try_from(MOST_WINDOWS).unwrap_or(u32::MAX),
    };
    (rows, going)
}

fn template_row(known: &Remembered) -> TemplateRow {
    let Remembered { id, source, text, count, level, first, last } = known;
    let (source, level, text) = (name(source), name(level), text.clone());
    TemplateRow { id: number(id.0), source, level, text, count: *count, first: *first, last: *last }
}

fn template(row: TemplateRow) -> Result<Remembered, serde_json::Error> {
    let TemplateRow { id, source, level, text, count, first, last } = row;
    let id = TemplateId(u64::try_from(id).unwrap_or_default());
    Ok(Remembered { id, source: of_name(source)?, level: of_name(level)?, text, count, first, last })
}

fn of_step(step: &Step) -> Remembered {
    let (source, text) = (step.source, step.text.clone());
    let (first, last) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH);
    Remembered { id: step.template, source, text, count: 0, level: LogLevel::Info, first, last }
}

fn window_row(window: &Window) -> WindowRow {
    let Window { channel, at, before_incident, weight, items } = window;
    let items = serde_json::to_value(items).unwrap_or_default();
    WindowRow { channel: *channel, at: *at, before_incident: *before_incident, weight: *weight, items }
}

fn window(row: WindowRow) -> Result<Window, serde_json::Error> {
    let WindowRow { channel, at, before_incident, weight, items } = row;
    Ok(Window { channel, at, before_incident, weight, items: serde_json::from_value(items)? })
}

fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

fn of_name<T: DeserializeOwned>(name: String) -> Result<T, serde_json::Error> {
    serde_json::from_value(Value::String(name))
}

fn number(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}
