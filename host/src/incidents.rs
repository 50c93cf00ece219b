//! What is known about each incident.
//!
//! Does: keep what was said around an incident and who watched while that is fresh; put the records of the database, the dossiers and the log together.
//! Does not: find out what went wrong, or act.
//! Invariants: evidence is written a few times for each incident, never per event; an account can be had without the log, only poorer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_core::session::SessionKind;
use exstreamtv_healing::{
    Filter,
    post_mortem::{
        Evidence, Facts, FailedRun, NEAR, SIGNS,
        evidence::{AFTER, Span, evidence},
    },
};
use exstreamtv_model::{ChannelId, ChannelIncident};
use exstreamtv_store::{NumberedIncident, Store, StoreError};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    dossiers::{Dossiers, Summary},
    lifecycle::Lifecycle,
    logs::Collector,
    sessions::Sessions,
};

pub mod wording;

use wording::Wording;

/// Events that are looked through for one incident.
const MOST_EVENTS: usize = 5_000;
/// Rows of the as-run log that are looked at.
const MOST_ROWS: u32 = 500;
/// Other incidents that are looked at.
const MOST_OTHERS: u32 = 200;
/// Failed runs that an account names.
const MOST_FAILED: usize = 50;
/// Incidents that are watched at a time.
const MOST_WATCHED: usize = 1_000;
/// Incidents that may wait to be worded; of more the oldest stay without.
const OVER: usize = 32;
/// How often those that go on are looked at.
const TICK: Duration = Duration::from_secs(1);
/// What is said about an incident comes a little later; and one that goes on may outlive the server.
const FIRST_LOOK: TimeDelta = TimeDelta::seconds(5);
const LAST_LOOK: TimeDelta = TimeDelta::seconds(2);

/// What is seen of incidents that go on, by channel and beginning.
type WatchedIncidents = BTreeMap<(ChannelId, DateTime<Utc>), Watched>;

/// Where accounts come from. Cheap to clone.
#[derive(Clone)]
pub struct Incidents {
    store: Store,
    dossiers: Dossiers,
    logs: Collector,
    sessions: Sessions,
    clock: Arc<dyn Clock>,
    watched: Arc<Mutex<WatchedIncidents>>,
    /// Incidents that are over, for whoever words them.
    over: broadcast::Sender<(ChannelId, DateTime<Utc>)>,
}

/// An incident whose evidence is not written yet.
#[derive(Debug, Clone, Copy)]
struct Watched {
    ended: Option<DateTime<Utc>>,
    viewers: usize,
    due: Option<DateTime<Utc>>,
}

impl Incidents {
    /// Returns one that watches nothing.
    pub fn new(store: Store, dossiers: Dossiers, logs: Collector, sessions: Sessions, clock: Arc<dyn Clock>) -> Self {
        Self { store, dossiers, logs, sessions, clock, watched: Arc::default(), over: broadcast::channel(OVER).0 }
    }

    /// Starts to keep evidence of whatever happens.
    pub fn watch(&self, news: broadcast::Receiver<ChannelIncident>, life: &Lifecycle) {
        life.spawn(self.clone().keep(news, life.stopping()));
    }

