//! A server that is running, as the command line reaches it.
//!
//! Does: find it by the lock beside its database, ask it, and read its answer or its problem.
//! Does not: go to other machines.

use std::path::Path;

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use exstreamtv_store::address_of_holder;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// The server that has a database open.
#[derive(Debug)]
pub struct Remote {
    /// ADDRESS:PORT.
    address: String,
}

/// Why a running server cannot be asked; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It cannot be reached.
    #[error("reach the running server at {address}: {cause}")]
    Reach {
        /// Where it should be.
        address: String,
        /// Why.
        cause: String,
    },
    /// It refused or failed.
    #[error("{text}")]
    Refused {
        /// What it answered.
        status: StatusCode,
        /// In its own words.
        text: String,
    },
}

impl Remote {
    /// Finds the server that has a database open; `None` where there is none, or it is only starting or stopping.
    pub fn find(database: &Path) -> Option<Self> {
        let url = address_of_holder(database)?;
        Some(Self { address: url.strip_prefix("http://")?.to_owned() })
    }

    /// Asks, and waits for the answer for as long as the server works on it.
    ///
    /// # Errors
    /// If it cannot be reached, or refuses.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, RemoteError> {
        let (status, bytes) = self.send(method, path, body).await.map_err(|cause| self.unreachable(cause))?;
        if status.is_success() {
            return Ok(serde_json::from_slice(&bytes).unwrap_or_default());
        }
        Err(Self::refused(status, &bytes))
    }

    /// Asks for a text.
    ///
    /// # Errors
    /// If it cannot be reached, or refuses.
    pub async fn text(&self, path: &str) -> Result<String, RemoteError> {
        let (status, bytes) = self.send(Method::GET, path, None).await.map_err(|cause| self.unreachable(cause))?;
        if status.is_success() {
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        Err(Self::refused(status, &bytes))
    }

    fn refused(status: StatusCode, bytes: &[u8]) -> RemoteError {
        let answer: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let detail = answer["detail"].as_str().unwrap_or("it gave no reason");
        // The server says it as a sentence of its own.
        let text = detail.strip_prefix("Failed to ").unwrap_or(detail).trim_end_matches('.').to_owned();
        RemoteError::Refused { status, text }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, axum::body::Bytes), Box<dyn std::error::Error>> {
        let stream = TcpStream::connect(&self.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let content = body.map_or_else(Body::empty, |value| Body::from(value.to_string()));
        let request = Request::builder().method(method).uri(path).header(header::HOST, &self.address);
        let request = request.header(header::CONTENT_TYPE, "application/json").body(content)?;
        let answered = async {
            let response = sender.send_request(request).await?;
            let status = response.status();
            let bytes = to_bytes(Body::new(response.into_body()), MOST_BYTES).await?;
            Ok((status, bytes))
        };
        tokio::select! {
            answer = answered => answer,
            // It ends first only where it breaks.
            ended = connection => Err(ended.err().map_or_else(|| "it closed the connection".into(), Into::into)),
        }
    }

    fn unreachable(&self, cause: impl std::fmt::Display) -> RemoteError {
        RemoteError::Reach { address: self.address.clone(), cause: cause.to_string() }
    }
}

impl RemoteError {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Reach { .. } => 74,
            Self::Refused { status, .. } => match *status {
                StatusCode::NOT_FOUND => 66,
                StatusCode::UNPROCESSABLE_ENTITY => 65,
                StatusCode::INSUFFICIENT_STORAGE => 73,
                StatusCode::SERVICE_UNAVAILABLE => 75,
                _ => 74,
            },
        }
    }
}

const MOST_BYTES: usize = 1 << 30;
