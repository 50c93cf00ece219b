//! The host's API as a program outside reads it.
//!
//! Does: ask for channels, timelines, files and feeds, and wait for them where they take time.
//! Does not: use the product's types; a renamed field is a broken contract and must fail here.
//! Invariant: every list is read to its last page.

mod record;

use std::{collections::HashMap, path::PathBuf};

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

pub use record::{Aired, Incident};

use crate::{
    host::Host,
    patience::{LONG, wait_for},
};

/// A channel.
#[derive(Debug, Clone, Deserialize)]
pub struct Channel {
    /// Stable identity.
    pub id: String,
    /// Place in the lineup.
    pub number: String,
    /// What people call it.
    pub name: String,
}

impl Channel {
    /// Returns the path of its transport stream.
    pub fn ts(&self) -> String {
        format!("/iptv/channel/{}.ts", self.number)
    }

    /// Returns the path of its HLS playlist.
    pub fn hls(&self) -> String {
        format!("/iptv/channel/{}.m3u8", self.number)
    }
}

/// One row of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Row {
    /// First moment on air.
    pub start_ms: i64,
    /// First moment of what follows.
    pub stop_ms: i64,
    /// What is played.
    pub media: Option<String>,
    /// Where in it the row begins.
    pub in_point_ms: i64,
    /// What the guide calls it.
    pub title: String,
}

/// A file of the library.
#[derive(Debug, Clone, Deserialize)]
pub struct File {
    /// Stable identity.
    pub id: String,
    /// Where it is.
    pub path: PathBuf,
    /// "ready", "broken" or "missing".
    pub state: String,
    /// Why it is broken.
    pub reason: Option<String>,
}

/// A feed on air.
#[derive(Debug, Clone, Deserialize)]
pub struct Feed {
    /// Whose it is.
    pub channel: String,
    /// "starting", "on_air", "slate" or "idle".
    pub state: String,
    /// Since when it exists, by the host's clock.
    pub since_ms: i64,
    /// Its worker.
    pub worker_pid: Option<u32>,
    /// Its FFmpeg processes.
    pub runs: Vec<Run>,
    /// Who watches.
    pub viewers: u32,
}

impl Feed {
    /// Returns the FFmpeg whose pictures are on air.
    pub fn on_air(&self) -> Option<u32> {
        self.runs.iter().find(|run| run.kind == "on_air").and_then(|run| run.pid)
    }
}

/// One FFmpeg process.
#[derive(Debug, Clone, Deserialize)]
pub struct Run {
    /// Its process.
    pub pid: Option<u32>,
    /// "on_air" or "prepared".
    pub kind: String,
}

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

