//! `GET /api/v1/sessions/events`: server-sent events.

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
use serde::Serialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{
    http::HttpState,
    sessions::{news::SessionNews, view::SessionView},
};

/// News that a listener was too slow for.
#[derive(Serialize)]
struct Missed {
    missed: u64,
}

/// Sends what happens to sessions from now on: `created` and `ended` with the session, `state` with a `StateChange`, `limit` with a `LimitHit`,
/// and `missed` with the number of events that a slow listener did not get.
#[utoipa::path(
    get, path = "/sessions/events", tag = "sessions",
    responses((status = OK, body = SessionView, content_type = "text/event-stream"))
)]
#[tracing::instrument(name = "http.sessions.events", skip_all)]
pub async fn events(State(state): State<HttpState>) -> impl IntoResponse {
    // nginx would hold small events back to fill its buffer.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    (unbuffered, Sse::new(told(state.sessions.news())).keep_alive(KeepAlive::default()))
}

/// Ends when the sessions do.
fn told(mut news: Receiver<SessionNews>) -> impl Stream<Item = Result<Event, Infallible>> {
    stream! {
        loop {
            let event = match news.recv().await {
                Ok(SessionNews::Created(session)) => event("created", &session),
                Ok(SessionNews::State(change)) => event("state", &change),
                Ok(SessionNews::Ended(session)) => event("ended", &session),
                Ok(SessionNews::Limit(hit)) => event("limit", &hit),
                Err(RecvError::Lagged(missed)) => event("missed", &Missed { missed }),
                Err(RecvError::Closed) => return,
            };
            if let Some(event) = event {
                yield Ok(event);
            }
        }
    }
}

fn event(name: &str, data: &impl Serialize) -> Option<Event> {
    Event::default().event(name).json_data(data).ok()
}
