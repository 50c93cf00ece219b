//! Who watches what: every client of every channel is a session.
//!
//! Does: give sessions their tokens, keep the one register of them, tell what happens, keep totals over restarts.
//! Does not: decide who is admitted or when a session is over (that is `exstreamtv_core::session`), send a byte, or know HTTP.
//! Invariants: a session is a token, never an address; the register is locked for moments only and never while anything is awaited;
//! who sends counts in a [`Meter`] of his own, so a chunk waits for nobody.
//!
//! A TS connection is a session. A player that follows a playlist has its token in the addresses: the channel's own address answers with
//! a multivariant playlist that names one variant, below the token, and players come back to the variant, whose segments are relative to
//! it. So a player needs neither cookies nor redirects, and what one session is listed never changes. A token that is not known (the host
//! was started again, the session was over) goes on under the same name; one that was ended by somebody is refused. Clients that come
//! back to the channel's own address get a cookie to be known by, unless the session that it names is being played at the time, which is
//! another window of the same browser; without cookies they count as short sessions, each over after three target durations and a grace.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    time::Duration,
};

use exstreamtv_core::{
    session::{
        About, At, Blame, End, Happening, Refusal, Register, SessionError, SessionId, SessionKind, StreamSession,
        Totals,
    },
    throttle::SocketFeedback,
};
use exstreamtv_model::{ChannelId, ThrottleWish};
use exstreamtv_store::{ChannelTotal, Store, StoreError};
use tokio::{
    sync::{broadcast, watch},
    time::Instant,
};

use crate::{clock::Clock, lifecycle::Lifecycle};

mod book;
mod handle;
mod hls;
mod keeper;
mod meter;
pub mod news;
#[cfg(test)]
mod tests;
mod ticket;
mod token;
pub mod view;

use book::Book;
pub use exstreamtv_core::session::Limits;
use handle::Handle;
pub use hls::{HlsAsk, HlsVisit, Known};
pub use meter::{Meter, Piece};
use news::SessionNews;
pub use ticket::Ticket;
use token::Tokens;
use view::SessionView;

/// News that a slow listener may have before him.
const NEWS: usize = 256;

/// Settings that a reload may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How many may watch, and when who does nothing is over.
    pub limits: Limits,
    /// Time between clean-ups.
    pub cleanup_interval: Duration,
}

/// What a session's connection can be asked and told.
pub trait Connection: fmt::Debug + Send + Sync {
    /// Returns how the way to the client is, where the system says so.
    fn feedback(&self) -> Option<SocketFeedback>;
    /// Ends it, whatever the client does.
    fn cut(&self);
}

/// How far a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveEdge {
    /// End of its newest picture on the channel's clock, Unix milliseconds.
    pub newest_ms: i64,
    /// End of its newest segment.
    pub newest_segment_ms: i64,
    /// Runs that failed since it is on air.
    pub failures: u32,
}

/// Knows how far channels are.
pub trait LiveEdges: Send + Sync {
    /// Returns it for a channel that is on air.
    fn edge(&self, channel: ChannelId) -> Option<LiveEdge>;
}

/// What was sent ever, and who is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// By channel: what was sent ever, and how many sessions there are.
    pub channels: BTreeMap<ChannelId, (Totals, usize)>,
}

/// Every session of the host. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    shared: Arc<Shared>,
}

