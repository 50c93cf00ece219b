//! `exstreamtv plugin`: what plugins there are, what one answers, who is in quarantine; and the hidden commands that are a plugin's process.
//!
//! Does: define these commands and print what they find.
//! Does not: start the server, or take the data folder away from one that runs.
//! Invariant: only an answer goes to standard output.

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args, Subcommand};

use super::{
    CommandError, Common,
    plugin_check::{Check, CheckError},
    plugin_new::{New, NewError},
    runtime,
};
use crate::{
    clock::SystemClock,
    config::{self, load::LoadError},
    lifecycle::Lifecycle,
    plugins::{
        CallFault, Choice, Options, PluginState, PluginView, Quarantine, RefusedView, RunsIn, Strategies, VARIABLE,
        guest, quarantine,
    },
};

/// Most bytes of a request.
const MAX_REQUEST_BYTES: u64 = 256 << 20;

/// What can be done with plugins.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Lists the plugins that were found, and the libraries that cannot be used.
    List {
        #[command(flatten)]
        common: Common,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
        /// Lists also those that another library with the same id hides.
        #[arg(long)]
        all: bool,
    },
    /// Puts a request from standard input to a plugin, and prints its answer.
    Call {
        #[command(flatten)]
        common: Common,
        /// The plugin's id.
        id: String,
        /// The method: prepare, plan, pick_audio, pick_subtitle, propose.
        method: String,
    },
    /// Looks at plugins that failed too often, and lets them go.
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    Check(Check),
    New(New),
}

