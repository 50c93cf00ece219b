//! `/iptv/artwork/{media}`: the picture beside a media file.
//!
//! Does: send what the scan found beside the file.
//! Does not: take any path from the client; ids alone name files.
//! Invariant: only bytes that begin like a picture leave, under that picture's type.

use std::{io, path::Path, time::UNIX_EPOCH};

use axum::{
    extract::State,
    http::HeaderMap,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use exstreamtv_model::MediaId;
use tokio::io::AsyncReadExt;

use super::unchanged;
use crate::http::{HttpState, extract::PathPart, problem::ApiError};

/// Posters are smaller; what is larger is no poster.
const SIZE_LIMIT_BYTES: u64 = 10 * 1024 * 1024;

/// Answers with the picture of a media file.
#[tracing::instrument(name = "http.artwork.get", level = "debug", skip_all, fields(media.id = %id))]
pub async fn artwork(
    State(state): State<HttpState>,
    PathPart(id): PathPart<MediaId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let none = || ApiError::NotFound { what: "artwork of media", id: id.to_string() };
    let item = state.store.media().find(id).await?.ok_or_else(none)?;
    let path = item.metadata.artwork.ok_or_else(none)?;
    let Some(tag) = tag(&path).await? else { return Err(none()) };
    let common =
        [(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400")), (header::ETAG, tag.clone())];
    if tag.to_str().is_ok_and(|tag| unchanged(&headers, tag)) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let bytes = read(&path).await.map_err(ApiError::Artwork)?;
    let kind = picture_type(&bytes).ok_or_else(none)?;
    Ok((common, [(header::CONTENT_TYPE, kind)], bytes).into_response())
}

/// Returns a tag that changes with the file, or `None` if there is no file that could be a picture.
async fn tag(path: &Path) -> Result<Option<HeaderValue>, ApiError> {
    let metadata = match tokio::fs::metadata(path).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(ApiError::Artwork)?,
    };
    if !metadata.is_file() || metadata.len() > SIZE_LIMIT_BYTES {
        return Ok(None);
    }
    let age = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    Ok(HeaderValue::from_str(&format!("\"{:x}-{:x}\"", age.as_millis(), metadata.len())).ok())
}

async fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // The file may have grown since it was measured.
    tokio::fs::File::open(path).await?.take(SIZE_LIMIT_BYTES).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// Names lie; the first bytes tell. SVG is left out on purpose: it can hold scripts.
fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{StatusCode, header},
    };

    use crate::http::fakes::{Host, request};

    #[tokio::test]
    async fn a_picture_is_sent_as_what_it_is_and_once() {
        let host = Host::open().await;
        let id = host.media_with_artwork("poster.jpg", b"\x89PNG\r\n\x1a\nrest").await;
        let response = host.get(&format!("/iptv/artwork/{id}")).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "image/png");
        assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let tag = response.headers()[header::ETAG].clone();
        let again = request("GET", &format!("/iptv/artwork/{id}")).header("if-none-match", tag);
        assert_eq!(host.send(again.body(Body::empty()).unwrap()).await.status(), StatusCode::NOT_MODIFIED);
    }

    #[tokio::test]
    async fn what_is_no_picture_is_not_sent() {
        let host = Host::open().await;
        let page = host.media_with_artwork("poster.jpg", b"<script>alert(1)</script>").await;
        let bare = host.media("/tv/a.mkv", "A").await;
        for path in [page.to_string(), bare.to_string(), "99".into()] {
            assert_eq!(host.get(&format!("/iptv/artwork/{path}")).await.status(), StatusCode::NOT_FOUND);
        }
        assert_eq!(host.get("/iptv/artwork/..%2f..%2fetc%2fpasswd").await.status(), StatusCode::BAD_REQUEST);
    }
}
