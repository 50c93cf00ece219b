//! Which address the client used to reach us, so that documents can name it.
//!
//! Does: choose between the configured address, headers of trusted proxies, `Host` and the socket, and clean what it takes.
//! Does not: build documents or look at the network.
//! Invariant: a base URL made here holds only a scheme, a host, a port and a plain path, so it can be written anywhere;
//! a client on another machine is never sent to a loopback address while a better one is known.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRef, FromRequestParts},
    http::{HeaderMap, header, request::Parts, uri::Authority},
};
use ipnet::IpNet;

use super::{
    serve::Ends,
    state::{HttpSettings, HttpState, ViewerInfo},
};
use crate::sessions::Connection;

/// The two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The other end.
    pub remote: SocketAddr,
    /// Our end.
    pub local: SocketAddr,
}

impl Default for Peer {
    fn default() -> Self {
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        Self { remote: nowhere, local: nowhere }
    }
}

/// The address under which a client reaches this server: no trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl(String);

/// Why a text is no base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use {text:?} as this server's address: it must be like https://tv.example.org or http://192.168.1.5:8411/tv")]
pub struct BaseUrlError {
    /// The text that was given.
    pub text: String,
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || BaseUrlError { text: text.to_owned() };
        let (scheme, rest) = text.split_once("://").ok_or_else(refuse)?;
        let scheme = Scheme::parse(scheme).ok_or_else(refuse)?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = Host::parse(host).ok_or_else(refuse)?;
        let path = path.trim_end_matches('/');
        let prefix = if path.is_empty() { String::new() } else { format!("/{path}") };
        if prefix_ok(&prefix) { Ok(Self::new(scheme, &host, &prefix)) } else { Err(refuse()) }
    }
}

impl BaseUrl {
    fn new(scheme: Scheme, host: &Host, prefix: &str) -> Self {
        Self(format!("{}://{host}{prefix}", scheme.as_str()))
    }

    /// Returns the absolute URL of a path of this server; `path` begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// Returns the text, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Networks whose `X-Forwarded-*` headers are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads addresses ("10.0.0.1") and networks ("10.0.0.0/8").
    ///
    /// # Errors
    /// Returns the first text that is neither.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, &'a str> {
        let one = |text: &'a str| text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(|_| text);
        texts.into_iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    fn holds(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&ip))
    }
}

/// What a handler may know about who asks and how they reached us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The address to build URLs from.
    pub base: BaseUrl,
    /// Who asks.
    pub viewer: ViewerInfo,
}

impl<S> FromRequestParts<S> for Visit
where
    S: Send + Sync,
    HttpState: FromRef<S>,
{
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<Ends>>().map_or_else(Peer::default, |info| info.0.peer);
        let settings = HttpState::from_ref(state).settings.borrow().clone();
        Ok(Self::new(&settings, peer, &parts.headers))
    }
}

/// The connection of a request, to ask it how it is and to end it; absent in tests without one.
#[derive(Debug, Clone)]
pub struct Wire(pub Option<Arc<dyn Connection>>);

impl<S: Send + Sync> FromRequestParts<S> for Wire {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let ends = parts.extensions.get::<ConnectInfo<Ends>>();
        Ok(Self(ends.map(|info| Arc::clone(&info.0.line))))
    }
}

impl Visit {
    /// Works out who asks and how they reached us.
    pub fn new(settings: &HttpSettings, peer: Peer, headers: &HeaderMap) -> Self {
        let trusted = settings.trusted_proxies.holds(peer.remote.ip().to_canonical());
        let ip = if trusted { client_behind(settings, peer, headers) } else { peer.remote.ip().to_canonical() };
        let base = match &settings.public_url {
            Some(url) => url.clone(),
            None if trusted => {
                forwarded(headers).unwrap_or_else(|| asked_for(peer, ip, headers, forwarded_scheme(headers)))
            }
            None => asked_for(peer, ip, headers, Scheme::Http),
        };
        let user_agent = text(headers, "user-agent").map(|agent| agent.chars().take(200).collect());
        let client_id = CLIENT_IDS.iter().find_map(|name| text(headers, name));
        let client_id = client_id.map(|id| id.chars().take(200).collect());
        Self { base, viewer: ViewerInfo { ip, user_agent, client_id } }
    }
}

