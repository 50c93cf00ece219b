//! How a file would be played, and why so.
//!
//! Does: make the order that a channel would give at the file's beginning, and have a worker plan it.
//! Does not: play it, or take a session of a card for longer than the answer needs.

use std::{io, path::PathBuf, process::Stdio, sync::Arc};

use exstreamtv_core::fallback::choose_streams;
use exstreamtv_model::{
    MediaProbe, OutputProfile, PlayOrder, RunId,
    order::{CardRung, Source},
};
use exstreamtv_worker_protocol::CardPart;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use utoipa::ToSchema;

use super::{DetectError, Hardware};
use crate::feed::view::RunStep;

/// The frames of the order that is explained: a programme's, for all that matters.
const FRAMES: u32 = 100_000;

/// How a file would be played.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Explanation {
    /// The card; absent where the processor does everything.
    pub card: Option<String>,
    /// How much of the work it would be given.
    pub rung: CardRung,
    /// Why it is this card and this much.
    pub why: String,
    /// What is done where and why, in order.
    pub steps: Vec<RunStep>,
    /// What FFmpeg would be started with.
    pub command_line: Vec<String>,
}

/// What a worker answers.
#[derive(Debug, Deserialize)]
struct Answer {
    command_line: Vec<String>,
    card: Option<CardPart>,
}

/// Returns the order that a channel with this profile would give for the beginning of the file.
pub fn order_for(path: PathBuf, probe: MediaProbe, profile: OutputProfile) -> PlayOrder {
    let streams = choose_streams(&probe);
    let (video, audio) = (streams.video, streams.audio);
    let source = Source::File { path, probe, in_point_ms: 0, video, audio, downmix: None, subtitles: None };
    PlayOrder {
        run: RunId(0),
        source,
        profile,
        frames: FRAMES,
        keyframe_offset: 0,
        card: None,
        gain_db: None,
        watermark: None,
    }
}

impl Hardware {
    /// Explains how `order` would be played by a channel that wishes for this card.
    ///
    /// # Errors
    /// The worker cannot be started or gives up.
    pub async fn explain(&self, mut order: PlayOrder, wish: Option<&str>) -> Result<Explanation, DetectError> {
        let seat = self.desk().assign(&order, wish);
        order.card = seat.as_ref().and_then(|seat| seat.card.clone());
        let why = match (&seat, self.latest()) {
            (Some(seat), _) => seat.why.clone(),
            (None, Some(_)) => "no card is used".to_owned(),
            (None, None) => "nobody has looked for video cards".to_owned(),
        };
        let cards = self.cards().borrow().clone();
        let settings = &self.settings;
        let question = serde_json::json!({
            "ffmpeg": settings.ffmpeg, "ffprobe": settings.ffprobe, "order": order, "cards": cards.as_deref(),
        });
        let Answer { command_line, card } = self.ask_worker(question.to_string()).await?;
        let part = card.as_ref();
        Ok(Explanation {
            card: part.map(|part| part.card.clone()).filter(|_| part.is_some_and(|part| part.decodes || part.encodes)),
            rung: part.map_or(CardRung::Software, |part| part.rung),
            why,
            steps: part.iter().flat_map(|part| part.steps.iter().map(RunStep::from)).collect(),
            command_line,
        })
    }

    async fn ask_worker(&self, question: String) -> Result<Answer, DetectError> {
        let path = self.settings.worker.clone();
        let start = |cause: io::Error| DetectError::Start { path: path.clone(), cause: Arc::new(cause) };
        let mut command = tokio::process::Command::new(&path);
        command.arg("explain").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.process_group(0).kill_on_drop(true).spawn().map_err(start)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A worker that does not listen says why when it ends.
            _ = stdin.write_all(question.as_bytes()).await;
        }
        let output = child.wait_with_output().await.map_err(start)?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("the worker did not say why");
            let message = last.trim_start_matches("exstreamtv-worker: failed to ").to_owned();
            return Err(DetectError::GaveUp { code: output.status.code(), message });
        }
        serde_json::from_slice(&output.stdout).map_err(|error| DetectError::Unintelligible(Arc::new(error)))
    }
}
