//! `GET /api/v1/healing`: how the healer stands; `POST /api/v1/healing/reset`: forget what was learnt.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    healing::HealingView,
    http::{HttpState, problem::ApiError},
};

/// What was forgotten.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Forgotten {
    /// Records of issue, deed and circumstance.
    pub records: u64,
}

/// Returns the settings in force, what is wrong now and what is done about it, the limits' use, and what was learnt.
#[utoipa::path(get, path = "/healing", tag = "healing", responses((status = OK, body = HealingView)))]
#[tracing::instrument(name = "http.healing.get", skip_all)]
pub async fn healing(State(state): State<HttpState>) -> Json<HealingView> {
    Json(state.healing.view())
}

/// Forgets what was learnt: every confidence is the specification's again. What was done stays on record.
#[utoipa::path(post, path = "/healing/reset", tag = "healing", responses((status = OK, body = Forgotten)))]
#[tracing::instrument(name = "http.healing.reset", skip_all)]
pub async fn reset(State(state): State<HttpState>) -> Result<Json<Forgotten>, ApiError> {
    let records = state.healing.reset_learning().await?;
    Ok(Json(Forgotten { records }))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use exstreamtv_store::PosteriorRow;
    use serde_json::json;

    use super::super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn the_healer_shows_its_limits_and_what_is_wrong() {
        let host = Host::open().await;
        host.healing.ask_of_tests();
        let shown = body_json(host.get("/api/v1/healing").await).await;
        assert_eq!(shown["settings"]["require_approval_above_risk"], "MEDIUM");
        assert_eq!(shown["settings"]["max_auto_fixes_per_hour"], 50);
        assert_eq!((&shown["pending_approvals"], &shown["fixes_in_last_hour"]), (&json!(1), &json!(0)));
        assert_eq!(shown["cases"][0]["issue"], "DB_POOL_EXHAUSTED");
        assert_eq!(shown["cases"][0]["held"], "awaits_approval");
    }

    #[tokio::test]
    async fn a_reset_forgets_what_was_learnt() {
        let host = Host::open().await;
        let row = PosteriorRow {
            issue: "FFMPEG_HANG".into(),
            deed: "restart_run".into(),
            context: "ffmpeg_hung".into(),
            helped: 0.0,
            failed: 1.0,
            tries: 1,
            successes: 0,
            at_ms: 5,
        };
        host.store.healing().learn(&row).await.unwrap();
        let answer = host.json("POST", "/api/v1/healing/reset", "").await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(body_json(answer).await["records"], 1);
        assert_eq!(host.store.healing().posteriors().await.unwrap(), []);
    }
}
