//! The configuration: every key, its default and its meaning.
//!
//! Does: define the sections of `exstreamtv.toml` and turn them into values that the rest can use.
//! Does not: read files or the environment; that is [`load`].
//! Invariant: `packaging/config/exstreamtv.toml` shows every key with its default (a test compares), and unknown keys are errors.

use std::{net::IpAddr, path::PathBuf};

use exstreamtv_model::{FrameRate, OutputProfile, profile::ProfileError};
use serde::{Deserialize, Serialize};

mod ai_auto_heal;
mod database;
mod database_backup;
pub mod error_screens;
pub mod hardware;
pub mod lineup;
pub mod load;
mod loudness;
mod session_manager;
mod stream_throttler;
pub mod supervision;
mod watermark;

pub use ai_auto_heal::AiAutoHeal;
pub use database::Database;
pub use database_backup::DatabaseBackup;
use error_screens::ErrorScreens;
use hardware::Hardware;
use lineup::{DeclaredChannel, DeclaredCollection};
pub use loudness::Loudness;
pub use session_manager::SessionManager;
pub use stream_throttler::StreamThrottler;
use supervision::Supervision;
pub use watermark::Watermark;

/// Everything that can be configured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How clients reach us.
    pub server: Server,
    /// Where media are and how they are scanned.
    pub library: Library,
    /// The timeline.
    pub playout: Playout,
    /// FFmpeg and the workers.
    pub ffmpeg: Ffmpeg,
    /// Which video card is used.
    pub hardware: Hardware,
    /// How many channels may be on air, when what failed is started again, and what is kept about failures.
    pub supervision: Supervision,
    /// What new channels send.
    pub profile: Profile,
    /// What viewers see and hear when there is nothing else.
    pub error_screens: ErrorScreens,
    /// Strategies that are libraries.
    pub plugins: Plugins,
    /// How many may watch, and when who does nothing is over.
    pub session_manager: SessionManager,
    /// Whether programmes are made equally loud.
    pub loudness: Loudness,
    /// How fast viewers of the continuous stream are sent it.
    pub stream_throttler: StreamThrottler,
    /// What is listened to, and how much of it is kept.
    pub ai_auto_heal: AiAutoHeal,
    /// The database.
    pub database: Database,
    /// When it is backed up, and what is kept.
    pub database_backup: DatabaseBackup,
    /// Logos in the corner of the picture.
    #[serde(rename = "watermark", skip_serializing_if = "Vec::is_empty")]
    pub watermarks: Vec<Watermark>,
    /// Sets of media that channels draw from.
    #[serde(rename = "collection", skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<DeclaredCollection>,
    /// Channels that are what the configuration says.
    #[serde(rename = "channel", skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<DeclaredChannel>,
}

/// How clients reach us.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port to listen on. The default serves this machine alone.
    pub listen: String,
    /// What URLs in documents begin with; empty uses the address that the client used.
    pub public_url: String,
    /// Proxies whose X-Forwarded-* headers are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// What happens to a viewer who cannot keep up for longer than the backlog holds.
    pub slow_client: SlowClient,
    /// What is logged: error, warn, info, debug, trace, or tracing's filter syntax.
    pub log: String,
}

/// What happens to a viewer who cannot keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlowClient {
    /// The viewer misses whole groups of pictures and goes on.
    Skip,
    /// The connection ends.
    Close,
}

/// Where media are and how they are scanned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Library {
    /// Folders with media; `--media` adds to them.
    pub folders: Vec<PathBuf>,
    /// Seconds between full rescans; 0 never rescans by itself.
    pub rescan_interval_s: u64,
    /// Whether changes are noticed as they happen.
    pub watch: bool,
    /// Files probed at once.
    pub probe_concurrency: usize,
}

/// The timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Playout {
    /// Hours that are planned ahead.
    pub horizon_h: u32,
    /// Days that the guide shows at most.
    pub guide_days: u32,
    /// Zone of new channels, an IANA name.
    pub zone: String,
    /// Seconds added to every stream's timestamps; rehearses their wrap after 26.5 hours.
    pub stream_clock_offset_s: i64,
}

