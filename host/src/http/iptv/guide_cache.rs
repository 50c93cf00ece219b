//! The guides that were written already.
//!
//! Does: keep a few compressed guides, and name each one's content with a tag.
//! Does not: write them.
//! Invariant: at most [`GUIDES`] guides of at most [`GUIDE_LIMIT_BYTES`] each are kept.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::http::origin::BaseUrl;

/// Guides at a time: a household reaches us under one or two names.
const GUIDES: usize = 4;
/// A guide of 500 channels over two weeks has a quarter of this.
pub const GUIDE_LIMIT_BYTES: usize = 32 * 1024 * 1024;

/// What a guide is made from: equal stamps, equal guides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// The address in its links.
    pub base: BaseUrl,
    /// Days from now on.
    pub days: u32,
    /// Version of the timelines.
    pub version: u64,
    /// First moment it shows: the last full hour, so that a guide lives for an hour.
    pub from: DateTime<Utc>,
}

impl Stamp {
    /// Returns the stamp of the guide that is right at `now`.
    pub fn new(base: BaseUrl, days: u32, version: u64, now: DateTime<Utc>) -> Self {
        let from = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
        Self { base, days, version, from }
    }

    /// First moment that it does not show.
    pub fn to(&self) -> DateTime<Utc> {
        self.from + TimeDelta::days(self.days.into())
    }

    fn replaces(&self, other: &Self) -> bool {
        self.base == other.base && self.days == other.days
    }
}

/// A guide that was written to its end.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What it is made from.
    pub stamp: Stamp,
    /// The whole guide, compressed.
    pub gzip: Bytes,
    /// When its writing began.
    pub modified: DateTime<Utc>,
}

/// The guides that were written already, newest last.
#[derive(Debug)]
pub struct GuideCache {
    guides: Mutex<VecDeque<Kept>>,
    /// Two guides at a time may use a processor each; the others wait between their channels.
    turns: Semaphore,
    /// Versions count from the start of the program, so tags must not outlive it.
    born_ms: i64,
}

impl GuideCache {
    /// Returns an empty cache of a program that starts at `now`.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { guides: Mutex::default(), turns: Semaphore::new(2), born_ms: now.timestamp_millis() }
    }

    /// Returns the guide with this stamp.
    pub fn find(&self, stamp: &Stamp) -> Option<Kept> {
        self.with(|guides| guides.iter().find(|kept| kept.stamp == *stamp).cloned())
    }

    /// Returns the newest guide with the same address and length, however old.
    pub fn last_good(&self, stamp: &Stamp) -> Option<Kept> {
        self.with(|guides| guides.iter().rev().find(|kept| stamp.replaces(&kept.stamp)).cloned())
    }

    /// Keeps a guide in place of the older one with the same address and length.
    pub fn keep(&self, kept: Kept) {
        if kept.gzip.len() > GUIDE_LIMIT_BYTES {
            return;
        }
        self.with(|guides| {
            guides.retain(|old| !kept.stamp.replaces(&old.stamp));
            guides.push_back(kept);
            while guides.len() > GUIDES {
                guides.pop_front();
            }
        });
    }

    /// Waits for the turn to write one channel; dropping the permit ends it.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// Names the bytes of a guide in one form.
    pub fn tag(&self, stamp: &Stamp, gzip: bool) -> String {
        let mut hasher = DefaultHasher::new();
        (self.born_ms, stamp, gzip).hash(&mut hasher);
        format!("\"{:016x}\"", hasher.finish())
    }

    fn with<T>(&self, act: impl FnOnce(&mut VecDeque<Kept>) -> T) -> T {
        act(&mut self.guides.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(base: &str, version: u64) -> Stamp {
        Stamp::new(base.parse().unwrap(), 7, version, DateTime::from_timestamp_millis(1_700_000_000_123).unwrap())
    }

    fn kept(stamp: Stamp) -> Kept {
        Kept { gzip: Bytes::from_static(b"x"), modified: stamp.from, stamp }
    }

    #[test]
    fn many_names_of_one_server_do_not_fill_the_memory() {
        let cache = GuideCache::new(DateTime::UNIX_EPOCH);
        for host in 0..100 {
            cache.keep(kept(stamp(&format!("http://h{host}"), 1)));
        }
        assert_eq!(cache.with(|guides| guides.len()), GUIDES);
        assert!(cache.find(&stamp("http://h99", 1)).is_some());
        let huge = Kept { gzip: Bytes::from(vec![0; GUIDE_LIMIT_BYTES + 1]), ..kept(stamp("http://huge", 1)) };
        cache.keep(huge);
        assert!(cache.find(&stamp("http://huge", 1)).is_none());
    }

    #[test]
    fn an_old_version_is_found_only_as_the_last_good_one() {
        let cache = GuideCache::new(DateTime::UNIX_EPOCH);
        cache.keep(kept(stamp("http://a", 1)));
        assert!(cache.find(&stamp("http://a", 2)).is_none());
        assert_eq!(cache.last_good(&stamp("http://a", 2)).unwrap().stamp.version, 1);
        assert!(cache.last_good(&stamp("http://b", 2)).is_none());
    }

    #[test]
    fn tags_differ_by_content_form_and_life() {
        let (one, other) =
            (GuideCache::new(DateTime::UNIX_EPOCH), GuideCache::new(DateTime::UNIX_EPOCH + TimeDelta::days(1)));
        let stamp1 = stamp("http://a", 1);
        assert_ne!(one.tag(&stamp1, true), one.tag(&stamp1, false));
        assert_ne!(one.tag(&stamp1, true), one.tag(&stamp("http://a", 2), true));
        assert_ne!(one.tag(&stamp1, true), other.tag(&stamp1, true));
    }
}