/// What players call themselves by: Apple's, Plex's and Emby's.
const CLIENT_IDS: [&str; 3] = ["x-playback-session-id", "x-plex-client-identifier", "x-emby-device-id"];

/// The nearest address in `X-Forwarded-For` that is not itself a trusted proxy: everything left of it may be made up.
fn client_behind(settings: &HttpSettings, peer: Peer, headers: &HeaderMap) -> IpAddr {
    let hops = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<IpAddr> = hops.flat_map(|line| line.split(',')).filter_map(address_of_hop).collect();
    let outside = hops.iter().rev().find(|ip| !settings.trusted_proxies.holds(**ip));
    outside.or(hops.first()).copied().unwrap_or_else(|| peer.remote.ip().to_canonical())
}

/// Some proxies write a port behind the address.
fn address_of_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    let ip = bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    ip.map(|ip: IpAddr| ip.to_canonical())
}

fn forwarded(headers: &HeaderMap) -> Option<BaseUrl> {
    let mut host = Host::parse(first(headers, "x-forwarded-host")?)?;
    let scheme = forwarded_scheme(headers);
    if host.port.is_none() {
        host.port = first(headers, "x-forwarded-port").and_then(|port| port.parse().ok());
    }
    host.port = host.port.filter(|port| *port != scheme.default_port());
    let prefix = first(headers, "x-forwarded-prefix").map(|prefix| prefix.trim_end_matches('/'));
    let prefix = prefix.filter(|prefix| prefix_ok(prefix)).unwrap_or_default();
    Some(BaseUrl::new(scheme, &host, prefix))
}

fn forwarded_scheme(headers: &HeaderMap) -> Scheme {
    first(headers, "x-forwarded-proto").and_then(Scheme::parse).unwrap_or(Scheme::Http)
}

/// What the client wrote into `Host`, unless that is nonsense or leads a remote client to itself.
fn asked_for(peer: Peer, client: IpAddr, headers: &HeaderMap, scheme: Scheme) -> BaseUrl {
    let asked = text(headers, header::HOST.as_str()).and_then(Host::parse);
    let socket = Host::of_socket(peer.local);
    let local_client = client.is_loopback() || client.is_unspecified();
    let host = match asked {
        Some(host) if local_client || !host.is_loopback() => host,
        Some(host) if peer.local.ip().to_canonical().is_loopback() => host,
        _ => socket,
    };
    BaseUrl::new(scheme, &host, "")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A chain of proxies makes a list; its first entry is what the client asked for.
fn first<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    text(headers, name)?.split(',').next().map(str::trim).filter(|value| !value.is_empty())
}

fn prefix_ok(prefix: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b);
    prefix.is_empty() || (prefix.starts_with('/') && !prefix.contains("//") && prefix.bytes().all(plain))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A host name or address, in brackets where the syntax wants them, with its port.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Host {
    name: String,
    port: Option<u16>,
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        let authority: Authority = text.parse().ok()?;
        let name = authority.host();
        let port = text.strip_prefix(name)?;
        let port = match port.strip_prefix(':') {
            Some(digits) => Some(digits.parse().ok()?),
            None if port.is_empty() => None,
            None => return None,
        };
        name_ok(name).then(|| Self { name: name.to_ascii_lowercase(), port })
    }

    fn of_socket(socket: SocketAddr) -> Self {
        let name = match socket.ip().to_canonical() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Self { name, port: Some(socket.port()) }
    }

    fn is_loopback(&self) -> bool {
        let bare = self.name.trim_start_matches('[').trim_end_matches(']');
        let address = |ip: IpAddr| ip.to_canonical().is_loopback() || ip.is_unspecified();
        bare == "localhost" || bare.ends_with(".localhost") || bare.parse().is_ok_and(address)
    }
}