/// FFmpeg and the workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ffmpeg {
    /// The ffmpeg program: a name to be found in PATH, or a path.
    pub ffmpeg: PathBuf,
    /// The ffprobe program.
    pub ffprobe: PathBuf,
    /// The worker program; empty takes the one beside this program.
    pub worker: PathBuf,
    /// Seconds that a channel goes on without a viewer.
    pub idle_stop_s: u64,
    /// Milliseconds without a frame after which the slate covers the hole.
    pub slate_after_ms: u32,
    /// Whether the kernel keeps FFmpeg away from other files and from the network.
    pub isolation: bool,
    /// What FFmpeg may read beyond media, programs and fonts; absolute.
    pub readable: Vec<PathBuf>,
    /// How far FFmpeg steps back behind other processes, from 0 to 19.
    pub nice: u8,
    /// The most files that an FFmpeg may have open; 0 leaves the system's limit.
    pub open_files_limit: u64,
    /// The most memory of a channel; 0 sets no limit.
    pub memory_limit_bytes: u64,
    /// A channel's share of the processors where they are scarce, from 1 to 10000.
    pub cpu_weight: u32,
    /// The most processes and threads of a channel; 0 sets no limit.
    pub pids_limit: u64,
}

/// What new channels send.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Picture width.
    pub width: u32,
    /// Picture height.
    pub height: u32,
    /// Frames a second: "25", "30", "50", "30000/1001".
    pub frame_rate: String,
    /// Mean video bit rate.
    pub video_bitrate_bps: u32,
    /// Distance of keyframes, and length of an HLS segment.
    pub gop_ms: u32,
    /// Mean audio bit rate.
    pub audio_bitrate_bps: u32,
    /// Audio channels, 1 or 2.
    pub audio_channels: u8,
}

/// Strategies that are libraries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plugins {
    /// Folders that are searched before the system's own; absolute.
    pub paths: Vec<PathBuf>,
    /// Where plugins run.
    pub isolation: Isolation,
    /// The plugin that picks the sound of a file; empty takes the author's default.
    pub audio_picker: String,
    /// The plugin that picks subtitles; empty shows none.
    pub subtitle_picker: String,
    /// The plugin that proposes what to do about an incident; empty takes the specification's one strategy, then a person.
    pub resolver: String,
}

/// Where plugins run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// The shipped ones inside the host, all others in processes of their own.
    Auto,
    /// Each in a process of its own.
    Process,
    /// All inside the host: faster, and a crash of one ends the host.
    InProcess,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8411".into(),
            public_url: String::new(),
            trusted_proxies: vec![],
            slow_client: SlowClient::Skip,
            log: "info".into(),
        }
    }
}

impl Default for Library {
    fn default() -> Self {
        Self { folders: vec![], rescan_interval_s: 3600, watch: true, probe_concurrency: 2 }
    }
}

impl Default for Playout {
    fn default() -> Self {
        Self { horizon_h: 48, guide_days: 7, zone: "UTC".into(), stream_clock_offset_s: 0 }
    }
}

impl Default for Ffmpeg {
    fn default() -> Self {
        Self {
            ffmpeg: "ffmpeg".into(),
            ffprobe: "ffprobe".into(),
            worker: PathBuf::new(),
            idle_stop_s: 30,
            slate_after_ms: 1000,
            isolation: true,
            readable: vec![],
            nice: 0,
            open_files_limit: 1024,
            memory_limit_bytes: 0,
            cpu_weight: 100,
            pids_limit: 0,
        }
    }
}

impl Default for Profile {
    fn default() -> Self {
        let profile = OutputProfile::default();
        Self {
            width: profile.width,
            height: profile.height,
            frame_rate: profile.frame_rate.to_string(),
            video_bitrate_bps: profile.video_bitrate_bps,
            gop_ms: profile.gop_ms,
            audio_bitrate_bps: profile.audio_bitrate_bps,
            audio_channels: profile.audio_channels,
        }
    }
}