impl Host {
    /// Gets a document.
    ///
    /// # Panics
    /// When the answer is an error or no such document.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        let response = self.http.get(self.at(path)).send().unwrap_or_else(|error| panic!("get {path}: {error}"));
        let (status, text) = (response.status(), response.text().unwrap_or_default());
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    }

    /// Gets a text.
    ///
    /// # Panics
    /// When the answer is an error.
    pub fn text(&self, path: &str) -> String {
        let response = self.http.get(self.at(path)).send().unwrap_or_else(|error| panic!("get {path}: {error}"));
        let (status, text) = (response.status(), response.text().unwrap_or_default());
        assert!(status.is_success(), "{path}: {status}: {text}");
        text
    }

    /// Waits until the scan has ended and the channel has a timeline.
    pub fn channel(&self, name: &str) -> Channel {
        self.wait_for_scan();
        wait_for(&format!("a channel {name:?} with a timeline"), LONG, || {
            let channel = self.channels().into_iter().find(|channel| channel.name == name)?;
            let page: Page<Row> = self.get(&format!("/api/v1/channels/{}/playout?limit=2", channel.id));
            (!page.items.is_empty()).then_some(channel)
        })
    }

    /// Returns every channel.
    pub fn channels(&self) -> Vec<Channel> {
        self.pages("/api/v1/channels?limit=500", "after")
    }

    /// Waits until the first scan has ended.
    pub fn wait_for_scan(&self) {
        wait_for("the scan to end", LONG, || {
            let library: Value = self.get("/api/v1/library");
            let scan = &library["scan"];
            (scan["scanning"] == false && scan["finished_ms"].is_number()).then_some(())
        });
    }

    /// Returns the rows on air between two moments.
    pub fn rows(&self, channel: &Channel, from_ms: i64, to_ms: i64) -> Vec<Row> {
        let (from, to) = (rfc3339(from_ms), rfc3339(to_ms));
        self.pages(&format!("/api/v1/channels/{}/playout?to={to}&limit=500&from={from}", channel.id), "from")
    }

    /// Returns the rows on air between two moments as the host writes them.
    pub fn documents(&self, channel: &Channel, from_ms: i64, to_ms: i64) -> Vec<Value> {
        let (from, to) = (rfc3339(from_ms), rfc3339(to_ms));
        self.pages(&format!("/api/v1/channels/{}/playout?to={to}&limit=500&from={from}", channel.id), "from")
    }

    /// Returns every file of the library by id.
    pub fn files(&self) -> HashMap<String, File> {
        let files: Vec<File> = self.pages("/api/v1/library/media?limit=500", "after");
        files.into_iter().map(|file| (file.id.clone(), file)).collect()
    }

    /// Returns every feed.
    pub fn feeds(&self) -> Vec<Feed> {
        let page: Page<Feed> = self.get("/api/v1/feeds");
        page.items
    }

    /// Returns the feed of a channel, if it is on air.
    pub fn feed(&self, channel: &Channel) -> Option<Feed> {
        self.feeds().into_iter().find(|feed| feed.channel == channel.id)
    }

    /// Asks for a picture of a slate, or for its stream.
    ///
    /// # Panics
    /// When the answer is an error for a minute.
    pub fn preview(&self, format: &str, wanted: &Value) -> Vec<u8> {
        let path = format!("/api/v1/slates/preview?format={format}");
        wait_for("a preview", LONG, || {
            let response = self.http.post(self.at(&path)).json(wanted).send().ok()?;
            let status = response.status();
            assert!(status.is_success() || status == 503, "{path}: {status}: {:?}", response.text());
            response.bytes().ok().filter(|_| status.is_success()).map(Into::into)
        })
    }

    /// Puts a document.
    ///
    /// # Panics
    /// When it is refused.
    pub fn put(&self, path: &str, document: &Value) {
        let response = self.http.put(self.at(path)).json(document).send();
        let response = response.unwrap_or_else(|error| panic!("put {path}: {error}"));
        assert!(response.status().is_success(), "{path}: {:?}", response.text());
    }

    /// Asks for something to be done and returns the answer.
    ///
    /// # Panics
    /// When it is refused.
    pub fn post(&self, path: &str) -> Value {
        let response = self.http.post(self.at(path)).send().unwrap_or_else(|error| panic!("post {path}: {error}"));
        let (status, text) = (response.status(), response.text().unwrap_or_default());
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    }

    /// Waits until the channel's feed is as wanted.
    pub fn wait_for_feed(&self, channel: &Channel, what: &str, wanted: impl Fn(&Feed) -> bool) -> Feed {
        wait_for(what, LONG, || self.feed(channel).filter(|feed| wanted(feed)))
    }

    fn pages<T: DeserializeOwned>(&self, path: &str, cursor: &str) -> Vec<T> {
        let mut page: Page<T> = self.get(path);
        let mut items = page.items;
        while let Some(next) = page.next.take() {
            // A later parameter of the same name would be refused, so the first one goes.
            let bare = path.split('&').filter(|part| !part.starts_with(&format!("{cursor}="))).collect::<Vec<_>>();
            page = self.get(&format!("{}&{cursor}={}", bare.join("&"), next.replace('+', "%2B")));
            items.extend(std::mem::take(&mut page.items));
        }
        items
    }
}

/// Writes a moment as the API wants it in addresses.
pub fn rfc3339(ms: i64) -> String {
    let moment = DateTime::from_timestamp_millis(ms).expect("tests live in years with four digits");
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Returns the wall clock in Unix milliseconds.
pub fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
