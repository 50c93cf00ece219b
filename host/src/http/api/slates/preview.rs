//! `POST /api/v1/slates/preview`.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use exstreamtv_core::{Announced, Occasion, screen};
use exstreamtv_model::{
    Cause, Channel, ChannelId, OutputProfile, Screen,
    slate::{AudioMode, Message, PatternKind, ScreenChanges, VisualMode},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::{channels::check_text, error_screen::refused};
use crate::{
    feed::slates::{PreviewFormat, RenderError},
    http::{
        HttpState,
        extract::{JsonBody, QueryPart},
        problem::ApiError,
    },
};

/// What to look at.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FormatQuery {
    /// A picture or the stream; without it, what `Accept` prefers, and a picture otherwise.
    #[param(inline)]
    format: Option<Format>,
}

/// A picture or the stream.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// One picture.
    Png,
    /// The transport stream that would be looped.
    Ts,
}

/// A slate to look at; whatever is left out is as it would be on air.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PreviewRequest {
    /// The channel whose slate it is.
    channel: Option<ChannelId>,
    /// What is sent; without it, that of the channel, or of new ones.
    profile: Option<OutputProfile>,
    /// Why the slate is shown; without it, the slate for whenever nothing is known.
    cause: Option<Cause>,
    /// What comes next.
    next: Option<NextProgramme>,
    /// The picture.
    visual_mode: Option<VisualMode>,
    /// The sound.
    audio_mode: Option<AudioMode>,
    /// Which test pattern.
    pattern: Option<PatternKind>,
    /// Everything else that can be configured.
    style: ScreenChanges,
    /// Lines to be written instead of those that the cause brings.
    message: Lines,
}

/// What comes next.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NextProgramme {
    /// What the guide calls it.
    title: String,
    /// When it begins, RFC 3339.
    start: DateTime<Utc>,
}

/// Lines of a message; an empty one is not written.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Lines {
    /// Number and name of the channel.
    channel: Option<String>,
    /// The largest line.
    title: Option<String>,
    /// The line below it.
    subtitle: Option<String>,
    /// Why the programme is not on.
    reason: Option<String>,
    /// What comes next.
    next: Option<String>,
    /// What a viewer can quote.
    code: Option<String>,
}

/// Renders a slate as it would be on air. One at a time, and none while a channel is being tuned.
#[utoipa::path(
    post, path = "/slates/preview", tag = "slates", params(FormatQuery),
    request_body(content = PreviewRequest, description = "May be left out"),
    responses(
        (status = OK, description = "The picture, or the stream",
            content((Vec<u8> = "image/png"), (Vec<u8> = "video/mp2t"))),
        (status = SERVICE_UNAVAILABLE, description = "The machine is needed for something else; Retry-After says when to come back")
    )
)]
#[tracing::instrument(name = "http.slates.preview", skip_all)]
pub async fn preview(
    State(state): State<HttpState>,
    QueryPart(query): QueryPart<FormatQuery>,
    headers: HeaderMap,
    body: Option<JsonBody<PreviewRequest>>,
) -> Result<Response, ApiError> {
    let request = body.map(|JsonBody(request)| request).unwrap_or_default();
    let channel = match request.channel {
        Some(id) => Some(state.store.channels().find(id).await?.ok_or_else(|| ApiError::no_channel(id))?),
        None => None,
    };
    let profile = request.profile(channel.as_ref())?;
    let screen = request.screen(&state, channel.as_ref()).await?;
    let format = format(&query, &headers);
    let bytes = state.slates.preview(&screen, &profile, format).await?;
    let kind = match format {
        PreviewFormat::Png => HeaderValue::from_static("image/png"),
        PreviewFormat::Ts => HeaderValue::from_static("video/mp2t"),
    };
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(([(header::CONTENT_TYPE, kind), no_store], bytes).into_response())
}

fn format(query: &FormatQuery, headers: &HeaderMap) -> PreviewFormat {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match query.format {
        Some(Format::Png) => PreviewFormat::Png,
        Some(Format::Ts) => PreviewFormat::Ts,
        None if accepted.contains("video/mp2t") && !accepted.contains("image/png") => PreviewFormat::Ts,
        None => PreviewFormat::Png,
    }
}

impl PreviewRequest {
    fn profile(&self, channel: Option<&Channel>) -> Result<OutputProfile, ApiError> {
        let profile = match (&self.profile, channel) {
            (Some(profile), _) => profile.clone(),
            (None, Some(channel)) => channel.profile.clone(),
            (None, None) => OutputProfile::default(),
        };
        profile.check().map_err(|error| ApiError::invalid("/profile", error))?;
        Ok(profile)
    }

