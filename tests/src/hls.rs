//! A follower of HLS playlists.
//!
//! Does: poll a playlist like a player, fetch every segment once, and list each breach of RFC 8216.
//! Does not: forgive what players happen to forgive.
//! Invariant: every segment that was ever listed was fetched, in order, or is a breach.

mod playlist;
mod watcher;

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use reqwest::{Url, blocking::Client, blocking::Response};

pub use playlist::{Playlist, Segment, first_variant};
pub use watcher::Watcher;

/// How often the playlist is fetched; players ask every half target duration.
const BETWEEN_POLLS: Duration = Duration::from_millis(250);

/// A follower of one channel.
pub struct Follower {
    client: Client,
    url: Url,
    last: Option<Playlist>,
    changed: Instant,
    known: BTreeMap<u64, Segment>,
    /// Every segment's bytes.
    pub media: BTreeMap<u64, Vec<u8>>,
    /// What was wrong, in words.
    pub breaches: Vec<String>,
}

impl Follower {
    /// Returns the address of the media playlist.
    pub fn address_of_list(&self) -> &str {
        self.url.as_str()
    }

    /// Tunes in: fetches the playlist, by way of the multivariant one if there is one.
    ///
    /// # Panics
    /// When there is no playlist.
    pub fn tune(url: &str) -> Self {
        let client = Client::new();
        let url = Url::parse(url).unwrap_or_else(|error| panic!("read {url}: {error}"));
        let text = get(&client, &url).text().unwrap_or_else(|error| panic!("read {url}: {error}"));
        let url = match playlist::first_variant(&text) {
            Some(variant) => url.join(variant).unwrap_or_else(|error| panic!("read {variant}: {error}")),
            None => url,
        };
        let mut follower = Self {
            client,
            url,
            last: None,
            changed: Instant::now(),
            known: BTreeMap::new(),
            media: BTreeMap::new(),
            breaches: Vec::new(),
        };
        follower.poll();
        follower
    }

    /// Follows until this much media was fetched since now.
    pub fn follow(&mut self, seconds: f64) {
        let goal = self.seconds() + seconds;
        let stuck = Duration::from_secs_f64(seconds + 60.0);
        let since = Instant::now();
        while self.seconds() < goal && since.elapsed() < stuck {
            // A player waits between polls; there is nothing to be told by.
            thread::sleep(BETWEEN_POLLS);
            self.poll();
        }
        if self.seconds() < goal {
            self.breaches.push(format!("only {:.1} s of {goal:.1} s came within {stuck:?}", self.seconds()));
        }
    }

    /// Follows until somebody says that it is enough.
    fn follow_until(&mut self, enough: impl Fn() -> bool) {
        while !enough() {
            thread::sleep(BETWEEN_POLLS);
            self.poll();
        }
    }

    /// Returns every segment that was fetched, one after the other, as a player puts them together.
    ///
    /// # Panics
    /// When a number is missing between the first and the last.
    pub fn whole(&self) -> Vec<u8> {
        let numbers: Vec<_> = self.media.keys().collect();
        let hole = numbers.windows(2).find(|pair| *pair[1] != pair[0] + 1);
        assert!(hole.is_none(), "segments are missing: {hole:?}");
        self.media.values().flatten().copied().collect()
    }

    /// Returns the length of everything that was fetched.
    pub fn seconds(&self) -> f64 {
        self.known.values().map(|segment| segment.duration_s).sum()
    }

    /// Returns the number of the newest segment.
    pub fn newest(&self) -> u64 {
        self.known.keys().next_back().copied().unwrap_or(0)
    }

