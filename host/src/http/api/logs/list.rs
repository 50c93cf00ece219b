//! `GET /api/v1/logs`.

use std::sync::Arc;

use axum::{Json, extract::State};
use exstreamtv_healing::LogEvent;

use super::{
    super::page::{Page, clamp},
    wanted::{LogQuery, number},
};
use crate::http::{HttpState, extract::QueryPart, problem::ApiError};

/// Lists what was said lately (`[ai_auto_heal] log_buffer_minutes`), the newest first. Recent errors: `?level=ERROR`.
#[utoipa::path(get, path = "/logs", tag = "logs", params(LogQuery), responses((status = OK, body = Page<LogEvent>)))]
#[tracing::instrument(name = "http.logs.list", skip_all)]
pub async fn list(
    State(state): State<HttpState>,
    QueryPart(query): QueryPart<LogQuery>,
) -> Result<Json<Page<Arc<LogEvent>>>, ApiError> {
    let before = query.after.as_deref().map(|after| number("after", after)).transpose()?;
    let limit = clamp(query.limit) as usize;
    let found = state.logs.newest(&query.filter()?, before, limit + 1);
    Ok(Json(Page::cut(found, limit, |last| last.event_id.to_string())))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn what_was_said_is_found_by_who_and_how_serious_in_pages() {
        let host = Host::open().await;
        for (event, title) in [("media.play", "One"), ("admin.database.corrupted", "Two"), ("media.stop", "Three")] {
            host.told_by_plex(event, title).await;
        }
        let page = body_json(host.get("/api/v1/logs?source=plex&limit=2").await).await;
        assert_eq!(page["items"][0]["message"], "Plex: media.stop Three");
        assert_eq!(page["items"][1]["level"], "ERROR");
        let rest = format!("/api/v1/logs?source=PLEX,FFMPEG&after={}", page["next"].as_str().unwrap());
        let page = body_json(host.get(&rest).await).await;
        assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (1, &json!(null)));
        let errors = body_json(host.get("/api/v1/logs?level=error").await).await;
        assert_eq!(errors["items"].as_array().unwrap().len(), 1);
        for wrong in ["level=loud", "source=radio", "after=x", "template=x", "colour=red", "since=yesterday"] {
            assert_eq!(host.get(&format!("/api/v1/logs?{wrong}")).await.status(), StatusCode::BAD_REQUEST, "{wrong}");
        }
    }

    #[tokio::test]
    async fn one_event_has_a_context_and_a_template() {
        let host = Host::open().await;
        for title in ["One", "Two", "Three"] {
            host.told_by_plex("media.play", title).await;
        }
        let page = body_json(host.get("/api/v1/logs?text=two").await).await;
        let id = page["items"][0]["event_id"].as_str().unwrap();
        let one = body_json(host.get(&format!("/api/v1/logs/{id}")).await).await;
        assert_eq!(one["component"], "Office");
        let context = body_json(host.get(&format!("/api/v1/logs/{id}/context?before_s=60&after_s=60")).await).await;
        let messages: Vec<_> = context["items"].as_array().unwrap().iter().map(|event| &event["message"]).collect();
        assert_eq!(messages, ["Plex: media.play One", "Plex: media.play Two", "Plex: media.play Three"]);
        let templates = body_json(host.get("/api/v1/logs/templates?source=PLEX").await).await;
        assert_eq!(
            (&templates["items"][0]["text"], &templates["items"][0]["count"]),
            (&json!("Plex: media.play <*>"), &json!(3))
        );
        assert_eq!(body_json(host.get("/api/v1/logs/counts").await).await["events"], 3);
        for missing in ["/api/v1/logs/999", "/api/v1/logs/999/context"] {
            assert_eq!(host.get(missing).await.status(), StatusCode::NOT_FOUND, "{missing}");
        }
        assert_eq!(
            host.get(&format!("/api/v1/logs/{id}/context?before_s=999999")).await.status(),
            StatusCode::BAD_REQUEST
        );
    }
}
