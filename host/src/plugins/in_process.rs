//! Plugins that run inside the host.
//!
//! Does: keep a few instances of a plugin, each on a thread of its own, and give up the ones that do not come back.
//! Does not: survive a crash of the plugin; the breadcrumb tells the next start whom to blame.
//! Invariant: a thread that is late is abandoned and never asked again; it ends by itself if it ever comes back.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};

use exstreamtv_loader::{Breadcrumb, HostCalls, Instance, LogLevel, PluginFile, QueryFault};
use tokio::sync::{Semaphore, oneshot};

use super::{
    fault::CallFault,
    question::{NoQueries, Queries, Question},
};

/// Instances of one plugin that work at the same time; more questions wait.
const INSTANCES: usize = 4;

/// What a busy machine may add to a plugin's time before it counts as late.
pub(super) const GRACE: Duration = Duration::from_millis(500);

/// Lines that a plugin may log during one call.
const LOG_LINES: u32 = 200;

type Answer = Result<Vec<u8>, CallFault>;

/// A plugin inside the host.
pub struct InProcess {
    path: PathBuf,
    id: String,
    crumb: Option<Arc<Breadcrumb>>,
    idle: Mutex<Vec<Seat>>,
    room: Semaphore,
    abandoned: AtomicU32,
}

impl InProcess {
    /// Prepares a plugin; the library is loaded with the first question.
    pub fn new(path: PathBuf, id: String, crumb: Option<Arc<Breadcrumb>>) -> Self {
        let (idle, room, abandoned) = (Mutex::default(), Semaphore::new(INSTANCES), AtomicU32::new(0));
        Self { path, id, crumb, idle, room, abandoned }
    }

    /// Puts a question to an instance.
    ///
    /// # Errors
    /// If there is no answer in time.
    pub async fn call(&self, question: Question) -> Answer {
        // Never closed; an error would mean that nobody may work any more.
        let _permit = self.room.acquire().await.map_err(|_| CallFault::Pausing)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let seat = match idle {
            Some(seat) => seat,
            None => self.seat().await?,
        };
        let limit = question.limits.time;
        let (reply, answer) = oneshot::channel();
        let gone = || CallFault::Crashed { how: "thread is gone".into() };
        seat.jobs.send(Job { question, reply }).map_err(|_| gone())?;
        match tokio::time::timeout(limit + GRACE, answer).await {
            // Dropping the seat lets go of the thread: it cannot be ended, but it is never asked again.
            Err(_) => {
                self.abandoned.fetch_add(1, Ordering::Relaxed);
                Err(CallFault::Late { limit })
            }
            Ok(answer) => {
                let answer = answer.unwrap_or_else(|_| Err(gone()));
                if !matches!(answer, Err(CallFault::Panicked { .. } | CallFault::Crashed { .. })) {
                    self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(seat);
                }
                answer
            }
        }
    }

    /// Returns how many threads never came back.
    pub fn abandoned(&self) -> u32 {
        self.abandoned.load(Ordering::Relaxed)
    }

    async fn seat(&self) -> Result<Seat, CallFault> {
        let (made, ready) = oneshot::channel();
        let (jobs, inbox) = mpsc::channel();
        let bench = Bench { path: self.path.clone(), id: self.id.clone(), crumb: self.crumb.clone() };
        // A thread and not the blocking pool: a runtime that ends waits for its pool, and so for ever for a plugin that hangs.
        let thread = std::thread::Builder::new().name(format!("plugin {}", self.id));
        let thread = thread.spawn(move || bench.work(made, &inbox));
        thread.map_err(|error| CallFault::NotStarted { text: error.to_string() })?;
        let limit = super::question::Limits::of("create").time;
        match tokio::time::timeout(limit + GRACE, ready).await {
            Ok(Ok(made)) => made.map(|()| Seat { jobs }),
            Ok(Err(_)) => Err(CallFault::Crashed { how: "thread is gone".into() }),
            Err(_) => {
                self.abandoned.fetch_add(1, Ordering::Relaxed);
                Err(CallFault::Late { limit })
            }
        }
    }
}

/// An instance that waits for questions.
struct Seat {
    jobs: mpsc::Sender<Job>,
}

struct Job {
    question: Question,
    reply: oneshot::Sender<Answer>,
}

/// The thread of an instance.
struct Bench {
    path: PathBuf,
    id: String,
    crumb: Option<Arc<Breadcrumb>>,
}

impl Bench {
    fn work(self, made: oneshot::Sender<Result<(), CallFault>>, inbox: &mpsc::Receiver<Job>) {
        let desk = Arc::new(Desk::new(self.id.clone()));
        let instance = {
            let _mark = self.mark("create");
            make(&self.path, &self.id, desk.clone())
        };
        let mut instance = match instance {
            Ok(instance) => instance,
            Err(fault) => return drop(made.send(Err(fault))),
        };
        // Whoever gave up waiting has dropped the other end of the inbox too.
        let _ = made.send(Ok(()));
        for Job { question, reply } in inbox {
            desk.open(question.queries.clone());
            let limits = question.limits;
            let answer = {
                let _mark = self.mark(&question.method);
                instance.call(&question.method, &question.input, limits.time, limits.answer_bytes)
            };
            desk.close();
            let _ = reply.send(answer.map_err(|error| CallFault::from_call(error, limits.time)));
        }
    }

    fn mark(&self, method: &str) -> Option<exstreamtv_loader::Mark> {
        self.crumb.as_ref().map(|crumb| crumb.mark(&self.id, method))
    }
}

fn make(path: &std::path::Path, id: &str, desk: Arc<Desk>) -> Result<Instance, CallFault> {
    // Opening a library again is cheap: the system knows that it is loaded.
    let file = PluginFile::open(path)?;
    Ok(file.create(id, b"", desk)?)
}

/// What an instance finds when it turns to the host.
struct Desk {
    id: String,
    queries: Mutex<Arc<dyn Queries>>,
    lines: AtomicU32,
}

impl Desk {
    fn new(id: String) -> Self {
        Self { id, queries: Mutex::new(Arc::new(NoQueries)), lines: AtomicU32::new(0) }
    }

    fn open(&self, queries: Arc<dyn Queries>) {
        self.lines.store(0, Ordering::Relaxed);
        *self.queries.lock().unwrap_or_else(PoisonError::into_inner) = queries;
    }

    fn close(&self) {
        *self.queries.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(NoQueries);
    }
}

impl HostCalls for Desk {
    fn log(&self, level: LogLevel, message: &str) {
        if self.lines.fetch_add(1, Ordering::Relaxed) < LOG_LINES {
            log(&self.id, level, message);
        }
    }

    fn query(&self, method: &str, input: &[u8]) -> Result<Vec<u8>, QueryFault> {
        let queries = self.queries.lock().unwrap_or_else(PoisonError::into_inner).clone();
        queries.answer(method, input)
    }
}

/// Writes a plugin's line to our log.
pub(super) fn log(id: &str, level: LogLevel, message: &str) {
    match level {
        LogLevel::Error => tracing::error!(plugin.id = id, line = message, "a plugin says"),
        LogLevel::Warn => tracing::warn!(plugin.id = id, line = message, "a plugin says"),
        LogLevel::Info => tracing::info!(plugin.id = id, line = message, "a plugin says"),
        LogLevel::Debug => tracing::debug!(plugin.id = id, line = message, "a plugin says"),
    }
}
