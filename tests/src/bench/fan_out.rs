//! What a viewer costs.
//!
//! Does: give one channel to 1, 50 and 200 viewers, and take the host's processor time; the same bytes from nginx where it is installed.
//! Does not: count the viewers' own time.
//! Invariant: the cost of encoding and splicing, which one viewer causes too, is taken off before it is divided.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{Table, film};
use crate::{process, viewer::Viewer};

const MEASURED: Duration = Duration::from_secs(10);

/// What a channel of 2.5 Mb/s and its sound send in a second.
const BYTES_PER_SECOND: u64 = 340_000;

/// Measures and enters the processor time of a viewer.
pub fn measure(table: &mut Table) {
    let (stage, setup) = film();
    let host = setup.start();
    let channel = host.channel("Film");
    let keeper = Viewer::tune(&host.at(&channel.ts()));
    keeper.wait_for_seconds(20.0);
    let address = host.url.trim_start_matches("http://").to_owned();
    let alone = cost(&address, &channel.ts(), 1, host.pid());
    table.number("host with one viewer", alone.cpu_ms_per_s / 10.0, "% of a core", "-");
    let nginx = Nginx::start(stage.path());
    for viewers in [50, 200] {
        let ours = cost(&address, &channel.ts(), viewers, host.pid());
        let each = (ours.cpu_ms_per_s - alone.cpu_ms_per_s) / f64::from(viewers - 1) / 10.0;
        let what = format!("host, each of {viewers} viewers ({:.2} Mb/s)", ours.mbps_each);
        match &nginx {
            Some(nginx) => {
                let theirs = cost(&nginx.address, "/film.ts", viewers, nginx.child.id());
                let same = theirs.cpu_ms_per_s / f64::from(viewers) / 10.0 * ours.mbps_each / theirs.mbps_each;
                table.ratio(&what, each, same, "% of a core", "nginx, same bytes", "≤ 2");
            }
            None => table.number(&what, each, "% of a core", "≤ 2 × nginx (not installed here)"),
        }
    }
    drop(keeper);
    host.stop();
}

struct Cost {
    cpu_ms_per_s: f64,
    mbps_each: f64,
}

/// Lets viewers read for a while and returns what the server spent.
fn cost(address: &str, path: &str, viewers: u32, pid: u32) -> Cost {
    let (stop, bytes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let crowd: Vec<_> = (0..viewers).map(|_| viewer(address, path, stop.clone(), bytes.clone())).collect();
    // The burst on joining is over when about a GOP has gone by.
    thread::sleep(Duration::from_secs(3));
    let (cpu, got, since) = (process::cpu_ms(pid), bytes.load(Ordering::Relaxed), Instant::now());
    thread::sleep(MEASURED);
    let seconds = since.elapsed().as_secs_f64();
    let (cpu, got) = (process::cpu_ms(pid) - cpu, bytes.load(Ordering::Relaxed) - got);
    stop.store(true, Ordering::Relaxed);
    crowd.into_iter().for_each(|viewer| viewer.join().unwrap_or_else(|_| panic!("a viewer failed")));
    let mbps_each = got as f64 * 8.0 / 1e6 / seconds / f64::from(viewers);
    Cost { cpu_ms_per_s: cpu / seconds, mbps_each }
}

fn viewer(address: &str, path: &str, stop: Arc<AtomicBool>, bytes: Arc<AtomicU64>) -> thread::JoinHandle<()> {
    let mut stream = TcpStream::connect(address).unwrap_or_else(|error| panic!("connect to {address}: {error}"));
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap_or_else(|error| panic!("ask: {error}"));
    thread::spawn(move || {
        let mut buffer = vec![0; 256 * 1024];
        while !stop.load(Ordering::Relaxed) {
            match stream.read(&mut buffer) {
                Ok(count @ 1..) => bytes.fetch_add(count as u64, Ordering::Relaxed),
                _ => return,
            };
        }
    })
}

/// An nginx that sends a file at the pace of a channel.
struct Nginx {
    child: Child,
    address: String,
}

impl Nginx {
    /// Starts one, if it is installed.
    fn start(folder: &Path) -> Option<Self> {
        let program = ["nginx", "/usr/sbin/nginx"]
            .into_iter()
            .find(|name| process::is_installed(name) || Path::new(name).exists())?;
        let root = folder.join("nginx");
        fs::create_dir_all(&root).ok()?;
        fs::write(root.join("film.ts"), vec![0x47; 64 << 20]).ok()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let dir = root.display();
        let config = format!(
            "daemon off; master_process off; user root; pid {dir}/pid; error_log {dir}/log; events {{ worker_connections 1024; }}\n\
             http {{ access_log off; sendfile on; client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir};\n\
             uwsgi_temp_path {dir}; scgi_temp_path {dir}; server {{ listen 127.0.0.1:{port}; root {dir}; limit_rate {BYTES_PER_SECOND}; }} }}\n"
        );
        fs::write(root.join("nginx.conf"), config).ok()?;
        let mut command = Command::new(program);
        command.arg("-c").arg(root.join("nginx.conf")).stdin(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().ok()?;
        let address = format!("127.0.0.1:{port}");
        crate::patience::try_for(Duration::from_secs(5), || TcpStream::connect(&address).ok())?;
        Some(Self { child, address })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
