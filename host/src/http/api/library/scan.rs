//! `POST /api/v1/library/scan`.

use std::path::{Path, PathBuf};

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{HttpState, extract::JsonBody, problem::ApiError, state::LibraryStatus};

/// What to scan.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanRequest {
    /// One of the library's folders; all of them if absent.
    #[schema(value_type = Option<String>)]
    root: Option<PathBuf>,
    /// Believes that whatever is not there is gone, however much it is; needs `root`. Without it, a scan in which more
    /// than a fifth of a folder's files have vanished keeps them all.
    #[serde(default)]
    accept_removals: bool,
}

/// Asks for a scan and returns at once; the events tell how it goes.
#[utoipa::path(
    post, path = "/library/scan", tag = "library", request_body(content = Option<ScanRequest>),
    responses((status = ACCEPTED, body = LibraryStatus))
)]
#[tracing::instrument(name = "http.library.scan", skip_all)]
pub async fn scan(
    State(state): State<HttpState>,
    body: Option<JsonBody<ScanRequest>>,
) -> Result<(StatusCode, Json<LibraryStatus>), ApiError> {
    let ScanRequest { root, accept_removals } = body.map(|JsonBody(request)| request).unwrap_or_default();
    let status = state.library.watch().borrow().clone();
    if let Some(root) = &root {
        check_root(root, &status)?;
    }
    match (root, accept_removals) {
        (Some(root), true) => state.library.accept_removals(root),
        (None, true) => return Err(ApiError::invalid("/root", "name the folder whose removals are accepted")),
        (root, false) => state.library.request_scan(root),
    }
    Ok((StatusCode::ACCEPTED, Json(status)))
}

/// Folders come from the administrator's configuration alone; a client may only choose among them.
fn check_root(root: &Path, status: &LibraryStatus) -> Result<(), ApiError> {
    if status.roots.iter().any(|known| known == root) {
        return Ok(());
    }
    let known: Vec<_> = status.roots.iter().map(|root| root.display().to_string()).collect();
    Err(ApiError::invalid("/root", format_args!("it is none of the library's folders ({})", known.join(", "))))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use axum::http::StatusCode;

    use super::super::super::super::fakes::{Host, body_json, request};

    #[tokio::test]
    async fn a_scan_may_be_asked_for_with_and_without_a_folder() {
        let host = Host::open().await;
        let bare = host.send(request("POST", "/api/v1/library/scan").body("".into()).unwrap()).await;
        assert_eq!(bare.status(), StatusCode::ACCEPTED);
        let one = host.json("POST", "/api/v1/library/scan", r#"{"root":"/tv"}"#).await;
        assert_eq!(one.status(), StatusCode::ACCEPTED);
        assert_eq!(host.scans(), [None, Some(PathBuf::from("/tv"))]);
    }

    #[tokio::test]
    async fn removals_are_accepted_for_one_named_folder_only() {
        let host = Host::open().await;
        let named = host.json("POST", "/api/v1/library/scan", r#"{"root":"/tv","accept_removals":true}"#).await;
        assert_eq!(named.status(), StatusCode::ACCEPTED);
        let unnamed = host.json("POST", "/api/v1/library/scan", r#"{"accept_removals":true}"#).await;
        assert_eq!(unnamed.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(host.accepted_removals(), [PathBuf::from("/tv")]);
        assert!(host.scans().is_empty());
    }

    #[tokio::test]
    async fn a_client_cannot_have_any_folder_scanned() {
        let host = Host::open().await;
        for (body, pointer) in [(r#"{"root":"/etc"}"#, "/root"), (r#"{"rot":"/tv"}"#, "/rot")] {
            let response = host.json("POST", "/api/v1/library/scan", body).await;
            assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(body_json(response).await["errors"][0]["pointer"], pointer);
        }
        assert!(host.scans().is_empty());
    }
}
