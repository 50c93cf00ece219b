//! What the system tells us: stop, or read the configuration again.

use tokio::signal::unix::{SignalKind, signal};

use super::StartError;

/// Waits for SIGTERM or SIGINT; calls `reload` for each SIGHUP meanwhile.
///
/// # Errors
/// If the system lets us hear no signals.
pub async fn until_stop(reload: impl AsyncFn()) -> Result<(), StartError> {
    let hear = |kind| signal(kind).map_err(|source| StartError::System { what: "signals", source });
    let (mut terminate, mut interrupt, mut hang_up) =
        (hear(SignalKind::terminate())?, hear(SignalKind::interrupt())?, hear(SignalKind::hangup())?);
    loop {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            _ = hang_up.recv() => {
                reload().await;
                continue;
            }
        };
        tracing::info!(signal = name, "stopping");
        return Ok(());
    }
}
