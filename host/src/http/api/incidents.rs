//! `/api/v1/incidents`: what went wrong, and the whole account of each.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use exstreamtv_healing::post_mortem::{Facts, PostMortem};
use exstreamtv_model::{Cause, ChannelId};
use exstreamtv_store::NumberedIncident;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page::{Page, clamp};
use crate::http::{
    HttpState,
    extract::{PathPart, QueryPart},
    problem::ApiError,
};

/// Something that went wrong on a channel, from its first sign until the programme was back.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IncidentView {
    /// Identity, growing with time.
    pub id: String,
    /// On which channel.
    pub channel: ChannelId,
    /// What went wrong first.
    pub cause: Cause,
    /// The code that viewers saw.
    #[schema(value_type = String)]
    pub code: &'static str,
    /// The cause in plain words.
    #[schema(value_type = String)]
    pub reason: &'static str,
    /// When it began, Unix milliseconds.
    pub began_ms: i64,
    /// When the programme was back, or the last viewer had gone; absent while it goes on.
    pub ended_ms: Option<i64>,
    /// How often something failed until then.
    pub failures: u32,
    /// What was to be shown.
    pub title: String,
    /// What exactly happened.
    pub detail: String,
}

impl From<NumberedIncident> for IncidentView {
    fn from(NumberedIncident { id, incident }: NumberedIncident) -> Self {
        Self {
            id: id.to_string(),
            channel: incident.channel,
            cause: incident.cause,
            code: incident.cause.code(),
            reason: incident.cause.plain(),
            began_ms: incident.began.timestamp_millis(),
            ended_ms: incident.ended.map(|ended| ended.timestamp_millis()),
            failures: incident.failures,
            title: incident.title,
            detail: incident.detail,
        }
    }
}

/// Which incidents.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IncidentQuery {
    /// Only those of this channel.
    channel: Option<ChannelId>,
    /// `next` of the page before; absent for the first page.
    after: Option<String>,
    /// Incidents on the page, 1 to 500; 100 if absent.
    limit: Option<u32>,
}

/// Lists incidents of the last 31 days, the newest first.
#[utoipa::path(get, path = "/incidents", tag = "channels", params(IncidentQuery), responses((status = OK, body = Page<IncidentView>)))]
#[tracing::instrument(name = "http.incidents.list", skip_all)]
pub async fn incidents(
    State(state): State<HttpState>,
    QueryPart(query): QueryPart<IncidentQuery>,
) -> Result<Json<Page<IncidentView>>, ApiError> {
    let no_cursor =
        || ApiError::BadParameter { parameter: "after".into(), detail: "it is no cursor of this list".into() };
    let before = query.after.map(|after| after.parse::<i64>().map_err(|_| no_cursor())).transpose()?;
    let limit = clamp(query.limit);
    let found = state.store.chronicle().incidents(query.channel, before, limit + 1).await?;
    let page = Page::cut(found, limit as usize, |last| last.id.to_string());
    Ok(Json(page.map(IncidentView::from)))
}

/// The whole account of an incident.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    /// What the list shows.
    #[serde(flatten)]
    pub incident: IncidentView,
    /// Number of the channel; empty if it is gone.
    pub channel_number: String,
    /// Name of the channel; empty if it is gone.
    pub channel_name: String,
    /// What happened, why, what it cost, what was done and what to do.
    #[serde(flatten)]
    pub account: PostMortem,
}

impl AccountView {
    /// Returns the account of these facts with what the list shows.
    pub fn of(facts: Facts, account: PostMortem) -> Self {
        let (channel_number, channel_name) = facts.channel;
        let incident = NumberedIncident { id: facts.id, incident: facts.incident }.into();
        Self { incident, channel_number, channel_name, account }
    }
}

/// In which form.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountQuery {
    /// `json` or `markdown`; what `Accept` prefers if absent.
    #[param(inline)]
    format: Option<AccountFormat>,
}

/// A form of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountFormat {
    /// For programs.
    Json,
    /// For people.
    Markdown,
}

/// The end of an id that asks for text.
const TEXT: &str = ".md";
const MARKDOWN: &str = "text/markdown; charset=utf-8";

/// Returns the account of an incident, while it goes on or when it is over: what happened, what it cost, why, what happened when, what was done, what
/// to do, and the lines that prove it. As text with `.md` behind its id, `?format=markdown` or `Accept: text/markdown`.
#[utoipa::path(
    get, path = "/incidents/{id}", tag = "channels", params(("id" = String, Path), AccountQuery),
    responses((status = OK, body = AccountView))
)]
#[tracing::instrument(name = "http.incidents.get", skip_all, fields(incident.id = %name))]
pub async fn incident(
    State(state): State<HttpState>,
    PathPart(name): PathPart<String>,
    QueryPart(query): QueryPart<AccountQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let none = || ApiError::NotFound { what: "incident", id: name.clone() };
    let id = name.strip_suffix(TEXT).unwrap_or(&name).parse().map_err(|_| none())?;
    let facts = state.incidents.find(id).await?.ok_or_else(none)?;
    let account = facts.account();
    let prefers_text = || {
        let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        name.ends_with(TEXT) || accepted.trim_start().starts_with("text/markdown")
    };
    let format = query.format.unwrap_or(if prefers_text() { AccountFormat::Markdown } else { AccountFormat::Json });
    if format == AccountFormat::Markdown {
        return Ok(([(header::CONTENT_TYPE, MARKDOWN)], facts.markdown(&account)).into_response());
    }
    Ok(Json(AccountView::of(facts, account)).into_response())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use chrono::TimeDelta;
    use exstreamtv_model::{Cause, ChannelIncident};
    use serde_json::json;

    use super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn incidents_come_newest_first_in_pages_and_by_channel() {
        let host = Host::open().await;
        let channels = [host.channel("5", "Five").await.id, host.channel("6", "Six").await.id];
        for (n, channel) in [channels[0], channels[1], channels[0]].into_iter().enumerate() {
            let began = host.now() + TimeDelta::seconds(n as i64);
            let (ended, title, detail) = ((n == 0).then_some(began), format!("Film {n}"), "it is gone".to_owned());
            let cause = Cause::SourceMissing;
            let incident = ChannelIncident { channel, cause, began, ended, failures: 1, title, detail };
            host.store.chronicle().note(&incident).await.unwrap();
        }
        let page = body_json(host.get("/api/v1/incidents?limit=2").await).await;
        assert_eq!((&page["items"][0]["title"], &page["items"][1]["title"]), (&json!("Film 2"), &json!("Film 1")));
        assert_eq!(
            (&page["items"][0]["cause"], &page["items"][0]["code"]),
            (&json!("source_missing"), &json!("EX-11"))
        );
        assert_eq!(page["items"][0]["ended_ms"], json!(null));
        let rest = format!("/api/v1/incidents?after={}", page["next"].as_str().unwrap());
        let page = body_json(host.get(&rest).await).await;
        assert_eq!((&page["items"][0]["title"], &page["next"]), (&json!("Film 0"), &json!(null)));
        let of_one = body_json(host.get(&format!("/api/v1/incidents?channel={}", channels[1])).await).await;
        assert_eq!(of_one["items"].as_array().unwrap().len(), 1);
        assert_eq!(host.get("/api/v1/incidents?after=x").await.status(), StatusCode::BAD_REQUEST);
    }
}
