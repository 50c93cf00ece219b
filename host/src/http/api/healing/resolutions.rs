//! `GET /api/v1/resolutions`: what was done about what was wrong.

use axum::{Json, extract::State};
use exstreamtv_healing::resolver::attempt::Resolution;
use exstreamtv_model::ChannelId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::page::{Page, clamp};
use crate::{
    healing::memory::resolution_of,
    http::{HttpState, extract::QueryPart, problem::ApiError},
};

/// Which resolutions.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ResolutionQuery {
    /// Only those of this channel.
    channel: Option<ChannelId>,
    /// `next` of the page before; absent for the first page.
    after: Option<String>,
    /// Resolutions on the page, 1 to 500; 100 if absent.
    limit: Option<u32>,
}

/// Lists what was done in the last 31 days, the newest first: the evidence, each step with what it saw, and the outcome.
#[utoipa::path(
    get, path = "/resolutions", tag = "healing", params(ResolutionQuery),
    responses((status = OK, body = Page<Resolution>))
)]
#[tracing::instrument(name = "http.resolutions.list", skip_all)]
pub async fn resolutions(
    State(state): State<HttpState>,
    QueryPart(query): QueryPart<ResolutionQuery>,
) -> Result<Json<Page<Resolution>>, ApiError> {
    let before = super::approvals::cursor(query.after)?;
    let limit = clamp(query.limit);
    let found = state.store.healing().resolutions(query.channel, before, limit + 1).await?;
    let page = Page::cut(found, limit as usize, |last| last.id.to_string());
    let Page { items, next } = page;
    Ok(Json(Page { items: items.iter().filter_map(resolution_of).collect(), next }))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use exstreamtv_model::ChannelId;
    use exstreamtv_store::ResolutionRow;
    use serde_json::json;

    use super::super::super::super::fakes::{Host, body_json};

    fn row(id: i64, channel: i64) -> ResolutionRow {
        let document = json!({
            "id": id.to_string(), "issue": "FFMPEG_HANG", "channel": channel.to_string(), "context": "ffmpeg_hung",
            "deed": "restart_run", "risk": "MEDIUM", "confidence": 0.9, "why": "a fresh process mostly plays on",
            "evidence": [{"at_ms": 1, "source": "FFMPEG", "text": "it says nothing"}], "approval": null,
            "issue_since_ms": 1, "began_ms": 2, "ended_ms": 3, "slate": true,
            "steps": [{"phase": "probing", "at_ms": 3, "ok": true, "told": "the programme flows"}], "outcome": "healed",
        });
        let (channel, outcome) = (Some(ChannelId(channel)), "healed".to_owned());
        ResolutionRow { id, channel, automatic: true, outcome, began_ms: 2, ended_ms: 3, document }
    }

    #[tokio::test]
    async fn what_was_done_comes_newest_first_in_pages_with_its_steps() {
        let host = Host::open().await;
        for row in [row(1, 7), row(2, 8), row(3, 7)] {
            host.store.healing().resolve(&row).await.unwrap();
        }
        let page = body_json(host.get("/api/v1/resolutions?channel=7&limit=1").await).await;
        assert_eq!((&page["items"][0]["id"], &page["next"]), (&json!("3"), &json!("3")));
        assert_eq!(page["items"][0]["steps"][0]["told"], "the programme flows");
        assert_eq!(page["items"][0]["evidence"][0]["text"], "it says nothing");
        let rest = body_json(host.get("/api/v1/resolutions?channel=7&after=3").await).await;
        assert_eq!((&rest["items"][0]["id"], &rest["next"]), (&json!("1"), &json!(null)));
        assert_eq!(host.get("/api/v1/resolutions?after=x").await.status(), StatusCode::BAD_REQUEST);
    }
}