struct Shared {
    book: Mutex<Book>,
    clock: Arc<dyn Clock>,
    began: Instant,
    tokens: Tokens,
    settings: watch::Receiver<Settings>,
    edges: OnceLock<Weak<dyn LiveEdges>>,
    news: broadcast::Sender<SessionNews>,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl Sessions {
    /// Opens the register; totals go on from what the database has.
    ///
    /// # Errors
    /// If the totals cannot be read.
    pub async fn start(
        store: Store,
        clock: Arc<dyn Clock>,
        settings: watch::Receiver<Settings>,
        life: &Lifecycle,
    ) -> Result<Self, StoreError> {
        let total = |total: ChannelTotal| (total.channel, Totals { sessions: total.sessions, bytes: total.bytes });
        let totals = store.session_totals().list().await?.into_iter().map(total).collect();
        let sessions = Self::new(clock, settings, totals);
        life.spawn(keeper::keep(sessions.clone(), store, life.stopping()));
        Ok(sessions)
    }

    fn new(clock: Arc<dyn Clock>, settings: watch::Receiver<Settings>, totals: BTreeMap<ChannelId, Totals>) -> Self {
        let register = Register::new(settings.borrow().limits, totals);
        let book = Book::new(register);
        let shared = Shared {
            book: Mutex::new(book),
            clock,
            began: Instant::now(),
            tokens: Tokens::default(),
            settings,
            edges: OnceLock::new(),
            news: broadcast::channel(NEWS).0,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Says who knows how far channels are; once.
    pub fn watch_edges(&self, edges: Weak<dyn LiveEdges>) {
        // Whoever came first stays.
        let _ = self.shared.edges.set(edges);
    }

    /// Admits a connection that wants the continuous stream.
    ///
    /// # Errors
    /// If a limit is reached.
    pub fn admit(
        &self,
        about: About,
        wish: ThrottleWish,
        connection: Option<Arc<dyn Connection>>,
    ) -> Result<Ticket, Refusal> {
        let id = self.shared.tokens.next();
        let meter = Arc::new(Meter::new(self.shared.began, wish));
        let handle = Handle::new(Arc::clone(&meter), connection.clone());
        self.settled(|book, _, now| book.enter(id, about.clone(), handle, now))?;
        Ok(Ticket { sessions: self.clone(), id, about, meter, connection })
    }

    /// Returns what happens from now on.
    pub fn news(&self) -> broadcast::Receiver<SessionNews> {
        self.shared.news.subscribe()
    }

    /// Returns every session, those too that were over since the last clean-up, in the order of their beginning.
    pub fn list(&self) -> Vec<SessionView> {
        let mut views = self.settled(|book, shared, _| {
            let view = |session: &StreamSession| book.view(session, shared);
            book.register.all().filter_map(view).collect::<Vec<_>>()
        });
        views.sort_by_key(|view| view.serial);
        views
    }

    /// Returns one session.
    pub fn find(&self, id: SessionId) -> Option<SessionView> {
        self.settled(|book, shared, _| book.register.find(id).and_then(|session| book.view(session, shared)))
    }

    /// Ends a session and refuses its token from now on; returns whether it was there.
    pub fn kill(&self, id: SessionId) -> bool {
        self.settled(|book, _, now| book.register.kill(id, now))
    }

    /// Changes how fast a session is sent what it watches; returns whether it is there.
    pub fn set_wish(&self, id: SessionId, wish: ThrottleWish) -> bool {
        self.settled(|book, _, _| {
            let alive = book.register.find_alive(id).is_some();
            let handle = book.handles.get(&id).filter(|_| alive);
            handle.inspect(|handle| handle.meter.set_wish(wish)).is_some()
        })
    }

    /// The channel was started again under its viewers.
    pub fn channel_restarted(&self, channel: ChannelId) {
        self.at_once(|book, _| book.register.channel_restarted(channel));
    }

    /// Something went wrong behind a channel; its viewers stay.
    pub fn channel_failed(&self, channel: ChannelId, text: &str) {
        self.at_once(|book, at| book.register.channel_failed(channel, &SessionError { at, text: text.to_owned() }));
    }

    /// Returns how many sessions of this kind a channel has.
    pub fn count(&self, channel: ChannelId, kind: SessionKind) -> usize {
        self.settled(|book, _, _| book.register.count(channel, kind))
    }

    /// Returns what was sent ever, and who is there.
    pub fn summary(&self) -> Summary {
        self.settled(|book, _, _| {
            let mut channels: BTreeMap<_, _> =
                book.register.totals().iter().map(|(channel, totals)| (*channel, (*totals, 0))).collect();
            for session in book.register.alive() {
                channels.entry(session.about().channel_id).or_default().1 += 1;
            }
            Summary { channels }
        })
    }

    fn failed(&self, id: SessionId, text: String, blame: Blame) {
        self.at_once(|book, at| {
            // One that is over has nothing to be told.
            let _ = book.register.failed(id, SessionError { at, text }, blame);
        });
    }

    fn given_up(&self, id: SessionId, text: String) {
        self.at_once(|book, at| {
            book.read_meter(id, at);
            let _ = book.register.given_up(id, SessionError { at, text });
        });
    }

    fn leave(&self, id: SessionId, end: End) {
        self.at_once(|book, at| {
            book.read_meter(id, at);
            book.register.leave(id, end);
        });
    }

    /// Nobody sends to a session any more: it is over if it was not, and its connection is the client's to use again.
    fn gone(&self, id: SessionId) {
        self.at_once(|book, at| {
            book.read_meter(id, at);
            book.register.leave(id, End::Left);
            book.handles.get_mut(&id).into_iter().for_each(Handle::let_go);
        });
    }

    /// Acts on the register after everything that was counted and the time have taken effect.
    fn settled<T>(&self, act: impl FnOnce(&mut Book, &Shared, At) -> T) -> T {
        let now = self.now();
        let mut book = self.lock();
        book.register.set_limits(self.shared.settings.borrow().limits);
        book.read_meters(now);
        book.register.pass_time(now);
        let answer = act(&mut book, &self.shared, now);
        self.tell(&mut book, now);
        answer
    }

    /// Acts on the register as it is.
    fn at_once<T>(&self, act: impl FnOnce(&mut Book, At) -> T) -> T {
        let now = self.now();
        let mut book = self.lock();
        let answer = act(&mut book, now);
        self.tell(&mut book, now);
        answer
    }

    fn tell(&self, book: &mut Book, now: At) {
        while let Some(happening) = book.register.next_happening() {
            if let Happening::Ended(id, _) = happening {
                book.end(id, now);
            }
            log(&happening);
            // Nobody may be listening.
            if self.shared.news.receiver_count() > 0
                && let Some(news) = book.news(happening, &self.shared)
            {
                let _ = self.shared.news.send(news);
            }
        }
    }

    fn now(&self) -> At {
        At { mono_ms: millis(self.shared.began.elapsed()), wall_ms: self.shared.clock.now().timestamp_millis() }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.shared.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl Sessions {
    /// Returns sessions that nobody keeps and nothing remembers.
    pub(crate) fn of_tests(clock: Arc<dyn Clock>, limits: Limits) -> Self {
        let settings = Settings { limits, cleanup_interval: Duration::from_secs(60) };
        // The sender goes; its last value stays.
        Self::new(clock, watch::channel(settings).1, BTreeMap::new())
    }
}

impl Shared {
    fn edge(&self, channel: ChannelId) -> Option<LiveEdge> {
        self.edges.get()?.upgrade()?.edge(channel)
    }
}

fn log(happening: &Happening) {
    match happening {
        Happening::Created(id) => tracing::debug!(session.id = %id, "a session began"),
        Happening::Ended(id, end) => tracing::info!(session.id = %id, end = end.word(), "a session is over"),
        Happening::Changed { id, from, to } => {
            tracing::debug!(session.id = %id, from = from.word(), to = to.word(), "a session changed");
        }
        Happening::LimitHit { channel, refusal } => {
            tracing::warn!(channel.id = %channel, %refusal, "a client was refused");
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
