//! Starts FFmpeg for a plan and watches it until it is reaped. The only file that starts tasks, but for the loop's own.
//!
//! Does: pipes, spawn, reading progress and stderr, waiting.
//! Does not: decide anything; every observation becomes an event.
//! Invariant: a run's last event is its exit, sent once, after its process is reaped and its last words are read.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, PipeReader},
    os::{fd::OwnedFd, unix::process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use command_fds::{CommandFdExt, FdMapping};
use exstreamtv_model::{
    PlayOrder, RunId,
    order::{BurnIn, Source},
    slate::Visual,
};
use exstreamtv_pipeline::{Plan, command_line, command_line::PROGRESS_DESCRIPTOR};
use exstreamtv_worker_protocol::{CardPart, Restrictions, Testimony, testimony::MOST_PLAN_BYTES};
use tempfile::TempDir;
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe,
    process::{Child, ChildStderr},
    sync::mpsc,
    time::Instant,
};

use crate::{
    cards,
    children::{self, Group, KilledOnDrop},
    event::{Event, Exit},
    isolation::{NoAnswer, Reach, Walls},
    progress::ProgressReader,
    stderr::{StderrReader, millis},
};

/// How much encoded media FFmpeg may be ahead of its reader. Linux gives 64 KiB otherwise, which is a fifth of a second.
#[cfg(target_os = "linux")]
const PIPE_BYTES: i32 = 1 << 20;

/// How long the last words may take after the exit: a grandchild may hold the pipe open for ever.
const LAST_WORDS_LIMIT: Duration = Duration::from_millis(200);

/// A started run.
#[derive(Debug)]
pub struct Started {
    /// Its process id.
    pub pid: u32,
    /// For signals.
    pub group: Group,
    /// The read end of its standard output.
    pub stdout: OwnedFd,
    /// Its command line, for people.
    pub command_line: Vec<String>,
    /// What a card has to do with it.
    pub card: Option<CardPart>,
}

/// Why a run did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A path is relative, and FFmpeg has its own working directory.
    #[error("play {}: its path is not absolute", .0.display())]
    RelativePath(PathBuf),
    /// Nobody knows where its files are.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    /// A pipe could not be made.
    #[error("make a pipe for FFmpeg")]
    Pipe(#[source] io::Error),
    /// The plan's files could not be written.
    #[error("write what FFmpeg reads to a temporary folder")]
    Files(#[source] io::Error),
    /// FFmpeg could not be executed.
    #[error("start {}", .program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The system's word.
        #[source]
        source: io::Error,
    },
    /// It ended before it had a process id, or the runtime lost it.
    #[error("follow FFmpeg after its start")]
    Lost,
}

/// Everything a run's task watches.
struct Watch {
    run: RunId,
    plan: String,
    child: Child,
    group: KilledOnDrop,
    progress: pipe::Receiver,
    stderr: ChildStderr,
    /// Lives as long as FFmpeg may read from it.
    _folder: Option<TempDir>,
}

/// A run that can be started: whatever might wait for a disk is done.
#[derive(Debug)]
pub struct Ready {
    arguments: Vec<OsString>,
    /// The plan in words.
    plan: String,
    card: Option<CardPart>,
    /// Beside ours.
    environment: BTreeMap<String, String>,
    folder: Option<TempDir>,
    walls: Walls,
}

/// Prepares FFmpeg for `order`.
///
/// # Errors
/// It cannot be started.
pub async fn ready(
    ffmpeg: &Path,
    order: &PlayOrder,
    plan: Plan,
    restrictions: &Restrictions,
) -> Result<Ready, StartError> {
    let watermark = order.watermark.as_ref().map(|watermark| watermark.image.as_path());
    let opened = [&paths(&order.source)[..], &[watermark]].concat();
    if let Some(path) = opened.iter().flatten().find(|path| !path.is_absolute()) {
        return Err(StartError::RelativePath((*path).to_owned()));
    }
    let folder = write_files(&plan).map_err(StartError::Files)?;
    let reach = opened.into_iter().flatten().fold(Reach::of(ffmpeg), Reach::reading);
    let reach = folder.iter().fold(reach, |reach, folder| reach.writing(folder.path()));
    let walls = reach.walls(restrictions).await?;
    let environment = plan.card.as_ref().map(|card| card.env.clone()).unwrap_or_default();
    let arguments = command_line(&plan, ffmpeg);
    Ok(Ready { arguments, plan: in_words(&plan), card: cards::part(&plan), environment, folder, walls })
}

