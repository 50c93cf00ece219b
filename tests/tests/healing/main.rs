//! The healer: what is broken is noticed, called by its name, mended by what is allowed, and seen to be mended.
//!
//! Does: break one thing per test under a viewer, and judge what the host says it did and what its feed is like afterwards.
//! Does not: assert how long anything took; `make heal-bench` measures.
//! Invariant: one fault, one host; tests that are `ignore`d are the long form, which `make heal-bench` runs with all the others.

#![expect(clippy::unwrap_used, reason = "tests")]

mod faults;
mod persons;
mod pool;
