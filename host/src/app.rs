//! The composition root: puts the parts together, starts them in order and stops them in order.
//!
//! Does: open, start, connect, wait for signals, stop.
//! Does not: contain the work of any part.
//! Invariant: a part that cannot start ends the program with one clear message, and everything started before it is stopped.

use std::{
    io::IsTerminal,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chrono::{Offset, TimeZone};
use exstreamtv_healing::{LogSource, Templates, server_logs::ServerLog};
use exstreamtv_store::{Store, StoreError};
use exstreamtv_worker_protocol::{FfmpegFault, Restrictions};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;

use declared::Declared;
use knobs::{Knobs, needs_restart};

use crate::{
    admission::Admission,
    backups::{
        Backups,
        opening::{OpenError, Opening},
    },
    chronicle::Chronicle,
    cli::Common,
    clock::{Clock, SystemClock},
    config::Config,
    database::Database,
    dossiers::{self, Dossiers},
    feed::{Feeds, cue_files::CueFiles, on_air::Means, picks::Picks, slates::Slates},
    hardware::{self, Hardware},
    healing::{Healing, hands::Hands, healer},
    http,
    incidents::Incidents,
    library::Library,
    lifecycle::Lifecycle,
    logs::{Collector, kernel, machine, tail},
    loudness::LoudnessKeeper,
    monitor::Monitors,
    patterns::{Patterns, learning::Recollection},
    playout::Playouts,
    plugins::{Choice, Options, Strategies},
    service::Service,
    sessions::{LiveEdges, Sessions},
    watermarks::Watermarks,
    worker::{
        Programs, Spawner, Utility,
        groups::{GroupLimits, Groups},
    },
};

mod declared;
mod doors;
mod first_channels;
mod first_scan;
mod health;
mod knobs;
mod logging;
mod restored;
mod signals;
mod throttling;

/// What to do when FFmpeg cannot be used.
pub const FFMPEG_ADVICE: &str =
    "install FFmpeg 5.1 or newer (apt install ffmpeg, brew install ffmpeg), or name it in [ffmpeg] ffmpeg and ffprobe";

/// Open files that we ask the system for.
const WANTED_OPEN_FILES: u64 = 65_536;

/// How long a stop may take before what is left is abandoned.
const STOP: Duration = Duration::from_secs(4);

/// Why the server cannot start; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A media folder is missing or cannot be read.
    #[error("read the media folder {}: {cause}; mount it, correct its name, or let this user read it", .path.display())]
    Media {
        /// Which folder.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The data folder cannot be made or written.
    #[error("use the data folder {}: {cause}; give a writable one with --data-dir", .path.display())]
    Data {
        /// Which folder.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database cannot be read.
    #[error("use the database {}", .path.display())]
    Store {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// FFmpeg cannot be used.
    #[error("{cause}; {FFMPEG_ADVICE}")]
    Ffmpeg {
        /// Why.
        cause: FfmpegFault,
    },
    /// The address is taken or not ours.
    #[error("listen on {address}: {cause}; {advice}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why.
        cause: std::io::Error,
        /// What to do.
        advice: &'static str,
    },
    /// The configuration holds a value that cannot be used.
    #[error(transparent)]
    Config(#[from] crate::config::ValueError),
    /// The configuration declares channels that cannot be made.
    #[error(transparent)]
    Declared(#[from] declared::DeclaredError),
    /// The system refuses something that every program gets.
    #[error("start: {what}")]
    System {
        /// What it refused.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl StartError {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Media { .. } => 66,
            Self::Data { .. } => 73,
            Self::Open(error) => error.code(),
            Self::Store { .. } => 74,
            Self::Ffmpeg { .. } => 69,
            Self::Listen { cause, .. } if cause.kind() == std::io::ErrorKind::AddrInUse => 75,
            Self::Listen { .. } => 74,
            Self::Config(_) | Self::Declared(declared::DeclaredError::Faults { .. }) => 78,
            Self::Declared(_) => 74,
            Self::System { .. } => 70,
        }
    }
}

/// Returns which programs workers use.
pub fn programs(config: &Config) -> Programs {
    let configured = &config.ffmpeg.worker;
    let own = || std::env::current_exe().unwrap_or_default();
    let worker = if configured.as_os_str().is_empty() { worker_of(&own()) } else { configured.clone() };
    let (ffmpeg, ffprobe) = (config.ffmpeg.ffmpeg.clone(), config.ffmpeg.ffprobe.clone());
    Programs { worker, ffmpeg, ffprobe, restrictions: restrictions(config) }
}

/// Returns the worker that belongs to `program`: beside it, or where packages keep programs that nobody types.
fn worker_of(program: &Path) -> PathBuf {
    let folder = program.parent().unwrap_or(Path::new("."));
    let places = [folder.join("exstreamtv-worker"), folder.join("../libexec/exstreamtv/exstreamtv-worker")];
    let [beside, _] = &places;
    places.iter().find(|place| place.is_file()).unwrap_or(beside).clone()
}

/// Returns what video cards are looked at with.
pub fn hardware_settings(config: &Config, common: &Common) -> hardware::Settings {
    let Programs { worker, ffmpeg, ffprobe, .. } = programs(config);
    hardware::Settings {
        worker,
        ffmpeg,
        ffprobe,
        profiles: common.profiles_folder(config),
        disabled_quirks: config.hardware.disabled_quirks.clone(),
        cache: common.data_folder().join("cache/hardware"),
        accel: config.hardware.accel.clone(),
        device: config.hardware.device.clone(),
        channels: config.hardware.channels.clone(),
    }
}

fn group_limits(config: &Config) -> GroupLimits {
    let ffmpeg = &config.ffmpeg;
    GroupLimits { memory_bytes: ffmpeg.memory_limit_bytes, cpu_weight: ffmpeg.cpu_weight, pids: ffmpeg.pids_limit }
}

fn restrictions(config: &Config) -> Restrictions {
    let ffmpeg = &config.ffmpeg;
    Restrictions {
        isolation: ffmpeg.isolation,
        readable: ffmpeg.readable.clone(),
        nice: ffmpeg.nice,
        memory_limit_bytes: ffmpeg.memory_limit_bytes,
        open_files_limit: ffmpeg.open_files_limit,
    }
}

/// Serves until a signal ends it.
///
/// # Errors
/// If a part cannot start.
pub async fn serve(config: Config, common: Common, restore_if_corrupt: bool) -> Result<(), StartError> {
    let logs = logging::start(&config.server.log);
    raise_open_files();
    let folders = media_folders(&config)?;
    let data = data_folder(&common)?;
    let listener = listen(&config).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = data.join(&config.database.path);
    let settings = config.database_backup.settings(&data);
    let opening =
        Opening { database: &database, settings: &settings, pool: config.database.pool(), restore_if_corrupt };
    let store = opening.open(clock.now()).await?;
    let life = Lifecycle::default();
    let host = Host { config, common, data, folders, clock, store: store.clone(), life: life.clone() };
    let served = host.run(listener, logs).await;
    let in_time = life.stop(STOP).await;
    store.close().await;
    if !in_time {
        tracing::warn!("something did not stop in time and is abandoned");
    }
    tracing::info!("stopped");
    served
}

struct Host {
    config: Config,
    common: Common,
    data: PathBuf,
    folders: Vec<PathBuf>,
    clock: Arc<dyn Clock>,
    store: Store,
    life: Lifecycle,
}

impl Host {
    async fn run(self, listener: TcpListener, logs: logging::Logs) -> Result<(), StartError> {
        let Self { config, clock, store, life, .. } = &self;
        let groups = Groups::claim(group_limits(config));
        let limited = groups.is_some();
        let spawner = Spawner::start(&config.server.log, groups)
            .map_err(|source| StartError::System { what: "a thread for workers", source })?;
        let mut programs = programs(config);
        if limited {
            // The group counts what is really used; address space is only what is reserved.
            programs.restrictions.memory_limit_bytes = 0;
        }
        let utility = Utility::start(spawner.clone(), programs.clone(), life);
        let ffmpeg = utility.identify().await.map_err(|cause| StartError::Ffmpeg { cause })?;
        tracing::info!(version = ffmpeg.version, path = %ffmpeg.path.display(), "FFmpeg found");

        let hardware = Hardware::new(hardware_settings(config, &self.common));
        // Whoever wants no card need not know what cards can do.
        if config.hardware.accel != "software" {
            life.spawn(hardware.clone().look_around(life.stopping()));
        }
        let profile = config.output_profile()?;
        let knobs = Knobs::new(config, &self.data, self.common.plugins.safe_mode)?;
        let database = Database::start(store.clone(), clock.clone(), knobs.database.subscribe(), life);
        let backups = Backups::start(store.clone(), clock.clone(), knobs.backups.subscribe(), life);
        let (kept, images) = (self.data.join("cache/slates"), self.data.join("error_screens"));
        let slates =
            Slates::new(kept, images, Arc::new(utility.clone()), knobs.error_screens.subscribe(), life.clone());
        // Rendered before the first viewer needs them.
        drop(slates.of(&profile));
        for channel in store.channels().list().await.map_err(declared::DeclaredError::Store)? {
            drop(slates.of(&channel.profile));
        }
        let horizon = chrono::Duration::hours(config.playout.horizon_h.into());
        let options = Options::new(&config.plugins, &self.common.plugins, Some(self.data.clone()), true);
        let strategies = Strategies::start(options, Choice::from(&config.plugins), clock.clone(), life).await;
        let playouts = Playouts::start(store.clone(), clock.clone(), Arc::new(strategies.clone()), horizon, life);
        let cue_files = CueFiles::new(self.data.join("cache/subtitles"), Arc::new(utility.clone()), life.clone());
        let picks = Picks::new(Arc::new(strategies.clone()), life.clone()).with_cue_files(cue_files);
        knobs.declared.borrow().clone().apply(store, &playouts).await?;
        let dossiers = Dossiers::start(self.data.join(dossiers::folder::NAME), knobs.dossiers.subscribe(), life);
        let sessions = Sessions::start(store.clone(), clock.clone(), knobs.sessions.subscribe(), life).await;
        let sessions = sessions.map_err(|source| StartError::Store { path: config.database.path.clone(), source })?;
        let epoch = tokio::time::Instant::now();
        let chronicle = Chronicle::start(store.clone(), clock.clone(), life);
        let means = Means {
            spawner,
            hardware: hardware.clone(),
            programs,
            playouts: playouts.clone(),
            picks: picks.clone(),
            watermarks: Watermarks::start(knobs.watermarks.subscribe(), Arc::new(utility.clone()), life),
            loudness: LoudnessKeeper::start(store.clone(), Arc::new(utility.clone()), knobs.loudness.subscribe(), life)
                .await,
            life: life.clone(),
            clock: clock.clone(),
            chronicle: chronicle.clone(),
            budget: Arc::clone(&knobs.budget),
            epoch,
            sessions: sessions.clone(),
            dossiers: dossiers.clone(),
            logs: Arc::clone(&logs.intake),
            settings: knobs.feed.subscribe(),
        };
        let admission = Admission::new(knobs.admission.subscribe());
        let offset_s = config.playout.stream_clock_offset_s;
        let feeds = Feeds::new(
            means,
            store.clone(),
            slates.clone(),
            admission.clone(),
            offset_s,
            knobs.slow_client.subscribe(),
            knobs.throttler.subscribe(),
        );
        let feeds = Arc::new(feeds);
        let edges: Arc<dyn LiveEdges> = feeds.clone();
        sessions.watch_edges(Arc::downgrade(&edges));
        throttling::remark(store, &config.stream_throttler).await;
        let prober = Arc::new(doors::UtilityProber(utility));
        let library = Library::start(store.clone(), prober, clock.clone(), life.clone(), self.library_settings());

        let Recollection { memory, templates, last_template } = Recollection::read(store).await;
        let templates = Templates::restored(crate::logs::TEMPLATES, last_template, templates);
        let collector = self.listen(&logs, templates, &knobs);
        let incidents =
            Incidents::new(store.clone(), dossiers.clone(), collector.clone(), sessions.clone(), clock.clone());
        life.spawn(incidents.clone().word(knobs.wording.subscribe(), life.stopping()));
        incidents.watch(chronicle.news(), life);
        let sources = doors::pattern_sources(&collector, &chronicle, &feeds, store, clock);
        let patterns = Patterns::start(sources, memory, knobs.patterns.subscribe(), life);
        let monitors = Monitors::start(Arc::clone(&feeds), knobs.monitor.subscribe(), life);
        let wanted = knobs.healer.borrow().resolver;
        let healing = Healing::open(store.clone(), clock.as_ref(), wanted).await;
        let hands = Hands { feeds: Arc::clone(&feeds), database: database.clone() };
        let eyes = healer::Eyes {
            monitors: monitors.clone(),
            patterns: patterns.clone(),
            logs: collector.clone(),
            budget: Arc::clone(&knobs.budget),
            epoch,
            clock: clock.clone(),
        };
        healer::start(healing.clone(), hands, eyes, strategies.clone(), knobs.healer.subscribe(), life);
        let state = doors::http_state(doors::Parts {
            store: store.clone(),
            feeds: Arc::clone(&feeds),
            sessions,
            library: library.clone(),
            playouts: playouts.clone(),
            picks,
            strategies: strategies.clone(),
            dossiers,
            admission,
            patterns,
            healing,
            incidents,
            logs: collector,
            monitors,
            slates,
            hardware,
            clock: clock.clone(),
            health: Arc::new(health::Health::new(database.clone(), library.clone(), ffmpeg, strategies.clone())),
            database,
            backups: backups.clone(),
            life: life.clone(),
            settings: knobs.http.subscribe(),
        });
        let address = listener.local_addr().map_err(|source| StartError::System { what: "the address", source })?;
        life.spawn(http::serve::serve(listener, http::router(state), life.stopping()));
        life.spawn(doors::spread_news(Arc::clone(&feeds), playouts.clone(), life.stopping()));
        life.spawn(
            restored::Restored {
                store: store.clone(),
                playouts: playouts.clone(),
                feeds: Arc::clone(&feeds),
                library: library.clone(),
                declared: knobs.declared.subscribe(),
            }
            .follow(backups.restored(), life.stopping()),
        );
        if let Err(error) = store.announce(&format!("http://{}", reachable(address))) {
            tracing::warn!(error = &error as &dyn std::error::Error, "commands will not find this server");
        }
        println!("listening on http://{address}");
        let first = first_scan::FirstScan {
            store: store.clone(),
            roots: self.folders.clone(),
            library: library.clone(),
            playouts: playouts.clone(),
            declared: knobs.declared.subscribe(),
            defaults: first_channels::Defaults { profile, zone: config.zone()? },
            address: self.shown_address(address),
            terminal: std::io::stderr().is_terminal(),
        };
        life.spawn(first.run(life.stopping()));
        let (service, status) = (Service::of_the_environment(), format!("serving at http://{address}"));
        life.spawn(service.clone().live(life.stopping()));
        let reload = async || self.reload(&knobs, &library, &playouts, &logs).await;
        signals::until_stop(&service, &status, reload).await
    }

    /// Begins to collect what everybody says; where that is not wanted nothing comes in.
    fn listen(&self, logs: &logging::Logs, templates: Templates, knobs: &Knobs) -> Collector {
        let keys = &self.config.ai_auto_heal;
        let intake = if keys.enabled { Arc::clone(&logs.intake) } else { Arc::default() };
        let collector =
            Collector::start(Arc::clone(&intake), templates, self.clock.clone(), knobs.logs.subscribe(), &self.life);
        if keys.enabled {
            let (clock, life) = (self.clock.clone(), self.life.clone());
            let kernel = kernel::watch(kernel::JOURNALCTL.into(), kernel::PAUSE, Arc::clone(&intake), life.stopping());
            self.life.spawn(kernel);
            self.life.spawn(machine::watch(Arc::clone(&intake), self.data.clone(), clock, life));
        }
        let zone = chrono::Local.offset_from_utc_datetime(&self.clock.now().naive_utc()).fix();
        let servers = [(LogSource::Plex, &keys.plex_log), (LogSource::Jellyfin, &keys.jellyfin_log)];
        for (source, path) in servers.into_iter().filter(|(_, path)| keys.enabled && !path.as_os_str().is_empty()) {
            let (clock, life) = (self.clock.clone(), self.life.clone());
            let log = ServerLog::new(source, zone);
            self.life.spawn(tail::follow(absolute(path), log, Arc::clone(&intake), clock, life));
        }
        collector
    }

    fn library_settings(&self) -> crate::library::Settings {
        let library = &self.config.library;
        crate::library::Settings {
            roots: self.folders.clone(),
            rescan_interval: (library.rescan_interval_s > 0).then(|| Duration::from_secs(library.rescan_interval_s)),
            watch: library.watch,
            probe_concurrency: library.probe_concurrency,
        }
    }

    /// Takes over what can change while running; says what needs a restart.
    async fn reload(&self, knobs: &Knobs, library: &Library, playouts: &Playouts, logs: &logging::Logs) {
        let fresh = self.common.load().and_then(|config| {
            Ok((Knobs::values(&config)?, Declared::of(&config, self.common.plugins.safe_mode)?, config))
        });
        let (values, declared, config) = match fresh {
            Ok(fresh) => fresh,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the configuration cannot be used; the old one stays in force"
                );
                return;
            }
        };
        if let Err(error) = declared.apply(&self.store, playouts).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the channels of the configuration cannot be used; the old configuration stays in force"
            );
            return;
        }
        declared.remark_on_missing(&knobs.declared.send_replace(declared.clone()));
        playouts.library_changed();
        knobs.set(values, &config);
        throttling::remark(&self.store, &config.stream_throttler).await;
        logs.set(&config.server.log);
        library.set_roots(config.library.folders.iter().map(|folder| absolute(folder)).collect());
        for key in needs_restart(&self.config, &config) {
            tracing::warn!(key, "this change takes effect at the next start");
        }
        tracing::info!("configuration reloaded");
    }

    fn shown_address(&self, bound: SocketAddr) -> String {
        let url = self.config.server.public_url.trim_end_matches('/');
        if !url.is_empty() {
            return url.to_owned();
        }
        format!("http://{}", reachable(bound))
    }
}

