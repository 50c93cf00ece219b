//! `GET /api/v1/library/events`: server-sent events.

use std::{convert::Infallible, time::Duration};

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
use tokio::sync::watch;

use crate::http::{HttpState, state::LibraryStatus};

/// A scan of many small files changes its state thousands of times a second; people see ten.
const PAUSE: Duration = Duration::from_millis(100);

/// Sends the state of the scan now and after each change, as events named `status`.
#[utoipa::path(
    get, path = "/library/events", tag = "library",
    responses((status = OK, body = LibraryStatus, content_type = "text/event-stream"))
)]
#[tracing::instrument(name = "http.library.events", skip_all)]
pub async fn events(State(state): State<HttpState>) -> impl IntoResponse {
    // nginx would hold small events back to fill its buffer.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    (unbuffered, Sse::new(changes(state.library.watch())).keep_alive(KeepAlive::default()))
}

/// Ends when the library does.
fn changes(mut status: watch::Receiver<LibraryStatus>) -> impl Stream<Item = Result<Event, Infallible>> {
    stream! {
        loop {
            let latest = status.borrow_and_update().clone();
            if let Ok(event) = Event::default().event("status").json_data(&latest) {
                yield Ok(event);
            }
            tokio::time::sleep(PAUSE).await;
            if status.changed().await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures::StreamExt;

    use super::super::super::super::fakes::{Host, request};

    #[tokio::test]
    async fn each_change_of_the_scan_is_an_event() {
        let host = Host::open().await;
        let response = host.send(request("GET", "/api/v1/library/events").body(Body::empty()).unwrap()).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut events = response.into_body().into_data_stream();
        let first = events.next().await.unwrap().unwrap();
        assert!(first.starts_with(b"event: status\ndata: {"), "{first:?}");
        host.scan_progress(7, 3);
        let second = String::from_utf8(events.next().await.unwrap().unwrap().to_vec()).unwrap();
        assert!(second.contains("\"files_found\":7,\"files_done\":3"), "{second}");
    }
}
