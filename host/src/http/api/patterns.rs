//! `/api/v1/patterns`: which patterns of trouble are there, and what was learnt about what precedes incidents.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use exstreamtv_healing::{
    LogSource,
    learning::{
        Foretold,
        learnt::{Decider, Learnt, LearntId, Record, Sample, Standing, Step},
        mine::Statistics,
        window::Whose,
    },
    patterns::PatternAnalysis,
};
use exstreamtv_model::{Cause, ChannelId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{HttpState, extract::PathPart, problem::ApiError};

/// Patterns of trouble.
#[derive(Debug, Serialize, ToSchema)]
pub struct PatternsView {
    /// The known patterns that are there now, the most serious first.
    pub items: Vec<PatternAnalysis>,
    /// What confirmed learnt patterns foretell now, the likeliest first.
    pub foretold: Vec<Foretold>,
    /// What was learnt.
    pub learned: Vec<LearnedView>,
    /// From what it is learnt.
    pub learning: LearningView,
}

/// From what it is learnt.
#[derive(Debug, Serialize, ToSchema)]
pub struct LearningView {
    /// Whether more is learnt.
    pub enabled: bool,
    /// Incidents that are compared.
    pub incidents: usize,
    /// Quiet stretches that they are compared with.
    pub quiet: usize,
}

/// A sequence of lines that preceded incidents more often than chance.
#[derive(Debug, Serialize, ToSchema)]
pub struct LearnedView {
    /// Identity.
    pub id: i64,
    /// What is thought of it.
    pub standing: Standing,
    /// What it says, in a sentence.
    pub explanation: String,
    /// The lines, in order.
    pub sequence: Vec<StepView>,
    /// What was counted.
    pub statistics: Statistics,
    /// The odds that an incident follows, from what it was found with and what it foretold since.
    pub probability: f64,
    /// What became of its predictions.
    pub record: Record,
    /// What went wrong after it, and how often.
    pub leads_to: BTreeMap<String, u32>,
    /// The newest incidents that it preceded.
    pub incidents: Vec<SampleView>,
    /// When it was proposed.
    pub proposed: DateTime<Utc>,
    /// When it was decided.
    pub decided: Option<DateTime<Utc>>,
    /// By whom.
    pub decided_by: Option<Decider>,
    /// When it was seen last.
    pub seen: DateTime<Utc>,
}

/// A line of a sequence.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepView {
    /// Whose line, as the channel that breaks sees it.
    pub whose: Whose,
    /// Who says it.
    pub source: LogSource,
    /// What it says; `<*>` where it differs.
    pub text: String,
    /// Which template it is, as in `/logs/templates`.
    pub template: String,
}

/// An incident that a pattern preceded.
#[derive(Debug, Serialize, ToSchema)]
pub struct SampleView {
    /// Where.
    pub channel: ChannelId,
    /// When.
    pub at: DateTime<Utc>,
    /// What went wrong.
    pub cause: Cause,
    /// Servers and disks that connect it with what other channels said.
    pub shared: Vec<String>,
}

/// What was forgotten.
#[derive(Debug, Serialize, ToSchema)]
pub struct ForgottenView {
    /// So many patterns.
    pub patterns: usize,
}

impl From<Learnt> for LearnedView {
    fn from(pattern: Learnt) -> Self {
        Self {
            id: pattern.id.0,
            explanation: explanation(&pattern),
            probability: pattern.probability(),
            leads_to: pattern.leads_to.iter().map(|(cause, times)| (cause.word().to_owned(), *times)).collect(),
            standing: pattern.standing,
            sequence: pattern.steps.into_iter().map(StepView::from).collect(),
            statistics: pattern.statistics,
            record: pattern.record,
            incidents: pattern.samples.into_iter().map(SampleView::from).collect(),
            proposed: pattern.proposed,
            decided: pattern.decided.map(|(at, _)| at),
            decided_by: pattern.decided.map(|(_, by)| by),
            seen: pattern.seen,
        }
    }
}

