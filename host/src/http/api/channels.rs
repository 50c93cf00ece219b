//! `/api/v1/channels`: what viewers tune.
//!
//! Does: name the fields of a channel that can be set, and check them.
//! Does not: change a timeline; every change is told to the playout, which takes it up from the next boundary.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;
pub mod replace;

use exstreamtv_model::{
    Channel, ChannelId, ChannelNumber, CollectionId, ItemOrder, OutputProfile, Schedule, ThrottleWish,
    pick::TrackPreferences,
};
use exstreamtv_store::NewChannel;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    super::{HttpState, problem::ApiError},
    schedule,
};

/// A channel.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChannelView {
    /// Stable identity.
    id: ChannelId,
    /// What can be set.
    #[serde(flatten)]
    fields: ChannelFields,
}

/// The fields of a channel that can be set.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelFields {
    /// Place in the lineup, "5" or "5.1"; no two channels have the same.
    number: ChannelNumber,
    /// What people call it, 1 to 200 characters.
    name: String,
    /// Group in the players' lists.
    #[serde(default)]
    group: String,
    /// Absolute http or https address of a logo, or a path of this server.
    #[serde(default)]
    logo: Option<String>,
    /// IANA zone of its schedule and guide.
    #[serde(default)]
    #[schema(value_type = String, default = "UTC", example = "Europe/Berlin")]
    zone: chrono_tz::Tz,
    /// What every viewer receives.
    #[serde(default)]
    profile: OutputProfile,
    /// What fills its time; without one it shows its slate.
    #[serde(default)]
    collection: Option<CollectionId>,
    /// In which order the collection is played where there is no schedule.
    #[serde(default = "by_name")]
    order: ItemOrder,
    /// What fills its time instead of the plain order of one collection.
    #[serde(default)]
    schedule: Option<Schedule>,
    /// Which sound and which subtitles of its media are played.
    #[serde(default)]
    tracks: TrackPreferences,
    /// How fast its viewers are sent it, where the configuration's way is not wanted.
    #[serde(default)]
    throttle: ThrottleWish,
    /// A disabled channel is in no lineup and cannot be watched.
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
}

fn by_name() -> ItemOrder {
    ItemOrder::Name
}

fn yes() -> bool {
    true
}

impl ChannelFields {
    /// Checks what types alone cannot.
    async fn check(&self, state: &HttpState) -> Result<(), ApiError> {
        check_text("/name", &self.name, 1)?;
        check_text("/group", &self.group, 0)?;
        if let Some(logo) = &self.logo {
            check_logo(logo)?;
        }
        self.profile.check().map_err(|error| ApiError::invalid("/profile", error))?;
        self.throttle.check().map_err(|error| ApiError::invalid("/throttle/target_bitrate_bps", error))?;
        if let Some(id) = self.collection
            && state.store.collections().find(id).await?.is_none()
        {
            return Err(ApiError::invalid("/collection", format_args!("there is no collection {id}")));
        }
        if let Some(schedule) = &self.schedule {
            // A new channel has no id yet, and no strategy asks for it.
            schedule::check(state, &self.clone().into_channel(ChannelId(0)), schedule, "/schedule").await?;
        }
        Ok(())
    }

    fn into_new(self) -> NewChannel {
        let Self { number, name, group, logo, zone, profile, collection, order, schedule, tracks, throttle, enabled } =
            self;
        NewChannel { number, name, group, logo, zone, profile, collection, order, schedule, tracks, throttle, enabled }
    }

    fn into_channel(self, id: ChannelId) -> Channel {
        let Self { number, name, group, logo, zone, profile, collection, order, schedule, tracks, throttle, enabled } =
            self;
        Channel { id, number, name, group, logo, zone, profile, collection, order, schedule, tracks, throttle, enabled }
    }
}

impl From<Channel> for ChannelView {
    fn from(channel: Channel) -> Self {
        let Channel {
            id,
            number,
            name,
            group,
            logo,
            zone,
            profile,
            collection,
            order,
            schedule,
            tracks,
            throttle,
            enabled,
        } = channel;
        Self {
            id,
            fields: ChannelFields {
                number,
                name,
                group,
                logo,
                zone,
                profile,
                collection,
                order,
                schedule,
                tracks,
                throttle,
                enabled,
            },
        }
    }
}

