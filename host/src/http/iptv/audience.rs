//! Who asks for a channel, as a session wants to know it.
//!
//! Does: read from a request what a session is told of its client, and how a player is known.
//! Does not: admit anybody; the sessions do.
//! Invariant: an address is never an identity.

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use exstreamtv_core::session::{About, SessionId, SessionKind};
use exstreamtv_model::{Channel, ThrottleMode, ThrottleWish};
use exstreamtv_transport::FrameGrid;

use crate::{
    http::{HttpState, origin::Wire, problem::ApiError, state::ViewerInfo},
    sessions::{HlsAsk, HlsVisit, Known},
};

/// After how long without a byte taken a connection is idle.
const TS_IDLE_AFTER_MS: i64 = 10_000;
/// How many target durations a player may be silent; it asks at least once in one and a half.
const HLS_TARGETS: i64 = 3;
/// What networks and slow players get beyond that.
const HLS_GRACE_MS: i64 = 5_000;

/// What a client of the continuous stream wants.
pub struct TsWants {
    /// Who it is.
    pub viewer: ViewerInfo,
    /// Its connection.
    pub wire: Wire,
    /// How fast it wishes to be sent the stream.
    pub throttle: ThrottleWish,
}

impl TsWants {
    /// Reads `throttle` (a mode), `target_bitrate_bps` and `client_id` from the query; players add words of their own, which mean nothing.
    ///
    /// # Errors
    /// If one of the three cannot be used.
    pub fn read(mut viewer: ViewerInfo, wire: Wire, uri: &Uri) -> Result<Self, ApiError> {
        let mut throttle = ThrottleWish::default();
        for (name, value) in uri.query().unwrap_or_default().split('&').filter_map(|word| word.split_once('=')) {
            let bad = |detail: &str| ApiError::BadParameter { parameter: name.to_owned(), detail: detail.to_owned() };
            match name {
                "throttle" => {
                    let mode = ThrottleMode::of_word(value);
                    throttle.mode = Some(mode.ok_or_else(|| bad("it is realtime, burst, adaptive or disabled"))?);
                }
                "target_bitrate_bps" => {
                    throttle.target_bitrate_bps = Some(value.parse().map_err(|_| bad("it is a number"))?)
                }
                "client_id" => viewer.client_id = Some(value.chars().take(200).collect()),
                _ => {}
            }
        }
        throttle.check().map_err(|error| ApiError::BadParameter {
            parameter: "target_bitrate_bps".to_owned(),
            detail: error.to_string(),
        })?;
        Ok(Self { viewer, wire, throttle })
    }
}

/// Describes a connection that wants the continuous stream.
pub fn about_ts(channel: &Channel, viewer: ViewerInfo) -> About {
    about(channel, viewer, SessionKind::Ts, (TS_IDLE_AFTER_MS, None))
}

/// Finds the session of a player, or begins one.
///
/// # Errors
/// If there is no room for one more viewer, or somebody ended the session.
pub fn visit(state: &HttpState, channel: &Channel, viewer: ViewerInfo, known: Known) -> Result<HlsVisit, ApiError> {
    let target_ms = 2_000 * FrameGrid::new(&channel.profile).gop_seconds();
    let patience = (target_ms * 3 / 2, Some(HLS_TARGETS * target_ms + HLS_GRACE_MS));
    let about = about(channel, viewer, SessionKind::Hls, patience);
    Ok(state.sessions.visit(HlsAsk { about, known })?)
}

/// Returns how a player is known that has no token in its address.
pub fn known_by_cookie(headers: &HeaderMap, channel: &Channel) -> Known {
    let name = cookie_name(channel);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    let token = cookies.find_map(|(key, value)| (key == name).then(|| value.parse().ok()).flatten());
    token.map_or(Known::Not, Known::Cookie)
}

/// Returns the cookie by which a player is known that comes back to the channel's own address. It has no path of its own, so it holds below
/// whatever prefix a proxy has.
pub fn cookie(channel: &Channel, id: SessionId) -> HeaderValue {
    let text = format!("{}={id}; HttpOnly; SameSite=Lax", cookie_name(channel));
    // Letters, digits and punctuation of our own.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

fn cookie_name(channel: &Channel) -> String {
    format!("exstreamtv-{}", channel.id)
}

fn about(
    channel: &Channel,
    viewer: ViewerInfo,
    kind: SessionKind,
    (idle_after_ms, over_after_ms): (i64, Option<i64>),
) -> About {
    About {
        channel_id: channel.id,
        channel_number: channel.number.clone(),
        kind,
        client_id: viewer.client_id,
        client_ip: Some(viewer.ip),
        user_agent: viewer.user_agent,
        idle_after_ms,
        over_after_ms,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn wants(query: &str) -> Result<TsWants, ApiError> {
        let viewer = ViewerInfo { ip: IpAddr::from([10, 0, 0, 1]), user_agent: None, client_id: Some("header".into()) };
        let uri = format!("/iptv/channel/5.ts{query}").parse().unwrap();
        TsWants::read(viewer, Wire(None), &uri)
    }

    #[test]
    fn a_client_may_say_how_fast_it_wishes_to_be_sent_the_stream() {
        let plain = wants("?x=1&y").unwrap_or_else(|error| panic!("{error}"));
        assert!(plain.throttle.is_empty());
        assert_eq!(plain.viewer.client_id.as_deref(), Some("header"));
        let wishes =
            wants("?throttle=burst&target_bitrate_bps=2000000&client_id=tv").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(wishes.throttle.mode, Some(ThrottleMode::Burst));
        assert_eq!(wishes.throttle.target_bitrate_bps, Some(2_000_000));
        assert_eq!(wishes.viewer.client_id.as_deref(), Some("tv"));
        for query in ["?throttle=", "?throttle=Burst", "?target_bitrate_bps=x", "?target_bitrate_bps=1"] {
            assert!(wants(query).is_err(), "{query}");
        }
    }
}
