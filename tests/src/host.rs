//! A running host.
//!
//! Does: write its configuration, start the real binary, wait for what it says, count its processes, end it.
//! Does not: reach into it; everything goes through its command line, signals and HTTP.
//! Invariant: when a [`Host`] is dropped, none of its processes is alive.

use std::{
    fmt::Display,
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    patience::{LONG, try_for, wait_for},
    process::{self, Process},
};

/// How many of a host's last lines a failing test shows.
const SHOWN_LINES: usize = 60;

/// Lets a command run as nobody.
const AS_NOBODY: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/// What a host is started with.
#[derive(Debug, Clone)]
pub struct Setup {
    folder: PathBuf,
    media: Vec<PathBuf>,
    config: Vec<String>,
    sections: String,
    listen: String,
    wrapper: Vec<String>,
}

impl Setup {
    /// Describes a host that keeps its data and configuration in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            media: Vec::new(),
            // Looking at video cards runs FFmpeg, which is not what other tests count.
            config: vec![
                "hardware.accel = \"software\"".into(),
                // What the feeds' own supervision does is what other tests look at; the healer's suite lets it act.
                "ai_auto_heal.auto_resolve_enabled = false".into(),
            ],
            sections: String::new(),
            listen: "127.0.0.1:0".into(),
            wrapper: Vec::new(),
        }
    }

    /// Sets the profile that keeps encoding cheap: 320x180 at 25 frames a second.
    #[must_use]
    pub fn small_picture(self) -> Self {
        let small = self.set("profile.width", 320).set("profile.height", 180).set("profile.frame_rate", "\"25\"");
        small.set("profile.video_bitrate_bps", 400_000)
    }

    /// Sets a key of the configuration; `value` is TOML.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Display) -> Self {
        self.config.retain(|line| !line.starts_with(&format!("{key} = ")));
        self.config.push(format!("{key} = {value}"));
        self
    }

    /// Adds sections to the end of the configuration.
    #[must_use]
    pub fn declare(mut self, toml: &str) -> Self {
        self.sections += toml;
        self
    }

    /// Adds a media folder.
    #[must_use]
    pub fn media(mut self, folder: &Path) -> Self {
        self.media.push(folder.to_owned());
        self
    }

    /// Listens elsewhere than on a free port of the loopback.
    #[must_use]
    pub fn listen(mut self, address: &str) -> Self {
        self.listen = address.into();
        self
    }

    /// Starts the host by way of another command.
    #[must_use]
    pub fn through(mut self, wrapper: &[impl AsRef<str>]) -> Self {
        self.wrapper = wrapper.iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    /// Lets it run as nobody where it would be root, who may read and write everything.
    #[must_use]
    pub fn without_powers(self) -> Self {
        if nix::unistd::geteuid().is_root() { self.through(&AS_NOBODY) } else { self }
    }

    /// Returns where the host keeps its data.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Returns the configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.folder.join("exstreamtv.toml")
    }

    /// Writes the configuration file, as an administrator would before a reload.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write_config(&self) {
        let text = self.config.join("\n") + "\n" + &self.sections;
        fs::write(self.config_file(), text).unwrap_or_else(|error| panic!("write the configuration: {error}"));
    }

    /// Returns the command that serves, with the configuration written.
    pub fn command(&self) -> Command {
        self.write_config();
        let binary = process::host_binary().display().to_string();
        let mut words = self.wrapper.iter().chain([&binary]);
        let mut command = Command::new(words.next().expect("the binary is always there"));
        command.args(words).arg("serve").arg("--config").arg(self.config_file());
        command.arg("--data-dir").arg(self.data()).arg("--listen").arg(&self.listen);
        for folder in &self.media {
            command.arg("--media").arg(folder);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts a host and waits until it is ready.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn start(&self) -> Host {
        let host = Host::spawn(self.command());
        wait_for("GET /health/ready to say 200", LONG, || host.is_ready().then_some(()));
        host
    }

    /// Runs a host that is expected to give up by itself.
    ///
    /// # Panics
    /// When it cannot be started, or still runs after a minute.
    pub fn run(&self) -> Outcome {
        let mut child = self.command().spawn().unwrap_or_else(|error| panic!("start the host: {error}"));
        let (out, err) = (collect(child.stdout.take()), collect(child.stderr.take()));
        let exit = try_for(LONG, || child.try_wait().ok().flatten());
        if exit.is_none() {
            child.kill().unwrap_or_else(|error| panic!("kill the host: {error}"));
        }
        let text = |reader: thread::JoinHandle<String>| reader.join().unwrap_or_default();
        let outcome = Outcome { code: exit.and_then(|status| status.code()), stdout: text(out), stderr: text(err) };
        assert!(exit.is_some(), "the host should have given up: {outcome:?}");
        outcome
    }
}

/// How a host gave up.
#[derive(Debug)]
pub struct Outcome {
    /// Exit code.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained.
    pub stderr: String,
}

/// A running host; ended when dropped.
pub struct Host {
    child: Child,
    /// "http://127.0.0.1:PORT".
    pub url: String,
    /// For requests that must end.
    pub http: reqwest::blocking::Client,
    mark: String,
    said: Arc<Mutex<Vec<String>>>,
}

impl Host {
    /// Starts a command that serves, and waits for its address.
    ///
    /// # Panics
    /// When it does not name one.
    pub fn spawn(mut command: Command) -> Self {
        let mark = format!("{}-{:p}", std::process::id(), &raw const command);
        let mut child = command
            .env("EXSTREAMTV_TEST_MARK", &mark)
            .spawn()
            .unwrap_or_else(|error| panic!("start {}: {error}", command.get_program().display()));
        let said = Arc::new(Mutex::new(Vec::new()));
        let (address, addresses) = mpsc::channel();
        listen(child.stdout.take(), said.clone(), Some(address));
        listen(child.stderr.take(), said.clone(), None);
        let http = reqwest::blocking::Client::builder().timeout(LONG).build();
        let http = http.unwrap_or_else(|error| panic!("make an HTTP client: {error}"));
        let mut host = Self { child, url: String::new(), http, mark, said };
        host.url = addresses.recv_timeout(LONG).unwrap_or_else(|_| panic!("the host named no address"));
        host
    }

    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns everything it has said so far, line by line.
    pub fn said(&self) -> Vec<String> {
        lock(&self.said).clone()
    }

    /// Returns whether it says that it is ready.
    pub fn is_ready(&self) -> bool {
        self.http.get(self.at("/health/ready")).send().is_ok_and(|response| response.status().is_success())
    }

    /// Returns the URL of a path.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Returns every process that it started, living now.
    pub fn census(&self) -> Vec<Process> {
        process::census(self.pid(), &self.mark)
    }

    /// Returns its FFmpeg processes.
    pub fn ffmpegs(&self) -> Vec<Process> {
        self.census().into_iter().filter(Process::is_ffmpeg).collect()
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When it is gone.
    pub fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Waits until it has ended.
    pub fn wait_for_exit(&mut self, limit: Duration) -> Option<ExitStatus> {
        try_for(limit, || self.child.try_wait().ok().flatten())
    }

    /// Ends it the polite way and waits.
    ///
    /// # Panics
    /// When it does not end, or ends with an error.
    pub fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        let status = self.wait_for_exit(LONG).unwrap_or_else(|| panic!("the host did not end after SIGTERM"));
        assert!(status.success(), "the host ended with {status}");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let children = self.census();
        // It may be gone already, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for process in children.iter().filter(|process| process.lives()) {
            let _ = kill(Pid::from_raw(process.pid.cast_signed()), Signal::SIGKILL);
        }
        if thread::panicking() {
            let said = lock(&self.said);
            let last = said.iter().skip(said.len().saturating_sub(SHOWN_LINES));
            eprintln!("--- the host's last words\n{}", last.cloned().collect::<Vec<_>>().join("\n"));
        }
    }
}

