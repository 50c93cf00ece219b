//! `/api/v1/collections`: sets of media that channels play.
//!
//! Does: name the fields of a collection that can be set, and check them.
//! Does not: change a timeline; the channels that draw from a changed collection are planned anew from their next boundary.

pub mod create;
pub mod delete;
pub mod get;
pub mod items;
pub mod list;
pub mod patch;
pub mod replace;

use std::collections::HashSet;

use exstreamtv_model::{Collection, CollectionId, CollectionSource, MediaId};
use exstreamtv_store::Store;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::channels::check_text;
use crate::http::{HttpState, problem::ApiError};

/// A collection.
#[derive(Debug, Serialize, ToSchema)]
pub struct CollectionView {
    /// Stable identity.
    id: CollectionId,
    /// What can be set.
    #[serde(flatten)]
    fields: CollectionFields,
}

/// The fields of a collection that can be set.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionFields {
    /// What people call it, 1 to 200 characters.
    name: String,
    /// Where its items come from.
    source: CollectionSource,
}

impl From<Collection> for CollectionView {
    fn from(Collection { id, name, source }: Collection) -> Self {
        Self { id, fields: CollectionFields { name, source } }
    }
}

impl CollectionFields {
    /// Checks what types alone cannot.
    async fn check(&self, store: &Store) -> Result<(), ApiError> {
        check_text("/name", &self.name, 1)?;
        match &self.source {
            CollectionSource::Folder { path } if !path.is_absolute() => {
                Err(ApiError::invalid("/source/path", "it must be an absolute path"))
            }
            CollectionSource::Manual { items } => check_items(store, items).await,
            _ => Ok(()),
        }
    }
}

async fn check_items(store: &Store, items: &[MediaId]) -> Result<(), ApiError> {
    let known: HashSet<MediaId> = store.media().find_many(items).await?.into_iter().map(|item| item.id).collect();
    match items.iter().position(|id| !known.contains(id)) {
        Some(index) => {
            let detail = format_args!("there is no media {}", items[index]);
            Err(ApiError::invalid(format!("/source/items/{index}"), detail))
        }
        None => Ok(()),
    }
}

/// Checks and saves a collection's fields and tells the playout of each channel that plays it.
async fn save(state: &HttpState, id: CollectionId, fields: CollectionFields) -> Result<CollectionView, ApiError> {
    fields.check(&state.store).await?;
    let collection = Collection { id, name: fields.name, source: fields.source };
    if !state.store.collections().update(&collection).await? {
        return Err(no_collection(id));
    }
    tracing::info!(collection.id = %id, "collection changed");
    for channel in state.store.channels().list().await? {
        if channel.collection == Some(id) {
            state.playout.rebuild(channel.id);
        }
    }
    // Schedules draw from collections by name, which only their strategies know.
    state.playout.compare();
    Ok(collection.into())
}

fn no_collection(id: CollectionId) -> ApiError {
    ApiError::NotFound { what: "collection", id: id.to_string() }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::super::super::fakes::{Call, Host, body_json};

    #[tokio::test]
    async fn a_collection_lives_from_post_to_delete() {
        let host = Host::open().await;
        let first = host.media("/tv/a.mkv", "A").await;
        let second = host.media("/tv/b.mkv", "B").await;
        let body = json!({"name": "Both", "source": {"type": "manual", "items": [second, first]}}).to_string();
        let created = host.json("POST", "/api/v1/collections", &body).await;
        assert_eq!(created.status(), StatusCode::CREATED);
        let place = created.headers()["location"].to_str().unwrap().to_owned();

        let page = body_json(host.get(&format!("{place}/items?limit=1")).await).await;
        assert_eq!((&page["items"][0]["title"], &page["next"]), (&json!("B"), &json!("1")));
        let page = body_json(host.get(&format!("{place}/items?limit=1&after=1")).await).await;
        assert_eq!((&page["items"][0]["title"], &page["next"]), (&json!("A"), &json!(null)));

        let folder = r#"{"source":{"type":"folder","path":"/tv"}}"#;
        let patched = body_json(host.json("PATCH", &place, folder).await).await;
        assert_eq!((&patched["name"], &patched["source"]["path"]), (&json!("Both"), &json!("/tv")));
        assert_eq!(host.json("DELETE", &place, "").await.status(), StatusCode::NO_CONTENT);
        assert_eq!(host.get(&place).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(host.get(&format!("{place}/items")).await.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn a_collection_that_a_channel_plays_stays_and_its_changes_reach_the_channel() {
        let host = Host::open().await;
        let body = r#"{"name":"All","source":{"type":"query","kind":"movie"}}"#;
        let id =
            body_json(host.json("POST", "/api/v1/collections", body).await).await["id"].as_str().unwrap().to_owned();
        let channel = json!({"number": "5", "name": "Five", "collection": id}).to_string();
        assert_eq!(host.json("POST", "/api/v1/channels", &channel).await.status(), StatusCode::CREATED);
        host.channel("6", "Six").await;

        let place = format!("/api/v1/collections/{id}");
        let refused = host.json("DELETE", &place, "").await;
        assert_eq!(refused.status(), StatusCode::CONFLICT);
        assert_eq!(body_json(refused).await["type"], "urn:exstreamtv:problem:in-use");
        let before = host.rebuilds().len();
        assert_eq!(host.json("PATCH", &place, r#"{"name":"Films"}"#).await.status(), StatusCode::OK);
        assert_eq!(host.rebuilds().len(), before + 1, "only the channel that plays it");
        assert_eq!(host.calls().last(), Some(&Call::Compare), "and those whose schedules draw from it");
    }

    #[tokio::test]
    async fn wrong_sources_are_pointed_at() {
        let host = Host::open().await;
        for (body, pointer) in [
            (r#"{"name":"x","source":{"type":"folder","path":"tv"}}"#, "/source/path"),
            (r#"{"name":"x","source":{"type":"manual","items":["77"]}}"#, "/source/items/0"),
            (r#"{"name":"x","source":{"type":"query","gerne":"x"}}"#, "/source"),
            (r#"{"name":"x","source":{"type":"magic"}}"#, "/source"),
        ] {
            let response = host.json("POST", "/api/v1/collections", body).await;
            assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            let problem = body_json(response).await;
            assert!(problem["errors"][0]["pointer"].as_str().unwrap().starts_with(pointer), "{problem}");
        }
    }
}
