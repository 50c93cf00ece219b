//! `/api/v1/sessions`: who watches what.

pub mod events;
pub mod get;
pub mod kill;
pub mod list;
pub mod patch;
pub mod totals;

use exstreamtv_core::session::SessionId;

use crate::http::problem::ApiError;

/// Reads a session's identity as addresses have it; what is none names no session.
fn session_id(text: &str) -> Result<SessionId, ApiError> {
    text.parse().map_err(|_| no_session(text))
}

fn no_session(id: impl ToString) -> ApiError {
    ApiError::NotFound { what: "session", id: id.to_string() }
}

#[cfg(test)]
mod tests;
