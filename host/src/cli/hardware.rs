//! `exstreamtv hardware`: what this machine's video cards can do, and what they would do with a file; the server need not run.

use std::{fmt::Write as _, io::Write, path::PathBuf};

use axum::http::Method;
use clap::{Args, Subcommand};
use exstreamtv_hardware::report::table;
use exstreamtv_library::parse_probe;
use exstreamtv_model::OutputProfile;

use super::{
    CommandError, Common,
    remote::{Remote, RemoteError},
    runtime,
};
use crate::{
    app,
    config::Config,
    hardware::{Ask, DetectError, Explanation, Hardware, order_for},
    lifecycle::Lifecycle,
    worker::{Spawner, Utility},
};

/// What `hardware` is told.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct HardwareFlags {
    #[command(flatten)]
    common: Common,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// Finds out anew, whatever is known.
    #[arg(long)]
    refresh: bool,
    #[command(subcommand)]
    command: Option<HardwareCommand>,
}

/// Something else about video cards.
#[derive(Debug, Subcommand)]
enum HardwareCommand {
    /// Says step by step how a file would be played, and why so.
    Explain(Explain),
}

/// What `hardware explain` is told.
#[derive(Debug, Args)]
struct Explain {
    #[command(flatten)]
    common: Common,
    /// The media file.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// The number of the channel that would play it; the server must run, because it knows the channels. Without it, a new channel.
    #[arg(long, value_name = "NUMBER")]
    channel: Option<String>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Why a file cannot be explained; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum HardwareCommandError {
    /// Cards, or the worker.
    #[error(transparent)]
    Detect(#[from] DetectError),
    /// The file cannot be played.
    #[error("play {}: {why}", .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// The channel is not known.
    #[error("find the channel {number}: {why}")]
    Channel {
        /// Its number.
        number: String,
        /// Why.
        why: String,
    },
    /// The running server does not answer.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}

impl HardwareCommandError {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Detect(error) => error.code(),
            Self::File { .. } => 66,
            Self::Channel { .. } => 65,
            Self::Remote(_) => 69,
        }
    }
}

/// Finds out and prints it.
///
/// # Errors
/// The configuration cannot be used, or the worker fails.
pub fn run(HardwareFlags { common, json, refresh, command }: HardwareFlags) -> Result<(), CommandError> {
    if let Some(HardwareCommand::Explain(flags)) = command {
        return explain(flags);
    }
    let config = common.load()?;
    let hardware = Hardware::new(app::hardware_settings(&config, &common));
    let ask = if refresh { Ask::Again } else { Ask::IfChanged };
    let found = runtime()?.block_on(hardware.detect(ask)).map_err(HardwareCommandError::from)?;
    let view = hardware.view();
    let used: Vec<&str> = view.used.iter().map(String::as_str).collect();
    say(&match (json, &view.remark) {
        (true, _) => serde_json::to_string_pretty(&view).unwrap_or_default() + "\n",
        (false, None) => table(&found, &used),
        (false, Some(remark)) => format!("{}\n{remark}\n", table(&found, &used)),
    });
    Ok(())
}

fn explain(Explain { common, file, channel, json }: Explain) -> Result<(), CommandError> {
    let config = common.load()?;
    let explanation = runtime()?.block_on(explained(&config, &common, file, channel.as_deref()))?;
    say(&if json { serde_json::to_string_pretty(&explanation).unwrap_or_default() + "\n" } else { told(&explanation) });
    Ok(())
}

async fn explained(
    config: &Config,
    common: &Common,
    file: PathBuf,
    channel: Option<&str>,
) -> Result<Explanation, CommandError> {
    let hardware = Hardware::new(app::hardware_settings(config, common));
    if config.hardware.accel != "software" {
        hardware.detect(Ask::IfChanged).await.map_err(HardwareCommandError::from)?;
    }
    let profile = match channel {
        Some(number) => profile_of(&common.data_folder().join(&config.database.path), number).await?,
        None => config.output_profile().map_err(app::StartError::from)?,
    };
    let cannot = |why: String| HardwareCommandError::File { file: file.clone(), why };
    let path = std::path::absolute(&file).map_err(|error| cannot(error.to_string()))?;
    let life = Lifecycle::default();
    let spawner = Spawner::start("error", None).map_err(|error| cannot(error.to_string()))?;
    let utility = Utility::start(spawner, app::programs(config), &life);
    let probed = utility.probe(path.clone()).await.and_then(|answer| answer).map_err(cannot)?;
    let probe = parse_probe(&probed).map_err(|error| cannot(error.to_string()))?;
    let order = order_for(path, probe, profile);
    let wish = channel.and_then(|number| hardware.wish_of(number));
    Ok(hardware.explain(order, wish).await.map_err(HardwareCommandError::from)?)
}

/// Asks the running server what a channel sends.
async fn profile_of(database: &std::path::Path, number: &str) -> Result<OutputProfile, HardwareCommandError> {
    let unknown = |why: &str| HardwareCommandError::Channel { number: number.to_owned(), why: why.to_owned() };
    let remote = Remote::find(database).ok_or_else(|| unknown("start the server, which knows the channels"))?;
    let page = remote.ask(Method::GET, "/api/v1/channels?limit=500", None).await?;
    let channels = page["items"].as_array().cloned().unwrap_or_default();
    let channel =
        channels.iter().find(|channel| channel["number"] == number).ok_or_else(|| unknown("there is none"))?;
    serde_json::from_value(channel["profile"].clone()).map_err(|_| unknown("its profile cannot be read"))
}

fn told(explanation: &Explanation) -> String {
    let Explanation { card, rung, why, steps, command_line } = explanation;
    let mut text = match card {
        Some(card) => format!("card      {card}, {}: {why}\n", rung.word()),
        None => format!("card      none, the processor does everything: {why}\n"),
    };
    let width = steps.iter().map(|step| step.what.len()).max().unwrap_or(0);
    let who_width = steps.iter().map(|step| step.who.len()).max().unwrap_or(0);
    for step in steps {
        let how =
            if step.how.is_empty() { String::new() } else { format!("{}\n{:indent$}", step.how, "", indent = 10) };
        _ = writeln!(text, "{:width$}  {:who_width$}  {how}{}", step.what, step.who, step.why);
    }
    let words: Vec<String> = command_line.iter().map(|word| quoted(word)).collect();
    _ = writeln!(text, "\n{}", words.join(" "));
    text
}

/// Returns a word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=:./+,%@".contains(c);
    match word.chars().all(plain) && !word.is_empty() {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// Whoever reads only its beginning (head) is no failure.
fn say(text: &str) {
    _ = std::io::stdout().write_all(text.as_bytes());
}