fn name_ok(name: &str) -> bool {
    match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(settings: &HttpSettings, remote: &str, local: &str, headers: &[(&'static str, &str)]) -> String {
        let peer = Peer { remote: remote.parse().unwrap(), local: local.parse().unwrap() };
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Visit::new(settings, peer, &headers).base.to_string()
    }

    fn behind_proxy() -> HttpSettings {
        let trusted_proxies = TrustedProxies::parse(["10.0.0.0/8", "::1"]).unwrap();
        HttpSettings { trusted_proxies, ..Default::default() }
    }

    const LAN: (&str, &str) = ("192.168.1.20:50000", "192.168.1.5:8411");

    #[test]
    fn documents_name_the_host_that_the_client_asked_for() {
        let direct = |host| base(&HttpSettings::default(), LAN.0, LAN.1, &[("host", host)]);
        assert_eq!(direct("tv.lan:8411"), "http://tv.lan:8411");
        assert_eq!(direct("[fe80::1]:8411"), "http://[fe80::1]:8411");
        assert_eq!(direct("TV.lan"), "http://tv.lan");
    }

    #[test]
    fn nonsense_in_host_gives_the_address_of_the_socket() {
        for host in ["a\"><script>", "user@evil", "tv lan", "[fe80::1", "x:99999", "tv.lan:", "", "[::1]x:1", "a/b"] {
            assert_eq!(
                base(&HttpSettings::default(), LAN.0, LAN.1, &[("host", host)]),
                "http://192.168.1.5:8411",
                "{host:?}"
            );
        }
        assert_eq!(base(&HttpSettings::default(), LAN.0, LAN.1, &[]), "http://192.168.1.5:8411");
        assert_eq!(base(&HttpSettings::default(), "[fe80::2]:1", "[fe80::1]:8411", &[]), "http://[fe80::1]:8411");
    }

    #[test]
    fn a_remote_client_is_never_sent_to_itself() {
        for host in ["localhost:8411", "127.0.0.1:8411", "[::1]:8411", "0.0.0.0:8411", "[::ffff:127.0.0.1]:8411"] {
            assert_eq!(base(&HttpSettings::default(), LAN.0, LAN.1, &[("host", host)]), "http://192.168.1.5:8411");
        }
        let here = base(&HttpSettings::default(), "127.0.0.1:5", "127.0.0.1:8411", &[("host", "localhost:8411")]);
        assert_eq!(here, "http://localhost:8411");
    }

    #[test]
    fn forwarded_headers_count_only_from_trusted_proxies() {
        let headers = [
            ("host", "inner:8411"),
            ("x-forwarded-host", "tv.example.org, inner"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-port", "443"),
            ("x-forwarded-prefix", "/tv/"),
        ];
        assert_eq!(base(&behind_proxy(), "10.1.1.1:9", LAN.1, &headers), "https://tv.example.org/tv");
        assert_eq!(base(&behind_proxy(), "[::ffff:10.1.1.1]:9", LAN.1, &headers), "https://tv.example.org/tv");
        assert_eq!(base(&behind_proxy(), LAN.0, LAN.1, &headers), "http://inner:8411");
        assert_eq!(base(&HttpSettings::default(), "10.1.1.1:9", LAN.1, &headers), "http://inner:8411");
        let odd = [("host", "tv.lan"), ("x-forwarded-proto", "https"), ("x-forwarded-prefix", "/\"><x")];
        assert_eq!(base(&behind_proxy(), "10.1.1.1:9", LAN.1, &odd), "https://tv.lan");
    }

    #[test]
    fn the_configured_address_wins() {
        let settings =
            HttpSettings { public_url: Some("https://TV.example.org/x/".parse().unwrap()), ..behind_proxy() };
        assert_eq!(base(&settings, LAN.0, LAN.1, &[("host", "other")]), "https://tv.example.org/x");
        for text in ["tv.example.org", "ftp://x", "http://", "http://a b", "http://x/?q", "http://x/a//b", "http://u@x"]
        {
            assert!(text.parse::<BaseUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_viewer_is_the_last_address_that_no_trusted_proxy_has() {
        let peer = Peer { remote: "10.0.0.1:1".parse().unwrap(), local: LAN.1.parse().unwrap() };
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "6.6.6.6, 203.0.113.9:4711, 10.0.0.7".parse().unwrap());
        headers.insert("user-agent", "x".repeat(500).parse().unwrap());
        let viewer = Visit::new(&behind_proxy(), peer, &headers).viewer;
        assert_eq!(viewer.ip, "203.0.113.9".parse::<IpAddr>().unwrap());
        assert_eq!(viewer.user_agent.map(|agent| agent.len()), Some(200));
        assert_eq!(Visit::new(&HttpSettings::default(), peer, &headers).viewer.ip, peer.remote.ip());
    }
}
