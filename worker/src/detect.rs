//! `exstreamtv-worker detect`: finds out what this machine's video cards can do, says it, and ends.
//!
//! Does: look at devices, run FFmpeg as the survey asks, keep the answers on disk until something changes.
//! Does not: decide what to ask or what an answer means; that is [`exstreamtv_hardware::detect`].
//! Invariant: it ends: every run of FFmpeg is bounded in time and killed with all that it started; a driver that crashes takes an FFmpeg along and
//! nothing else.

mod asker;
mod cache;
mod devices;
mod owners;
mod root;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use exstreamtv_hardware::{
    Detection, Profiles, ProfilesError,
    detect::{Survey, System},
    profiles::Source,
    report::table,
};

use self::{asker::Asker, cache::Cache, root::Root};

/// What `detect` is told.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// The ffmpeg program: a name to be found in PATH, or a path.
    #[arg(long, value_name = "PATH", default_value = "ffmpeg")]
    ffmpeg: PathBuf,
    /// A folder with hardware profiles that override shipped ones or add to them.
    #[arg(long, value_name = "DIR")]
    profiles: Option<PathBuf>,
    /// A quirk that this machine's cards do not have; may be given several times.
    #[arg(long, value_name = "ID")]
    disable_quirk: Vec<String>,
    /// Where answers and clips are kept; nowhere, if it is not said.
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Asks again, whatever is known.
    #[arg(long)]
    refresh: bool,
    /// For tests: looks at the devices of a machine whose files are below this folder.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

/// Why nothing can be found out; fits after "failed to".
#[derive(Debug, thiserror::Error)]
enum DetectError {
    /// A user's folder of profiles cannot be read.
    #[error("read the hardware profiles in {}", .path.display())]
    Folder {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A profile cannot be used.
    #[error(transparent)]
    Profiles(#[from] ProfilesError),
    /// Nothing can be kept.
    #[error("keep answers in {}", .path.display())]
    Cache {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The system gives us no runtime.
    #[error("set up the runtime")]
    Runtime(#[source] io::Error),
    /// Nobody reads what was found out.
    #[error("say what was found out")]
    Say(#[source] io::Error),
}

impl DetectError {
    fn code(&self) -> u8 {
        match self {
            Self::Profiles(_) => 78,
            Self::Folder { .. } => 66,
            Self::Cache { .. } => 73,
            Self::Runtime(_) => 71,
            Self::Say(_) => 74,
        }
    }
}

/// Finds out, says it, and returns the exit code.
pub fn run(arguments: &Arguments) -> ExitCode {
    match detect(arguments).and_then(|found| say(&found, arguments.json)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("exstreamtv-worker: failed to {}", crate::chain(&error));
            ExitCode::from(error.code())
        }
    }
}

fn detect(arguments: &Arguments) -> Result<Detection, DetectError> {
    let overrides = arguments.profiles.as_deref().map(read_profiles).transpose()?.unwrap_or_default();
    let profiles = Profiles::with(&overrides)?;
    let root = Root::at(arguments.root.clone());
    let system = System { disabled_quirks: arguments.disable_quirk.clone(), ..devices::system(&root) };
    let cache = Cache::open(arguments.cache.clone())
        .map_err(|source| DetectError::Cache { path: arguments.cache.clone().unwrap_or_default(), source })?;
    let key = cache::key(&system, &profiles, &arguments.ffmpeg, &root);
    if let Some(known) = cache.known(&key).filter(|_| !arguments.refresh) {
        return Ok(known);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(DetectError::Runtime)?;
    let asker = Asker { ffmpeg: &arguments.ffmpeg, root: &root, clips: cache.clips() };
    let found = runtime.block_on(survey(Survey::new(system, &profiles), &asker));
    if found.is_settled() {
        // What cannot be kept is asked for again; the answer is the same.
        _ = cache.keep(&key, &found).inspect_err(|error| tracing::warn!(%error, "the answers are not kept"));
    }
    Ok(found)
}

async fn survey(mut survey: Survey, asker: &Asker<'_>) -> Detection {
    while let Some(question) = survey.question() {
        let answer = asker.ask(&question, survey.build()).await;
        tracing::debug!(?question, ?answer, "asked");
        survey.answer(&answer);
    }
    survey.finish()
}

fn say(found: &Detection, json: bool) -> Result<(), DetectError> {
    let text = if json { serde_json::to_string_pretty(found).unwrap_or_default() + "\n" } else { table(found, &[]) };
    io::stdout().write_all(text.as_bytes()).map_err(DetectError::Say)
}

/// A folder that is not there holds no profiles; it need not be made.
fn read_profiles(folder: &Path) -> Result<Vec<Source>, DetectError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| DetectError::Folder { path, source }
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed(folder))?,
    };
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(failed(folder))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).map_err(failed(path))?;
        Ok(Source { name: path.display().to_string(), text })
    };
    paths.iter().map(read).collect()
}
