//! The plugins that were found, and the way to each.
//!
//! Does: find libraries, have them looked at, route questions into the host or into a process, count calls and failures.
//! Does not: understand questions or answers.
//! Invariant: of two plugins with one id only the first is ever asked; a plugin in quarantine is not.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use exstreamtv_loader::{Breadcrumb, Descriptor, Found, Sidecar, discover, rank};
use tokio::time::Instant;

use super::{
    confined::Confined,
    fault::{CallFault, chain},
    guest::Scanned,
    in_process::InProcess,
    places,
    quarantine::{self, Held, Quarantine, Scope},
    question::Question,
    scan::Scanner,
    spawner::Spawner,
    view::{PluginState, PluginView, RefusedView, RunsIn},
};
use crate::{clock::Clock, config::Isolation, lifecycle::Lifecycle};

/// The breadcrumb's name in the data folder.
const CRUMB: &str = "plugin.breadcrumb";

/// How long a plugin may still work when the host is stopping.
const STOPPING: Duration = Duration::from_secs(1);

/// What a registry is made from.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folders that were named on the command line.
    pub flags: Vec<PathBuf>,
    /// What the environment says ([`places::VARIABLE`]).
    pub variable: Option<OsString>,
    /// Folders of the configuration.
    pub paths: Vec<PathBuf>,
    /// Where plugins run.
    pub isolation: Isolation,
    /// Whether plugins are left alone altogether.
    pub safe_mode: bool,
    /// The data folder; without one nothing is remembered.
    pub data: Option<PathBuf>,
    /// Whether the data folder is this process's own; another process must not touch a running server's breadcrumb.
    pub serving: bool,
    /// This program.
    pub program: PathBuf,
}

/// The plugins.
pub(super) struct Registry {
    plugins: Vec<Plugin>,
    refused: Vec<RefusedView>,
    pub(super) quarantine: Quarantine,
    life: Lifecycle,
}

struct Plugin {
    descriptor: Descriptor,
    path: PathBuf,
    shadowed_by: Option<PathBuf>,
    remarks: Vec<String>,
    isolation: RunsIn,
    inside: InProcess,
    outside: Confined,
    tally: Mutex<Tally>,
}

#[derive(Debug, Clone, Default)]
struct Tally {
    calls: u64,
    failures: u64,
    total: Duration,
    last_error: Option<String>,
}

impl Registry {
    /// Returns a registry that has found nothing.
    pub(super) fn empty(clock: Arc<dyn Clock>, life: Lifecycle) -> Self {
        Self { plugins: vec![], refused: vec![], quarantine: Quarantine::open(None, clock), life }
    }

    /// Looks for plugins.
    pub(super) async fn open(options: Options, clock: Arc<dyn Clock>, life: Lifecycle) -> Self {
        let quarantine = Quarantine::open(options.data.as_ref().map(|data| data.join(quarantine::FILE)), clock);
        let crumb = options
            .data
            .as_ref()
            .filter(|_| options.serving)
            .and_then(|data| breadcrumb(&data.join(CRUMB), &quarantine));
        if options.safe_mode {
            tracing::warn!("safe mode: no plugin is loaded, the built-in strategies answer everything");
            return Self { plugins: vec![], refused: vec![], quarantine, life };
        }
        let mut libraries =
            discover(&places::folders(&options.flags, options.variable.as_deref(), &options.paths, &options.program));
        libraries.extend(places::shipped_beside(&options.program));
        let spawner = match Spawner::start(options.program) {
            Ok(spawner) => spawner,
            Err(error) => {
                tracing::error!(%error, "no thread for plugins: the built-in strategies answer everything");
                return Self { plugins: vec![], refused: vec![], quarantine, life };
            }
        };
        let cache = options.data.map(|data| data.join("cache/plugins.json"));
        let scanned = Scanner { spawner: spawner.clone(), cache }.scan(libraries).await;
        let (found, refused) = sort(scanned);
        let plugin = |found| Plugin::new(found, options.isolation, crumb.clone(), &spawner, &life);
        Self { plugins: found.into_iter().map(plugin).collect(), refused, quarantine, life }
    }

