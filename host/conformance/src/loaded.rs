//! A real library, behind the traits of the checks.
//!
//! Does: load it, call it, serve the pages of a question's pools, and end the process when a call does not end.
//! Does not: check anything.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use exstreamtv_loader::{
    self as loader, CallError, CreateError, HostCalls, LoadError, LogLevel, PluginFile, QueryFault,
};

use crate::{
    ask::Ask,
    contract::Method,
    subject::{Instance, Library, Offer, Reply},
    watchdog::Watchdog,
};

/// Most bytes of an answer, as the host takes them.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;
const MAX_PLAN_BYTES: usize = 64 * 1024 * 1024;

/// How long making an instance may take.
const CREATE_LIMIT: Duration = Duration::from_secs(10);

/// A loaded library.
pub struct Loaded {
    file: PluginFile,
    watchdog: Watchdog,
}

impl Loaded {
    /// Loads a library; `watchdog` sees to it that its calls end.
    ///
    /// # Errors
    /// If it is no library that this host can use.
    pub fn open(path: &Path, watchdog: Watchdog) -> Result<Self, LoadError> {
        PluginFile::open(path).map(|file| Self { file, watchdog })
    }

    /// Returns the library.
    pub fn file(&self) -> &PluginFile {
        &self.file
    }
}

impl Library for Loaded {
    fn create(&self, id: &str, config: &[u8]) -> Result<Box<dyn Instance>, Reply> {
        let calls = Arc::new(Calls::default());
        let _watched = self.watchdog.watch("create", CREATE_LIMIT);
        let made = self.file.create(id, config, calls.clone()).map_err(refusal)?;
        Ok(Box::new(LoadedInstance { instance: Some(made), calls, watchdog: self.watchdog.clone() }))
    }
}

struct LoadedInstance {
    instance: Option<loader::Instance>,
    calls: Arc<Calls>,
    watchdog: Watchdog,
}

impl Instance for LoadedInstance {
    fn call(&mut self, method: &str, request: &[u8], offer: &Offer) -> Reply {
        let Some(instance) = &mut self.instance else { return Reply::Odd("a call after its end".into()) };
        let most = if method == Method::Plan.name() { MAX_PLAN_BYTES } else { MAX_ANSWER_BYTES };
        let limit = Method::named(method).map_or(offer.deadline, Method::deadline);
        let _watched = self.watchdog.watch(method, patience(limit));
        self.calls.set(offer.pools.clone());
        let answer = instance.call(method, request, offer.deadline, offer.sink_bytes.unwrap_or(most));
        self.calls.set(None);
        answer.map_or_else(|error| reply(error, offer), Reply::Answer)
    }

    fn has_extension(&mut self, id: &str) -> bool {
        self.instance.as_mut().is_some_and(|instance| instance.has_extension(id))
    }
}

impl Drop for LoadedInstance {
    fn drop(&mut self) {
        let _watched = self.watchdog.watch("destroy", CREATE_LIMIT);
        drop(self.instance.take());
    }
}

/// How long a call is waited for before it counts as hanging: beyond its deadline, because a slow machine makes nobody hang.
fn patience(deadline: Duration) -> Duration {
    (deadline * 2).max(Duration::from_secs(10))
}

fn refusal(error: CreateError) -> Reply {
    match error {
        CreateError::UnknownId { .. } => Reply::UnknownId,
        CreateError::BadConfig { text, .. } => Reply::BadInput(text),
        CreateError::Failed { status: "a panic", text, .. } => Reply::Panic(text),
        CreateError::Failed { text, .. } => Reply::Failed(text),
        CreateError::Nothing { .. } | CreateError::Instance { .. } => Reply::Odd(crate::checks::door::chain(&error)),
    }
}

fn reply(error: CallError, offer: &Offer) -> Reply {
    match error {
        CallError::UnknownMethod { .. } => Reply::UnknownMethod,
        CallError::BadInput { text } => Reply::BadInput(text),
        CallError::Failed { text } => Reply::Failed(text),
        CallError::Timeout { .. } => Reply::Timeout,
        CallError::Panic { text } => Reply::Panic(text),
        CallError::TooLong { .. } if offer.sink_bytes.is_some() => Reply::SinkRefused,
        CallError::TooLong { max_bytes } => {
            Reply::Odd(format!("more than {max_bytes} bytes, which the host does not read"))
        }
    }
}

/// The host's side of an instance.
#[derive(Default)]
struct Calls {
    pools: Mutex<Option<Arc<Ask>>>,
}

impl Calls {
    fn set(&self, pools: Option<Arc<Ask>>) {
        *self.pools.lock().unwrap_or_else(PoisonError::into_inner) = pools;
    }
}

impl HostCalls for Calls {
    fn log(&self, _: LogLevel, _: &str) {}

    fn query(&self, method: &str, input: &[u8]) -> Result<Vec<u8>, QueryFault> {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (Some(ask), "pool_page") = (pools, method) else {
            return Err(QueryFault::UnknownMethod { method: method.to_owned() });
        };
        ask.page(input).ok_or_else(|| QueryFault::BadInput { reason: "there is no such pool".into() })
    }
}
