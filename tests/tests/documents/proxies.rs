//! The reverse proxies of OPERATING.md pass on what players need.
//!
//! Does: run the proxy with the configuration that the document shows, on a port of its own, and watch through it.
//! Does not: run where the proxy is not installed; it says so.

use std::{
    fs,
    io::Read,
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use exstreamtv_tests::{
    fixtures::LONG,
    host::Host,
    patience::{LONG as PATIENCE, wait_for},
    process::is_installed,
    stage::Stage,
};

use super::text::blocks;

/// The name in the document.
const NAME: &str = "tv.example.org";

/// A proxy that ends with the test.
struct Proxy {
    child: Child,
    url: String,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        // nginx has workers, which go with it when it is asked politely.
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

/// Returns the document's configuration with our ports in it.
fn shown(language: &str, host: &Host, port: u16) -> String {
    let text = blocks("OPERATING.md").into_iter().find(|block| block.language == language).unwrap().text();
    let upstream = host.url.trim_start_matches("http://");
    assert!(text.contains("127.0.0.1:8411") && text.contains(NAME), "{text}");
    let text = text.replace("127.0.0.1:8411", upstream);
    match language {
        "nginx" => text.replace("listen 80;", &format!("listen 127.0.0.1:{port};")),
        _ => text.replace(&format!("{NAME} {{"), &format!("http://{NAME}:{port} {{\n    bind 127.0.0.1")),
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(mut command: Command, port: u16) -> Proxy {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    Proxy { child, url: format!("http://127.0.0.1:{port}") }
}

/// What a player sees through a proxy.
fn watch_through(proxy: &Proxy, host: &Host, authority: &str) {
    let channel = host.channel("Long");
    let client = reqwest::blocking::Client::builder().timeout(PATIENCE).build().unwrap();
    let get = |path: &str| client.get(format!("{}{path}", proxy.url)).header("Host", authority).send();
    let list = wait_for("the channel list through the proxy", PATIENCE, || {
        get("/iptv/channels.m3u").ok().filter(|answer| answer.status().is_success())
    });
    let list = list.text().unwrap();
    assert!(list.contains(&format!("://{authority}/iptv/channel/")), "players are sent elsewhere: {list}");
    let own = host.url.trim_start_matches("http://");
    assert!(!list.contains(own), "players are sent past the proxy: {list}");
    let mut stream = get(&channel.ts()).unwrap();
    let mut bytes = vec![0; 188 * 400];
    stream.read_exact(&mut bytes).unwrap();
    assert!(bytes.chunks(188).all(|packet| packet[0] == 0x47), "this is no transport stream");
}

fn host() -> (Stage, Host) {
    let stage = Stage::new().channel("Long", &[LONG]);
    let trusted = blocks("OPERATING.md").into_iter().find(|block| block.language == "toml").unwrap();
    let key = trusted.lines.iter().find_map(|line| line.strip_prefix("trusted_proxies = ")).unwrap().to_owned();
    let host = stage.setup().set("server.trusted_proxies", key).start();
    (stage, host)
}

#[test]
fn nginx_passes_channels_on() {
    if !is_installed("nginx") {
        eprintln!("left out: nginx is not installed");
        return;
    }
    let (stage, host) = host();
    let (port, folder) = (free_port(), stage.path().join("nginx"));
    fs::create_dir(&folder).unwrap();
    let place = folder.display();
    let temporary =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|name| format!("{name}_temp_path {place}/{name};"));
    let text = format!(
        "daemon off;\npid {place}/pid;\nerror_log {place}/error.log;\nevents {{}}\nhttp {{\naccess_log off;\n{}\n{}\n}}\n",
        temporary.join("\n"),
        shown("nginx", &host, port)
    );
    fs::write(folder.join("nginx.conf"), text).unwrap();
    let mut command = Command::new("nginx");
    command.arg("-p").arg(&folder).arg("-e").arg(folder.join("error.log")).arg("-c").arg(folder.join("nginx.conf"));
    let proxy = start(command, port);
    watch_through(&proxy, &host, NAME);
    drop(proxy);
    host.stop();
}

#[test]
fn caddy_passes_channels_on() {
    if !is_installed("caddy") {
        eprintln!("left out: caddy is not installed");
        return;
    }
    let (stage, host) = host();
    let (port, file) = (free_port(), stage.path().join("Caddyfile"));
    // Only that it may run beside another: no administration, no certificates.
    fs::write(&file, format!("{{\n    admin off\n    auto_https off\n}}\n{}", shown("caddy", &host, port))).unwrap();
    let mut command = Command::new("caddy");
    command.arg("run").arg("--adapter").arg("caddyfile").arg("--config").arg(&file);
    command.env("HOME", stage.path()).stderr(Stdio::null());
    let proxy = start(command, port);
    watch_through(&proxy, &host, &format!("{NAME}:{port}"));
    drop(proxy);
    host.stop();
}