impl Default for Plugins {
    fn default() -> Self {
        Self {
            paths: vec![],
            isolation: Isolation::Auto,
            audio_picker: "exstreamtv.audio-picker".into(),
            subtitle_picker: "exstreamtv.subtitle-picker".into(),
            resolver: "exstreamtv.recovery".into(),
        }
    }
}

/// Why a well-formed configuration cannot be used; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    /// Not an address.
    #[error("use [server] listen = {text:?}: write it as ADDRESS:PORT, such as 127.0.0.1:8411 or [::]:8411")]
    Listen {
        /// What stands there.
        text: String,
    },
    /// Not a URL.
    #[error("use [server] public_url = {text:?}: it must begin with http:// or https:// and hold no spaces or query")]
    PublicUrl {
        /// What stands there.
        text: String,
    },
    /// No address that can be called.
    #[error("use [ai_auto_heal] escalation_webhook = {text:?}: it must be an http:// address, or empty")]
    Webhook {
        /// What stands there.
        text: String,
    },
    /// Nobody who could word accounts.
    #[error(
        "use [ai_auto_heal] wording_url = {url:?} with wording_model = {model:?}: write http://HOST:PORT/PATH without a password, such as http://127.0.0.1:11434/v1, and a model"
    )]
    Wording {
        /// What stands there.
        url: String,
        /// The model.
        model: String,
    },
    /// Not a rate.
    #[error("use [profile] frame_rate = {text:?}: write 25, 30, 50 or a fraction such as 30000/1001")]
    FrameRate {
        /// What stands there.
        text: String,
    },
    /// Not a zone.
    #[error("use [playout] zone = {text:?}: it must be an IANA name such as Europe/Berlin")]
    Zone {
        /// What stands there.
        text: String,
    },
    /// Not a share.
    #[error("use {key} = {value}: it must be from 0 to 1")]
    Share {
        /// Section and key.
        key: &'static str,
        /// What stands there.
        value: f64,
    },
    /// A folder that depends on where the server is started.
    #[error("use [plugins] paths = {}: it must be absolute, such as /usr/local/lib/exstreamtv/plugins", .path.display())]
    PluginPath {
        /// What stands there.
        path: PathBuf,
    },
    /// A file or folder that depends on where the server is started.
    #[error("use [ffmpeg] readable = {}: it must be absolute", .path.display())]
    Readable {
        /// What stands there.
        path: PathBuf,
    },
    /// No profile of this name.
    #[error("use [hardware] accel = {text:?}: there is no such hardware profile; there are {known}")]
    Accel {
        /// What stands there.
        text: String,
        /// What there is.
        known: String,
    },
    /// A path that depends on where the server was started.
    #[error("use [[watermark]] image = {}: write the whole path, from /", .path.display())]
    WatermarkPath {
        /// What stands there.
        path: PathBuf,
    },
    /// A loudness that no television has.
    #[error("use [loudness] target_lufs = {value}: it must be from -40 to -10")]
    Loudness {
        /// What stands there.
        value: f64,
    },
    /// No profile of this name, for a channel.
    #[error("use [hardware.channels] {number:?} = {text:?}: there is no such hardware profile; there are {known}")]
    ChannelCard {
        /// The channel's number.
        number: String,
        /// What stands there.
        text: String,
        /// What there is.
        known: String,
    },
    /// No quirk of this name.
    #[error("use [hardware] disabled_quirks: there is no quirk {id:?}; did you mean {nearest}?")]
    Quirk {
        /// What stands there.
        id: String,
        /// What is most like it.
        nearest: String,
    },
    /// A folder that depends on where the server is started.
    #[error("use [hardware] profiles_folder = {}: it must be absolute", .path.display())]
    ProfilesFolder {
        /// What stands there.
        path: PathBuf,
    },
    /// A number that makes no sense.
    #[error("use {key} = {value}: it must be from {min} to {max}")]
    Range {
        /// Section and key.
        key: &'static str,
        /// What stands there.
        value: u64,
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// A number with a fraction that makes no sense.
    #[error("use {key} = {value}: it must be from {min} to {max}")]
    Number {
        /// Section and key.
        key: &'static str,
        /// What stands there.
        value: f64,
        /// Least.
        min: f64,
        /// Most.
        max: f64,
    },
    /// A declared collection or channel that makes no sense.
    #[error("use {path}: {message}")]
    Declared {
        /// Where: "channel\[0\].schedule.slot\[2\].start_time".
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// The profile cannot be sent.
    #[error("use [profile]")]
    Profile(#[source] ProfileError),
}

impl Config {
    /// Checks every value that serde alone cannot check.
    ///
    /// # Errors
    /// Names the first key whose value cannot be used.
    pub fn check(&self) -> Result<(), ValueError> {
        self.listen()?;
        self.zone()?;
        self.output_profile()?;
        let url = &self.server.public_url;
        let url_ok = url.is_empty()
            || (url.starts_with("http://") || url.starts_with("https://")) && !url.contains([' ', '?', '#', '"', '<']);
        if !url_ok {
            return Err(ValueError::PublicUrl { text: url.clone() });
        }
        if let Some(path) = self.plugins.paths.iter().find(|path| !path.is_absolute()) {
            return Err(ValueError::PluginPath { path: path.clone() });
        }
        if let Some(path) = self.ffmpeg.readable.iter().find(|path| !path.is_absolute()) {
            return Err(ValueError::Readable { path: path.clone() });
        }
        self.hardware.check()?;
        lineup::check(&self.collections, &self.channels)?;
        self.supervision.check()?;
        self.session_manager.check()?;
        self.ai_auto_heal.check()?;
        self.loudness.check()?;
        self.watermarks.iter().try_for_each(Watermark::check)?;
        self.stream_throttler.check()?;
        self.database.check()?;
        self.database_backup.check()?;
        within("[playout] horizon_h", self.playout.horizon_h.into(), 1, 336)?;
        within("[playout] guide_days", self.playout.guide_days.into(), 1, 14)?;
        within("[library] probe_concurrency", self.library.probe_concurrency as u64, 1, 64)?;
        within("[ffmpeg] nice", self.ffmpeg.nice.into(), 0, 19)?;
        within("[ffmpeg] cpu_weight", self.ffmpeg.cpu_weight.into(), 1, 10_000)?;
        self.error_screens.check()?;
        within("[ffmpeg] slate_after_ms", self.ffmpeg.slate_after_ms.into(), 100, 2_500)
    }

    /// Returns what can be used and is perhaps not meant.
    pub fn remarks(&self) -> Vec<String> {
        let profile = self.output_profile().ok();
        profile.and_then(|profile| self.stream_throttler.remark("[profile]", &profile)).into_iter().collect()
    }

    /// Returns the address to listen on.
    ///
    /// # Errors
    /// If it is not ADDRESS:PORT.
    pub fn listen(&self) -> Result<std::net::SocketAddr, ValueError> {
        self.server.listen.parse().map_err(|_| ValueError::Listen { text: self.server.listen.clone() })
    }

    /// Returns the zone of new channels.
    ///
    /// # Errors
    /// If there is no such zone.
    pub fn zone(&self) -> Result<chrono_tz::Tz, ValueError> {
        self.playout.zone.parse().map_err(|_| ValueError::Zone { text: self.playout.zone.clone() })
    }

    /// Returns what new channels send.
    ///
    /// # Errors
    /// If it cannot be sent.
    pub fn output_profile(&self) -> Result<OutputProfile, ValueError> {
        let section = &self.profile;
        let profile = OutputProfile {
            width: section.width,
            height: section.height,
            frame_rate: frame_rate(&section.frame_rate)?,
            video_bitrate_bps: section.video_bitrate_bps,
            gop_ms: section.gop_ms,
            audio_bitrate_bps: section.audio_bitrate_bps,
            audio_channels: section.audio_channels,
            ..OutputProfile::default()
        };
        profile.check().map_err(ValueError::Profile)?;
        Ok(profile)
    }
}

fn within(key: &'static str, value: u64, min: u64, max: u64) -> Result<(), ValueError> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(ValueError::Range { key, value, min, max }) }
}

fn share(key: &'static str, value: f64) -> Result<(), ValueError> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(ValueError::Share { key, value }) }
}

fn frame_rate(text: &str) -> Result<FrameRate, ValueError> {
    let bad = || ValueError::FrameRate { text: text.to_owned() };
    let (num, den) = text.split_once('/').unwrap_or((text, "1"));
    let number = |part: &str| part.trim().parse::<u32>().map_err(|_| bad());
    Ok(FrameRate::new(number(num)?, number(den)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_used() {
        Config::default().check().unwrap();
    }

    #[test]
    fn the_shipped_example_shows_every_key_with_its_default() {
        let shown: toml::Table = toml::from_str(include_str!("../../packaging/config/exstreamtv.toml")).unwrap();
        let defaults = toml::Table::try_from(Config::default()).unwrap();
        assert_eq!(shown, defaults);
    }

    #[test]
    fn a_target_below_what_channels_send_is_remarked_upon() {
        let mut config = Config::default();
        assert_eq!(config.remarks(), Vec::<String>::new());
        config.profile.video_bitrate_bps = 8_000_000;
        let remarks = config.remarks();
        assert!(remarks.len() == 1 && remarks[0].contains("[profile] sends 8847360 b/s"), "{remarks:?}");
        config.stream_throttler.enabled = false;
        assert_eq!(config.remarks(), Vec::<String>::new());
    }

    #[test]
    fn bad_values_name_their_key() {
        let with = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.check().unwrap_err().to_string()
        };
        assert!(with(|c| c.server.listen = "8411".into()).contains("[server] listen"));
        assert!(with(|c| c.server.public_url = "tv.example".into()).contains("public_url"));
        assert!(with(|c| c.profile.frame_rate = "fast".into()).contains("frame_rate"));
        assert!(with(|c| c.profile.width = 7).contains("[profile]"));
        assert!(with(|c| c.playout.zone = "Mars".into()).contains("IANA"));
        assert!(with(|c| c.plugins.paths = vec!["plugins".into()]).contains("[plugins] paths"));
        assert!(with(|c| c.ffmpeg.nice = 20).contains("[ffmpeg] nice"));
        assert!(with(|c| c.ffmpeg.cpu_weight = 0).contains("[ffmpeg] cpu_weight"));
        assert!(with(|c| c.ffmpeg.readable = vec!["luts".into()]).contains("[ffmpeg] readable"));
        assert!(with(|c| c.hardware.profiles_folder = "p".into()).contains("[hardware] profiles_folder"));
        assert!(with(|c| c.playout.horizon_h = 0).contains("horizon_h = 0"));
        assert!(with(|c| c.ai_auto_heal.log_buffer_minutes = 0).contains("[ai_auto_heal] log_buffer_minutes = 0"));
        assert!(with(|c| c.ai_auto_heal.ffmpeg_health_threshold = 1.5).contains("ffmpeg_health_threshold = 1.5"));
        assert!(with(|c| c.session_manager.max_sessions = 0).contains("[session_manager] max_sessions = 0"));
        assert!(with(|c| c.session_manager.idle_timeout_seconds = 0).contains("idle_timeout_seconds = 0"));
        assert!(with(|c| c.database.base_pool_size = 0).contains("[database] base_pool_size = 0"));
        assert!(with(|c| c.database_backup.interval_hours = 0).contains("[database_backup] interval_hours = 0"));
        assert!(with(|c| c.database_backup.keep_count = 0).contains("keep_count = 0"));
        assert!(with(|c| c.database_backup.keep_days = 0).contains("keep_days = 0"));
        assert!(with(|c| c.loudness.target_lufs = 0.0).contains("[loudness] target_lufs = 0"));
        assert!(with(|c| c.stream_throttler.target_bitrate_bps = 1).contains("[stream_throttler] target_bitrate_bps"));
    }
}