/// Returns the words that start a command which alone sees a file system of a few kilobytes in `folder`; `None` where that is not allowed.
pub fn on_a_small_disk(folder: &Path, kib: u32) -> Option<Vec<String>> {
    let mount = format!("mount -t tmpfs -o size={kib}k,nr_inodes=512 none \"$0\" && exec \"$@\"");
    let folder = folder.display().to_string();
    let words = ["unshare", "--mount", "--map-root-user", "sh", "-c", &mount, &folder].map(str::to_owned);
    let tried = Command::new(&words[0]).args(&words[1..]).arg("true").status();
    tried.is_ok_and(|status| status.success()).then(|| words.to_vec())
}

/// Sends a signal to a process of a host.
///
/// # Panics
/// When it is gone.
pub fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.cast_signed()), signal).unwrap_or_else(|error| panic!("send {signal} to {pid}: {error}"));
}

fn listen(
    pipe: Option<impl Read + Send + 'static>,
    said: Arc<Mutex<Vec<String>>>,
    address: Option<mpsc::Sender<String>>,
) {
    let lines = BufReader::new(pipe.expect("output is piped")).lines();
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if let (Some(sender), Some((_, url))) = (&address, line.split_once("listening on ")) {
                // Nobody waits any more when the host says it twice.
                let _ = sender.send(url.trim().trim_end_matches('/').to_owned());
            }
            lock(&said).push(line);
        }
    });
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    let mut pipe = pipe.expect("output is piped");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is still worth showing.
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
