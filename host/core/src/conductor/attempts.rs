//! Remembers what was tried for which slot.
//!
//! Invariant: a slot that is spent is not started again; a failed one waits for its pause.

use exstreamtv_model::PlayoutEntryId;

#[derive(Debug)]
pub(super) struct Attempts {
    pauses_ms: Vec<i64>,
    // Two slots are in play at any time; a few more keep what a schedule change shuffles around.
    known: Vec<Attempt>,
}

#[derive(Debug)]
struct Attempt {
    entry: PlayoutEntryId,
    failures: usize,
    not_before_ms: i64,
    spent: bool,
}

impl Attempts {
    pub(super) fn new(pauses_ms: Vec<i64>) -> Self {
        Self { pauses_ms, known: Vec::new() }
    }

    pub(super) fn failed(&mut self, entry: PlayoutEntryId, now_ms: i64) {
        let pauses = self.pauses_ms.clone();
        let attempt = self.of(entry);
        let pause = pauses.get(attempt.failures).or(pauses.last()).copied().unwrap_or(0);
        attempt.failures += 1;
        attempt.not_before_ms = now_ms + pause;
    }

    pub(super) fn spent(&mut self, entry: PlayoutEntryId) {
        self.of(entry).spent = true;
    }

    pub(super) fn is_spent(&self, entry: PlayoutEntryId) -> bool {
        self.known.iter().any(|attempt| attempt.entry == entry && attempt.spent)
    }

    pub(super) fn may_start(&self, entry: PlayoutEntryId, now_ms: i64) -> bool {
        let attempt = self.known.iter().find(|attempt| attempt.entry == entry);
        attempt.is_none_or(|attempt| !attempt.spent && attempt.not_before_ms <= now_ms)
    }

    fn of(&mut self, entry: PlayoutEntryId) -> &mut Attempt {
        let position = self.known.iter().position(|attempt| attempt.entry == entry).unwrap_or_else(|| {
            if self.known.len() >= 8 {
                self.known.remove(0);
            }
            self.known.push(Attempt { entry, failures: 0, not_before_ms: i64::MIN, spent: false });
            self.known.len() - 1
        });
        &mut self.known[position]
    }
}
