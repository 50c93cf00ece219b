//! `exstreamtv-worker explain`: says how an order would be played, and ends.
//!
//! Does: read an order and what is known about cards from standard input, write the command line and the reasons as JSON.
//! Does not: play it, or open the file.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use exstreamtv_model::PlayOrder;
use exstreamtv_pipeline::{command_line, plan_on};
use exstreamtv_worker_protocol::{CardPart, Cards as Told};
use serde::{Deserialize, Serialize};

use crate::{
    cards::{self, CardsError},
    event::Tools,
    identify::identify,
};

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    ffmpeg: PathBuf,
    ffprobe: PathBuf,
    order: PlayOrder,
    #[serde(default)]
    cards: Option<Told>,
}

/// What is answered.
#[derive(Debug, Serialize)]
struct Explanation {
    command_line: Vec<String>,
    card: Option<CardPart>,
}

/// Why nothing can be said; fits after "failed to".
#[derive(Debug, thiserror::Error)]
enum ExplainError {
    #[error("read the question from standard input")]
    Read(#[source] io::Error),
    #[error("understand the question")]
    Question(#[source] serde_json::Error),
    #[error(transparent)]
    Cards(#[from] CardsError),
    #[error("set up the runtime")]
    Runtime(#[source] io::Error),
    #[error("say how it is played")]
    Say(#[source] io::Error),
}

/// Explains, and returns the exit code.
pub fn run() -> ExitCode {
    match explain() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("exstreamtv-worker: failed to {}", crate::chain(&error));
            ExitCode::from(match error {
                ExplainError::Question(_) => 65,
                ExplainError::Cards(_) => 78,
                ExplainError::Runtime(_) => 71,
                ExplainError::Read(_) | ExplainError::Say(_) => 74,
            })
        }
    }
}

fn explain() -> Result<(), ExplainError> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(ExplainError::Read)?;
    let Question { ffmpeg, ffprobe, order, cards: told } =
        serde_json::from_str(&text).map_err(ExplainError::Question)?;
    let known = told.map(cards::read).transpose()?.unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ExplainError::Runtime)?;
    let identity = runtime.block_on(identify(Tools { ffmpeg: ffmpeg.clone(), ffprobe }));
    let plan = plan_on(&order, identity.abilities, &known);
    let line = command_line(&plan, &ffmpeg);
    let command_line = line.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let answer = Explanation { command_line, card: cards::part(&plan) };
    let text = serde_json::to_string_pretty(&answer).unwrap_or_default() + "\n";
    io::stdout().write_all(text.as_bytes()).map_err(ExplainError::Say)
}
