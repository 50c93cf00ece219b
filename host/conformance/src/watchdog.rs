//! Ends the process when a call does not end.
//!
//! Does: watch calls from a thread of its own, and note who hung before it ends the process.
//! Does not: judge slowness; it waits well beyond every deadline.
//! A thread of somebody else's cannot be ended, so the process is.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::stopwatch::Stopwatch;

/// Watches the calls of one process.
#[derive(Clone)]
pub struct Watchdog(Arc<Shared>);

struct Shared {
    watched: Mutex<Watched>,
    changed: Condvar,
}

#[derive(Default)]
struct Watched {
    next: u64,
    calls: BTreeMap<u64, Call>,
}

struct Call {
    name: String,
    limit: Duration,
    since: Stopwatch,
}

/// A call that is being watched, until this is dropped.
#[must_use]
pub struct Watch {
    dog: Watchdog,
    number: u64,
}

impl Watchdog {
    /// Starts watching; `on_hang` gets the name of a call that has not ended within its limit, and how long that was.
    pub fn start(on_hang: impl Fn(&str, Duration) + Send + 'static) -> Self {
        let shared = Arc::new(Shared { watched: Mutex::default(), changed: Condvar::new() });
        let dog = Self(shared.clone());
        std::thread::spawn(move || shared.run(&on_hang));
        dog
    }

    /// Watches a call until the result is dropped.
    pub fn watch(&self, name: &str, limit: Duration) -> Watch {
        let mut watched = self.0.lock();
        let number = watched.next;
        watched.next += 1;
        watched.calls.insert(number, Call { name: name.to_owned(), limit, since: Stopwatch::start() });
        drop(watched);
        self.0.changed.notify_one();
        Watch { dog: self.clone(), number }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.dog.0.lock().calls.remove(&self.number);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, on_hang: &dyn Fn(&str, Duration)) {
        let mut watched = self.lock();
        loop {
            let left = |call: &Call| call.limit.saturating_sub(call.since.elapsed());
            if let Some(hanging) = watched.calls.values().find(|call| left(call).is_zero()) {
                on_hang(&hanging.name, hanging.limit);
                return;
            }
            let next = watched.calls.values().map(left).min();
            let wait = next.unwrap_or(Duration::MAX).min(Duration::from_secs(3_600));
            watched = self.changed.wait_timeout(watched, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_call_that_does_not_end_is_named_and_one_that_ends_is_not() {
        let (send, receive) = mpsc::channel();
        let dog = Watchdog::start(move |name, _| send.send(name.to_owned()).unwrap());
        drop(dog.watch("quick", Duration::from_secs(60)));
        let _hanging = dog.watch("hangs", Duration::from_millis(1));
        assert_eq!(receive.recv().unwrap(), "hangs");
    }
}
