//! `/api/v1/dossiers`: what is known about each failure, to read and to send on.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use exstreamtv_model::ChannelId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::page::Page;
use crate::{
    dossiers::{Dossier, DossierId, Summary},
    http::{
        HttpState,
        extract::{PathPart, QueryPart},
        problem::ApiError,
    },
};

/// The end of an id that asks for the whole dossier as one file.
const ARCHIVE: &str = ".tar.gz";

/// Which dossiers.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DossierQuery {
    /// Only those of this channel.
    channel: Option<ChannelId>,
}

/// Lists the dossiers of failures, newest first.
#[utoipa::path(get, path = "/dossiers", tag = "dossiers", params(DossierQuery), responses((status = OK, body = Page<Summary>)))]
#[tracing::instrument(name = "http.dossiers.list", skip_all)]
pub async fn list(
    State(state): State<HttpState>,
    QueryPart(query): QueryPart<DossierQuery>,
) -> Result<Json<Page<Summary>>, ApiError> {
    Ok(Json(Page::whole(state.dossiers.list(query.channel).await?)))
}

/// Returns a dossier; with `.tar.gz` behind its id, everything as one file to send on.
#[utoipa::path(
    get, path = "/dossiers/{id}", tag = "dossiers", params(("id" = String, Path)),
    responses((status = OK, body = Dossier))
)]
#[tracing::instrument(name = "http.dossiers.get", skip_all, fields(dossier.id = %name))]
pub async fn get(State(state): State<HttpState>, PathPart(name): PathPart<String>) -> Result<Response, ApiError> {
    match name.strip_suffix(ARCHIVE) {
        Some(id) => {
            let archive = state.dossiers.archive(id_of(id)?).await?.ok_or_else(|| none(id))?;
            download(&name, archive)
        }
        None => {
            let dossier = state.dossiers.find(id_of(&name)?).await?.ok_or_else(|| none(&name))?;
            Ok(Json(dossier).into_response())
        }
    }
}

/// Throws a dossier away.
#[utoipa::path(
    delete, path = "/dossiers/{id}", tag = "dossiers", params(("id" = String, Path)), responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "http.dossiers.delete", skip_all, fields(dossier.id = %name))]
pub async fn delete(State(state): State<HttpState>, PathPart(name): PathPart<String>) -> Result<StatusCode, ApiError> {
    if state.dossiers.remove(id_of(&name)?).await { Ok(StatusCode::NO_CONTENT) } else { Err(none(&name)) }
}

/// What cannot be an id names nothing that there is.
fn id_of(name: &str) -> Result<DossierId, ApiError> {
    name.parse().map_err(|_| none(name))
}

fn none(name: &str) -> ApiError {
    ApiError::NotFound { what: "dossier", id: name.to_owned() }
}

fn download(name: &str, archive: Vec<u8>) -> Result<Response, ApiError> {
    let disposition =
        HeaderValue::try_from(format!("attachment; filename=\"exstreamtv-{name}\"")).map_err(|_| none(name))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/gzip")),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, archive).into_response())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, io::Read};

    use axum::http::{StatusCode, header};
    use exstreamtv_model::{Cause, ChannelId, RunId, health::LogLevel};
    use exstreamtv_worker_protocol::{Testimony, Word};

    use super::super::super::fakes::{Host, body_bytes, body_json};
    use crate::dossiers::{Failure, Timings};

    fn failure(channel: ChannelId, at_ms: i64) -> Failure {
        let word = Word { at_ms: 1_250, level: LogLevel::Error, text: "http://a:secret@b/ failed".into() };
        let testimony = Testimony { words: vec![word], plan: "Plan".into(), exit_code: Some(1), ..Default::default() };
        Failure {
            channel,
            run: RunId(7),
            at_ms,
            cause: Cause::SourceDamaged,
            why: "FFmpeg ended with code 1".into(),
            order: None,
            command_line: vec!["ffmpeg".into(), "-i".into(), "file:/m/it's.mkv".into()],
            end: None,
            timings: Timings { ordered_ms: Some(at_ms - 9), ..Timings::default() },
            progress: None,
            vitals: None,
            testimony: Some(testimony),
        }
    }

    #[tokio::test]
    async fn dossiers_are_listed_read_downloaded_and_thrown_away() {
        let host = Host::open().await;
        assert_eq!(body_json(host.get("/api/v1/dossiers").await).await["items"], serde_json::json!([]));
        let id = host.dossiers.file(failure(ChannelId(5), 1_000)).to_string();
        let other = host.dossiers.file(failure(ChannelId(6), 2_000)).to_string();
        host.dossiers.settled().await;

        let all = body_json(host.get("/api/v1/dossiers").await).await;
        assert_eq!((&all["items"][0]["id"], &all["items"][1]["id"]), (&other.clone().into(), &id.clone().into()));
        let of_five = body_json(host.get("/api/v1/dossiers?channel=5").await).await;
        assert_eq!(of_five["items"].as_array().unwrap().len(), 1);
        assert_eq!(of_five["items"][0]["code"], "EX-14");

        let dossier = body_json(host.get(&format!("/api/v1/dossiers/{id}")).await).await;
        assert_eq!(dossier["cause"], "source_damaged");
        assert_eq!(dossier["stderr"], "     1.250 error   http://a:***@b/ failed\n");
        assert_eq!((&dossier["timings"]["ordered_ms"], &dossier["exit_code"]), (&991.into(), &1.into()));

        let response = host.get(&format!("/api/v1/dossiers/{id}.tar.gz")).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/gzip");
        assert!(response.headers()[header::CONTENT_DISPOSITION].to_str().unwrap().contains(&id));
        let files = unpacked(&body_bytes(response).await);
        assert_eq!(files[&format!("{id}/command.txt")], r"ffmpeg -i 'file:/m/it'\''s.mkv'");
        assert_eq!(files[&format!("{id}/plan.txt")], "Plan");
        assert!(files.values().all(|text| !text.contains("secret")));

        assert_eq!(host.send_empty("DELETE", &format!("/api/v1/dossiers/{id}")).await.status(), StatusCode::NO_CONTENT);
        assert_eq!(host.get(&format!("/api/v1/dossiers/{id}")).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(host.send_empty("DELETE", &format!("/api/v1/dossiers/{id}")).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(host.get(&format!("/api/v1/dossiers/{other}")).await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn a_name_that_leads_elsewhere_names_nothing() {
        let host = Host::open().await;
        for name in ["..%2F..%2Fetc%2Fpasswd", "1-2-3", "a-b-c-d", ".tar.gz", "1-2-3-4.tar.gz", "%00"] {
            let response = host.get(&format!("/api/v1/dossiers/{name}")).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{name}");
        }
    }

    fn unpacked(bytes: &[u8]) -> BTreeMap<String, String> {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (entry.path().unwrap().display().to_string(), text)
        });
        entries.collect()
    }
}
