//! Hears what the server itself says.
//!
//! Does: turn events of `tracing` into drafts, with the channel, session and run of the spans that they lie in.
//! Does not: filter; whoever installs it does.
//! Invariant: what FFmpeg says comes in by its own way and is not taken twice.

use std::{collections::BTreeMap, error::Error, fmt, sync::Arc};

use exstreamtv_healing::{Draft, LogLevel, LogSource};
use exstreamtv_model::ChannelId;
use serde_json::Value;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use super::Intake;
use crate::clock::{Clock, SystemClock};

/// The message of events that repeat a line of FFmpeg for whoever reads the log file.
pub const FFMPEG: &str = "ffmpeg";

/// What spans say of everything in them.
const OF_SPANS: [&str; 3] = ["channel.id", "session.id", "run.id"];

/// A layer that hears.
pub struct Ear {
    intake: Arc<Intake>,
}

impl Ear {
    /// Returns an ear that says what it hears here.
    pub fn new(intake: Arc<Intake>) -> Self {
        Self { intake }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Ear {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut heard = Heard::default();
        attributes.record(&mut heard);
        heard.fields.retain(|name, _| OF_SPANS.contains(name));
        if !heard.fields.is_empty() {
            span.extensions_mut().insert(OfSpan(heard.fields));
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut heard = Heard::default();
        values.record(&mut heard);
        heard.fields.retain(|name, _| OF_SPANS.contains(name));
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<OfSpan>() {
            Some(known) => known.0.extend(heard.fields),
            None => extensions.insert(OfSpan(heard.fields)),
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !self.intake.is_open() {
            return;
        }
        let mut heard = Heard::default();
        event.record(&mut heard);
        if heard.message == FFMPEG && heard.fields.contains_key("line") {
            return;
        }
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(OfSpan(fields)) = span.extensions().get::<OfSpan>() {
                // The innermost span knows best, and the event better still.
                fields.iter().for_each(|(name, value)| _ = heard.fields.entry(name).or_insert_with(|| value.clone()));
            }
        }
        self.intake.say(heard.into_draft(event.metadata()));
    }
}

/// What a span says, kept with it.
struct OfSpan(BTreeMap<&'static str, Value>);

/// The fields of an event or a span.
#[derive(Default)]
struct Heard {
    message: String,
    fields: BTreeMap<&'static str, Value>,
}

impl Heard {
    fn into_draft(self, metadata: &tracing::Metadata<'_>) -> Draft {
        let Self { message, mut fields } = self;
        let mut draft = Draft::new(SystemClock.now(), LogSource::Application, level(*metadata.level()), message);
        let target = metadata.target();
        draft.component = Some(target.strip_prefix("exstreamtv::").unwrap_or(target).to_owned());
        draft.channel_id = fields.remove("channel.id").as_ref().and_then(number).map(ChannelId);
        draft.session_id = fields.remove("session.id").and_then(|id| Some(id.as_str()?.to_owned()));
        draft.tags = fields.get("cause").and_then(Value::as_str).map(ToOwned::to_owned).into_iter().collect();
        draft.parsed_data = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        draft
    }

    fn note(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => _ = self.fields.insert(name, value),
        }
    }
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::TRACE | Level::DEBUG => LogLevel::Debug,
        Level::INFO => LogLevel::Info,
        Level::WARN => LogLevel::Warning,
        Level::ERROR => LogLevel::Error,
    }
}

impl Visit for Heard {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.note(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.note(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.note(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.note(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let (mut text, mut cause) = (value.to_string(), value.source());
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        self.note(field, text.into());
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn heard(say: impl FnOnce()) -> Vec<Draft> {
        let intake = Arc::new(Intake::default());
        intake.open();
        let subscriber = tracing_subscriber::registry().with(Ear::new(Arc::clone(&intake)));
        tracing::subscriber::with_default(subscriber, say);
        std::iter::from_fn(|| intake.take()).collect()
    }

    #[test]
    fn an_event_knows_its_channel_from_the_span_around_it() {
        let drafts = heard(|| {
            let channel = tracing::info_span!("channel", channel.id = %ChannelId(7), channel.number = "5.1");
            let _inside = channel.enter();
            tracing::warn!(run.id = %12, cause = "ended_early", why = "it is cut", "a run broke");
        });
        let [draft] = &drafts[..] else { panic!("{drafts:?}") };
        assert_eq!(
            (draft.channel_id, draft.level, draft.message.as_str()),
            (Some(ChannelId(7)), LogLevel::Warning, "a run broke")
        );
        assert_eq!((&draft.parsed_data["run.id"], &draft.parsed_data["why"]), (&"12".into(), &"it is cut".into()));
        assert_eq!(
            (draft.tags.as_slice(), draft.component.as_deref()),
            (["ended_early".to_owned()].as_slice(), Some("logs::ear::tests"))
        );
        assert!(!draft.parsed_data.contains_key("channel.number"));
    }

    #[test]
    fn errors_are_told_with_their_causes() {
        let drafts = heard(|| {
            let error = exstreamtv_store::StoreError::CreateFolder {
                path: "/x".into(),
                source: std::io::Error::other("no room"),
            };
            tracing::error!(error = &error as &dyn Error, session.id = "abc", "it failed");
        });
        let text = drafts[0].parsed_data["error"].as_str().unwrap();
        assert!(text.ends_with(": no room"), "{text}");
        assert_eq!(drafts[0].session_id.as_deref(), Some("abc"));
    }

    #[test]
    fn what_ffmpeg_says_is_not_taken_twice() {
        let drafts = heard(|| {
            tracing::warn!(line = "moov atom not found", "ffmpeg");
            tracing::info!("on air");
        });
        assert_eq!(drafts.iter().map(|draft| draft.message.as_str()).collect::<Vec<_>>(), ["on air"]);
    }
}
