//! Names the text that is passed on as text.
//!
//! Does: say where it is read, and what it is called in the cache.
//! Does not: read it.
//! Invariant: a file that changed has another name, so nobody is shown the words of an old one.

use std::{path::PathBuf, time::UNIX_EPOCH};

use exstreamtv_model::{MediaItem, pick::SubtitleSource};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::{LOOK_LIMIT, Picks, TextTrack};

impl Picks {
    /// Returns the text of a source; `None` if its file cannot be looked at in time.
    pub(super) async fn text_track(&self, media: &MediaItem, source: &SubtitleSource) -> Option<TextTrack> {
        match source {
            SubtitleSource::Embedded(stream) => Some(TextTrack {
                path: media.path.clone(),
                stream: stream.absolute,
                name: format!("{}-{}-{}", media.id, media.mtime_ms, stream.absolute),
            }),
            SubtitleSource::Sidecar { name } => {
                let path = media.path.parent()?.join(name);
                let mtime_ms = self.mtime_ms(path.clone()).await?;
                let hash = Sha256::digest(name).iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>();
                Some(TextTrack { path, stream: 0, name: format!("{}-{mtime_ms}-{hash}", media.id) })
            }
        }
    }

    async fn mtime_ms(&self, path: PathBuf) -> Option<u128> {
        let shown = path.display().to_string();
        let look = self.life.spawn_blocking(move || std::fs::metadata(path)?.modified());
        match timeout(LOOK_LIMIT, look).await {
            Ok(Ok(Ok(at))) => Some(at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())),
            Ok(Ok(Err(error))) => {
                tracing::warn!(path = shown, %error, "a subtitle file cannot be read; it is left out");
                None
            }
            Ok(Err(_)) | Err(_) => {
                tracing::warn!(path = shown, "a subtitle file cannot be looked at in time; it is left out");
                None
            }
        }
    }
}