impl From<Step> for StepView {
    fn from(Step { whose, template, source, text }: Step) -> Self {
        Self { whose, source, text, template: template.to_string() }
    }
}

impl From<Sample> for SampleView {
    fn from(Sample { channel, at, cause, shared }: Sample) -> Self {
        Self { channel, at, cause, shared }
    }
}

fn explanation(pattern: &Learnt) -> String {
    let Statistics { support, incidents, quiet, quiet_with, lift, p_adjusted, .. } = pattern.statistics;
    let said: Vec<_> = pattern.steps.iter().map(|step| format!("“{}”", step.text)).collect();
    let likeliest = pattern.likeliest().map(|cause| format!(", mostly {}", cause.word())).unwrap_or_default();
    format!(
        "{} was heard before {support} of {incidents} incidents{likeliest}, and in {quiet_with} of {quiet} quiet stretches: an incident is {lift:.0} \
         times likelier after it than at any other time (odds of that by chance, corrected for everything that was tested: {p_adjusted:.1e})",
        said.join(", then ")
    )
}

/// Shows the known patterns of trouble that are there now, with what they share and the events that prove it (`/logs/{id}`), what was learnt about
/// what precedes incidents, and what is to be expected by that.
#[utoipa::path(get, path = "/patterns", tag = "logs", responses((status = OK, body = PatternsView)))]
#[tracing::instrument(name = "http.patterns.list", skip_all)]
pub async fn patterns(State(state): State<HttpState>) -> Json<PatternsView> {
    let learned = state.patterns.learning().learned();
    Json(PatternsView {
        items: state.patterns.active(),
        foretold: learned.foretold,
        learned: learned.patterns.into_iter().map(LearnedView::from).collect(),
        learning: LearningView { enabled: learned.learns, incidents: learned.incidents, quiet: learned.quiet },
    })
}

/// Says that a learnt pattern means something: it is looked for like the known ones, whatever becomes of its predictions.
#[utoipa::path(
    post, path = "/patterns/learned/{id}/confirm", tag = "logs", params(("id" = i64, Path)),
    responses((status = OK, body = LearnedView))
)]
#[tracing::instrument(name = "http.patterns.confirm", skip_all, fields(pattern = id))]
pub async fn confirm(
    State(state): State<HttpState>,
    PathPart(id): PathPart<i64>,
) -> Result<Json<LearnedView>, ApiError> {
    decide(&state, id, Standing::Confirmed).await
}

/// Says that a learnt pattern means nothing: it is neither looked for nor proposed again.
#[utoipa::path(
    post, path = "/patterns/learned/{id}/reject", tag = "logs", params(("id" = i64, Path)),
    responses((status = OK, body = LearnedView))
)]
#[tracing::instrument(name = "http.patterns.reject", skip_all, fields(pattern = id))]
pub async fn reject(
    State(state): State<HttpState>,
    PathPart(id): PathPart<i64>,
) -> Result<Json<LearnedView>, ApiError> {
    decide(&state, id, Standing::Rejected).await
}

/// Forgets everything that was learnt about what precedes incidents.
#[utoipa::path(delete, path = "/patterns/learned", tag = "logs", responses((status = OK, body = ForgottenView)))]
#[tracing::instrument(name = "http.patterns.reset", skip_all)]
pub async fn reset(State(state): State<HttpState>) -> Result<Json<ForgottenView>, ApiError> {
    Ok(Json(ForgottenView { patterns: state.patterns.learning().reset().await? }))
}