    async fn keep(self, mut news: broadcast::Receiver<ChannelIncident>, stopping: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                () = stopping.cancelled() => break,
                Ok(incident) = news.recv() => self.note(&incident),
                _ = tick.tick() => {
                    self.count_viewers();
                    self.prove(|watched, now| watched.due.is_some_and(|due| due <= now)).await;
                }
            }
        }
        self.prove(|_, _| true).await;
    }

    /// Takes what is new about an incident.
    fn note(&self, incident: &ChannelIncident) {
        let viewers = self.viewers(incident.channel);
        let mut all = self.lock();
        if all.len() >= MOST_WATCHED {
            all.pop_first();
        }
        let first = incident.began + FIRST_LOOK;
        let watched = all.entry((incident.channel, incident.began));
        let watched = watched.or_insert(Watched { ended: None, viewers, due: Some(first) });
        watched.viewers = watched.viewers.max(viewers);
        watched.ended = incident.ended;
        if let Some(ended) = incident.ended {
            watched.due = Some(ended + LAST_LOOK);
        }
    }

    fn count_viewers(&self) {
        let open: Vec<_> = self.lock().iter().filter(|(_, one)| one.ended.is_none()).map(|(key, _)| *key).collect();
        for key in open {
            let viewers = self.viewers(key.0);
            if let Some(watched) = self.lock().get_mut(&key) {
                watched.viewers = watched.viewers.max(viewers);
            }
        }
    }

    fn viewers(&self, channel: ChannelId) -> usize {
        [SessionKind::Ts, SessionKind::Hls].into_iter().map(|kind| self.sessions.count(channel, kind)).sum()
    }

    /// Writes what is known about those for which it is time.
    async fn prove(&self, is_time: impl Fn(&Watched, DateTime<Utc>) -> bool) {
        let now = self.clock.now();
        let due: Vec<_> =
            self.lock().iter().filter(|(_, one)| is_time(one, now)).map(|(key, one)| (*key, *one)).collect();
        for ((channel, began), watched) in due {
            let found = self.fresh(Span { channel, began, until: watched.ended.unwrap_or(now) }, Some(watched.viewers));
            let document = serde_json::to_value(&found).unwrap_or_default();
            let written = self.store.chronicle().prove(channel, began, &document).await;
            if let Err(error) = &written {
                tracing::warn!(
                    error = error as &dyn std::error::Error,
                    "the evidence of an incident is not written down"
                );
            }
            let mut all = self.lock();
            let over = all.get(&(channel, began)).is_some_and(|known| known.ended.is_some());
            if over {
                all.remove(&(channel, began));
                // Nobody may be listening.
                let _ = self.over.send((channel, began));
            } else if let Some(known) = all.get_mut(&(channel, began)) {
                known.due = None;
            }
        }
    }

    /// Lets a language model word accounts of incidents that are over, where one is wanted.
    pub async fn word(self, wanted: watch::Receiver<Option<Wording>>, stopping: CancellationToken) {
        let mut over = self.over.subscribe();
        let wording = async {
            loop {
                match over.recv().await {
                    Ok((channel, began)) => {
                        let wording = wanted.borrow().clone();
                        if let Some(wording) = wording {
                            self.word_one(&wording, channel, began).await;
                        }
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        };
        tokio::select! {
            () = stopping.cancelled() => {}
            () = wording => {}
        }
    }

    async fn word_one(&self, wording: &Wording, channel: ChannelId, began: DateTime<Utc>) {
        if let Err(error) = self.try_word(wording, channel, began).await {
            let error = &*error as &dyn std::error::Error;
            tracing::warn!(channel.id = %channel, error, "an incident stays without a language model's words");
        }
    }

    async fn try_word(
        &self,
        wording: &Wording,
        channel: ChannelId,
        began: DateTime<Utc>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let near = began + TimeDelta::milliseconds(1);
        let within = self.store.chronicle().incidents_within(began, near, MOST_OTHERS).await?;
        let Some(numbered) = within.into_iter().find(|one| one.incident.channel == channel) else { return Ok(()) };
        let Some(mut facts) = self.find(numbered.id).await? else { return Ok(()) };
        facts.evidence.wording = None;
        let worded = wording.word(&facts.markdown(&facts.account())).await?;
        facts.evidence.wording = Some(worded);
        let document = serde_json::to_value(&facts.evidence)?;
        Ok(self.store.chronicle().prove(channel, began, &document).await?)
    }

    /// Reads the log.
    fn fresh(&self, span: Span, viewers: Option<usize>) -> Evidence {
        let (since, until) = (Some(span.began - SIGNS), Some(span.until + AFTER + TimeDelta::milliseconds(1)));
        let mut events = self.logs.newest(&Filter { since, until, ..Filter::default() }, None, MOST_EVENTS);
        events.reverse();
        let wording = |id| self.logs.template(id).map(|template| template.text);
        Evidence { viewers, ..evidence(span, events.iter().map(|event| &**event), wording) }
    }

    /// Returns everything that is known about an incident; `None` if there is none of this number.
    ///
    /// # Errors
    /// Fails when the database does.
    pub async fn find(&self, id: i64) -> Result<Option<Facts>, StoreError> {
        let Some(numbered) = self.store.chronicle().incident(id).await? else { return Ok(None) };
        let ChannelIncident { channel, began, ended, .. } = numbered.incident;
        let watched = self.lock().get(&(channel, began)).copied();
        // While it is fresh the log knows more than what was kept.
        let kept = match watched {
            Some(known) => {
                let until = ended.unwrap_or_else(|| self.clock.now());
                Some(self.fresh(Span { channel, began, until }, Some(known.viewers)))
            }
            None => None,
        };
        let failed = self.dossiers.list(Some(channel)).await.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "an account is given without dossiers");
            Vec::new()
        });
        facts(&self.store, numbered, kept, failed, self.clock.now()).await.map(Some)
    }

    /// Locked for moments only.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<(ChannelId, DateTime<Utc>), Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts together what the database and the dossiers know; without fresh evidence, what was kept.
