//! `GET /api/v1/approvals`, `POST /api/v1/approvals/{id}/approve` and `/reject`: what waits for a person.

use axum::{Json, extract::State};
use exstreamtv_healing::resolver::approval::{Approval, ApprovalId, ApprovalState, Verdict};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::page::{Page, clamp};
use crate::{
    healing::memory::{approval_of, word},
    http::{
        HttpState,
        extract::{PathPart, QueryPart},
        problem::ApiError,
    },
};

/// Which questions.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ApprovalQuery {
    /// Only those that stand like this.
    state: Option<ApprovalState>,
    /// `next` of the page before; absent for the first page.
    after: Option<String>,
    /// Questions on the page, 1 to 500; 100 if absent.
    limit: Option<u32>,
}

/// What a person says.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AnswerQuery {
    /// Who answers, or why; kept with the question, at most 500 characters.
    note: Option<String>,
}

/// Reads the cursor of a list by id.
pub(super) fn cursor(after: Option<String>) -> Result<Option<i64>, ApiError> {
    let no_cursor =
        |_| ApiError::BadParameter { parameter: "after".into(), detail: "it is no cursor of this list".into() };
    after.map(|after| after.parse::<i64>().map_err(no_cursor)).transpose()
}

/// Lists questions, the newest first: what would be done, what it may cost, why, and what was seen.
#[utoipa::path(
    get, path = "/approvals", tag = "healing", params(ApprovalQuery), responses((status = OK, body = Page<Approval>))
)]
#[tracing::instrument(name = "http.approvals.list", skip_all)]
pub async fn list(
    State(state): State<HttpState>,
    QueryPart(query): QueryPart<ApprovalQuery>,
) -> Result<Json<Page<Approval>>, ApiError> {
    let before = cursor(query.after)?;
    let (limit, wanted) = (clamp(query.limit), query.state.map(|state| word(&state)));
    let found = state.store.healing().approvals(wanted.as_deref(), before, limit + 1).await?;
    let Page { items, next } = Page::cut(found, limit as usize, |last| last.id.to_string());
    Ok(Json(Page { items: items.iter().filter_map(approval_of).collect(), next }))
}

/// Lets it be done, at the next chance. A question is answered once, and expires after a day.
#[utoipa::path(
    post, path = "/approvals/{id}/approve", tag = "healing", params(("id" = ApprovalId, Path), AnswerQuery),
    responses((status = OK, body = Approval))
)]
#[tracing::instrument(name = "http.approvals.approve", skip_all, fields(approval.id = id.0))]
pub async fn approve(
    State(state): State<HttpState>,
    PathPart(id): PathPart<ApprovalId>,
    QueryPart(query): QueryPart<AnswerQuery>,
) -> Result<Json<Approval>, ApiError> {
    answer(&state, id, Verdict::Approve, query).await
}

/// Lets it not be done; something else may be tried.
#[utoipa::path(
    post, path = "/approvals/{id}/reject", tag = "healing", params(("id" = ApprovalId, Path), AnswerQuery),
    responses((status = OK, body = Approval))
)]
#[tracing::instrument(name = "http.approvals.reject", skip_all, fields(approval.id = id.0))]
pub async fn reject(
    State(state): State<HttpState>,
    PathPart(id): PathPart<ApprovalId>,
    QueryPart(query): QueryPart<AnswerQuery>,
) -> Result<Json<Approval>, ApiError> {
    answer(&state, id, Verdict::Reject, query).await
}

async fn answer(
    state: &HttpState,
    id: ApprovalId,
    verdict: Verdict,
    query: AnswerQuery,
) -> Result<Json<Approval>, ApiError> {
    let note = query.note.unwrap_or_default();
    if note.chars().count() > 500 {
        return Err(ApiError::BadParameter {
            parameter: "note".into(),
            detail: "it is longer than 500 characters".into(),
        });
    }
    Ok(Json(state.healing.decide(id, verdict, &note).await?))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn a_question_is_answered_once_and_the_answer_is_kept() {
        let host = Host::open().await;
        let id = host.healing.ask_of_tests().id.0;
        let answer = host.json("POST", &format!("/api/v1/approvals/{id}/approve?note=Ada"), "").await;
        assert_eq!(answer.status(), StatusCode::OK);
        let told = body_json(answer).await;
        assert_eq!(
            (&told["state"], &told["note"], &told["deed"]),
            (&json!("approved"), &json!("Ada"), &json!("expand_pool"))
        );
        let again = host.json("POST", &format!("/api/v1/approvals/{id}/reject"), "").await;
        assert_eq!(again.status(), StatusCode::CONFLICT);
        assert_eq!(body_json(again).await["type"], "urn:exstreamtv:problem:already-answered");
        let listed = body_json(host.get("/api/v1/approvals?state=approved").await).await;
        assert_eq!(listed["items"][0]["id"], id.to_string());
        let pending = body_json(host.get("/api/v1/approvals?state=pending").await).await;
        assert_eq!(pending["items"], json!([]));
    }

    #[tokio::test]
    async fn what_is_no_question_or_no_answer_is_a_clear_error() {
        let host = Host::open().await;
        assert_eq!(host.json("POST", "/api/v1/approvals/99/approve", "").await.status(), StatusCode::NOT_FOUND);
        assert_eq!(host.json("POST", "/api/v1/approvals/x/approve", "").await.status(), StatusCode::BAD_REQUEST);
        assert_eq!(host.get("/api/v1/approvals?state=perhaps").await.status(), StatusCode::BAD_REQUEST);
        let long = format!("/api/v1/approvals/1/reject?note={}", "x".repeat(501));
        assert_eq!(host.json("POST", &long, "").await.status(), StatusCode::BAD_REQUEST);
    }
}
