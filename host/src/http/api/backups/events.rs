//! `GET /api/v1/database/backups/events`: server-sent events.

use std::convert::Infallible;

use async_stream::stream;
use axum::{
    extract::State,
    http::HeaderName,
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::Stream;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{backups::progress::Progress, http::HttpState};

/// Sends how jobs about backups go on from now on, as events named `progress`.
#[utoipa::path(
    get, path = "/database/backups/events", tag = "backups",
    responses((status = OK, body = Progress, content_type = "text/event-stream"))
)]
#[tracing::instrument(name = "http.backups.events", skip_all)]
pub async fn events(State(state): State<HttpState>) -> impl IntoResponse {
    // nginx would hold small events back to fill its buffer.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    (unbuffered, Sse::new(told(state.backups.progress())).keep_alive(KeepAlive::default()))
}

/// Whoever is too slow misses steps, never the end: it is the newest.
fn told(mut news: Receiver<Progress>) -> impl Stream<Item = Result<Event, Infallible>> {
    stream! {
        loop {
            match news.recv().await {
                Ok(progress) => {
                    if let Ok(event) = Event::default().event("progress").json_data(&progress) {
                        yield Ok(event);
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use exstreamtv_core::backup::BackupKind;
    use futures::StreamExt;

    use super::super::super::super::fakes::{Host, request};

    #[tokio::test]
    async fn the_steps_of_a_backup_are_told_up_to_its_end() {
        let host = Host::open().await;
        let response = host.send(request("GET", "/api/v1/database/backups/events").body(Body::empty()).unwrap()).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let info = host.backups.create(BackupKind::Manual).await.unwrap();
        let (mut events, mut steps) = (response.into_body().into_data_stream(), Vec::new());
        while !steps.contains(&"done".to_owned()) {
            let text = String::from_utf8(events.next().await.unwrap().unwrap().to_vec()).unwrap();
            let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
            let progress: serde_json::Value = serde_json::from_str(data).unwrap();
            assert_eq!(progress["backup"], info.id.as_str());
            steps.push(progress["step"].as_str().unwrap().to_owned());
        }
        steps.dedup();
        assert_eq!(steps, ["snapshot", "check", "pack", "verify", "done"]);
    }
}