/// What can be done about the quarantine.
#[derive(Debug, Subcommand)]
pub enum QuarantineCommand {
    /// Lists who is in quarantine, and why.
    List {
        #[command(flatten)]
        common: Common,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Lets a plugin go; a running server asks it again at once.
    Clear {
        #[command(flatten)]
        common: Common,
        /// The plugin's id.
        id: String,
    },
}

/// Flags about plugins.
#[derive(Debug, Clone, Default, Args)]
pub struct PluginFlags {
    /// A folder with plugins; may be given several times; searched before all others.
    #[arg(long, value_name = "DIR")]
    pub plugin_dir: Vec<PathBuf>,
    /// Loads no plugin: the built-in strategies answer everything.
    #[arg(long)]
    pub safe_mode: bool,
}

/// The hidden commands: this program as the process of one plugin.
#[derive(Debug, Subcommand)]
pub enum GuestCommand {
    /// Runs one plugin for the server.
    #[command(name = "plugin-host", hide = true)]
    Host {
        /// The library.
        library: PathBuf,
        /// The plugin's id.
        id: String,
    },
    /// Says what a library describes.
    #[command(name = "plugin-scan", hide = true)]
    Scan {
        /// The library.
        library: PathBuf,
    },
    /// Runs one test of `plugin check`.
    #[command(name = super::plugin_check::CHECK_ONE, hide = true)]
    CheckOne {
        /// The order.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
}

/// Why a command about plugins failed; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum PluginCommandError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] LoadError),
    /// There is no such plugin.
    #[error("find a plugin named {id:?}; `exstreamtv plugin list` shows what there is")]
    Unknown {
        /// What was asked for.
        id: String,
    },
    /// The request cannot be read.
    #[error("read the request from standard input")]
    Request(#[source] io::Error),
    /// The plugin has no answer.
    #[error("get an answer: {id} failed to {fault}")]
    Call {
        /// Which plugin.
        id: String,
        /// Why not.
        fault: CallFault,
    },
    /// The quarantine cannot be changed.
    #[error("change {}", .path.display())]
    Quarantine {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A check found broken rules, or could not be done.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// There is no new project.
    #[error(transparent)]
    New(#[from] NewError),
    /// The server went away, or was never there.
    #[error("speak with the server")]
    Guest(#[source] io::Error),
}

impl PluginCommandError {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Config(LoadError::Read { .. }) | Self::Unknown { .. } => 66,
            Self::Config(_) => 78,
            Self::Call { .. } => 65,
            Self::Quarantine { .. } => 73,
            Self::Request(_) | Self::Guest(_) => 74,
            Self::Check(error) => error.code(),
            Self::New(error) => error.code(),
        }
    }
}

impl Options {
    /// Puts configuration and flags together. Only the server, to whom the data folder belongs, is `serving`.
    pub fn new(config: &config::Plugins, flags: &PluginFlags, data: Option<PathBuf>, serving: bool) -> Self {
        Self {
            flags: flags.plugin_dir.clone(),
            variable: std::env::var_os(VARIABLE),
            paths: config.paths.clone(),
            isolation: config.isolation,
            safe_mode: flags.safe_mode,
            data,
            serving,
            // Without a name of its own, a program is looked for in PATH.
            program: std::env::current_exe().unwrap_or_else(|_| "exstreamtv".into()),
        }
    }
}

impl From<&config::Plugins> for Choice {
    fn from(config: &config::Plugins) -> Self {
        let config::Plugins { audio_picker, subtitle_picker, resolver, .. } = config.clone();
        Self { audio_picker, subtitle_picker, resolver }
    }
}

/// Runs a command about plugins.
///
/// # Errors
/// Says what failed.
pub fn run(command: PluginCommand) -> Result<(), CommandError> {
    match command {
        PluginCommand::List { common, json, all } => {
            let (plugins, refused) = runtime()?.block_on(async {
                let strategies = open(&common).await?;
                Ok::<_, PluginCommandError>((strategies.list(), strategies.refused()))
            })?;
            let shown = |plugin: &PluginView| all || plugin.state != PluginState::Shadowed;
            print(&plugins.into_iter().filter(shown).collect::<Vec<_>>(), &refused, json);
            Ok(())
        }
        PluginCommand::Call { common, id, method } => {
            let answer = runtime()?.block_on(call(&common, &id, &method))?;
            // Nobody reads it any more: then there is nothing left to do.
            let _ = io::stdout().write_all(&answer).and_then(|()| io::stdout().write_all(b"\n"));
            Ok(())
        }
        PluginCommand::Quarantine(QuarantineCommand::List { common, json }) => {
            list_quarantine(&common.data_folder(), json);
            Ok(())
        }
        PluginCommand::Quarantine(QuarantineCommand::Clear { common, id }) => Ok(clear(&common.data_folder(), id)?),
        PluginCommand::Check(check) => Ok(check.run().map_err(PluginCommandError::Check)?),
        PluginCommand::New(new) => Ok(new.run().map_err(PluginCommandError::New)?),
    }
}

/// Is the process of a plugin.
///
/// # Errors
/// If the server is not there.
pub fn be_guest(command: &GuestCommand) -> Result<(), CommandError> {
    let served = match command {
        GuestCommand::Host { library, id } => guest::host(library, id),
        GuestCommand::Scan { library } => guest::scan(library),
        GuestCommand::CheckOne { arguments } => super::plugin_check::check_one(arguments),
    };
    Ok(served.map_err(PluginCommandError::Guest)?)
}

async fn open(common: &Common) -> Result<Strategies, PluginCommandError> {
    let config = common.load()?.plugins;
    // Looking must not make a data folder.
    let data = Some(common.data_folder()).filter(|data| data.is_dir());
    let options = Options::new(&config, &common.plugins, data, false);
    Ok(Strategies::start(options, Choice::from(&config), Arc::new(SystemClock), &Lifecycle::default()).await)
}

async fn call(common: &Common, id: &str, method: &str) -> Result<Vec<u8>, PluginCommandError> {
    let strategies = open(common).await?;
    if !strategies.list().iter().any(|plugin| plugin.id == id) {
        return Err(PluginCommandError::Unknown { id: id.to_owned() });
    }
    let mut request = Vec::new();
    io::stdin().take(MAX_REQUEST_BYTES).read_to_end(&mut request).map_err(PluginCommandError::Request)?;
    let answer = strategies.call(id, method, &request).await;
    answer.map_err(|fault| PluginCommandError::Call { id: id.to_owned(), fault })
}

fn quarantine_of(data: &Path) -> (PathBuf, Quarantine) {
    let path = data.join(quarantine::FILE);
    (path.clone(), Quarantine::open(Some(path), Arc::new(SystemClock)))
}

fn list_quarantine(data: &Path, json: bool) {
    let held = quarantine_of(data).1.list();
    if json {
        say!("{}", serde_json::to_string_pretty(&held).unwrap_or_default());
        return;
    }
    for (id, held) in &held {
        let since = chrono::DateTime::from_timestamp_millis(held.since_ms).unwrap_or_default();
        let what = match held.scope {
            quarantine::Scope::Everywhere => "is not asked",
            quarantine::Scope::InProcess => "runs in a process of its own",
        };
        say!("{id} {what} since {}: {}", since.format("%Y-%m-%d %H:%M UTC"), held.reason);
    }
    if held.is_empty() {
        say!("nobody is in quarantine");
    }
}

fn clear(data: &Path, id: String) -> Result<(), PluginCommandError> {
    let (path, quarantine) = quarantine_of(data);
    match quarantine.clear(&id) {
        Ok(true) => {
            say!("{id} is asked again");
            Ok(())
        }
        Ok(false) => Err(PluginCommandError::Unknown { id }),
        Err(source) => Err(PluginCommandError::Quarantine { path, source }),
    }
}

fn print(plugins: &[PluginView], refused: &[RefusedView], json: bool) {
    if json {
        let both = serde_json::json!({ "plugins": plugins, "refused": refused });
        say!("{}", serde_json::to_string_pretty(&both).unwrap_or_default());
        return;
    }
    let width = |text: fn(&PluginView) -> &str| plugins.iter().map(|plugin| text(plugin).len()).max().unwrap_or(0);
    let (ids, versions, contracts) = (width(|p| &p.id), width(|p| &p.version), width(|p| &p.contract));
    for plugin in plugins {
        let PluginView { id, version, contract, path, .. } = plugin;
        let (state, place) = (word(plugin.state), place(plugin.isolation));
        say!("{id:ids$}  {version:versions$}  {contract:contracts$}  {state:11}  {place:10}  {}", path.display());
        let permissions = (!plugin.permissions.is_empty()).then(|| format!("wants {}", plugin.permissions.join(", ")));
        for remark in permissions.iter().chain(&plugin.remarks) {
            say!("    {remark}");
        }
    }
    for RefusedView { path, reason } in refused {
        say!("{} cannot be used: failed to {reason}", path.display());
    }
    if plugins.is_empty() && refused.is_empty() {
        say!("no plugin was found; the built-in strategies answer everything");
    }
}

fn word(state: PluginState) -> &'static str {
    match state {
        PluginState::Ready => "ready",
        PluginState::Confined => "confined",
        PluginState::Quarantined => "quarantined",
        PluginState::Shadowed => "shadowed",
    }
}

fn place(isolation: RunsIn) -> &'static str {
    match isolation {
        RunsIn::InProcess => "in_process",
        RunsIn::Process => "process",
    }
}
