//! What a client is told when something cannot be done: RFC 9457 problem documents.
//!
//! Does: name every way in which a request can fail and write it as `application/problem+json`.
//! Does not: show causes to clients; those go to the log with the error's whole chain.
//! Invariant: an error never leaves with a status below 400, every 503 says when to come back, and nothing here may be cached.

use std::error::Error;

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use exstreamtv_core::session::Refusal;
use exstreamtv_healing::resolver::approval::DecideError;
use exstreamtv_store::{StoreError, StoreErrorKind};
use serde::Serialize;
use utoipa::ToSchema;

use super::state::TuneError;
use crate::{
    backups::BackupError, dossiers::DossierError, feed::slates::RenderError, hardware::DetectError,
    healing::AnswerError, playout::PlayoutError,
};

/// Why a request cannot be answered; reads well after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The path leads nowhere.
    #[error("find {path}: nothing is served there, / shows what is")]
    NoSuchPath {
        /// The path that was asked for.
        path: String,
    },
    /// The path exists, but not for this method.
    #[error("use {method} here")]
    NoSuchMethod {
        /// The method that was used.
        method: String,
    },
    /// What the path names does not exist.
    #[error("find {what} {id}: there is none")]
    NotFound {
        /// "channel", "collection", "media", …
        what: &'static str,
        /// Its id or number, as the client wrote it.
        id: String,
    },
    /// A part of the path or of the query cannot be read.
    #[error("read {parameter}: {detail}")]
    BadParameter {
        /// Its name.
        parameter: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The body is not what the endpoint reads.
    #[error("read the body: {detail}")]
    BadBody {
        /// How it fails.
        kind: BodyFault,
        /// What is wrong with it.
        detail: String,
    },
    /// The body is well-formed, but a value in it cannot be accepted.
    #[error("accept {}: {detail}", if .pointer.is_empty() { "the body" } else { .pointer })]
    Invalid {
        /// JSON pointer to the value.
        pointer: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Several values of the body cannot be accepted: JSON pointers, and what is wrong there.
    #[error("accept {} of the body{}: {}", pointed(.0), if .0.len() > 1 { format!(" and {} more mistakes", .0.len() - 1) } else { String::new() }, first(.0))]
    Faults(Vec<(String, String)>),
    /// The configuration switches it off.
    #[error("do this: {key} is off")]
    SwitchedOff {
        /// Section and name of the key.
        key: &'static str,
    },
    /// A web page of another site made this request.
    #[error("accept a change that another site's page asks for")]
    CrossSite,
    /// The channel cannot be watched now.
    #[error(transparent)]
    Tune(#[from] TuneError),
    /// There is no room for one more viewer, or the session was ended by somebody.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The guide could not be written.
    #[error("write the guide")]
    Guide(#[source] Box<dyn Error + Send + Sync>),
    /// Dossiers cannot be read.
    #[error(transparent)]
    Dossier(#[from] DossierError),
    /// A job about backups failed.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// A slate could not be rendered for a look at it.
    #[error(transparent)]
    Preview(RenderError),
    /// Nobody knows what the video cards can do.
    #[error(transparent)]
    Hardware(#[from] DetectError),
    /// A person's answer to the healer is not taken.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// A file has nothing that could be played.
    #[error("explain how the file {id} is played: it is broken, or has not been looked at yet")]
    NotPlayable {
        /// Which.
        id: exstreamtv_model::MediaId,
    },
    /// A picture beside a media file cannot be read.
    #[error("read the artwork")]
    Artwork(#[source] std::io::Error),
}

/// How a body fails before its values are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// It is not JSON.
    Malformed,
    /// It is announced as something else than JSON.
    MediaType,
    /// It is larger than the server reads.
    TooLarge,
}

impl ApiError {
    /// Says that the channel with this id or number does not exist.
    pub fn no_channel(id: impl ToString) -> Self {
        Self::NotFound { what: "channel", id: id.to_string() }
    }

    /// Says that a value of the body cannot be accepted.
    pub fn invalid(pointer: impl Into<String>, detail: impl ToString) -> Self {
        Self::Invalid { pointer: pointer.into(), detail: detail.to_string() }
    }

    /// Returns the status and the last part of the problem's type.
    fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NoSuchPath { .. } => (StatusCode::NOT_FOUND, "no-such-path"),
            Self::NoSuchMethod { .. } => (StatusCode::METHOD_NOT_ALLOWED, "no-such-method"),
            Self::NotFound { .. } => (StatusCode::NOT_FOUND, "not-found"),
            Self::BadParameter { .. } => (StatusCode::BAD_REQUEST, "bad-parameter"),
            Self::BadBody { kind: BodyFault::Malformed, .. } => (StatusCode::BAD_REQUEST, "malformed-body"),
            Self::BadBody { kind: BodyFault::MediaType, .. } => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json"),
            Self::BadBody { kind: BodyFault::TooLarge, .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"),
            Self::Invalid { .. } | Self::Faults(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-value"),
            Self::SwitchedOff { .. } => (StatusCode::FORBIDDEN, "switched-off"),
            Self::CrossSite => (StatusCode::FORBIDDEN, "cross-site"),
            Self::Tune(error) => tune_kind(error),
            Self::Refused(Refusal::Elsewhere) => (StatusCode::NOT_FOUND, "not-found"),
            Self::Refused(Refusal::Killed) => (StatusCode::GONE, "session-ended"),
            Self::Refused(_) => (StatusCode::SERVICE_UNAVAILABLE, "too-many-sessions"),
            Self::Store(error) => store_kind(error),
            Self::Guide(_) => (StatusCode::INTERNAL_SERVER_ERROR, "guide-failed"),
            Self::Dossier(_) => (StatusCode::INTERNAL_SERVER_ERROR, "dossiers-unreadable"),
            Self::Backup(error) => backup_kind(error),
            Self::Preview(RenderError::Busy) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::Preview(_) => (StatusCode::BAD_GATEWAY, "not-rendered"),
            Self::Hardware(_) => (StatusCode::BAD_GATEWAY, "hardware-unknown"),
            Self::Answer(error) => answer_kind(error),
            Self::NotPlayable { .. } => (StatusCode::CONFLICT, "not-playable"),
            Self::Artwork(_) => (StatusCode::INTERNAL_SERVER_ERROR, "artwork-unreadable"),
        }
    }

    fn retry_after_s(&self) -> u32 {
        match self {
            Self::Tune(TuneError::Busy { retry_after_s }) => (*retry_after_s).max(1),
            Self::Tune(TuneError::ShuttingDown) => 10,
            Self::Refused(Refusal::ChannelFull { retry_after_s, .. } | Refusal::Full { retry_after_s, .. }) => {
                *retry_after_s
            }
            _ => 5,
        }
    }

    fn detail(&self, status: StatusCode) -> String {
        // A damaged row or a failed query is for the administrator: paths and SQL are none of the client's business.
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            return "The server failed; its log says why.".to_owned();
        }
        format!("Failed to {self}.")
    }
}

fn pointed(faults: &[(String, String)]) -> &str {
    faults.first().map_or("", |(pointer, _)| pointer.as_str())
}

fn first(faults: &[(String, String)]) -> &str {
    faults.first().map_or("", |(_, detail)| detail.as_str())
}

impl From<PlayoutError> for ApiError {
    fn from(error: PlayoutError) -> Self {
        match error {
            PlayoutError::Store(error) => Self::Store(error),
            PlayoutError::Stopping => Self::Tune(TuneError::ShuttingDown),
        }
    }
}

fn tune_kind(error: &TuneError) -> (StatusCode, &'static str) {
    match error {
        TuneError::NoSuchChannel => (StatusCode::NOT_FOUND, "not-found"),
        TuneError::Disabled => (StatusCode::NOT_FOUND, "channel-disabled"),
        TuneError::Busy { .. } => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        TuneError::TimedOut => (StatusCode::SERVICE_UNAVAILABLE, "no-picture"),
        TuneError::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
    }
}

fn answer_kind(error: &AnswerError) -> (StatusCode, &'static str) {
    match error {
        AnswerError::Decide(DecideError::Unknown(_)) => (StatusCode::NOT_FOUND, "not-found"),
        AnswerError::Decide(DecideError::Over { .. }) => (StatusCode::CONFLICT, "already-answered"),
        AnswerError::Store(error) => store_kind(error),
    }
}

fn backup_kind(error: &BackupError) -> (StatusCode, &'static str) {
    match error {
        BackupError::None { .. } | BackupError::Name(_) => (StatusCode::NOT_FOUND, "not-found"),
        BackupError::Unfit { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "backup-unfit"),
        BackupError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        error if error.is_full() => (StatusCode::INSUFFICIENT_STORAGE, "disk-full"),
        BackupError::Store(error) => store_kind(error),
        BackupError::Safety(error) => backup_kind(error),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "backup-failed"),
    }
}

fn store_kind(error: &StoreError) -> (StatusCode, &'static str) {
    match error {
        StoreError::NumberTaken(_) => (StatusCode::CONFLICT, "number-taken"),
        StoreError::InUse(_) => (StatusCode::CONFLICT, "in-use"),
        // What the path names is looked up by the handlers; this is something that the body names.
        StoreError::NoSuch { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "no-such-reference"),
        _ => match error.kind() {
            StoreErrorKind::Locked => (StatusCode::SERVICE_UNAVAILABLE, "database-busy"),
            StoreErrorKind::DiskFull => (StatusCode::INSUFFICIENT_STORAGE, "disk-full"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "database-failed"),
        },
    }
}

/// A problem document as RFC 9457 defines it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem; stable.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words; the same for every problem of the kind.
    title: &'static str,
    /// The status of the response.
    status: u16,
    /// What is wrong this time and what to do, for people.
    detail: String,
    /// The values that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<WrongValue>,
}

/// One wrong value of a body.
#[derive(Debug, Serialize, ToSchema)]
struct WrongValue {
    /// JSON pointer to the value.
    pointer: String,
    /// What is wrong with it.
    detail: String,
}

impl Problem {
    fn new(error: &ApiError, status: StatusCode, slug: &str) -> Self {
        let errors = match error {
            ApiError::Invalid { pointer, detail } => {
                vec![WrongValue { pointer: pointer.clone(), detail: detail.clone() }]
            }
            ApiError::Faults(faults) => {
                let wrong = |(pointer, detail): &(String, String)| WrongValue {
                    pointer: pointer.clone(),
                    detail: detail.clone(),
                };
                faults.iter().map(wrong).collect()
            }
            _ => Vec::new(),
        };
        Self {
            kind: format!("urn:exstreamtv:problem:{slug}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: error.detail(status),
            errors,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, slug) = self.kind();
        if status.is_server_error() {
            log(&self, status);
        }
        let mut response = (status, Json(Problem::new(&self, status, slug))).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        // A proxy that pins a 404 would hide the segment, the channel or the file once it exists.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(self.retry_after_s()));
        }
        if let Some(code) = hdhomerun_code(&self) {
            headers.insert(HDHOMERUN_ERROR, HeaderValue::from_static(code));
        }
        response
    }
}

/// Plex and Emby read the reason from here.
const HDHOMERUN_ERROR: HeaderName = HeaderName::from_static("x-hdhomerun-error");

fn hdhomerun_code(error: &ApiError) -> Option<&'static str> {
    match error {
        ApiError::Tune(TuneError::NoSuchChannel | TuneError::Disabled) => Some("801 Unknown Channel"),
        ApiError::Tune(TuneError::Busy { .. }) => Some("805 All Tuners In Use"),
        ApiError::Refused(Refusal::ChannelFull { .. } | Refusal::Full { .. }) => Some("805 All Tuners In Use"),
        ApiError::Tune(TuneError::TimedOut) => Some("807 No Video Data"),
        ApiError::Tune(TuneError::ShuttingDown) => Some("803 System Busy"),
        _ => None,
    }
}

fn log(error: &ApiError, status: StatusCode) {
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        chain.push_str(": ");
        chain.push_str(&inner.to_string());
        cause = inner.source();
    }
    match error {
        // Somebody else's shortage is told to the client; only our own failures need a person.
        ApiError::Tune(_) | ApiError::Refused(_) => tracing::info!(status = status.as_u16(), "failed to {chain}"),
        _ => tracing::error!(status = status.as_u16(), "failed to {chain}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_busy_channel_says_when_to_come_back() {
        let response = ApiError::Tune(TuneError::Busy { retry_after_s: 7 }).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "7");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()["x-hdhomerun-error"], "805 All Tuners In Use");
    }

    #[tokio::test]
    async fn a_full_house_says_when_to_come_back_and_an_ended_session_that_it_is_over() {
        let full = ApiError::Refused(Refusal::ChannelFull { limit: 50, retry_after_s: 15 }).into_response();
        assert_eq!(full.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(full.headers()[header::RETRY_AFTER], "15");
        assert_eq!(full.headers()["x-hdhomerun-error"], "805 All Tuners In Use");
        let over = ApiError::Refused(Refusal::Killed).into_response();
        assert_eq!(over.status(), StatusCode::GONE);
        assert!(!over.headers().contains_key(header::RETRY_AFTER));
    }

    #[tokio::test]
    async fn causes_of_a_failure_stay_on_the_server() {
        let secret = std::io::Error::other("/home/me/secret");
        let response = ApiError::Guide(Box::new(secret)).into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
    }

    #[tokio::test]
    async fn several_wrong_values_are_all_pointed_at() {
        let faults = [("/a", "it is too late"), ("/b", "it is too early")];
        let faults = faults.map(|(pointer, detail)| (pointer.to_owned(), detail.to_owned()));
        let response = ApiError::Faults(faults.into()).into_response();
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["detail"], "Failed to accept /a of the body and 1 more mistakes: it is too late.");
        assert_eq!(problem["errors"][1], serde_json::json!({"pointer": "/b", "detail": "it is too early"}));
    }

    #[tokio::test]
    async fn a_wrong_value_is_pointed_at() {
        let response = ApiError::invalid("/profile/width", "it must be even").into_response();
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["errors"][0]["pointer"], "/profile/width");
        assert_eq!(problem["type"], "urn:exstreamtv:problem:invalid-value");
        assert_eq!(problem["detail"], "Failed to accept /profile/width: it must be even.");
    }
}