///
/// # Errors
/// Fails when the database does.
pub async fn facts(
    store: &Store,
    numbered: NumberedIncident,
    fresh: Option<Evidence>,
    dossiers: Vec<Summary>,
    now: DateTime<Utc>,
) -> Result<Facts, StoreError> {
    let NumberedIncident { id, incident } = numbered;
    let (chronicle, channel) = (store.chronicle(), incident.channel);
    let until = incident.ended.unwrap_or(now);
    let aired = chronicle.aired(channel, incident.began - SIGNS, until + NEAR, MOST_ROWS).await?;
    let near = chronicle.incidents_within(incident.began - NEAR, incident.began + NEAR, MOST_OTHERS).await?;
    let mut others: Vec<_> = near.into_iter().map(|other| (other.incident.channel, other.incident.cause)).collect();
    others.retain(|(other, _)| *other != channel);
    others.sort_unstable();
    others.dedup_by_key(|(other, _)| *other);
    let kept = match fresh {
        Some(fresh) => Some(fresh),
        // What another version wrote is as if it were not there.
        None => chronicle.proof(channel, incident.began).await?.and_then(|kept| serde_json::from_value(kept).ok()),
    };
    let named = store.channels().find(channel).await?;
    Ok(Facts {
        id,
        channel: named.map(|channel| (channel.number.to_string(), channel.name)).unwrap_or_default(),
        failed: failed_runs(dossiers, incident.began, until),
        incident,
        aired,
        evidence: kept.unwrap_or_default(),
        others,
        now,
    })
}