    /// Returns whether there is a plugin of this id, used or held.
    pub(super) fn has(&self, id: &str) -> bool {
        self.find(id).is_some()
    }

    /// Returns which contract a plugin fulfils.
    pub(super) fn contract(&self, id: &str) -> Option<&str> {
        self.find(id).map(|plugin| plugin.descriptor.contract.as_str())
    }

    fn find(&self, id: &str) -> Option<&Plugin> {
        self.plugins.iter().find(|plugin| plugin.descriptor.id == id && plugin.shadowed_by.is_none())
    }

    /// Puts a question to a plugin.
    ///
    /// # Errors
    /// If there is no answer. Whether an answer makes sense is for the caller to say, with [`Self::failed`].
    pub(super) async fn ask(&self, id: &str, question: Question) -> Result<Vec<u8>, CallFault> {
        let Some(plugin) = self.find(id) else {
            return Err(CallFault::NotStarted { text: "there is no such plugin".into() });
        };
        let held = self.quarantine.held(id);
        if let Some(Held { scope: Scope::Everywhere, reason, .. }) = held {
            return Err(CallFault::Quarantined { reason });
        }
        let began = Instant::now();
        let stopping = self.life.stopping();
        let answer = tokio::select! {
            answer = plugin.call(question, held.is_some()) => answer,
            () = async { stopping.cancelled().await; tokio::time::sleep(STOPPING).await } => Err(CallFault::Stopping),
        };
        plugin.count(began.elapsed());
        if let Err(fault) = &answer {
            self.failed(id, fault);
        }
        answer
    }

    /// Counts a failure of a plugin, and what follows from it.
    pub(super) fn failed(&self, id: &str, fault: &CallFault) {
        let Some(plugin) = self.find(id) else { return };
        // Not to know a method is no failure.
        if *fault == CallFault::UnknownMethod {
            return;
        }
        let mut tally = plugin.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.failures += 1;
        tally.last_error = Some(format!("failed to {fault}"));
        drop(tally);
        if fault.is_strike() {
            self.quarantine.strike(id, &fault.to_string());
        }
    }

    /// Returns every described plugin.
    pub(super) fn list(&self) -> Vec<PluginView> {
        let held = self.quarantine.list();
        self.plugins.iter().map(|plugin| plugin.view(held.get(&plugin.descriptor.id))).collect()
    }

    /// Returns every library that cannot be used.
    pub(super) fn refused(&self) -> Vec<RefusedView> {
        self.refused.clone()
    }

    /// Returns what a person should look after, in words; nothing if all is well.
    pub(super) fn troubles(&self) -> Vec<String> {
        let hangs = self.plugins.iter().filter_map(|plugin| match plugin.inside.abandoned() {
            0 => None,
            threads => {
                let id = &plugin.descriptor.id;
                Some(format!("plugin {id} hangs on {threads} threads, which only a restart of EXStreamTV ends"))
            }
        });
        let ours = |id: &String| self.has(id);
        let held = self.quarantine.list().into_iter().filter(|(id, _)| ours(id));
        hangs.chain(held.map(|(id, held)| format!("plugin {id} is in quarantine: {}", held.reason))).collect()
    }
}

impl Plugin {
    fn new(
        found: Found,
        isolation: Isolation,
        crumb: Option<Arc<Breadcrumb>>,
        spawner: &Spawner,
        life: &Lifecycle,
    ) -> Self {
        let Found { path, descriptor, shadowed_by } = found;
        let isolation = match isolation {
            Isolation::InProcess => RunsIn::InProcess,
            Isolation::Process => RunsIn::Process,
            Isolation::Auto if places::is_shipped(&path) => RunsIn::InProcess,
            Isolation::Auto => RunsIn::Process,
        };
        let id = &descriptor.id;
        let inside = InProcess::new(path.clone(), id.clone(), crumb);
        let outside = Confined::new(path.clone(), id.clone(), spawner.clone(), life.clone());
        let remarks = remarks(&path, &descriptor);
        Self { descriptor, path, shadowed_by, remarks, isolation, inside, outside, tally: Mutex::default() }
    }

