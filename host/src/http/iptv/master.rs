//! The master playlist of a channel, at the channel's own address.
//!
//! Does: begin a session, and name its one variant, and the subtitles beside it where they are passed on as text. Players come back to the
//! variant and not to this list, so the session's token in the variant's address is all that they need to be known by.
//! Does not: list segments; `playlist` does.
//! Invariant: what it says of the stream is read from the stream; addresses are relative and hold for the life of the channel.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use exstreamtv_model::{
    Channel,
    pick::{SubtitleDelivery, SubtitleMode},
};
use exstreamtv_transport::{Master, Rendition, avc1_codec, codec::AAC_CODEC, master_playlist};

use super::{audience, playlist::KIND, ts::named};
use crate::http::{HttpState, problem::ApiError, state::ViewerInfo};

/// The parameters of the stream lie in its first packets.
const LOOKED_AT_BYTES: usize = 4 * 188;

/// Returns whether a channel's subtitles are passed on as text.
fn passes_text(channel: &Channel) -> bool {
    let subtitles = &channel.tracks.subtitles;
    subtitles.delivery == SubtitleDelivery::WebVtt && subtitles.mode != SubtitleMode::Off
}

/// Answers as soon as the feed has its first segment: whoever asks will want it, and it says what is in the stream.
pub async fn answer(
    state: &HttpState,
    channel: &Channel,
    viewer: ViewerInfo,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let visit = audience::visit(state, channel, viewer, audience::known_by_cookie(headers, channel))?;
    let playlist = state.broadcaster.playlist(channel.id).await.map_err(named(channel))?;
    let codecs = codecs(state, channel, &playlist.text);
    // By id, because a number may be given to another channel while players and caches still know the old segments.
    let folder = format!("hls/{}/{}", channel.id, visit.id);
    let uri = format!("{folder}/subtitles.m3u8");
    let subtitles = passes_text(channel).then(|| Rendition {
        name: channel.tracks.subtitles.languages.first().map_or("Subtitles", String::as_str),
        language: language(channel),
        uri: &uri,
    });
    let text = master_playlist(Master {
        profile: &channel.profile,
        codecs: codecs.as_deref(),
        uri: &format!("{folder}/video.m3u8"),
        subtitles,
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(KIND)),
        // The next viewer gets a session of his own.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::SET_COOKIE, audience::cookie(channel, visit.id)),
    ];
    Ok((headers, text).into_response())
}

/// Returns what is in the stream, by its first listed segment.
fn codecs(state: &HttpState, channel: &Channel, playlist: &str) -> Option<String> {
    let first = playlist.lines().find_map(|line| line.strip_prefix("seg/")?.strip_suffix(".ts")?.parse().ok())?;
    let segment = state.broadcaster.segment(channel.id, first).ok().flatten()?;
    let beginning = segment.data.first()?;
    let video = avc1_codec(&beginning[..beginning.len().min(LOOKED_AT_BYTES)])?;
    Some(format!("{video},{AAC_CODEC}"))
}

/// Returns the language that the channel wants most, where it is written as BCP 47 has it: two letters, and perhaps a region or a script.
fn language(channel: &Channel) -> Option<&str> {
    let wanted = channel.tracks.subtitles.languages.first()?;
    let (language, subtags) =
        wanted.split_once('-').map_or((wanted.as_str(), None), |(first, rest)| (first, Some(rest)));
    let is_subtag = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_language = language.len() == 2 && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    let are_subtags = subtags.is_none_or(|subtags| subtags.split('-').all(is_subtag));
    (is_language && are_subtags).then_some(wanted)
}

#[cfg(test)]
mod tests {
    use axum::http::{StatusCode, header};
    use exstreamtv_model::{Channel, pick::TrackPreferences};
    use serde_json::json;

    use super::*;
    use crate::http::fakes::{Host, body_text};

    /// A channel that passes subtitles on in the languages.
    async fn channel(host: &Host, mode: &str, delivery: &str, languages: &[&str]) -> Channel {
        let mut channel = host.channel("5", "Five").await;
        let subtitles = json!({ "mode": mode, "delivery": delivery, "languages": languages });
        channel.tracks = serde_json::from_value::<TrackPreferences>(json!({ "subtitles": subtitles })).unwrap();
        host.store.channels().update(&channel).await.unwrap();
        channel
    }

    #[tokio::test]
    async fn a_channel_that_passes_text_on_leads_to_its_pictures_and_subtitles() {
        let host = Host::open().await;
        let id = channel(&host, "preferred", "web_vtt", &["pt-BR", "en"]).await.id;
        let response = host.get("/iptv/channel/5.m3u8").await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/vnd.apple.mpegurl");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let text = body_text(response).await;
        let token = host.sessions.list().remove(0).session_id;
        let media = format!(
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subs\",NAME=\"pt-BR\",LANGUAGE=\"pt-BR\",DEFAULT=YES,AUTOSELECT=YES,FORCED=NO,URI=\"hls/{id}/{token}/subtitles.m3u8\""
        );
        assert!(text.lines().any(|line| line == media), "{text}");
        assert!(text.contains(&format!("SUBTITLES=\"subs\"\nhls/{id}/{token}/video.m3u8\n")), "{text}");

        let listed = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2.000,\n7";
        for (list, segment) in [("video", "ts"), ("subtitles", "vtt")] {
            let response = host.get(&format!("/iptv/channel/hls/{id}/{token}/{list}.m3u8")).await;
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/vnd.apple.mpegurl");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "max-age=1");
            assert_eq!(body_text(response).await, format!("{listed}.{segment}\n"));
            let segment = host.get(&format!("/iptv/channel/hls/{id}/{token}/7.{segment}")).await;
            assert_eq!(segment.status(), StatusCode::OK);
        }
    }

    #[tokio::test]
    async fn every_other_channel_leads_to_its_pictures_alone() {
        for (mode, delivery) in [("preferred", "burn_in"), ("off", "web_vtt")] {
            let host = Host::open().await;
            let id = channel(&host, mode, delivery, &[]).await.id;
            let text = body_text(host.get("/iptv/channel/5.m3u8").await).await;
            let token = host.sessions.list().remove(0).session_id;
            assert!(!text.contains("SUBTITLES") && !text.contains("EXT-X-MEDIA:"), "{text}");
            assert!(text.ends_with(&format!("\nhls/{id}/{token}/video.m3u8\n")), "{text}");
        }
    }

    #[tokio::test]
    async fn a_language_is_told_only_as_the_standard_writes_it() {
        for (wanted, told) in
            [("de", true), ("zh-Hant", true), ("ger", false), ("German", false), ("d1", false), ("de-", false)]
        {
            let host = Host::open().await;
            let channel = channel(&host, "preferred", "web_vtt", &[wanted]).await;
            assert_eq!(language(&channel), told.then_some(wanted), "{wanted}");
        }
    }
}
