//! Slates that are ready to be shown.
//!
//! Invariant: they are bounded in number and size; the one not used for longest goes. Whoever shows one keeps it anyway.

use std::{collections::HashMap, sync::Arc};

use exstreamtv_transport::Slate;

/// The most slates.
const MOST: usize = 64;
/// The most bytes of them together.
const MOST_BYTES: usize = 32 << 20;

/// Slates by name.
#[derive(Debug, Default)]
pub(super) struct Memory {
    slates: HashMap<String, Remembered>,
    /// Counts uses.
    now: u64,
}

#[derive(Debug)]
struct Remembered {
    slate: Arc<Slate>,
    used: u64,
}

impl Memory {
    pub(super) fn find(&mut self, name: &str) -> Option<Arc<Slate>> {
        self.now += 1;
        let remembered = self.slates.get_mut(name)?;
        remembered.used = self.now;
        Some(Arc::clone(&remembered.slate))
    }

    pub(super) fn keep(&mut self, name: String, slate: Arc<Slate>) {
        self.now += 1;
        self.slates.insert(name, Remembered { slate, used: self.now });
        while self.slates.len() > MOST || self.bytes() > MOST_BYTES && self.slates.len() > 1 {
            let oldest = self.slates.iter().min_by_key(|(_, remembered)| remembered.used);
            let Some(name) = oldest.map(|(name, _)| name.clone()) else { return };
            self.slates.remove(&name);
        }
    }

    fn bytes(&self) -> usize {
        self.slates.values().map(|remembered| remembered.slate.size_bytes()).sum()
    }
}