    async fn call(&self, question: Question, confined: bool) -> Result<Vec<u8>, CallFault> {
        match self.isolation {
            RunsIn::InProcess if !confined => self.inside.call(question).await,
            RunsIn::InProcess | RunsIn::Process => self.outside.call(question).await,
        }
    }

    fn count(&self, took: Duration) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.calls += 1;
        tally.total += took;
    }

    fn view(&self, held: Option<&Held>) -> PluginView {
        let d = self.descriptor.clone();
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let state = match (&self.shadowed_by, held.map(|held| held.scope)) {
            (Some(_), _) => PluginState::Shadowed,
            (None, Some(Scope::Everywhere)) => PluginState::Quarantined,
            (None, Some(Scope::InProcess)) => PluginState::Confined,
            (None, None) => PluginState::Ready,
        };
        let shadow = self.shadowed_by.as_ref().map(|first| format!("{} comes first", first.display()));
        let reason = held.map(|held| held.reason.clone()).filter(|_| state != PluginState::Shadowed);
        PluginView {
            id: d.id,
            name: d.name,
            version: d.version,
            vendor: d.vendor,
            licence: d.licence,
            url: d.url,
            contract: d.contract,
            permissions: d.permissions,
            path: self.path.clone(),
            shipped: places::is_shipped(&self.path),
            isolation: if state == PluginState::Confined { RunsIn::Process } else { self.isolation },
            state,
            remarks: shadow.into_iter().chain(reason).chain(self.remarks.iter().cloned()).collect(),
            calls: tally.calls,
            failures: tally.failures,
            total_ms: u64::try_from(tally.total.as_millis()).unwrap_or(u64::MAX),
            last_error: tally.last_error,
        }
    }
}

/// Opens the breadcrumb, and holds whoever was being called when the last host ended without taking its note away.
fn breadcrumb(path: &Path, quarantine: &Quarantine) -> Option<Arc<Breadcrumb>> {
    match Breadcrumb::open(path) {
        Ok((crumb, left)) => {
            for crumb in left {
                let reason = format!("EXStreamTV ended while this plugin was working on {:?}", crumb.method);
                quarantine.confine(&crumb.plugin, reason);
            }
            Some(crumb)
        }
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "no breadcrumb: after a crash nobody will know which plugin it was");
            None
        }
    }
}

fn sort(scanned: Vec<(PathBuf, Scanned)>) -> (Vec<Found>, Vec<RefusedView>) {
    let (mut plugins, mut refused) = (Vec::new(), Vec::new());
    for (path, scanned) in scanned {
        match scanned {
            Scanned::Plugins(descriptors) => plugins.push((path, descriptors)),
            Scanned::Refused(reason) => {
                tracing::warn!(path = %path.display(), reason, "a library is no plugin that can be used");
                refused.push(RefusedView { path, reason });
            }
        }
    }
    (rank(plugins), refused)
}

/// Returns what the sidecar says differently about this plugin.
fn remarks(path: &Path, descriptor: &Descriptor) -> Vec<String> {
    match Sidecar::beside(path) {
        Ok(None) => vec![],
        Ok(Some(sidecar)) => {
            let said: Vec<_> = sidecar.plugins.into_iter().filter(|said| said.id == descriptor.id).collect();
            Sidecar { abi: sidecar.abi, plugins: said }.differences(std::slice::from_ref(descriptor))
        }
        Err(error) => vec![format!("failed to {}", chain(&error))],
    }
}
