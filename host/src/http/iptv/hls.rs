//! `/iptv/channel/hls/{channel}/{session}/{file}`: everything that playlists of a channel name, by the channel's id and the session's token.
//!
//! Does: find out which list or segment is meant, and whose it is.
//! Does not: answer; `playlist`, `segment` and this file's subtitles do.
//! Invariant: a segment, of pictures or of subtitles, is the same for ever; lists start the feed, segments never do. Below a token that
//! somebody ended nothing is answered any more.
//!
//! Without a token in the address, a list leads to segments of a session that it finds by its cookie or begins; a segment belongs to nobody.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use exstreamtv_core::session::SessionId;
use exstreamtv_model::{Channel, ChannelId};
use tokio::time::Instant;

use super::{
    audience,
    lineup::{channel_id, numbered},
    playlist::{self, List},
    segment,
};
use crate::{
    http::{HttpState, extract::PathPart, origin::Visit, problem::ApiError, state::TuneError},
    sessions::{HlsVisit, Known},
};

/// What a request asks for.
struct Request<'a> {
    state: &'a HttpState,
    visit: Visit,
    method: Method,
    headers: HeaderMap,
    channel: ChannelId,
    session: Option<SessionId>,
    file: &'a str,
}

/// Answers with a list or a segment, to a client without a token.
#[tracing::instrument(name = "http.hls.get", level = "debug", skip_all, fields(channel.id = %channel, file = %file))]
pub async fn file(
    State(state): State<HttpState>,
    visit: Visit,
    method: Method,
    headers: HeaderMap,
    PathPart((channel, file)): PathPart<(String, String)>,
) -> Result<Response, ApiError> {
    let id = channel_id(&channel).ok_or_else(|| none(&channel, &file))?;
    Request { state: &state, visit, method, headers, channel: id, session: None, file: &file }.answer().await
}

/// Answers with a list or a segment, to the client of a session.
#[tracing::instrument(name = "http.hls.get", level = "debug", skip_all, fields(channel.id = %channel, session.id = %session, file = %file))]
pub async fn file_of_session(
    State(state): State<HttpState>,
    visit: Visit,
    method: Method,
    headers: HeaderMap,
    PathPart((channel, session, file)): PathPart<(String, String, String)>,
) -> Result<Response, ApiError> {
    let id = channel_id(&channel).ok_or_else(|| none(&channel, &file))?;
    let token: SessionId = session.parse().map_err(|_| none(&channel, &file))?;
    // Before anything is looked for: somebody may have ended it.
    state.sessions.revisit(token, id)?;
    Request { state: &state, visit, method, headers, channel: id, session: Some(token), file: &file }.answer().await
}

impl Request<'_> {
    async fn answer(self) -> Result<Response, ApiError> {
        match self.file {
            "video.m3u8" => self.list(List::Variant).await,
            "subtitles.m3u8" => self.list(List::Subtitles).await,
            _ => self.segment().await,
        }
    }

    async fn list(self, list: List) -> Result<Response, ApiError> {
        let channel = watchable(self.state, self.channel).await?;
        if self.method == Method::HEAD {
            return Ok(playlist::head());
        }
        let known = self.session.map_or_else(|| audience::known_by_cookie(&self.headers, &channel), Known::Address);
        let visit = audience::visit(self.state, &channel, self.visit.viewer, known)?;
        let folder = if self.session.is_some() { String::new() } else { format!("{}/", visit.id) };
        let mut response = playlist::list(self.state, &channel, list, &folder, &self.headers).await?;
        self.state.sessions.here(visit.id);
        if self.session.is_none() {
            response.headers_mut().insert(header::SET_COOKIE, audience::cookie(&channel, visit.id));
        }
        Ok(response)
    }

    async fn segment(self) -> Result<Response, ApiError> {
        let sequence = |ending| numbered(self.file, ending).and_then(|stem| stem.parse().ok());
        let found = match (sequence("ts"), sequence("vtt")) {
            (Some(sequence), _) if self.is_kept(sequence)? => {
                let visit = self.session_of_segment().await?;
                segment::media(self.state, self.channel, sequence, visit)?
            }
            (_, Some(sequence)) => match self.state.broadcaster.captions(self.channel, sequence).await {
                Some(text) => Some(subtitles(text, self.session_of_segment().await?)),
                None => None,
            },
            _ => None,
        };
        found.ok_or_else(|| {
            if let Some(session) = self.session {
                self.state.sessions.missed(session, format!("{} is not there", self.file));
            }
            none(self.channel, self.file)
        })
    }

    fn is_kept(&self, sequence: u64) -> Result<bool, ApiError> {
        Ok(self.state.broadcaster.segment(self.channel, sequence)?.is_some())
    }

    /// A token goes on under its own name, be it known or not.
    async fn session_of_segment(&self) -> Result<Option<HlsVisit>, ApiError> {
        let Some(session) = self.session else { return Ok(None) };
        let visit = match self.state.sessions.revisit(session, self.channel)? {
            Some(visit) => visit,
            None => {
                let channel = watchable(self.state, self.channel).await?;
                audience::visit(self.state, &channel, self.visit.viewer.clone(), Known::Address(session))?
            }
        };
        self.state.sessions.here(visit.id);
        Ok(Some(visit))
    }
}

fn none(channel: impl std::fmt::Display, file: &str) -> ApiError {
    ApiError::NotFound { what: "segment", id: format!("{channel}/{file}") }
}

async fn watchable(state: &HttpState, id: ChannelId) -> Result<Channel, ApiError> {
    let channel = state.store.channels().find(id).await?.ok_or_else(|| ApiError::no_channel(id))?;
    if channel.enabled { Ok(channel) } else { Err(TuneError::Disabled.into()) }
}

/// Answers with the subtitles of a segment.
fn subtitles(text: bytes::Bytes, visit: Option<HlsVisit>) -> Response {
    if let Some(visit) = visit {
        visit.meter.sent_beside(text.len(), Instant::now());
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/vtt; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static(segment::FOR_EVER)),
    ];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{StatusCode, header},
    };

    use crate::http::fakes::{Host, body_text, request};

    #[tokio::test]
    async fn subtitles_are_text_that_caches_may_keep() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await;
        let path = format!("/iptv/channel/hls/{}/7.vtt", channel.id);
        let response = host.get(&path).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/vtt; charset=utf-8");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "public, max-age=600, immutable");
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(body_text(response).await, "WEBVTT\n");
        let zipped = request("GET", &path).header("accept-encoding", "gzip").body(Body::empty()).unwrap();
        assert_eq!(host.send(zipped).await.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(host.tunes(), 0, "a segment never starts a feed");
    }

    #[tokio::test]
    async fn subtitles_that_are_not_there_are_not_pinned_by_caches() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await;
        for path in [format!("{}/8.vtt", channel.id), format!("{}/07.vtt", channel.id), "99/7.vtt".into()] {
            let response = host.get(&format!("/iptv/channel/hls/{path}")).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        }
    }

    #[tokio::test]
    async fn lists_of_channels_that_cannot_be_watched_are_refused() {
        let host = Host::open().await;
        let off = host.disabled_channel("6", "Off").await.id;
        for list in ["video.m3u8", "subtitles.m3u8"] {
            let missing = host.get(&format!("/iptv/channel/hls/99/{list}")).await;
            assert_eq!(missing.status(), StatusCode::NOT_FOUND);
            let refused = host.get(&format!("/iptv/channel/hls/{off}/{list}")).await;
            assert!(!refused.status().is_success(), "{}", refused.status());
        }
        assert_eq!(host.tunes(), 0);
    }
}
