//! Asks what the survey wants to know: runs FFmpeg, reads files, makes clips.
//!
//! Invariant: every question gets an answer, within its time; what was started for it is gone by then.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use exstreamtv_hardware::detect::{Answer, Build, Clip, Question, Run};

use super::root::Root;
use crate::{
    capture::{CaptureError, Captured, Limits, capture},
    chain,
};

/// How much of FFmpeg's words at level "debug" is read: the evidence is in the middle of them.
const WORDS_BYTES: usize = 4 * 1024 * 1024;

/// How long making a clip may take.
const CLIP_TIME: Duration = Duration::from_secs(30);

/// Who asks.
pub struct Asker<'a> {
    /// The program.
    pub ffmpeg: &'a Path,
    /// Where system files are.
    pub root: &'a Root,
    /// Where clips are kept.
    pub clips: &'a Path,
}

impl Asker<'_> {
    /// Asks.
    pub async fn ask(&self, question: &Question, build: Option<&Build>) -> Answer {
        match question {
            Question::Read { path } => Answer::File(self.root.read(path)),
            Question::Run(run) => match &run.clip {
                None => self.run(run, &run.args).await,
                Some(clip) => match self.clip(clip, build).await {
                    Ok(path) => self.run(run, &run.args_with(&path.to_string_lossy())).await,
                    Err(message) => Answer::NoClip { message },
                },
            },
        }
    }

    async fn run(&self, run: &Run, args: &[String]) -> Answer {
        let mut command = Command::new(self.ffmpeg);
        command.args(args).envs(&run.env);
        let time = Duration::from_millis(run.timeout_ms);
        let limits = Limits { time, stdout_bytes: WORDS_BYTES, stderr_bytes: WORDS_BYTES };
        match capture(command, limits).await {
            Ok(Captured { status, stdout, stderr }) => {
                Answer::Ran { exit: status.code(), stdout: String::from_utf8_lossy(&stdout).into_owned(), stderr }
            }
            Err(CaptureError::TimedOut { .. }) => Answer::TimedOut,
            Err(error) => Answer::NotStarted { message: chain(&error) },
        }
    }

    /// Returns the clip's path; it is made if it is not there.
    async fn clip(&self, clip: &Clip, build: Option<&Build>) -> Result<PathBuf, String> {
        let path = self.clips.join(clip.file_name());
        if path.is_file() {
            return Ok(path);
        }
        let recipe = build.and_then(|build| clip.recipe(build));
        let recipe = recipe.ok_or_else(|| format!("this FFmpeg makes no {} clip to try it with", clip.codec))?;
        // It is there whole or not at all.
        let part = path.with_extension("part");
        let mut command = Command::new(self.ffmpeg);
        command.args(recipe).arg(&part);
        let limits = Limits { time: CLIP_TIME, stdout_bytes: 64 * 1024, stderr_bytes: 64 * 1024 };
        let failed = |why: String| format!("a {} clip of {} bit cannot be made: {why}", clip.codec, clip.depth);
        let made = capture(command, limits).await.map_err(|error| failed(chain(&error)))?;
        if !made.status.success() {
            let why =
                made.stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("FFmpeg did not say why");
            return Err(failed(why.chars().take(200).collect()));
        }
        std::fs::rename(&part, &path).map_err(|error| failed(error.to_string()))?;
        Ok(path)
    }
}
