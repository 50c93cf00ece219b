//! Everything that anybody says, in one place.
//!
//! Does: take what the server itself, its FFmpegs, media servers and the machine say; number it, take out secrets, sort it by template; keep the
//! newest and tell whoever listens.
//! Does not: decide what it means, or write log files (that is [`crate::app`]).
//! Invariants: whoever says something waits for nobody: what cannot be taken is counted as lost; a listener who is slow loses events and is told
//! how many; memory is bounded.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use exstreamtv_core::redaction::redact;
use exstreamtv_healing::{
    EventId, Filter, Limits, LogBuffer, LogEvent, LogLevel, LogSource, Template, TemplateId, Templates,
    buffer::Window,
    templates::{Line, Since},
};
use serde::Serialize;
use tokio::sync::{broadcast, watch};
use utoipa::ToSchema;

use crate::{clock::Clock, lifecycle::Lifecycle};

pub mod ear;
pub mod intake;
pub mod kernel;
pub mod machine;
pub mod tail;

pub use intake::Intake;

/// News that a slow listener may have before him.
const NEWS: usize = 4_096;
/// Templates that are known at a time.
pub const TEMPLATES: usize = 2_000;
/// Events that are sorted before others may have a look.
const BATCH: usize = 256;
/// How often what is too old is forgotten while nobody says anything.
const TIDY: Duration = Duration::from_secs(10);

/// Settings that a reload may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How much is kept.
    pub limits: Limits,
    /// Whether new events are passed on as they come.
    pub realtime: bool,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    /// Events that are kept.
    pub events: usize,
    /// About how much memory they take.
    pub bytes: usize,
    /// Events that were forgotten because they were old or too many.
    pub forgotten: u64,
    /// Events that came faster than they could be taken.
    pub lost: u64,
    /// Templates that are known.
    pub templates: usize,
}

/// What was said. Cheap to clone.
#[derive(Clone)]
pub struct Collector {
    shared: Arc<Shared>,
}

struct Shared {
    intake: Arc<Intake>,
    state: Mutex<State>,
    news: broadcast::Sender<Arc<LogEvent>>,
    settings: watch::Receiver<Settings>,
}

struct State {
    buffer: LogBuffer,
    templates: Templates,
    last: u64,
}

impl Collector {
    /// Starts to take what comes in; `templates` are those that are known already.
    pub fn start(
        intake: Arc<Intake>,
        templates: Templates,
        clock: Arc<dyn Clock>,
        settings: watch::Receiver<Settings>,
        life: &Lifecycle,
    ) -> Self {
        let state = State { buffer: LogBuffer::new(settings.borrow().limits), templates, last: 0 };
        let shared = Shared { intake, state: Mutex::new(state), news: broadcast::channel(NEWS).0, settings };
        let collector = Self { shared: Arc::new(shared) };
        collector.shared.intake.open();
        life.spawn(collector.clone().collect(clock, life.clone()));
        collector
    }

    async fn collect(self, clock: Arc<dyn Clock>, life: Lifecycle) {
        let (mut settings, stopping) = (self.shared.settings.clone(), life.stopping());
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.shared.intake.filled() => {}
                Ok(()) = settings.changed() => self.lock().buffer.set_limits(settings.borrow_and_update().limits),
                () = tokio::time::sleep(TIDY) => self.lock().buffer.pass_time(clock.now()),
            }
            while self.take_some() {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Takes some of what has come; returns whether there may be more.
    fn take_some(&self) -> bool {
        for _ in 0..BATCH {
            let Some(draft) = self.shared.intake.take() else { return false };
            let draft = draft.bounded(|text| {
                if let std::borrow::Cow::Owned(clean) = redact(text) {
                    *text = clean;
                }
            });
            let event = Arc::new(self.number(draft));
            self.lock().buffer.push(Arc::clone(&event));
            // Nobody may be listening.
            let _ = self.shared.news.send(event);
        }
        true
    }

    fn number(&self, draft: exstreamtv_healing::Draft) -> LogEvent {
        let telling = draft.telling();
        let line = Line { at: draft.timestamp, source: draft.source, level: draft.level, text: &telling };
        let mut state = self.lock();
        let template = state.templates.sort(line);
        state.last += 1;
        LogEvent::new(EventId(state.last), template, draft)
    }

    /// Returns the wanted events before `before`, the newest first.
    pub fn newest(&self, filter: &Filter, before: Option<EventId>, most: usize) -> Vec<Arc<LogEvent>> {
        self.lock().buffer.newest(filter, before, most)
    }

    /// Returns one event.
    pub fn find(&self, id: EventId) -> Option<Arc<LogEvent>> {
        self.lock().buffer.find(id)
    }

    /// Returns what was said around an event by or about the same.
    pub fn context(&self, id: EventId, window: Window) -> Vec<Arc<LogEvent>> {
        self.lock().buffer.context(id, window)
    }

    /// Returns templates, the one heard last first.
    pub fn templates(&self, source: Option<LogSource>, level: Option<LogLevel>, most: usize) -> Vec<Template> {
        let wanted = |template: &&Template| {
            source.is_none_or(|source| template.source == source) && level.is_none_or(|level| template.level >= level)
        };
        self.lock().templates.newest().filter(wanted).take(most).cloned().collect()
    }

    /// Returns one template.
    pub fn template(&self, id: TemplateId) -> Option<Template> {
        self.lock().templates.find(id).cloned()
    }

    /// Returns what templates are new or different since so many lines.
    pub fn templates_since(&self, lines: u64) -> Since {
        self.lock().templates.since(lines)
    }

    /// Never forgets these templates.
    pub fn pin(&self, pinned: BTreeSet<TemplateId>) {
        self.lock().templates.pin(pinned);
    }

    /// Returns what is said from now on, or nothing where that is not wanted.
    pub fn listen(&self) -> Option<broadcast::Receiver<Arc<LogEvent>>> {
        self.shared.settings.borrow().realtime.then(|| self.shared.news.subscribe())
    }

    /// Returns what is said from now on, for parts of the host.
    pub fn news(&self) -> broadcast::Receiver<Arc<LogEvent>> {
        self.shared.news.subscribe()
    }

    /// Returns where to say something.
    pub fn intake(&self) -> &Arc<Intake> {
        &self.shared.intake
    }

    /// Returns how much there is.
    pub fn counts(&self) -> Counts {
        let state = self.lock();
        Counts {
            events: state.buffer.len(),
            bytes: state.buffer.bytes(),
            forgotten: state.buffer.forgotten(),
            lost: self.shared.intake.lost(),
            templates: state.templates.newest().count(),
        }
    }

    /// Locked for moments only.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
