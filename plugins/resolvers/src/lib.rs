//! The shipped resolver: what may be done when something is wrong.
//!
//! Does: propose actions from the specification's table, the likeliest first, and learn from what came of them.
//! Does not: act, wait or remember; what was tried stands in the request, and the host does what it decides to do.
//! Invariant: every answer stays inside the limits of its request; the same request gives the same answer, on any machine.

mod recovery;

pub use recovery::Recovery;
