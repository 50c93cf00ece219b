//! `GET /api/v1/database`: how the database is and how it is used.

use axum::{Json, extract::State};

use crate::{database::view::DatabaseView, http::HttpState};

/// Returns connections, waits, latencies and what the last look at the database found.
#[utoipa::path(get, path = "/database", tag = "database", responses((status = OK, body = DatabaseView)))]
#[tracing::instrument(name = "http.database.get", skip_all)]
pub async fn database(State(state): State<HttpState>) -> Json<DatabaseView> {
    Json(DatabaseView::of(&state.database))
}

#[cfg(test)]
mod tests {
    use super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn what_happens_to_the_database_is_counted() {
        let host = Host::open().await;
        host.channel("5", "Five").await;
        host.database.watch().wait_for(|health| health.at.is_some()).await.unwrap();
        let view = body_json(host.get("/api/v1/database").await).await;
        assert_eq!((&view["channels"], &view["writer"]["size"]), (&1.into(), &1.into()));
        let statements = view["statements"].as_array().unwrap();
        let channel = statements.iter().find(|family| family["family"] == "channel").unwrap();
        assert_eq!(channel["writes"]["count"], 1);
        assert!(channel["writes"]["p99_us"].as_u64().unwrap() > 0);
        let again = body_json(host.get("/api/v1/database").await).await;
        assert_eq!(again["readers"]["checked_in"], again["readers"]["checked_out"]);
        assert!(view["readers"]["wait"]["count"].as_u64().unwrap() > 0);
    }
}
