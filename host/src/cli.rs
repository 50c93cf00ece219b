//! The command line.
//!
//! Does: define commands and flags, run them, say what failed in one sentence and end with the right code.
//! Does not: contain the commands' work.
//! Invariant: every error a user can cause ends here as one message on stderr and a documented exit code.

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use exstreamtv_hardware::Profiles;

use crate::{
    app::{self, StartError},
    config::{Config, load::LoadError},
    doctor,
    hardware::{Hardware, read_profiles},
    plugins::Options,
};

/// Prints a line. Whoever stops reading, like `head`, has read enough: that is no fault.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}
pub(crate) use say;

mod backup;
mod dossier;
mod hardware;
mod incidents;
mod pages;
mod plugin;
mod plugin_check;
mod plugin_new;
mod portable;
mod remote;

use backup::{BackupCommand, BackupCommandError};
use dossier::{DossierCommand, DossierCommandError};
use hardware::{HardwareCommandError, HardwareFlags};
use incidents::{Incidents, IncidentsCommandError};
use pages::{PagesCommand, PagesError};
use plugin::{GuestCommand, PluginCommand};
pub use plugin::{PluginCommandError, PluginFlags};
use portable::{Export, Import, PortableCommandError};

/// Turns a media library into live TV channels.
#[derive(Debug, Parser)]
#[command(name = "exstreamtv", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 fine, 64 wrong usage, 65 unusable data (database, plugin), 66 a folder, file or plugin is missing, \
69 FFmpeg is missing or too old, 70 internal error, 73 cannot create files, 74 input/output error, 75 already running or \
port in use, 78 wrong configuration";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves channels until it is told to stop.
    Serve(Serve),
    /// Checks everything that channels need, and says what to do about what is missing.
    Doctor {
        #[command(flatten)]
        common: Common,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Shows what this machine's video cards can do, and for what they cannot, why and what to do about it.
    Hardware(HardwareFlags),
    /// Looks at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Looks after backups of the database.
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Writes channels, schedules and collections to one document.
    Export(Export),
    /// Makes channels, schedules and collections what a document says; others stay.
    Import(Import),
    /// Looks at what is known about failures.
    #[command(subcommand)]
    Dossier(DossierCommand),
    /// Shows what went wrong: `incidents`, `incidents list`, `incidents show ID`.
    Incidents(Incidents),
    /// Looks after plugins.
    #[command(subcommand)]
    Plugin(PluginCommand),
    #[command(flatten)]
    Guest(GuestCommand),
    #[command(flatten)]
    Pages(PagesCommand),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Reads the configuration and says whether it can be used.
    Check {
        #[command(flatten)]
        common: Common,
    },
    /// Prints the configuration in force, defaults included.
    Show {
        #[command(flatten)]
        common: Common,
        /// Prints JSON instead of TOML.
        #[arg(long)]
        json: bool,
    },
}

/// Flags of every command.
#[derive(Debug, Args)]
pub struct Common {
    /// The configuration file.
    #[arg(long, value_name = "FILE", env = "EXSTREAMTV_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where the database and caches are kept.
    #[arg(long, value_name = "DIR", env = "EXSTREAMTV_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address and port to listen on; overrides the configuration.
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// A folder with media; may be given several times; adds to the configuration.
    #[arg(long, value_name = "DIR")]
    pub media: Vec<PathBuf>,
    /// Flags about plugins.
    #[command(flatten)]
    pub plugins: PluginFlags,
}

#[derive(Debug, Args)]
struct Serve {
    #[command(flatten)]
    common: Common,
    /// Lets the newest good backup take the place of a damaged database, which is kept beside it.
    #[arg(long)]
    restore_if_corrupt: bool,
}

