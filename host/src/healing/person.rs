//! Calls a person.
//!
//! Does: say it where everybody listens, and send it to the address that was configured.
//! Does not: wait for an answer, or call about the same thing again; the resolver decides how often.
//! Invariant: a person is never called silently: the log has it whatever the address does.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, Uri, header},
};
use exstreamtv_healing::resolver::attempt::Resolution;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How long one attempt may take, how many there are, and the pause between them.
const PATIENCE: Duration = Duration::from_secs(10);
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(5);

/// Says that a person is needed.
pub(super) fn tell(told: &Resolution) {
    let channel = told.key.channel.map(tracing::field::display);
    tracing::error!(
        channel.id = channel, issue = ?told.key.issue, context = told.context, since_ms = told.issue_since_ms,
        why = told.why, resolution.id = told.id.0, "a person is needed"
    );
}

/// Sends it to an address; what fails is tried again, then said.
pub(super) async fn send(address: String, told: Resolution) {
    for attempt in 1..=ATTEMPTS {
        let why = match tokio::time::timeout(PATIENCE, post(&address, &told)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it does not answer".to_owned(),
        };
        tracing::warn!(address, attempt, why, "the address for people cannot be reached");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn post(address: &str, told: &Resolution) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let uri: Uri = address.parse()?;
    let host = uri.host().ok_or("it names no host")?.trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri.authority().map_or(host, |authority| authority.as_str());
    let request = Request::post(path).header(header::HOST, authority).header(header::CONTENT_TYPE, "application/json");
    let request = request.body(Body::from(serde_json::to_vec(told)?))?;
    let status = tokio::select! {
        answer = sender.send_request(request) => answer?.status(),
        ended = connection => return Err(ended.err().map_or_else(|| "it closed the connection".into(), Into::into)),
    };
    if status.is_success() { Ok(()) } else { Err(format!("it answered {status}").into()) }
}