async fn decide(state: &HttpState, id: i64, standing: Standing) -> Result<Json<LearnedView>, ApiError> {
    let decided = state.patterns.learning().decide(LearntId(id), standing, state.clock.now()).await?;
    let none = || ApiError::NotFound { what: "learnt pattern", id: id.to_string() };
    Ok(Json(decided.ok_or_else(none)?.into()))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use exstreamtv_store::{LearningRows, PatternRow};
    use serde_json::json;

    use super::super::super::fakes::{Host, body_json};
    use crate::patterns::learning::Recollection;

    /// A pattern as the database keeps it.
    fn document() -> serde_json::Value {
        json!({
            "id": 4, "standing": "proposed", "leads_to": {"ffmpeg_hung": 7, "disk_full": 2},
            "steps": [
                {"whose": "own", "template": "11", "source": "FFMPEG", "text": "speed=<*> falls"},
                {"whose": "shared", "template": "12", "source": "PLEX", "text": "<*> is slow"}
            ],
            "statistics": {"support": 9, "incidents": 12, "quiet": 200, "quiet_with": 1, "confidence": 0.9, "lift": 15.6, "p": 1e-12, "p_adjusted": 0.0002},
            "samples": [{"channel": "5", "at": "2026-01-01T00:00:00Z", "cause": "ffmpeg_hung", "shared": ["server nas.lan"]}],
            "record": {"came_true": 0, "occasions": 0, "did_not": 0},
            "proposed": "2026-01-01T00:00:00Z", "decided": null, "seen": "2026-01-01T00:00:00Z", "last_occasion": null
        })
    }

    async fn host() -> Host {
        let host = Host::open().await;
        let patterns = vec![PatternRow { id: 4, standing: "proposed".into(), document: document() }];
        let rows = LearningRows { patterns, ..LearningRows::default() };
        host.store.learning().write(&rows, &Default::default()).await.unwrap();
        let Recollection { memory, templates, .. } = Recollection::read(&host.store).await;
        assert_eq!(templates.len(), 2, "lines of a pattern are known even where only the pattern is left");
        host.patterns.learning().remember(memory);
        host
    }

    #[tokio::test]
    async fn learnt_patterns_are_shown_with_their_figures_and_decided_by_a_person() {
        let host = host().await;
        let shown = body_json(host.get("/api/v1/patterns").await).await;
        let pattern = &shown["learned"][0];
        assert_eq!((&pattern["id"], &pattern["standing"]), (&json!(4), &json!("proposed")));
        assert_eq!(pattern["statistics"]["support"], json!(9));
        assert_eq!(
            pattern["sequence"][1],
            json!({"whose": "shared", "source": "PLEX", "text": "<*> is slow", "template": "12"})
        );
        assert_eq!(pattern["incidents"][0]["shared"], json!(["server nas.lan"]));
        assert_eq!(
            pattern["explanation"],
            "“speed=<*> falls”, then “<*> is slow” was heard before 9 of 12 incidents, mostly ffmpeg_hung, and in 1 of 200 quiet stretches: an incident \
             is 16 times likelier after it than at any other time (odds of that by chance, corrected for everything that was tested: 2.0e-4)"
        );
        assert_eq!(shown["learning"], json!({"enabled": true, "incidents": 0, "quiet": 0}));
        for (verb, standing) in [("confirm", "confirmed"), ("reject", "rejected")] {
            let decided = body_json(host.send_empty("POST", &format!("/api/v1/patterns/learned/4/{verb}")).await).await;
            assert_eq!((&decided["standing"], &decided["decided_by"]), (&json!(standing), &json!("person")));
        }
        let kept = host.store.learning().read().await.unwrap();
        assert_eq!(kept.patterns[0].standing, "rejected", "a decision is kept at once");
        let missing = host.send_empty("POST", "/api/v1/patterns/learned/5/confirm").await;
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
        let forgotten = body_json(host.send_empty("DELETE", "/api/v1/patterns/learned").await).await;
        assert_eq!(forgotten, json!({"patterns": 1}));
        assert_eq!(body_json(host.get("/api/v1/patterns").await).await["learned"], json!([]));
        assert_eq!(host.store.learning().read().await.unwrap().patterns, []);
    }
}
