//! What every engine behind the store must do, shown on a real SQLite file.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "contract/fixture.rs"]
mod fixture;

#[path = "contract/broadcasts.rs"]
mod broadcasts;
#[path = "contract/channels.rs"]
mod channels;
#[path = "contract/checkpoints.rs"]
mod checkpoints;
#[path = "contract/chronicle.rs"]
mod chronicle;
#[path = "contract/collections.rs"]
mod collections;
#[path = "contract/healing.rs"]
mod healing;
#[path = "contract/learning.rs"]
mod learning;
#[path = "contract/loudness.rs"]
mod loudness;
#[path = "contract/media.rs"]
mod media;
#[path = "contract/opening.rs"]
mod opening;
#[path = "contract/playout.rs"]
mod playout;
#[path = "contract/pools.rs"]
mod pools;
#[path = "contract/replacing.rs"]
mod replacing;
#[path = "contract/schedules.rs"]
mod schedules;
#[path = "contract/session_totals.rs"]
mod session_totals;
#[path = "contract/upgrading.rs"]
mod upgrading;