/// Runs that failed a moment before it was noticed, or until it was over.
fn failed_runs(dossiers: Vec<Summary>, began: DateTime<Utc>, until: DateTime<Utc>) -> Vec<FailedRun> {
    let (from, to) = (began - TimeDelta::seconds(2), until + TimeDelta::seconds(1));
    let failed = dossiers.into_iter().filter_map(|dossier| {
        let at = DateTime::from_timestamp_millis(dossier.at_ms).filter(|at| *at >= from && *at <= to)?;
        Some(FailedRun { dossier: dossier.id.to_string(), at, cause: dossier.cause, why: dossier.why })
    });
    let mut failed: Vec<_> = failed.collect();
    failed.sort_by_key(|run| run.at);
    failed.truncate(MOST_FAILED);
    failed
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use exstreamtv_healing::{Draft, LogLevel, LogSource};
    use exstreamtv_model::Cause;
    use serde_json::json;

    use crate::http::fakes::{Host, body_bytes, body_json};

    use super::*;

    fn incident(channel: ChannelId, began: DateTime<Utc>, ended: Option<DateTime<Utc>>) -> ChannelIncident {
        let (title, detail) = ("Film".to_owned(), "FFmpeg was ended by signal 9".to_owned());
        ChannelIncident { channel, cause: Cause::FfmpegCrashed, began, ended, failures: 1, title, detail }
    }

    #[tokio::test]
    async fn evidence_outlives_the_log_and_is_told_as_json_and_as_text() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await.id;
        let began = host.now();
        let mut news = host.logs.news();
        let mut draft = Draft::new(began, LogSource::Ffmpeg, LogLevel::Error, "http://nas.lan/x?token=a: reset");
        draft.channel_id = Some(channel);
        host.logs.intake().say(draft);
        news.recv().await.unwrap();
        let open = incident(channel, began, None);
        host.store.chronicle().note(&open).await.unwrap();
        host.incidents.note(&open);
        let shown = body_json(host.get("/api/v1/incidents/1").await).await;
        assert_eq!((&shown["outcome"], &shown["impact"]["viewers"]), (&json!("open"), &json!(0)));
        let over = incident(channel, began, Some(began + TimeDelta::seconds(3)));
        host.store.chronicle().note(&over).await.unwrap();
        host.incidents.note(&over);
        host.incidents.prove(|_, _| true).await;
        assert!(host.incidents.lock().is_empty());

        // The log is forgotten; another server tells it from what was kept.
        let kept = host.store.chronicle().proof(channel, began).await.unwrap().unwrap();
        assert_eq!(kept["said"][0]["message"], "http://nas.lan/x?token=*** reset");
        let shown = body_json(host.get("/api/v1/incidents/1").await).await;
        assert_eq!(
            (&shown["id"], &shown["code"], &shown["outcome"]),
            (&json!("1"), &json!("EX-21"), &json!("abandoned"))
        );
        assert_eq!(shown["evidence"][0]["about"], json!(["server nas.lan"]));
        assert_eq!(shown["channel_name"], "Five");
        for path in ["/api/v1/incidents/1?format=markdown", "/api/v1/incidents/1.md"] {
            let response = host.get(path).await;
            assert_eq!(response.headers()["content-type"], "text/markdown; charset=utf-8");
            let text = String::from_utf8(body_bytes(response).await.to_vec()).unwrap();
            assert!(text.starts_with("# Incident 1: The player of the server failed (EX-21)"), "{text}");
        }
        assert_eq!(host.get("/api/v1/incidents/2").await.status(), StatusCode::NOT_FOUND);
        assert_eq!(host.get("/api/v1/incidents/x").await.status(), StatusCode::NOT_FOUND);
        assert_eq!(host.get("/api/v1/incidents/1?format=pdf").await.status(), StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn a_language_model_words_what_is_over_without_secrets_and_stands_beside_the_account() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await.id;
        let began = host.now();
        let mut over = incident(channel, began, Some(began + TimeDelta::seconds(3)));
        over.detail = "http://me:hunter2@nas.lan/x failed".into();
        host.store.chronicle().note(&over).await.unwrap();
        host.incidents.note(&over);
        let (server, asked) =
            wording::tests::model(r#"{"choices":[{"message":{"content":"FFmpeg died.\nIt came back."}}]}"#);
        let wanted = watch::Sender::new(Wording::parse(&server, "tiny"));
        let stopping = CancellationToken::new();
        let worded = async {
            host.incidents.prove(|_, _| true).await;
            loop {
                let shown = body_json(host.get("/api/v1/incidents/1").await).await;
                if shown["wording"].is_object() {
                    stopping.cancel();
                    return shown;
                }
            }
        };
        let (shown, ()) = tokio::join!(worded, host.incidents.clone().word(wanted.subscribe(), stopping.clone()));
        assert_eq!(shown["wording"], json!({"model": "tiny", "text": "FFmpeg died.\nIt came back."}));
        let asked = asked.recv().unwrap();
        assert!(asked.starts_with("POST /v1/chat/completions HTTP/1.1"), "{asked}");
        assert!(asked.contains("The player of the server failed") && !asked.contains("hunter2"), "{asked}");
        let text = body_bytes(host.get("/api/v1/incidents/1.md").await).await;
        assert!(
            String::from_utf8_lossy(&text).ends_with("## In the words of `tiny`\n\n> FFmpeg died.\n> It came back.\n")
        );
    }

    #[tokio::test]
    async fn incidents_of_other_channels_at_the_time_are_named() {
        let host = Host::open().await;
        let (one, other) = (host.channel("5", "Five").await.id, host.channel("6", "Six").await.id);
        for (channel, second) in [(one, 0), (other, 20), (other, 40), (other, 900)] {
            let began = host.now() + TimeDelta::seconds(second);
            host.store.chronicle().note(&incident(channel, began, Some(began))).await.unwrap();
        }
        let facts = host.incidents.find(1).await.unwrap().unwrap();
        assert_eq!(facts.others, [(other, Cause::FfmpegCrashed)]);
        assert!(host.incidents.find(9).await.unwrap().is_none());
    }
}
