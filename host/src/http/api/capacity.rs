//! `GET /api/v1/capacity`: how many channels this machine takes, and who has the places.

use axum::{Json, extract::State};

use crate::{admission::view::CapacityView, http::HttpState};

/// Returns what the machine has, what channels on air take of it, and who waits for room.
#[utoipa::path(get, path = "/capacity", tag = "channels", responses((status = OK, body = CapacityView)))]
#[tracing::instrument(name = "http.capacity.get", skip_all)]
pub async fn capacity(State(state): State<HttpState>) -> Json<CapacityView> {
    Json(state.admission.view())
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::{ChannelId, OutputProfile};

    use super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn places_and_the_queue_are_shown() {
        let host = Host::open().await;
        let ask = |channel| host.admission.ask(ChannelId(channel), &OutputProfile::default()).unwrap();
        let _places = [ask(5), ask(6)];
        let capacity = body_json(host.get("/api/v1/capacity").await).await;
        assert_eq!(capacity["max_channels_on_air"], 1);
        assert_eq!(capacity["channels"][0]["channel"], "5");
        assert_eq!(capacity["waiting"], serde_json::json!(["6"]));
        assert_eq!(capacity["refused"], 1);
        assert!(capacity["in_use"]["cores"].as_f64().unwrap() > 0.0);
    }
}
