//! `/api/v1/database/backups`: backups of the database.
//!
//! Does: list, make, verify, restore and remove them.
//! Does not: give them away: a backup holds everything, and whoever may have it has the folder.

pub mod events;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use exstreamtv_core::backup::{BackupId, BackupKind};
use serde::Serialize;
use utoipa::ToSchema;

use super::page::Page;
use crate::{
    backups::BackupInfo,
    http::{HttpState, extract::PathPart, problem::ApiError},
};

/// What came of a restore.
#[derive(Debug, Serialize, ToSchema)]
pub struct Restored {
    /// The backup that was put in place.
    restored: String,
    /// The backup of the state before.
    before: BackupInfo,
}

/// Lists the backups, newest first.
#[utoipa::path(get, path = "/database/backups", tag = "backups", responses((status = OK, body = Page<BackupInfo>)))]
#[tracing::instrument(name = "http.backups.list", skip_all)]
pub async fn list(State(state): State<HttpState>) -> Result<Json<Page<BackupInfo>>, ApiError> {
    Ok(Json(Page::whole(state.backups.list().await?)))
}

/// Makes a backup, and answers when it is done; it is made to the end even if nobody waits.
#[utoipa::path(post, path = "/database/backups", tag = "backups", responses((status = CREATED, body = BackupInfo)))]
#[tracing::instrument(name = "http.backups.create", skip_all)]
pub async fn create(State(state): State<HttpState>) -> Result<impl IntoResponse, ApiError> {
    let info = state.backups.create(BackupKind::Manual).await?;
    let place = HeaderValue::try_from(format!("/api/v1/database/backups/{}", info.id)).ok();
    let headers: axum::http::HeaderMap = place.into_iter().map(|place| (header::LOCATION, place)).collect();
    Ok((StatusCode::CREATED, headers, Json(info)))
}

/// Returns what is known of a backup.
#[utoipa::path(
    get, path = "/database/backups/{id}", tag = "backups", params(("id" = String, Path)),
    responses((status = OK, body = BackupInfo))
)]
#[tracing::instrument(name = "http.backups.get", skip_all, fields(backup.id = %name))]
pub async fn get(
    State(state): State<HttpState>,
    PathPart(name): PathPart<String>,
) -> Result<Json<BackupInfo>, ApiError> {
    Ok(Json(state.backups.find(id_of(&name)?).await?))
}

/// Throws a backup away.
#[utoipa::path(
    delete, path = "/database/backups/{id}", tag = "backups", params(("id" = String, Path)),
    responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "http.backups.delete", skip_all, fields(backup.id = %name))]
pub async fn delete(State(state): State<HttpState>, PathPart(name): PathPart<String>) -> Result<StatusCode, ApiError> {
    state.backups.remove(id_of(&name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads a backup from end to end, and answers when it is done; 422 says what is wrong with it.
#[utoipa::path(
    post, path = "/database/backups/{id}/verify", tag = "backups", params(("id" = String, Path)),
    responses((status = OK, body = BackupInfo))
)]
#[tracing::instrument(name = "http.backups.verify", skip_all, fields(backup.id = %name))]
pub async fn verify(
    State(state): State<HttpState>,
    PathPart(name): PathPart<String>,
) -> Result<Json<BackupInfo>, ApiError> {
    Ok(Json(state.backups.verify(id_of(&name)?).await?))
}

/// Puts a backup in the place of the database, after a backup of the present state. Channels on air go on.
#[utoipa::path(
    post, path = "/database/backups/{id}/restore", tag = "backups", params(("id" = String, Path)),
    responses((status = OK, body = Restored))
)]
#[tracing::instrument(name = "http.backups.restore", skip_all, fields(backup.id = %name))]
pub async fn restore(
    State(state): State<HttpState>,
    PathPart(name): PathPart<String>,
) -> Result<Json<Restored>, ApiError> {
    let id = id_of(&name)?;
    let before = state.backups.restore(id).await?;
    Ok(Json(Restored { restored: id.to_string(), before }))
}

/// What cannot be an id names nothing that there is.
fn id_of(name: &str) -> Result<BackupId, ApiError> {
    name.parse().map_err(|_| ApiError::NotFound { what: "backup", id: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn a_backup_is_made_listed_verified_restored_and_thrown_away() {
        let host = Host::open().await;
        host.channel("5", "Five").await;
        let made = host.json("POST", "/api/v1/database/backups", "").await;
        assert_eq!(made.status(), StatusCode::CREATED);
        let place = made.headers()["location"].to_str().unwrap().to_owned();
        let info = body_json(made).await;
        assert_eq!(
            (&info["kind"], &info["verified"], &info["rows"]["channels"]),
            (&"manual".into(), &true.into(), &1.into())
        );
        assert_eq!(body_json(host.get(&place).await).await, info);
        assert_eq!(body_json(host.json("POST", &format!("{place}/verify"), "").await).await, info);

        host.channel("6", "Six").await;
        let restored = host.json("POST", &format!("{place}/restore"), "").await;
        assert_eq!(restored.status(), StatusCode::OK);
        let restored = body_json(restored).await;
        assert_eq!((&restored["restored"], &restored["before"]["kind"]), (&info["id"], &"pre_restore".into()));
        assert_eq!(restored["before"]["rows"]["channels"], 2);
        assert_eq!(host.store.channels().list().await.unwrap().len(), 1);
        assert_eq!(body_json(host.get("/api/v1/database/backups").await).await["items"].as_array().unwrap().len(), 2);

        assert_eq!(host.send_empty("DELETE", &place).await.status(), StatusCode::NO_CONTENT);
        assert_eq!(host.get(&place).await.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn names_that_lead_elsewhere_name_nothing() {
        let host = Host::open().await;
        for name in ["..%2F..%2Fetc%2Fpasswd", "20260131_143022", "%00", "x"] {
            for (method, rest) in [("GET", ""), ("DELETE", ""), ("POST", "/verify"), ("POST", "/restore")] {
                let response = host.send_empty(method, &format!("/api/v1/database/backups/{name}{rest}")).await;
                assert_eq!(response.status(), StatusCode::NOT_FOUND, "{method} {name}");
            }
        }
    }
}
