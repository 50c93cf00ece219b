//! `/api/v1/channels/{id}/error-screen`: what a channel's slates are like, where not as the configuration says.
//!
//! Does: read, replace and delete the channel's own wishes.
//! Does not: render; what is on air follows by itself.

pub mod delete;
pub mod get;
pub mod replace;

use exstreamtv_model::{
    ChannelId,
    slate::{ScreenChanges, ScreenError},
};

use super::super::{HttpState, problem::ApiError};

/// Says where in a body the value is that cannot be shown.
pub(super) fn refused(error: &ScreenError, below: &str) -> ApiError {
    let key = match error {
        ScreenError::Image { .. } => "image",
        ScreenError::TooLong { what, .. } => what,
    };
    ApiError::invalid(format!("{below}/{key}"), error)
}

async fn set(state: &HttpState, id: ChannelId, changes: &ScreenChanges) -> Result<(), ApiError> {
    if !state.store.screens().set(id, changes).await? {
        return Err(ApiError::no_channel(id));
    }
    state.broadcaster.refresh(id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::StatusCode};
    use serde_json::json;

    use crate::http::fakes::{Host, body_json, request};

    async fn put(host: &Host, path: &str, body: serde_json::Value) -> axum::response::Response {
        let request = request("PUT", path).header("content-type", "application/json");
        host.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    #[tokio::test]
    async fn a_channel_has_the_wishes_that_it_was_given_and_none_after_they_are_deleted() {
        let host = Host::open().await;
        let channel = host.channel("5.1", "Classics").await.id;
        let path = format!("/api/v1/channels/{channel}/error-screen");
        assert_eq!(body_json(host.get(&path).await).await, json!({}));
        let wishes =
            json!({ "visual_mode": "pattern", "audio_mode": "beep", "title": "it's \"so\"", "show_code": false });
        assert_eq!(put(&host, &path, wishes.clone()).await.status(), StatusCode::OK);
        assert_eq!(body_json(host.get(&path).await).await, wishes);
        assert_eq!(host.send_empty("DELETE", &path).await.status(), StatusCode::NO_CONTENT);
        assert_eq!(body_json(host.get(&path).await).await, json!({}));
    }

    #[tokio::test]
    async fn what_cannot_be_shown_is_refused_by_its_name() {
        let host = Host::open().await;
        let channel = host.channel("5.1", "Classics").await.id;
        let path = format!("/api/v1/channels/{channel}/error-screen");
        for (body, pointer) in [
            (json!({ "image": "/etc/passwd" }), "/image"),
            (json!({ "image": "../x.png" }), "/image"),
            (json!({ "title": "x".repeat(300) }), "/title"),
            (json!({ "visual_mode": "hologram" }), "/visual_mode"),
            (json!({ "background": "blue" }), "/background"),
        ] {
            let answer = put(&host, &path, body).await;
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{pointer}");
            assert_eq!(body_json(answer).await["errors"][0]["pointer"], pointer);
        }
        assert!(put(&host, &path, json!({ "colour": "red" })).await.status().is_client_error());
        let nowhere = put(&host, "/api/v1/channels/999/error-screen", json!({})).await;
        assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
    }
}
