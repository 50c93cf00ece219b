//! A store in a folder of its own, and the smallest values that it takes.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use exstreamtv_model::{
    Channel, ChannelId, EntryKind, ItemOrder, MediaId, MediaKind, MediaProbe, MediaState, Metadata, OutputProfile,
    Schedule, ThrottleMode, ThrottleWish,
    pick::{AudioPreferences, TrackPreferences},
    schedule::{PoolNeed, PoolSource},
};
use exstreamtv_store::{Checkpoint, NewChannel, NewEntry, ScannedMedia, Store};
use tempfile::TempDir;

/// An open store and the folder that goes away with it.
pub struct House {
    pub store: Store,
    pub folder: TempDir,
}

impl House {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("exstreamtv.db"), at(0)).await.unwrap();
        Self { store, folder }
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("exstreamtv.db")
    }

    pub async fn reopen(self) -> Self {
        self.store.close().await;
        let store = Store::open(&self.database(), at(1)).await.unwrap();
        Self { store, folder: self.folder }
    }

    /// Adds a channel with this number.
    pub async fn channel(&self, number: &str) -> Channel {
        self.store.channels().insert(&new_channel(number)).await.unwrap()
    }

    /// Adds a playable file.
    pub async fn media(&self, path: impl AsRef<Path>) -> MediaId {
        self.store.media().upsert(&ready(path), at(0)).await.unwrap()
    }

    /// Runs a statement behind the store's back.
    pub async fn tamper(&self, sql: &'static str) {
        use sqlx::{ConnectOptions, Connection};
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.database()).foreign_keys(false);
        let mut connection = options.connect().await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// A moment, in milliseconds after an arbitrary one.
pub fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_800_000_000_000 + ms).unwrap()
}

pub fn new_channel(number: &str) -> NewChannel {
    NewChannel {
        number: number.parse().unwrap(),
        name: format!("Channel {number}"),
        group: "Films & more".into(),
        logo: Some("/logos/ü.png".into()),
        zone: chrono_tz::Australia::Lord_Howe,
        profile: OutputProfile { width: 640, height: 360, ..OutputProfile::default() },
        collection: None,
        order: ItemOrder::Shuffle { seed: u32::MAX },
        schedule: Some(time_slots()),
        tracks: TrackPreferences {
            audio: AudioPreferences { languages: vec!["de".into(), "Français".into()], ..Default::default() },
            ..Default::default()
        },
        throttle: ThrottleWish { mode: Some(ThrottleMode::Burst), target_bitrate_bps: Some(u32::MAX) },
        enabled: true,
    }
}

pub fn probe(duration_ms: i64) -> MediaProbe {
    MediaProbe {
        container: "matroska,webm".into(),
        duration_ms,
        bitrate_bps: Some(1),
        streams: Vec::new(),
        chapters: Vec::new(),
    }
}

pub fn ready(path: impl AsRef<Path>) -> ScannedMedia {
    let path = path.as_ref().to_owned();
    let title = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    ScannedMedia {
        path,
        size_bytes: 1_000,
        mtime_ms: 2_000,
        state: MediaState::Ready,
        probe: Some(probe(60_000)),
        metadata: Metadata { kind: MediaKind::Clip, title, ..Metadata::default() },
    }
}

pub fn broken(path: impl AsRef<Path>) -> ScannedMedia {
    let state = MediaState::Broken { reason: "moov atom not found".into() };
    ScannedMedia { state, probe: None, ..ready(path) }
}

/// A row of a timeline, `start..stop` in milliseconds as [`at`] counts them.
pub fn entry(start: i64, stop: i64, media: Option<MediaId>) -> NewEntry {
    NewEntry {
        start: at(start),
        stop: at(stop),
        media,
        in_point_ms: 0,
        kind: if media.is_some() { EntryKind::Programme } else { EntryKind::Slate },
        title: format!("from {start}"),
        rule: format!("slot {start}"),
        why: "a test".into(),
    }
}

/// What a scheduler remembers at the end of a window.
pub fn checkpoint(upto: i64) -> Checkpoint {
    Checkpoint {
        upto: at(upto),
        strategy: "exstreamtv.time-slots".into(),
        state: serde_json::json!({ "upto": upto }),
        since: at(upto),
        seed: u64::MAX,
        fallback: None,
        needs: vec![PoolNeed { key: "shows".into(), source: PoolSource::Show { show: "Löwen".into() } }],
        drawn_from: "a7".into(),
    }
}

pub fn time_slots() -> Schedule {
    let settings = serde_json::json!({"slots": [{"slot_id": "morgens", "start_time": "06:00"}]});
    Schedule { strategy: "exstreamtv.time-slots".into(), settings }
}

pub const NOBODY: ChannelId = ChannelId(4_711);
