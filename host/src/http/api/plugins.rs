//! `GET /api/v1/plugins`: the strategies that are libraries, and how they do.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    http::HttpState,
    plugins::{PluginView, RefusedView},
};

/// Every plugin and every library that is none.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginsView {
    /// The plugins, those that are hidden by others with the same id included.
    items: Vec<PluginView>,
    /// Libraries that cannot be used, and why.
    refused: Vec<RefusedView>,
}

/// Lists plugins with their state, their calls, failures and time.
#[utoipa::path(get, path = "/plugins", tag = "plugins", responses((status = OK, body = PluginsView)))]
#[tracing::instrument(name = "http.plugins.list", skip_all)]
pub async fn plugins(State(state): State<HttpState>) -> Json<PluginsView> {
    Json(PluginsView { items: state.strategies.list(), refused: state.strategies.refused() })
}

#[cfg(test)]
mod tests {
    use super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn a_host_without_plugins_says_so() {
        let host = Host::open().await;
        let plugins = body_json(host.get("/api/v1/plugins").await).await;
        assert_eq!(plugins, serde_json::json!({ "items": [], "refused": [] }));
    }
}
