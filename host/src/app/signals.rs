//! What the system tells us: stop, or read the configuration again.

use tokio::signal::unix::{SignalKind, signal};

use super::StartError;
use crate::service::{Service, Word};

/// Waits for SIGTERM or SIGINT; calls `reload` for each SIGHUP meanwhile. The service manager is told, and that we are ready, as
/// `status`.
///
/// # Errors
/// If the system lets us hear no signals.
pub async fn until_stop(service: &Service, status: &str, reload: impl AsyncFn()) -> Result<(), StartError> {
    let hear = |kind| signal(kind).map_err(|source| StartError::System { what: "signals", source });
    let (mut terminate, mut interrupt, mut hang_up) =
        (hear(SignalKind::terminate())?, hear(SignalKind::interrupt())?, hear(SignalKind::hangup())?);
    // Only now: who hears that we are ready may send a signal.
    service.say(Word::Ready(status));
    loop {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            _ = hang_up.recv() => {
                service.say(Word::Reloading);
                reload().await;
                service.say(Word::Ready(status));
                continue;
            }
        };
        service.say(Word::Stopping);
        tracing::info!(signal = name, "stopping");
        return Ok(());
    }
}
