//! Runs a short-lived tool and collects what it says.
//!
//! Invariant: it takes at most the given time and memory; then the tool and whatever it started are killed.

use std::{
    io,
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use exstreamtv_worker_protocol::Restrictions;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{
    children::{self, Group, KilledOnDrop},
    isolation::{NoAnswer, Reach, Walls},
};

/// How much of stderr is usually kept.
pub const STDERR_BYTES: usize = 16 * 1024;

/// What a tool may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until it is killed.
    pub time: Duration,
    /// Of standard output.
    pub stdout_bytes: usize,
    /// Of standard error; what is beyond it is lost.
    pub stderr_bytes: usize,
}

/// What a tool said.
#[derive(Debug)]
pub struct Captured {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output, whole.
    pub stdout: Vec<u8>,
    /// The beginning of its standard error.
    pub stderr: String,
}

/// Why a tool said nothing useful.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// It could not be started.
    #[error("start {}", .program.display())]
    Spawn {
        /// The program.
        program: std::path::PathBuf,
        /// The system's word.
        #[source]
        source: io::Error,
    },
    /// It took too long.
    #[error("get an answer within {} s", .limit.as_secs())]
    TimedOut {
        /// How long it may take.
        limit: Duration,
    },
    /// It said too much.
    #[error("take an answer of more than {limit_bytes} bytes")]
    TooLong {
        /// How much it may say.
        limit_bytes: usize,
    },
    /// Nobody knows where its files are.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    /// Its output could not be read.
    #[error("read its answer")]
    Read(#[source] io::Error),
}

/// Runs `command`, which reads nothing from outside, to its end within `limits`.
///
/// # Errors
/// It cannot be started or goes beyond a limit.
pub async fn capture(command: Command, limits: Limits) -> Result<Captured, CaptureError> {
    run(command, limits, Walls::none(), &Restrictions::default()).await
}

/// Runs `command` to its end within `limits` and its reach.
///
/// # Errors
/// It cannot be started or goes beyond a limit.
pub async fn capture_within(
    command: Command,
    limits: Limits,
    reach: Reach,
    restrictions: &Restrictions,
) -> Result<Captured, CaptureError> {
    let walls = reach.walls(restrictions).await?;
    run(command, limits, walls, restrictions).await
}

async fn run(
    mut command: Command,
    limits: Limits,
    walls: Walls,
    restrictions: &Restrictions,
) -> Result<Captured, CaptureError> {
    children::prepare(&mut command, restrictions);
    walls.around(&mut command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let program = command.get_program().into();
    let mut child =
        tokio::process::Command::from(command).spawn().map_err(|source| CaptureError::Spawn { program, source })?;
    let group = child.id().and_then(Group::led_by).map(KilledOnDrop);
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let whole = async {
        let answer = read_at_most(stdout, limits.stdout_bytes);
        let (stdout, stderr) = tokio::try_join!(answer, read_beginning(stderr, limits.stderr_bytes))?;
        let status = child.wait().await.map_err(CaptureError::Read)?;
        if let Some(KilledOnDrop(group)) = &group {
            group.reaped();
        }
        Ok(Captured { status, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() })
    };
    match tokio::time::timeout(limits.time, whole).await {
        Ok(result) => result,
        Err(_) => Err(CaptureError::TimedOut { limit: limits.time }),
    }
}

async fn read_at_most(from: Option<impl AsyncRead + Unpin>, limit_bytes: usize) -> Result<Vec<u8>, CaptureError> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let limit = u64::try_from(limit_bytes).unwrap_or(u64::MAX);
        from.take(limit.saturating_add(1)).read_to_end(&mut bytes).await.map_err(CaptureError::Read)?;
    }
    if bytes.len() > limit_bytes { Err(CaptureError::TooLong { limit_bytes }) } else { Ok(bytes) }
}

/// Keeps the beginning and reads the rest away, so that the tool is not blocked by a full pipe.
async fn read_beginning(from: Option<impl AsyncRead + Unpin>, keep_bytes: usize) -> Result<Vec<u8>, CaptureError> {
    let mut kept = Vec::new();
    let Some(mut from) = from else { return Ok(kept) };
    let mut portion = [0; 4096];
    loop {
        let length = from.read(&mut portion).await.map_err(CaptureError::Read)?;
        if length == 0 {
            return Ok(kept);
        }
        let room = keep_bytes.saturating_sub(kept.len());
        kept.extend_from_slice(&portion[..length.min(room)]);
    }
}