impl Ready {
    /// Starts FFmpeg; what happens to it comes as events.
    ///
    /// # Errors
    /// It did not start; no event will come.
    pub fn start(
        self,
        run: RunId,
        restrictions: &Restrictions,
        events: &mpsc::Sender<Event>,
    ) -> Result<Started, StartError> {
        let Self { arguments, plan, card, environment, folder, walls } = self;
        let restrictions = match &card {
            // A card's driver reserves more address space than any machine has memory.
            Some(card) if card.decodes || card.encodes => {
                &Restrictions { memory_limit_bytes: 0, ..restrictions.clone() }
            }
            _ => restrictions,
        };
        let mut command = prepare(&arguments, folder.as_ref(), walls, restrictions);
        command.envs(environment);
        let (media, progress, mut child) = spawn(command)?;
        let (Some(pid), Some(stderr)) = (child.id(), child.stderr.take()) else {
            return Err(StartError::Lost);
        };
        let group = Group::led_by(pid).ok_or(StartError::Lost)?;
        let watch = Watch { run, plan, child, group: KilledOnDrop(group.clone()), progress, stderr, _folder: folder };
        begin(watch.until_reaped(events.clone()));
        let command_line = arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
        Ok(Started { pid, group, stdout: media.into(), command_line, card })
    }
}

fn in_words(plan: &Plan) -> String {
    let mut words = format!("{plan:#?}");
    words.truncate(words.floor_char_boundary(MOST_PLAN_BYTES));
    words
}

/// Runs `question` beside the loop and turns its answer into an event.
pub fn ask(question: impl Future<Output = Event> + 'static, events: &mpsc::Sender<Event>) {
    let events = events.clone();
    begin(async move {
        let answer = question.await;
        // The loop ends before its channel does only when the worker ends.
        _ = events.send(answer).await;
    });
}

/// Tasks stay on the main thread, and end with the loop.
fn begin(task: impl Future<Output = ()> + 'static) {
    tokio::task::spawn_local(task);
}

/// Returns what FFmpeg will open.
fn paths(source: &Source) -> [Option<&Path>; 2] {
    match source {
        Source::File { path, subtitles: Some(BurnIn::Sidecar { path: beside }), .. } => [Some(path), Some(beside)],
        Source::File { path, .. } => [Some(path), None],
        Source::Slate { screen } | Source::Still { screen } => match &screen.visual {
            Visual::Image { path } => [Some(path), None],
            _ => [None, None],
        },
    }
}

/// The files that are linked to are not looked at: their disk may be slow, and nothing here waits for a disk.
fn write_files(plan: &Plan) -> io::Result<Option<TempDir>> {
    if plan.files.is_empty() && plan.links.is_empty() {
        return Ok(None);
    }
    let folder = tempfile::Builder::new().prefix("exstreamtv-").tempdir()?;
    for file in &plan.files {
        std::fs::write(folder.path().join(&file.name), &file.contents)?;
    }
    for link in &plan.links {
        std::os::unix::fs::symlink(&link.target, folder.path().join(&link.name))?;
    }
    Ok(Some(folder))
}

fn prepare(arguments: &[OsString], folder: Option<&TempDir>, walls: Walls, restrictions: &Restrictions) -> Command {
    let mut command = Command::new(arguments.first().map(PathBuf::from).unwrap_or_default());
    children::prepare(&mut command, restrictions);
    walls.around(&mut command);
    command.args(arguments.iter().skip(1));
    if let Some(folder) = folder {
        command.current_dir(folder.path()).env("TMPDIR", folder.path());
    }
    command
}

/// Returns the read ends of FFmpeg's media and progress pipes, and FFmpeg.
fn spawn(mut command: Command) -> Result<(PipeReader, pipe::Receiver, Child), StartError> {
    let (media, media_end) = io::pipe().map_err(StartError::Pipe)?;
    let (progress, progress_end) = io::pipe().map_err(StartError::Pipe)?;
    enlarge(&media);
    let progress = pipe::Receiver::from_owned_fd(progress.into()).map_err(StartError::Pipe)?;
    let program = PathBuf::from(command.get_program());
    command.stdout(media_end).stderr(Stdio::piped());
    let for_progress = FdMapping { parent_fd: progress_end.into(), child_fd: PROGRESS_DESCRIPTOR };
    command.fd_mappings(vec![for_progress]).map_err(|collision| StartError::Pipe(io::Error::other(collision)))?;
    // Our copies of the write ends go with the command, so that the end of FFmpeg is the end of the pipes.
    let child = tokio::process::Command::from(command).spawn();
    Ok((media, progress, child.map_err(|source| StartError::Spawn { program, source })?))
}