    async fn screen(&self, state: &HttpState, channel: Option<&Channel>) -> Result<Screen, ApiError> {
        self.style.check().map_err(|error| refused(&error, "/style"))?;
        let own = match channel {
            Some(channel) => state.store.screens().find(channel.id).await?,
            None => ScreenChanges::default(),
        };
        let Self { visual_mode, audio_mode, pattern, .. } = *self;
        if !state.slates.settings().enabled {
            return Ok(screen::blank());
        }
        let modes = ScreenChanges { visual_mode, audio_mode, pattern, ..ScreenChanges::default() };
        let style = state.slates.settings().style.with(&own).with(&self.style).with(&modes);
        let next = self.next.as_ref().map(|next| Announced { title: next.title.clone(), start: next.start });
        let images = state.slates.images();
        let mut screen = match self.cause {
            None => screen::generic(&style, images),
            Some(cause) => {
                let occasion = Occasion {
                    cause,
                    channel: channel.map(|channel| (&channel.number, channel.name.as_str())),
                    next: next.as_ref(),
                    now: state.clock.now(),
                    zone: channel.map_or(chrono_tz::UTC, |channel| channel.zone),
                };
                screen::compose(&style, images, &occasion)
            }
        };
        self.message.write_over(&mut screen.message)?;
        Ok(screen)
    }
}

impl Lines {
    fn write_over(&self, message: &mut Message) -> Result<(), ApiError> {
        let lines = [
            ("channel", &self.channel, &mut message.channel),
            ("title", &self.title, &mut message.title),
            ("subtitle", &self.subtitle, &mut message.subtitle),
            ("reason", &self.reason, &mut message.reason),
            ("next", &self.next, &mut message.next),
            ("code", &self.code, &mut message.code),
        ];
        for (key, line, place) in lines {
            if let Some(line) = line {
                check_text(&format!("/message/{key}"), line, 0)?;
                place.clone_from(line);
            }
        }
        Ok(())
    }
}

impl From<RenderError> for ApiError {
    fn from(error: RenderError) -> Self {
        Self::Preview(error)
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{StatusCode, header},
        response::Response,
    };
    use exstreamtv_model::slate::Visual;
    use serde_json::json;

    use super::*;
    use crate::http::fakes::{Host, body_json, request};

    async fn ask(host: &Host, query: &str, body: serde_json::Value) -> Response {
        let request = request("POST", &format!("/api/v1/slates/preview{query}"));
        let request = request.header("content-type", "application/json").body(Body::from(body.to_string()));
        host.send(request.unwrap()).await
    }

    #[tokio::test]
    async fn without_a_body_it_is_the_picture_for_whenever_nothing_is_known() {
        let host = Host::open().await;
        let answer = host.send_empty("POST", "/api/v1/slates/preview").await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "image/png");
        assert_eq!(host.rendered()[0].message, Message::titled("We will be right back"));
    }

    #[tokio::test]
    async fn a_channel_a_cause_and_wishes_make_the_screen_that_would_be_on_air() {
        let host = Host::open().await;
        let channel = host.channel("5.1", "Classics").await.id;
        let own =
            ScreenChanges { subtitle: Some("own".into()), audio_mode: Some(AudioMode::Sine), ..Default::default() };
        host.store.screens().set(channel, &own).await.unwrap();
        let body = json!({
            "channel": channel, "cause": "source_missing", "visual_mode": "test_pattern", "audio_mode": "beep",
            "next": { "title": "Metropolis", "start": host.now() }, "style": { "show_code": false },
            "message": { "reason": "because" }
        });
        let answer = ask(&host, "?format=ts", body).await;
        assert_eq!(
            (answer.status(), &answer.headers()[header::CONTENT_TYPE]),
            (StatusCode::OK, &HeaderValue::from_static("video/mp2t"))
        );
        let screen = host.rendered().remove(0);
        assert_eq!((screen.visual, screen.audio), (Visual::Pattern { kind: PatternKind::Smpte }, AudioMode::Beep));
        let Message { channel, title, subtitle, reason, next, code } = screen.message;
        assert_eq!(
            (channel.as_str(), title.as_str(), subtitle.as_str()),
            ("5.1  Classics", "We will be right back", "own")
        );
        assert_eq!((reason.as_str(), code.as_str()), ("because", ""));
        assert!(next.starts_with("Next: Metropolis, at "), "{next}");
    }

    #[tokio::test]
    async fn mistakes_are_problem_documents() {
        let host = Host::open().await;
        for (body, status) in [
            (json!({ "channel": "999" }), StatusCode::NOT_FOUND),
            (json!({ "profile": { "width": 7 } }), StatusCode::UNPROCESSABLE_ENTITY),
            (json!({ "cause": "solar_flare" }), StatusCode::UNPROCESSABLE_ENTITY),
            (json!({ "style": { "image": "/etc/shadow" } }), StatusCode::UNPROCESSABLE_ENTITY),
            (json!({ "message": { "title": "x".repeat(201) } }), StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            let answer = ask(&host, "", body.clone()).await;
            assert_eq!(answer.status(), status, "{body}");
            assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json");
        }
        assert_eq!(ask(&host, "?format=gif", json!({})).await.status(), StatusCode::BAD_REQUEST);
        assert!(host.rendered().is_empty(), "nothing was rendered for any of them");
    }

    #[tokio::test]
    async fn while_a_channel_starts_one_comes_back_later() {
        let host = Host::open().await;
        let _hush = host.slates.hush();
        let answer = ask(&host, "", json!({})).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key(header::RETRY_AFTER));
        assert_eq!(body_json(answer).await["type"], "urn:exstreamtv:problem:busy");
    }

    #[tokio::test]
    async fn what_ffmpeg_cannot_render_is_no_picture() {
        let host = Host::open().await;
        host.break_rendering();
        assert_eq!(ask(&host, "", json!({})).await.status(), StatusCode::BAD_GATEWAY);
    }
}
