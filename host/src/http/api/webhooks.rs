//! `POST /api/v1/webhooks/...`: what media servers tell.
//!
//! Does: read the body as each of them sends it, and say what it says.
//! Does not: act on it; a webhook is news, never an order.
//! Invariant: a body that cannot be read is refused with the reason, and nothing of it is kept.

use axum::{
    extract::{FromRequest, Multipart, Request, State, multipart::MultipartError},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
};
use bytes::Bytes;
use exstreamtv_healing::webhook::{Teller, read};

use crate::http::{
    HttpState,
    problem::{ApiError, BodyFault},
};

/// Takes an event of a Plex Media Server: Settings, Webhooks, Add Webhook. A form whose part `payload` is JSON.
#[utoipa::path(
    post, path = "/webhooks/plex", tag = "logs",
    request_body(content = String, content_type = "multipart/form-data"), responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "http.webhooks.plex", skip_all)]
pub async fn plex(State(state): State<HttpState>, request: Request) -> Result<StatusCode, ApiError> {
    hear(&state, Teller::Plex, request).await
}

/// Takes an event of Jellyfin's webhook plugin (Generic Destination, "Send All Properties"). JSON.
#[utoipa::path(
    post, path = "/webhooks/jellyfin", tag = "logs",
    request_body(content = String, content_type = "application/json"), responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "http.webhooks.jellyfin", skip_all)]
pub async fn jellyfin(State(state): State<HttpState>, request: Request) -> Result<StatusCode, ApiError> {
    hear(&state, Teller::Jellyfin, request).await
}

/// Takes an event of an Emby server. JSON, or a form whose part `data` is JSON.
#[utoipa::path(
    post, path = "/webhooks/emby", tag = "logs",
    request_body(content = String, content_type = "application/json"), responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "http.webhooks.emby", skip_all)]
pub async fn emby(State(state): State<HttpState>, request: Request) -> Result<StatusCode, ApiError> {
    hear(&state, Teller::Emby, request).await
}

async fn hear(state: &HttpState, teller: Teller, request: Request) -> Result<StatusCode, ApiError> {
    let text = body(request).await?;
    let document = serde_json::from_slice(&text).map_err(|error| malformed(format!("it is no JSON: {error}")))?;
    let draft = read(teller, &document, state.clock.now()).map_err(|error| malformed(error.to_string()))?;
    state.logs.intake().say(draft);
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the JSON of a body: the whole of it, or one part of a form, whose pictures are left alone.
async fn body(request: Request) -> Result<Bytes, ApiError> {
    if !is_form(request.headers()) {
        let bytes = Bytes::from_request(request, &()).await;
        return bytes.map_err(|error| refused(error.status(), error.body_text()));
    }
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| malformed(error.body_text()))?;
    let broken = |error: MultipartError| refused(error.status(), error.body_text());
    while let Some(part) = form.next_field().await.map_err(broken)? {
        if matches!(part.name(), Some("payload" | "data")) {
            return part.bytes().await.map_err(broken);
        }
    }
    Err(malformed("the form has no part \"payload\" or \"data\"".to_owned()))
}

fn malformed(detail: String) -> ApiError {
    refused(StatusCode::BAD_REQUEST, detail)
}

fn refused(status: StatusCode, detail: String) -> ApiError {
    let too_large = status == StatusCode::PAYLOAD_TOO_LARGE;
    ApiError::BadBody { kind: if too_large { BodyFault::TooLarge } else { BodyFault::Malformed }, detail }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data")
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::StatusCode};

    use super::super::super::fakes::{Host, body_json, request};

    #[tokio::test]
    async fn each_server_is_heard_in_the_form_that_it_uses() {
        let host = Host::open().await;
        host.told_by_plex("media.play", "Metropolis").await;
        let jellyfin = r#"{"NotificationType":"ItemAdded","ServerName":"nas","Name":"Nosferatu"}"#;
        assert_eq!(host.json("POST", "/api/v1/webhooks/jellyfin", jellyfin).await.status(), StatusCode::NO_CONTENT);
        let emby = r#"{"Event":"library.new","Title":"New","Item":{"Name":"Faust"}}"#;
        assert_eq!(host.json("POST", "/api/v1/webhooks/emby", emby).await.status(), StatusCode::NO_CONTENT);
        host.heard(3).await;
        let page = body_json(host.get("/api/v1/logs?tag=webhook").await).await;
        let messages: Vec<_> =
            page["items"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap()).collect();
        assert_eq!(
            messages,
            ["Emby: library.new Faust (New)", "Jellyfin: ItemAdded Nosferatu", "Plex: media.play Metropolis"]
        );
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_refused() {
        let host = Host::open().await;
        for body in ["", "not json", "[1, 2]", "\"x\""] {
            let answer = host.json("POST", "/api/v1/webhooks/jellyfin", body).await;
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        }
        let form = request("POST", "/api/v1/webhooks/plex").header("content-type", "multipart/form-data; boundary=x");
        let empty = Body::from("--x\r\ncontent-disposition: form-data; name=\"thumb\"\r\n\r\njpeg\r\n--x--\r\n");
        assert_eq!(host.send(form.body(empty).unwrap()).await.status(), StatusCode::BAD_REQUEST);
    }
}