fn enlarge(media: &PipeReader) {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::fcntl::fcntl(media, nix::fcntl::FcntlArg::F_SETPIPE_SZ(PIPE_BYTES)) {
        // Users have a quota of pipe memory; a small pipe works, too.
        tracing::debug!(%error, "failed to enlarge a media pipe");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = media;
}

impl Watch {
    async fn until_reaped(mut self, events: mpsc::Sender<Event>) {
        let mut voice = Voice::new(self.run, std::mem::take(&mut self.plan), events);
        let status = self.until_exit(&mut voice).await;
        self.group.0.reaped();
        _ = tokio::time::timeout(LAST_WORDS_LIMIT, self.read_the_rest(&mut voice)).await;
        voice.finish(status).await;
    }

    /// Passes on what FFmpeg says until it exits; `None` when the system cannot say how.
    async fn until_exit(&mut self, voice: &mut Voice) -> Option<ExitStatus> {
        let (mut progress_portion, mut stderr_portion) = ([0; 1024], [0; 4096]);
        let (mut progress_open, mut stderr_open) = (true, true);
        loop {
            tokio::select! {
                status = self.child.wait() => return status.ok(),
                read = self.progress.read(&mut progress_portion), if progress_open => {
                    progress_open = voice.hear_progress(&progress_portion, read);
                }
                read = self.stderr.read(&mut stderr_portion), if stderr_open => {
                    stderr_open = voice.hear_words(&stderr_portion, read);
                }
            }
        }
    }

    async fn read_the_rest(&mut self, voice: &mut Voice) {
        let mut portion = [0; 4096];
        loop {
            let read = self.progress.read(&mut portion).await;
            if !voice.hear_progress(&portion, read) {
                break;
            }
        }
        loop {
            let read = self.stderr.read(&mut portion).await;
            if !voice.hear_words(&portion, read) {
                break;
            }
        }
    }
}

/// Turns what FFmpeg says into events. A full channel loses words, never the exit.
struct Voice {
    run: RunId,
    began: Instant,
    words: StderrReader,
    blocks: ProgressReader,
    testimony: Testimony,
    events: mpsc::Sender<Event>,
}

impl Voice {
    fn new(run: RunId, plan: String, events: mpsc::Sender<Event>) -> Self {
        let (began, testimony) = (Instant::now(), Testimony { plan, ..Testimony::default() });
        Self { run, began, words: StderrReader::new(began), blocks: ProgressReader::default(), testimony, events }
    }

    /// Takes what was read into `portion`; returns whether more may come.
    fn hear_progress(&mut self, portion: &[u8], read: io::Result<usize>) -> bool {
        let heard = &portion[..read.unwrap_or(0)];
        let Self { run, blocks, testimony, events, .. } = self;
        let at_ms = millis(self.began.elapsed());
        blocks.feed(heard, |progress| {
            testimony.last_progress_ms = Some(at_ms);
            if progress.frames > 0 {
                testimony.first_progress_ms.get_or_insert(at_ms);
            }
            _ = events.try_send(Event::Progress { run: *run, progress });
        });
        !heard.is_empty()
    }

    /// Takes what was read into `portion`; returns whether more may come.
    fn hear_words(&mut self, portion: &[u8], read: io::Result<usize>) -> bool {
        let heard = &portion[..read.unwrap_or(0)];
        self.words.feed(Instant::now(), heard, |line| _ = self.events.try_send(Event::Line { run: self.run, line }));
        !heard.is_empty()
    }

    async fn finish(mut self, status: Option<ExitStatus>) {
        self.words.finish(Instant::now(), |line| _ = self.events.try_send(Event::Line { run: self.run, line }));
        let (code, signal) = (status.and_then(|status| status.code()), status.and_then(|status| status.signal()));
        let (words, lines_lost) = self.words.take_words();
        let lived_ms = millis(self.began.elapsed());
        let testimony = Testimony { words, lines_lost, lived_ms, exit_code: code, signal, ..self.testimony };
        let exit = Exit { code, signal, last_words: self.words.last_words(), testimony };
        _ = self.events.send(Event::Exited { run: self.run, exit }).await;
    }
}
