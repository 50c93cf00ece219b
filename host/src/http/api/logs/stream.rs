//! `GET /api/v1/logs/stream`: server-sent events.

use std::{convert::Infallible, sync::Arc};

use async_stream::stream;
use axum::{
    extract::State,
    http::HeaderName,
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use exstreamtv_healing::{Filter, LogEvent};
use futures::Stream;
use serde::Serialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::wanted::LogQuery;
use crate::http::{HttpState, extract::QueryPart, problem::ApiError};

/// Events that a listener was too slow for.
#[derive(Serialize)]
struct Missed {
    missed: u64,
}

/// Sends what is said from now on: `log` with the event, and `missed` with the number of events that a slow listener did not get.
#[utoipa::path(
    get, path = "/logs/stream", tag = "logs", params(LogQuery),
    responses((status = OK, body = LogEvent, content_type = "text/event-stream"))
)]
#[tracing::instrument(name = "http.logs.stream", skip_all)]
pub async fn stream(
    State(state): State<HttpState>,
    QueryPart(query): QueryPart<LogQuery>,
) -> Result<impl IntoResponse, ApiError> {
    let filter = query.filter()?;
    let off = ApiError::SwitchedOff { key: "[ai_auto_heal] realtime_streaming" };
    let news = state.logs.listen().ok_or(off)?;
    // nginx would hold small events back to fill its buffer.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((unbuffered, Sse::new(told(news, filter)).keep_alive(KeepAlive::default())))
}

fn told(mut news: Receiver<Arc<LogEvent>>, filter: Filter) -> impl Stream<Item = Result<Event, Infallible>> {
    stream! {
        loop {
            let event = match news.recv().await {
                Ok(said) if filter.matches(&said) => Event::default().event("log").json_data(&*said).ok(),
                Ok(_) => None,
                Err(RecvError::Lagged(missed)) => Event::default().event("missed").json_data(Missed { missed }).ok(),
                Err(RecvError::Closed) => return,
            };
            if let Some(event) = event {
                yield Ok(event);
            }
        }
    }
}