/// A browser on this machine cannot open 0.0.0.0 everywhere.
pub(crate) fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = if bound.ip().is_unspecified() { std::net::IpAddr::from([127, 0, 0, 1]) } else { bound.ip() };
    SocketAddr::new(ip, bound.port())
}

/// Each viewer is an open file, and systems begin with few of them.
fn raise_open_files() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(soft, hard)| setrlimit(Resource::RLIMIT_NOFILE, soft.max(hard.min(WANTED_OPEN_FILES)), hard));
    if let Err(error) = raised {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

fn media_folders(config: &Config) -> Result<Vec<PathBuf>, StartError> {
    let readable = |folder: &PathBuf| {
        let path = absolute(folder);
        std::fs::read_dir(&path).map_err(|cause| StartError::Media { path: path.clone(), cause })?;
        Ok(path)
    };
    config.library.folders.iter().map(readable).collect()
}

/// Returns the folder's one name, so that the same file is never known under two.
fn absolute(folder: &Path) -> PathBuf {
    folder.canonicalize().or_else(|_| std::path::absolute(folder)).unwrap_or_else(|_| folder.to_path_buf())
}

fn data_folder(common: &Common) -> Result<PathBuf, StartError> {
    let path = common.data_folder();
    std::fs::create_dir_all(&path).map_err(|cause| StartError::Data { path: path.clone(), cause })?;
    Ok(absolute(&path))
}

async fn listen(config: &Config) -> Result<TcpListener, StartError> {
    let address = config.listen()?;
    TcpListener::bind(address).await.map_err(|cause| {
        let advice = match cause.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another server uses it: stop that one, or choose another port with --listen"
            }
            std::io::ErrorKind::PermissionDenied => {
                "ports below 1024 need a privileged user: choose another with --listen"
            }
            _ => "choose an address of this machine with --listen",
        };
        StartError::Listen { address, cause, advice }
    })
}