/// Checks a text that ends up on one line of a list.
pub fn check_text(pointer: &str, text: &str, least: usize) -> Result<(), ApiError> {
    let length = text.trim().chars().count();
    if length < least || text.chars().count() > 200 {
        return Err(ApiError::invalid(pointer, format_args!("it must have {least} to 200 characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(ApiError::invalid(pointer, "it must not hold line breaks or other control characters"));
    }
    Ok(())
}

fn check_logo(logo: &str) -> Result<(), ApiError> {
    let address = ["http://", "https://"].iter().any(|scheme| logo.len() > scheme.len() && logo.starts_with(scheme));
    let path = logo.starts_with('/') && !logo.starts_with("//");
    let clean =
        logo.len() <= 2000 && !logo.chars().any(|c| c.is_control() || c.is_whitespace() || "\"<>\\".contains(c));
    if (address || path) && clean {
        Ok(())
    } else {
        Err(ApiError::invalid(
            "/logo",
            "it must be an http or https address, or a path of this server that begins with /",
        ))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{StatusCode, header};
    use serde_json::json;

    use super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn a_channel_lives_from_post_to_delete() {
        let host = Host::open().await;
        let created =
            host.json("POST", "/api/v1/channels", r#"{"number":"5.1","name":"Five","zone":"Europe/Berlin"}"#).await;
        assert_eq!(created.status(), StatusCode::CREATED);
        let place = created.headers()[header::LOCATION].to_str().unwrap().to_owned();
        let created = body_json(created).await;
        assert_eq!(created["enabled"], true);
        assert_eq!(created["profile"]["width"], 1280);
        assert!(created["id"].is_string());

        let patched = host.json("PATCH", &place, r#"{"name":"Fünf","profile":{"gop_ms":1000}}"#).await;
        assert_eq!(patched.status(), StatusCode::OK);
        let read = body_json(host.get(&place).await).await;
        assert_eq!((&read["name"], &read["zone"]), (&json!("Fünf"), &json!("Europe/Berlin")));
        assert_eq!((&read["profile"]["gop_ms"], &read["profile"]["width"]), (&json!(1000), &json!(1280)));

        let replaced = body_json(host.json("PUT", &place, r#"{"number":"6","name":"Six"}"#).await).await;
        assert_eq!((&replaced["zone"], &replaced["profile"]["gop_ms"]), (&json!("UTC"), &json!(2000)));

        assert_eq!(host.json("DELETE", &place, "").await.status(), StatusCode::NO_CONTENT);
        assert_eq!(host.get(&place).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(host.json("DELETE", &place, "").await.status(), StatusCode::NOT_FOUND);
        assert_eq!(host.rebuilds().len(), 4, "the playout hears of each change");
    }

    #[tokio::test]
    async fn two_channels_cannot_have_one_number() {
        let host = Host::open().await;
        host.channel("5", "Five").await;
        let response = host.json("POST", "/api/v1/channels", r#"{"number":"5","name":"Other"}"#).await;
        assert_eq!(response.status(), StatusCode::CONFLICT);
        assert_eq!(body_json(response).await["type"], "urn:exstreamtv:problem:number-taken");
    }

    #[tokio::test]
    async fn each_wrong_value_is_pointed_at() {
        let host = Host::open().await;
        for (body, pointer) in [
            (r#"{"number":"5","name":""}"#, "/name"),
            (r#"{"number":"5","name":"a\nb"}"#, "/name"),
            (r#"{"number":5,"name":"x"}"#, "/number"),
            (r#"{"number":"5.","name":"x"}"#, "/number"),
            (r#"{"number":"5","name":"x","colour":"red"}"#, "/colour"),
            (r#"{"number":"5","name":"x","zone":"Mars/Base"}"#, "/zone"),
            (r#"{"number":"5","name":"x","logo":"javascript:alert(1)"}"#, "/logo"),
            (r#"{"number":"5","name":"x","logo":"//evil.example/x.png"}"#, "/logo"),
            (r#"{"number":"5","name":"x","profile":{"width":1281}}"#, "/profile"),
            (r#"{"number":"5","name":"x","profile":{"widht":1280}}"#, "/profile/widht"),
            (r#"{"number":"5","name":"x","throttle":{"mode":"fast"}}"#, "/throttle/mode"),
            (r#"{"number":"5","name":"x","throttle":{"target_bitrate_bps":1}}"#, "/throttle/target_bitrate_bps"),
            (r#"{"number":"5","name":"x","collection":"77"}"#, "/collection"),
            (r#"{"number":"5","name":"x","collection":77}"#, "/collection"),
            (r#"{"id":"1","number":"5","name":"x"}"#, "/id"),
        ] {
            let response = host.json("POST", "/api/v1/channels", body).await;
            assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
            assert_eq!(body_json(response).await["errors"][0]["pointer"], pointer, "{body}");
        }
        assert!(host.rebuilds().is_empty());
    }

    #[tokio::test]
    async fn the_lineup_comes_in_pages_that_neither_repeat_nor_skip() {
        let host = Host::open().await;
        for number in ["10", "2.10", "2.2", "1", "3"] {
            host.channel(number, "x").await;
        }
        let mut seen = Vec::new();
        let mut address = "/api/v1/channels?limit=2".to_owned();
        loop {
            let page = body_json(host.get(&address).await).await;
            seen.extend(
                page["items"].as_array().unwrap().iter().map(|item| item["number"].as_str().unwrap().to_owned()),
            );
            let Some(next) = page["next"].as_str() else { break };
            address = format!("/api/v1/channels?limit=2&after={next}");
        }
        assert_eq!(seen, ["1", "2.2", "2.10", "3", "10"]);
        assert_eq!(host.get("/api/v1/channels?limit=x").await.status(), StatusCode::BAD_REQUEST);
        assert_eq!(host.get("/api/v1/channels?page=2").await.status(), StatusCode::BAD_REQUEST);
        assert_eq!(host.get("/api/v1/channels?after=x").await.status(), StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn an_id_that_is_no_id_is_a_bad_request() {
        let host = Host::open().await;
        let response = host.get("/api/v1/channels/five").await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }
}
