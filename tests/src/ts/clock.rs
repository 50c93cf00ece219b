//! The 33-bit clock of a transport stream.
//!
//! Does: turn raw clock values into ticks that only grow, across the wrap.
//! Does not: judge them.
//! Invariant: an unwrapped value is congruent to its raw value modulo [`WRAP_TICKS`].

/// Ticks of PTS and DTS in a second.
pub const TICKS_PER_SECOND: i64 = 90_000;

/// Where the 33-bit clock starts over.
pub const WRAP_TICKS: i64 = 1 << 33;

/// Unwraps raw values to whatever lies nearest to the last reference.
#[derive(Debug, Default)]
pub(super) struct Clock {
    reference: Option<i64>,
    /// Whether a reference crossed the wrap.
    pub wrapped: bool,
}

impl Clock {
    /// Returns `raw` as ticks near the last reference.
    pub fn unwrap(&self, raw: i64) -> i64 {
        let Some(reference) = self.reference else { return raw };
        let ahead = (raw - reference).rem_euclid(WRAP_TICKS);
        if ahead < WRAP_TICKS / 2 { reference + ahead } else { reference + ahead - WRAP_TICKS }
    }

    /// Takes a clock reference and returns it unwrapped.
    pub fn refer(&mut self, raw: i64) -> i64 {
        let ticks = self.unwrap(raw);
        self.wrapped |= self.reference.is_some_and(|last| last.div_euclid(WRAP_TICKS) != ticks.div_euclid(WRAP_TICKS));
        self.reference = Some(ticks);
        ticks
    }

    /// Returns the last reference.
    pub fn now(&self) -> Option<i64> {
        self.reference
    }
}

/// Reads the 33 bits of a PTS or DTS; `None` when a marker bit is missing.
pub(super) fn timestamp(field: &[u8]) -> Option<i64> {
    let [a, b, c, d, e] = *field.first_chunk::<5>()?;
    let markers = a & c & e & 1 == 1;
    let high = i64::from(a >> 1 & 0x07) << 30;
    let middle = (i64::from(b) << 7 | i64::from(c >> 1)) << 15;
    let low = i64::from(d) << 7 | i64::from(e >> 1);
    markers.then_some(high | middle | low)
}

/// Reads a program clock reference: 33 bits of 90 kHz and the rest of 27 MHz.
pub(super) fn reference(field: &[u8]) -> Option<(i64, i64)> {
    let [a, b, c, d, e, f] = *field.first_chunk::<6>()?;
    let base = i64::from(u32::from_be_bytes([a, b, c, d])) << 1 | i64::from(e >> 7);
    Some((base, i64::from(e & 1) << 8 | i64::from(f)))
}
