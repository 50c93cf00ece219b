//! The process of one plugin: `exstreamtv plugin-host` and `exstreamtv plugin-scan`.
//!
//! Does: load a library, and answer the host's calls over the socket that is this process's standard input.
//! Does not: outlive the host, read configuration, or open anything but the library.
//! Invariant: what the plugin does to this process is nobody else's trouble.

use std::{
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use exstreamtv_loader::{Descriptor, HostCalls, Instance, LogLevel, PluginFile, QueryFault};
use nix::sys::resource::{Resource, setrlimit};
use serde::{Deserialize, Serialize};

use super::{
    fault::CallFault,
    wire::{self, FromPlugin, MAX_DOCUMENT_BYTES, ToPlugin},
};

/// Most memory of a plugin's process, mappings included.
const MEMORY_BYTES: u64 = 4 << 30;

/// What a scan says about a library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scanned {
    /// It is a plugin library, and describes these.
    Plugins(Vec<Descriptor>),
    /// It cannot be used, and why.
    Refused(String),
}

/// Looks at a library and says what it is: `plugin-scan FILE`.
///
/// # Errors
/// If nobody listens.
pub fn scan(library: &Path) -> io::Result<()> {
    let mut socket = settle()?;
    let scanned = match PluginFile::open(library) {
        Ok(file) => Scanned::Plugins(file.descriptors().to_vec()),
        Err(error) => Scanned::Refused(super::fault::chain(&error)),
    };
    wire::write_message(&mut socket, &scanned)
}

/// Runs one plugin until the host goes: `plugin-host FILE ID`.
///
/// # Errors
/// If the host talks nonsense; its end is a good end.
pub fn host(library: &Path, id: &str) -> io::Result<()> {
    let socket = settle()?;
    let line = Arc::new(Line::open(socket)?);
    let instance = PluginFile::open(library).map_err(CallFault::from);
    let instance = instance.and_then(|file| Ok(file.create(id, b"", Arc::new(Desk(Arc::clone(&line))))?));
    let mut instance = match instance {
        Ok(instance) => instance,
        Err(fault) => return line.say(&FromPlugin::NotStarted { text: fault.to_string() }, None),
    };
    line.say(&FromPlugin::Ready, None)?;
    while let Some((order, document)) = line.hear() {
        if let ToPlugin::Call { method, limit_ms, max_bytes } = order {
            answer(&line, &mut instance, &method, &document, Duration::from_millis(limit_ms), max_bytes)?;
        }
    }
    Ok(())
}

fn answer(
    line: &Line,
    instance: &mut Instance,
    method: &str,
    document: &[u8],
    limit: Duration,
    max: usize,
) -> io::Result<()> {
    match instance.call(method, document, limit, max.min(MAX_DOCUMENT_BYTES)) {
        Ok(answer) => line.say(&FromPlugin::Answered, Some(&answer)),
        Err(error) => line.say(&FromPlugin::Failed { why: CallFault::from_call(error, limit) }, None),
    }
}

/// Makes this process one that a plugin may live in, and returns the socket to the host.
fn settle() -> io::Result<UnixStream> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // Run by hand, standard input is a terminal or a file.
    if socket.local_addr().is_err() {
        return Err(io::Error::other("this command is for EXStreamTV itself; try `exstreamtv plugin call`"));
    }
    let nothing = std::fs::File::open("/dev/null")?;
    nix::unistd::dup2_stdin(&nothing)?;
    #[cfg(target_os = "linux")]
    {
        nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
        nix::sys::prctl::set_no_new_privs()?;
    }
    // A system that has no such limit has other ways to protect itself.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let _ = setrlimit(Resource::RLIMIT_AS, MEMORY_BYTES, MEMORY_BYTES);
    Ok(socket)
}

/// The socket: one thread reads it, so that the end of the host is noticed even while the plugin hangs.
struct Line {
    socket: Mutex<UnixStream>,
    inbox: Mutex<mpsc::Receiver<(ToPlugin, Vec<u8>)>>,
}

impl Line {
    fn open(socket: UnixStream) -> io::Result<Self> {
        let mut reader = io::BufReader::new(socket.try_clone()?);
        let (orders, inbox) = mpsc::channel();
        std::thread::Builder::new().name("socket".into()).spawn(move || {
            let mut next = || {
                Ok::<_, io::Error>((
                    wire::read_message(&mut reader)?,
                    wire::read_frame(&mut reader, MAX_DOCUMENT_BYTES)?,
                ))
            };
            while let Ok(order) = next() {
                if orders.send(order).is_err() {
                    return;
                }
            }
            // The host is gone, or has given this process up. The plugin is not asked whether that suits it.
            std::process::exit(0);
        })?;
        Ok(Self { socket: Mutex::new(socket), inbox: Mutex::new(inbox) })
    }

    fn hear(&self) -> Option<(ToPlugin, Vec<u8>)> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }

    fn say(&self, message: &FromPlugin, document: Option<&[u8]>) -> io::Result<()> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        wire::write_message(&mut *socket, message)?;
        document.map_or(Ok(()), |document| wire::write_frame(&mut *socket, document))
    }
}

/// What the plugin finds when it turns to the host: the socket.
struct Desk(Arc<Line>);

impl HostCalls for Desk {
    fn log(&self, level: LogLevel, message: &str) {
        let level = match level {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
        };
        let line = FromPlugin::Log { level: level.into(), text: message.to_owned() };
        // If the host is gone, so is this process in a moment.
        let _ = self.0.say(&line, None);
    }

    fn query(&self, method: &str, input: &[u8]) -> Result<Vec<u8>, QueryFault> {
        let lost = || QueryFault::Failed { reason: "the host is gone".into() };
        self.0.say(&FromPlugin::Query { method: method.to_owned() }, Some(input)).map_err(|_| lost())?;
        match self.0.hear() {
            Some((ToPlugin::Queried { outcome }, document)) => outcome.join(document),
            Some((ToPlugin::Call { .. }, _)) | None => Err(lost()),
        }
    }
}
