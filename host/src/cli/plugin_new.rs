//! `exstreamtv plugin new`: writes the project of a new plugin.
//!
//! Does: define the command and say what to do next.
//! Does not: know what a project holds; that is `exstreamtv-conformance`, which tests that it builds and passes the check.

use std::{io, path::PathBuf};

use clap::{Args, ValueEnum};
use exstreamtv_conformance::{
    contract::Contract,
    scaffold::{Language, Scaffold, ScaffoldError, SdkSource},
};

/// Writes the project of a new plugin, which builds and passes the check as it stands.
#[derive(Debug, Args)]
pub struct New {
    /// The plugin's name, like late-night, or its id, like org.example.late-night.
    name: String,
    /// What it decides.
    #[arg(long)]
    kind: Kind,
    /// In which language.
    #[arg(long)]
    lang: Lang,
    /// Where the project's folder is made.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// A folder with the crate exstreamtv-plugin-sdk, for Rust; by default it is taken from EXStreamTV's repository.
    #[arg(long, value_name = "PATH")]
    sdk: Option<PathBuf>,
}

/// What a plugin decides.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// What is on air.
    Scheduler,
    /// Which sound and which subtitles.
    Picker,
    /// What may be done when something is wrong.
    Resolver,
}

/// A language.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Lang {
    /// On the SDK.
    Rust,
    /// C11, on the header alone.
    C,
}

/// Why there is no new project; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The folder of the SDK is not there.
    #[error("find the SDK in {}", .path.display())]
    Sdk {
        /// Where it was looked for.
        path: PathBuf,
        /// Why it was not found.
        #[source]
        source: io::Error,
    },
    /// The project cannot be written.
    #[error(transparent)]
    Scaffold(#[from] ScaffoldError),
}

impl NewError {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Sdk { .. } => 66,
            Self::Scaffold(ScaffoldError::Name { .. }) => 64,
            Self::Scaffold(ScaffoldError::There { .. } | ScaffoldError::Write { .. }) => 73,
        }
    }
}

impl New {
    /// Writes the project.
    ///
    /// # Errors
    /// If it cannot be written, or the name is none.
    pub fn run(self) -> Result<(), NewError> {
        let contract = match self.kind {
            Kind::Scheduler => Contract::Scheduler,
            Kind::Picker => Contract::Picker,
            Kind::Resolver => Contract::Resolver,
        };
        let language = match self.lang {
            Lang::Rust => Language::Rust,
            Lang::C => Language::C,
        };
        let sdk = match self.sdk {
            Some(path) => SdkSource::Path(path.canonicalize().map_err(|source| NewError::Sdk { path, source })?),
            None => SdkSource::Git(env!("CARGO_PKG_REPOSITORY").to_owned()),
        };
        let folder = Scaffold::new(&self.name, contract, language, sdk)?.write(&self.dir)?;
        say!("{} is there; `make check` in it builds and checks the plugin", folder.display());
        Ok(())
    }
}