/// Why a command failed; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] LoadError),
    /// The server cannot start or go on.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A command about plugins failed.
    #[error(transparent)]
    Plugin(#[from] PluginCommandError),
    /// A command about backups failed.
    #[error(transparent)]
    Backup(#[from] BackupCommandError),
    /// An export or an import failed.
    #[error(transparent)]
    Portable(#[from] PortableCommandError),
    /// A command about dossiers failed.
    #[error(transparent)]
    Dossier(#[from] DossierCommandError),
    /// A command about incidents failed.
    #[error(transparent)]
    Incidents(#[from] IncidentsCommandError),
    /// What belongs beside the program cannot be written.
    #[error(transparent)]
    Pages(#[from] PagesError),
    /// Nobody knows what the video cards can do.
    #[error(transparent)]
    Hardware(#[from] HardwareCommandError),
    /// The system gives us no threads.
    #[error("start the runtime")]
    Runtime(#[source] std::io::Error),
    /// Checks failed; they have been printed.
    #[error("find everything in order")]
    Doctor {
        /// Code of the gravest finding.
        code: u8,
    },
}

impl CommandError {
    fn code(&self) -> u8 {
        match self {
            Self::Config(LoadError::Read { .. } | LoadError::ProfilesFolder(_)) => 66,
            Self::Config(_) => 78,
            Self::Start(error) => error.code(),
            Self::Plugin(error) => error.code(),
            Self::Backup(error) => error.code(),
            Self::Portable(error) => error.code(),
            Self::Dossier(error) => error.code(),
            Self::Incidents(error) => error.code(),
            Self::Hardware(error) => error.code(),
            Self::Pages(_) => 73,
            Self::Runtime(_) => 70,
            Self::Doctor { code } => *code,
        }
    }
}

impl Common {
    /// Reads the configuration and lays the command line over it.
    ///
    /// # Errors
    /// If the file, the environment or a flag cannot be used.
    pub fn load(&self) -> Result<Config, LoadError> {
        let mut config = crate::config::load::load(self.config.as_deref(), std::env::vars())?;
        if let Some(listen) = &self.listen {
            config.server.listen.clone_from(listen);
        }
        let known = config.library.folders.len();
        config.library.folders.extend(self.media.iter().cloned());
        // The same folder may stand in the file and on the command line.
        let mut position = 0;
        let (named, given) = config.library.folders.split_at(known);
        let fresh: Vec<bool> =
            named.iter().map(|_| true).chain(given.iter().map(|folder| !named.contains(folder))).collect();
        config.library.folders.retain(|_| (fresh[position], position += 1).0);
        config.check()?;
        self.check_hardware(&config)?;
        Ok(config)
    }

    /// Reads the profiles where the configuration says anything about them: every start would pay for it.
    fn check_hardware(&self, config: &Config) -> Result<(), LoadError> {
        let folder = self.profiles_folder(config).filter(|folder| folder.exists());
        if folder.is_none() && config.hardware == Default::default() {
            return Ok(());
        }
        let overrides = folder.as_deref().map(read_profiles).transpose()?.unwrap_or_default();
        Ok(config.hardware.check_ids(&Profiles::with(&overrides)?)?)
    }

    /// Returns the folder with a user's hardware profiles, if there may be one.
    pub fn profiles_folder(&self, config: &Config) -> Option<PathBuf> {
        config.hardware.folder(self.config.as_deref())
    }

    /// Returns the data folder: the flag's, else the system's usual place.
    pub fn data_folder(&self) -> PathBuf {
        let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| ".".into()));
        let usual = || match std::env::var_os("XDG_DATA_HOME") {
            Some(folder) => PathBuf::from(folder),
            None if cfg!(target_os = "macos") => home().join("Library/Application Support"),
            None => home().join(".local/share"),
        };
        self.data_dir.clone().unwrap_or_else(|| usual().join("exstreamtv"))
    }
}

/// Parses the command line, runs it, and returns the exit code.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    match execute(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("exstreamtv: {}", sentence(&error));
            ExitCode::from(error.code())
        }
    }
}

fn execute(command: Command) -> Result<(), CommandError> {
    match command {
        Command::Serve(Serve { common, restore_if_corrupt }) => {
            let config = common.load()?;
            runtime()?.block_on(app::serve(config, common, restore_if_corrupt)).map_err(CommandError::Start)
        }
        Command::Doctor { common, json } => {
            let config = common.load()?;
            let data = common.data_folder();
            let options =
                Options::new(&config.plugins, &common.plugins, Some(data.clone()).filter(|data| data.is_dir()), false);
            let hardware = Hardware::new(app::hardware_settings(&config, &common));
            let findings = runtime()?.block_on(doctor::examine(&config, hardware, options, &data));
            doctor::print(&findings, json);
            let gravest = findings.iter().filter_map(doctor::Finding::code).max();
            gravest.map_or(Ok(()), |code| Err(CommandError::Doctor { code }))
        }
        Command::Config(ConfigCommand::Check { common }) => {
            let config = common.load()?;
            config.remarks().iter().for_each(|remark| eprintln!("exstreamtv: {remark}"));
            say!("the configuration can be used");
            Ok(())
        }
        Command::Config(ConfigCommand::Show { common, json }) => {
            let config = common.load()?;
            // Both are plain tables of plain values, which neither format can refuse.
            let text =
                if json { serde_json::to_string_pretty(&config).ok() } else { toml::to_string_pretty(&config).ok() };
            say!("{}", text.unwrap_or_default().trim_end());
            Ok(())
        }
        Command::Hardware(flags) => hardware::run(flags),
        Command::Backup(command) => runtime()?.block_on(backup::run(command)).map_err(CommandError::Backup),
        Command::Export(command) => runtime()?.block_on(portable::export(command)).map_err(CommandError::Portable),
        Command::Import(command) => runtime()?.block_on(portable::import(command)).map_err(CommandError::Portable),
        Command::Dossier(command) => dossier::run(command).map_err(CommandError::Dossier),
        Command::Incidents(command) => runtime()?.block_on(incidents::run(command)).map_err(CommandError::Incidents),
        Command::Plugin(command) => plugin::run(command),
        Command::Guest(command) => plugin::be_guest(&command),
        Command::Pages(command) => Ok(pages::run(command)?),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, CommandError> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CommandError::Runtime)
}

/// Returns "failed to …: because …: because …"; causes that say the same are said once.
fn sentence(error: &CommandError) -> String {
    let mut text = format!("failed to {error}");
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn hardware_profiles_beside_the_configuration_are_checked_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, "[hardware]\naccel = \"own\"\n").unwrap();
        let common =
            Common { config: Some(path), data_dir: None, listen: None, media: vec![], plugins: PluginFlags::default() };
        assert!(common.load().unwrap_err().to_string().contains("accel = \"own\""));
        let profiles = folder.path().join("hwprofiles");
        std::fs::create_dir(&profiles).unwrap();
        let own = profiles.join("own.toml");
        std::fs::write(&own, "schema = 1\nid = \"own\"\ninherits = \"cuda\"\ntitle = \"Own\"\n").unwrap();
        assert_eq!(common.load().unwrap().hardware.accel, "own");
        std::fs::write(&own, "schema = 1\nid = \"own\"\ninherits = \"cuda\"\ntitel = \"Own\"\n").unwrap();
        let wrong = common.load().unwrap_err().to_string();
        assert!(wrong.contains("own.toml") && wrong.contains("titel") && wrong.contains("line 4"), "{wrong}");
    }

    #[test]
    fn folders_of_the_command_line_add_to_the_configuration_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, "[library]\nfolders = [\"/a\"]\n").unwrap();
        let media = vec!["/a".into(), "/b".into()];
        let common = Common {
            config: Some(path),
            data_dir: None,
            listen: Some("127.0.0.1:0".into()),
            media,
            plugins: PluginFlags::default(),
        };
        let config = common.load().unwrap();
        assert_eq!(config.library.folders, [PathBuf::from("/a"), "/b".into()]);
        assert_eq!(config.server.listen, "127.0.0.1:0");
    }
}
