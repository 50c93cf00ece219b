//! `GET /api/v1/media/{id}/picks`.

use axum::{Json, extract::State};
use exstreamtv_model::{
    ChannelId, MediaId,
    order::BurnIn,
    pick::{AudioAnswer, SubtitleAnswer, SubtitleSource},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    feed::picks::{Picked, Wishes},
    http::{
        HttpState,
        extract::{PathPart, QueryPart},
        problem::ApiError,
    },
};

/// Which sound and which subtitles of a file a channel plays, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct PicksView {
    /// In which language the work was made, as its sidecar says; it counts where the channel prefers the original language.
    #[serde(skip_serializing_if = "Option::is_none")]
    original_language: Option<String>,
    /// The sound, with every candidate and what was thought of it.
    audio: AudioAnswer,
    /// The subtitles, with every candidate and what was thought of it.
    subtitles: SubtitleAnswer,
    /// Whether the chosen subtitles become part of the picture.
    burnt_in: bool,
    /// Whether they are passed on as WebVTT beside the picture.
    web_vtt: bool,
    /// The subtitle file beside the media that is read, if one was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    subtitle_file: Option<String>,
}

impl PicksView {
    fn new(picked: Picked, original_language: Option<String>) -> Self {
        let Picked { audio, subtitles, burn_in, text } = picked;
        let beside = match (&burn_in, &text, &subtitles.chosen) {
            (Some(BurnIn::Sidecar { path }), ..) => Some(path),
            (_, Some(text), Some(SubtitleSource::Sidecar { .. })) => Some(&text.path),
            _ => None,
        };
        let subtitle_file = beside.map(|path| path.to_string_lossy().into_owned());
        let (burnt_in, web_vtt) = (burn_in.is_some(), text.is_some());
        Self { original_language, audio, subtitles, burnt_in, web_vtt, subtitle_file }
    }
}

/// For which channel.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PicksQuery {
    /// Whose preferences count; those of a channel without any if absent.
    channel: Option<ChannelId>,
}

/// Returns which tracks of a file are played, and why, before it airs.
#[utoipa::path(
    get, path = "/media/{id}/picks", tag = "media", params(("id" = MediaId, Path), PicksQuery),
    responses((status = OK, body = PicksView))
)]
#[tracing::instrument(name = "http.media.picks", skip_all, fields(media.id = %id))]
pub async fn picks(
    State(state): State<HttpState>,
    PathPart(id): PathPart<MediaId>,
    QueryPart(query): QueryPart<PicksQuery>,
) -> Result<Json<PicksView>, ApiError> {
    let none = || ApiError::NotFound { what: "media", id: id.to_string() };
    let media = state.store.media().find(id).await?.ok_or_else(none)?;
    let wishes = match query.channel {
        Some(channel) => {
            let found = state.store.channels().find(channel).await?;
            Wishes::from(&found.ok_or_else(|| ApiError::no_channel(channel))?)
        }
        None => Wishes::default(),
    };
    let none = || ApiError::NotFound { what: "playable media", id: id.to_string() };
    let picked = state.picks.ask(&media, &wishes).await.ok_or_else(none)?;
    Ok(Json(PicksView::new(picked, media.metadata.original_language)))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn the_decision_is_shown_with_its_reasons() {
        let host = Host::open().await;
        let media = host.media("/tv/a.mkv", "A").await;
        let channel = host.channel("1", "One").await;
        for path in
            [format!("/api/v1/media/{media}/picks"), format!("/api/v1/media/{media}/picks?channel={}", channel.id)]
        {
            let picks = body_json(host.get(&path).await).await;
            assert_eq!((&picks["audio"]["chosen"], &picks["burnt_in"]), (&json!(null), &json!(false)), "{picks}");
            assert!(picks["subtitles"]["why"].is_string());
        }
    }

    #[tokio::test]
    async fn the_language_in_which_a_work_was_made_is_shown_where_it_is_known() {
        let host = Host::open().await;
        for (media, shown) in
            [(host.media("/tv/a.mkv", "A").await, None), (host.media_made_in("/tv/b.mkv", "jpn").await, Some("jpn"))]
        {
            let picks = body_json(host.get(&format!("/api/v1/media/{media}/picks")).await).await;
            assert_eq!(picks["original_language"].as_str(), shown, "{picks}");
        }
    }

    #[tokio::test]
    async fn there_is_no_decision_about_what_is_not_there() {
        let host = Host::open().await;
        let media = host.media("/tv/a.mkv", "A").await;
        let broken = host.broken_media("/tv/bad.mkv", "no video in it").await;
        for path in [
            "/api/v1/media/999/picks".to_owned(),
            format!("/api/v1/media/{broken}/picks"),
            format!("/api/v1/media/{media}/picks?channel=999"),
        ] {
            assert_eq!(host.get(&path).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
