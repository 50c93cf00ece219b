//! The service manager that started us (systemd), and what it wants to hear.
//!
//! Does: say that we are ready, that we read the configuration again, that we stop; show a sign of life as often as is asked for.
//! Does not: decide any of that; without a service manager every word is spoken into the air.
//! Invariant: a service manager that does not listen costs nothing but a line in the log.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::{ffi::OsStrExt, net::UnixDatagram},
    sync::Arc,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

/// Where the service manager listens.
const SOCKET: &str = "NOTIFY_SOCKET";

/// How many microseconds may pass between two signs of life, and whose.
const WATCHDOG: [&str; 2] = ["WATCHDOG_USEC", "WATCHDOG_PID"];

/// What we have to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word<'a> {
    /// Whoever waited for us may go on; people who ask are told this.
    Ready(&'a str),
    /// The configuration is being read again.
    Reloading,
    /// We end.
    Stopping,
    /// We live.
    Alive,
}

impl Word<'_> {
    /// Returns the datagram.
    fn text(self) -> String {
        match self {
            Self::Ready(status) => format!("READY=1\nSTATUS={}\n", status.replace('\n', " ")),
            Self::Reloading => format!("RELOADING=1\nMONOTONIC_USEC={}\n", monotonic_us()),
            Self::Stopping => "STOPPING=1\n".into(),
            Self::Alive => "WATCHDOG=1\n".into(),
        }
    }
}

/// The way to the service manager.
#[derive(Debug, Clone, Default)]
pub struct Service {
    socket: Option<Arc<UnixDatagram>>,
    rhythm: Option<Duration>,
}

impl Service {
    /// Returns the service manager that the environment names.
    pub fn of_the_environment() -> Self {
        let [every, whose] = WATCHDOG.map(|name| std::env::var(name).ok());
        let rhythm = rhythm(every.as_deref(), whose.as_deref(), std::process::id());
        match std::env::var_os(SOCKET).map(|address| Self::at(&address, rhythm)) {
            Some(Ok(service)) => service,
            Some(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the service manager cannot be reached");
                Self::default()
            }
            None => Self::default(),
        }
    }

    /// Returns the service manager that listens at `address`: a path, or an abstract name behind an `@`.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn at(address: &OsStr, rhythm: Option<Duration>) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        // Better unheard than held up.
        socket.set_nonblocking(true)?;
        connect(&socket, address)?;
        Ok(Self { socket: Some(Arc::new(socket)), rhythm })
    }

    /// Says it, if somebody listens.
    pub fn say(&self, word: Word<'_>) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(word.text().as_bytes()) {
            tracing::warn!(error = &error as &dyn std::error::Error, ?word, "the service manager did not hear it");
        }
    }

    /// Shows a sign of life, twice as often as is asked for, until the host stops. It comes from a task among all others: where tasks do
    /// not get their turn it does not come.
    pub async fn live(self, stopping: CancellationToken) {
        let Some(rhythm) = self.rhythm.filter(|_| self.socket.is_some()) else { return };
        let mut ticks = tokio::time::interval(rhythm);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                _ = ticks.tick() => self.say(Word::Alive),
            }
        }
    }
}

/// Returns the time between two signs of life, if they are asked of this process.
fn rhythm(every_us: Option<&str>, whose: Option<&str>, own: u32) -> Option<Duration> {
    if whose.is_some_and(|pid| pid.parse() != Ok(own)) {
        return None;
    }
    let every = Duration::from_micros(every_us?.parse().ok()?) / 2;
    (!every.is_zero()).then_some(every)
}

#[cfg(target_os = "linux")]
fn connect(socket: &UnixDatagram, address: &OsStr) -> io::Result<()> {
    use std::os::{linux::net::SocketAddrExt, unix::net::SocketAddr};
    match address.as_bytes().strip_prefix(b"@") {
        Some(name) => socket.connect_addr(&SocketAddr::from_abstract_name(name)?),
        None => socket.connect(OsString::from(address)),
    }
}

/// Only Linux has abstract names.
#[cfg(not(target_os = "linux"))]
fn connect(socket: &UnixDatagram, address: &OsStr) -> io::Result<()> {
    socket.connect(OsString::from(address))
}

/// Returns the time since the system started, by which systemd tells an old reload from a new one.
fn monotonic_us() -> i128 {
    let clock = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
    clock.map_or(0, |time| i128::from(time.tv_sec()) * 1_000_000 + i128::from(time.tv_nsec()) / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(manager: &UnixDatagram) -> String {
        let mut buffer = [0; 512];
        let count = manager.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..count].to_vec()).unwrap()
    }

    #[test]
    fn a_manager_at_a_path_hears_every_word() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let service = Service::at(path.as_os_str(), None).unwrap();
        service.say(Word::Ready("http://127.0.0.1:1\nREADY=0"));
        assert_eq!(heard(&manager), "READY=1\nSTATUS=http://127.0.0.1:1 READY=0\n");
        service.say(Word::Reloading);
        let reloading = heard(&manager);
        let since = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().trim_end();
        assert!(since.parse::<u64>().unwrap() > 0, "{reloading}");
        service.say(Word::Stopping);
        assert_eq!(heard(&manager), "STOPPING=1\n");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_manager_with_an_abstract_name_hears_us() {
        use std::os::{linux::net::SocketAddrExt, unix::net::SocketAddr};
        let name = format!("exstreamtv-test-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Service::at(format!("@{name}").as_ref(), None).unwrap().say(Word::Alive);
        assert_eq!(heard(&manager), "WATCHDOG=1\n");
    }

    #[tokio::test(start_paused = true)]
    async fn signs_of_life_come_until_the_host_stops() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();
        let service = Service::at(path.as_os_str(), rhythm(Some("30000000"), None, 1)).unwrap();
        let stopping = CancellationToken::new();
        let stop = stopping.clone();
        let life = async {
            tokio::time::sleep(Duration::from_secs(61)).await;
            stop.cancel();
        };
        tokio::join!(service.live(stopping), life);
        let mut count = 0;
        while manager.recv(&mut [0; 64]).is_ok() {
            count += 1;
        }
        assert_eq!(count, 5, "at 0, 15, 30, 45 and 60 s");
    }

    #[test]
    fn signs_of_life_are_shown_by_whom_they_are_asked_of() {
        let second = Some(Duration::from_millis(500));
        assert_eq!(rhythm(Some("1000000"), None, 7), second);
        assert_eq!(rhythm(Some("1000000"), Some("7"), 7), second);
        assert_eq!(rhythm(Some("1000000"), Some("8"), 7), None, "a child has inherited it");
        assert_eq!(rhythm(None, None, 7), None);
        assert_eq!(rhythm(Some("0"), None, 7), None);
        assert_eq!(rhythm(Some("often"), None, 7), None);
    }

    #[test]
    fn without_a_manager_nothing_happens() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Service::at(folder.path().join("nobody").as_os_str(), None).is_err());
        Service::default().say(Word::Alive);
    }
}