    /// Returns the segments as they were listed.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.known.values()
    }

    /// Fetches the playlist once and whatever is new in it.
    pub fn poll(&mut self) {
        let response = get(&self.client, &self.url);
        self.expect_header(&response, "content-type", "application/vnd.apple.mpegurl");
        let text = response.text().unwrap_or_default();
        match Playlist::parse(&text) {
            Ok(playlist) => self.take(playlist),
            Err(problem) => self.breach(format!("{problem} in\n{text}")),
        }
    }

    fn take(&mut self, playlist: Playlist) {
        self.compare(&playlist);
        let news: Vec<_> =
            playlist.segments.iter().filter(|segment| !self.known.contains_key(&segment.sequence)).cloned().collect();
        let gone: Vec<_> = self.gone(&playlist);
        if !news.is_empty() {
            self.changed = Instant::now();
        }
        for segment in news {
            self.fetch(&segment);
            self.known.insert(segment.sequence, segment);
        }
        for segment in gone {
            let url = self.address(&segment);
            let status = self.client.get(url).send().map(|response| response.status().as_u16());
            if !status.as_ref().is_ok_and(|status| *status == 200) {
                self.breach(format!("segment {} left the playlist and answers {status:?} at once", segment.sequence));
            }
        }
        self.last = Some(playlist);
    }

    /// Segments that the last playlist listed and this one does not.
    fn gone(&self, playlist: &Playlist) -> Vec<Segment> {
        let before = self.last.iter().flat_map(|last| &last.segments);
        before.filter(|segment| segment.sequence < playlist.sequence).cloned().collect()
    }

    fn compare(&mut self, playlist: &Playlist) {
        for segment in &playlist.segments {
            if let Some(known) = self.known.get(&segment.sequence)
                && known != segment
            {
                self.breach(format!("a listed segment changed: {known:?} became {segment:?}"));
            }
        }
        self.pace(playlist);
        let Some(last) = &self.last else { return };
        let mut problems = Vec::new();
        if last.target_s != playlist.target_s {
            problems.push(format!("the target duration went from {} to {}", last.target_s, playlist.target_s));
        }
        if playlist.sequence < last.sequence {
            problems.push(format!("the sequence went back from {} to {}", last.sequence, playlist.sequence));
        }
        if playlist.end() < last.end() {
            problems.push(format!("the playlist lost its end: {} after {}", playlist.end(), last.end()));
        }
        if playlist.sequence > last.end() {
            problems.push(format!("segments {} to {} were never listed", last.end(), playlist.sequence));
        }
        let length_s: f64 = playlist.segments.iter().map(|segment| segment.duration_s).sum();
        if playlist.sequence > last.sequence && length_s < 3.0 * playlist.target_s as f64 {
            problems.push(format!("{length_s:.1} s are listed, less than three target durations"));
        }
        self.breaches.extend(problems);
    }

    /// RFC 8216, 6.2.1: a new segment at least every one and a half target durations.
    fn pace(&mut self, playlist: &Playlist) {
        let silent_s = self.changed.elapsed().as_secs_f64();
        if self.last.is_some() && silent_s > 1.5 * playlist.target_s as f64 {
            self.breach(format!("nothing new for {silent_s:.1} s"));
            self.changed = Instant::now();
        }
    }

    fn fetch(&mut self, segment: &Segment) {
        let response = get(&self.client, &self.address(segment));
        self.expect_header(&response, "content-type", "video/mp2t");
        self.expect_header(&response, "cache-control", "immutable");
        self.expect_header(&response, "access-control-allow-origin", "*");
        let promised = response.content_length();
        let bytes = response.bytes().map(|bytes| bytes.to_vec()).unwrap_or_default();
        if promised != Some(bytes.len() as u64) {
            self.breach(format!("segment {}: {} bytes, Content-Length {promised:?}", segment.sequence, bytes.len()));
        }
        self.media.insert(segment.sequence, bytes);
    }

    fn address(&self, segment: &Segment) -> Url {
        self.url.join(&segment.uri).unwrap_or_else(|error| panic!("read {}: {error}", segment.uri))
    }

    fn expect_header(&mut self, response: &Response, name: &str, part: &str) {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !value.to_ascii_lowercase().contains(part) {
            self.breach(format!("{}: {name} is {value:?}, without {part:?}", response.url()));
        }
    }

    fn breach(&mut self, problem: String) {
        self.breaches.push(problem);
    }
}

fn get(client: &Client, url: &Url) -> Response {
    let response = client.get(url.clone()).send().unwrap_or_else(|error| panic!("get {url}: {error}"));
    assert_eq!(response.status(), 200, "{url}");
    response
}
