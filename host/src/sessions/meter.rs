//! What one session got, as the one who sends counts it.
//!
//! Does: count without locks, and carry what others want of the one who sends: to stop, or to go at another speed.
//! Does not: decide anything.
//! Invariant: what is counted never becomes less; a chunk costs a handful of atomic operations, whoever else is looking.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
};

use exstreamtv_core::throttle::Terms;
use exstreamtv_model::ThrottleWish;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

/// Counts what one session gets.
#[derive(Debug)]
pub struct Meter {
    /// Moments are counted from here.
    began: Instant,
    bytes: AtomicU64,
    stream_ms: AtomicI64,
    /// Where the client is on the channel's clock, Unix milliseconds; 0 before the first byte.
    position_ms: AtomicI64,
    active_ms: AtomicI64,
    skipped_ms: AtomicI64,
    held_back: AtomicBool,
    terms: Mutex<Option<Terms>>,
    wish: watch::Sender<ThrottleWish>,
    stop: CancellationToken,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) bytes: u64,
    pub(super) stream_ms: i64,
    /// Monotonic milliseconds of the last byte.
    pub(super) active_ms: i64,
}

/// One piece of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Its size.
    pub bytes: usize,
    /// How much stream it completes.
    pub stream_ms: i64,
    /// Where the client is after it, on the channel's clock.
    pub position_ms: i64,
}

impl Meter {
    pub(super) fn new(began: Instant, wish: ThrottleWish) -> Self {
        Self {
            began,
            bytes: AtomicU64::new(0),
            stream_ms: AtomicI64::new(0),
            position_ms: AtomicI64::new(0),
            active_ms: AtomicI64::new(0),
            skipped_ms: AtomicI64::new(0),
            held_back: AtomicBool::new(false),
            terms: Mutex::new(None),
            wish: watch::channel(wish).0,
            stop: CancellationToken::new(),
        }
    }

    /// Something is sent now.
    pub fn sent(&self, piece: Piece, now: Instant) {
        self.stream_ms.fetch_add(piece.stream_ms, Ordering::Relaxed);
        self.position_ms.store(piece.position_ms, Ordering::Relaxed);
        self.active_ms.store(super::millis(now.saturating_duration_since(self.began)), Ordering::Relaxed);
        // Last, so that a reader who sees the bytes sees what belongs to them.
        self.bytes.fetch_add(piece.bytes as u64, Ordering::Release);
    }

    /// Something beside the pictures is sent now.
    pub fn sent_beside(&self, bytes: usize, now: Instant) {
        self.active_ms.store(super::millis(now.saturating_duration_since(self.began)), Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Release);
    }

    /// The client missed this much of the stream.
    pub fn skipped(&self, stream_ms: i64) {
        self.skipped_ms.fetch_add(stream_ms.max(0), Ordering::Relaxed);
    }

    /// The throttle holds the client back, or does no longer.
    pub fn held_back(&self, held_back: bool) {
        if self.held_back.load(Ordering::Relaxed) != held_back {
            self.held_back.store(held_back, Ordering::Relaxed);
        }
    }

    /// The client is treated like this from now on.
    pub fn treated(&self, terms: Terms) {
        *self.terms.lock().unwrap_or_else(PoisonError::into_inner) = Some(terms);
    }

    /// Returns what the session wishes, to notice when it changes.
    pub fn wish(&self) -> watch::Receiver<ThrottleWish> {
        self.wish.subscribe()
    }

    /// Returns the signal to send no more.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    pub(super) fn set_wish(&self, wish: ThrottleWish) {
        self.wish.send_replace(wish);
    }

    pub(super) fn reading(&self) -> Reading {
        let bytes = self.bytes.load(Ordering::Acquire);
        let stream_ms = self.stream_ms.load(Ordering::Relaxed);
        Reading { bytes, stream_ms, active_ms: self.active_ms.load(Ordering::Relaxed) }
    }

    pub(super) fn position_ms(&self) -> Option<i64> {
        Some(self.position_ms.load(Ordering::Relaxed)).filter(|position| *position != 0)
    }

    pub(super) fn skipped_ms(&self) -> i64 {
        self.skipped_ms.load(Ordering::Relaxed)
    }

    pub(super) fn is_held_back(&self) -> bool {
        self.held_back.load(Ordering::Relaxed)
    }

    pub(super) fn terms(&self) -> Option<Terms> {
        *self.terms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wished(&self) -> ThrottleWish {
        *self.wish.borrow()
    }
}
