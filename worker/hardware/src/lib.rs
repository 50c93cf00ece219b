//! What video cards can do.
//!
//! Does: read hardware profiles (TOML) and check them; decide which probe to run next and what its answer means; say what a card can do, and
//! for everything it cannot, why and what to do about it.
//! Does not: run a program, open a file, or look at a device; answers come in as arguments.
//! Invariant: a profile that exists has been checked; a card that is said to do something has been seen to do it, in FFmpeg's own words.

pub mod capabilities;
pub mod choice;
pub mod condition;
pub mod desk;
pub mod detect;
pub mod pattern;
pub mod profile;
pub mod profiles;
pub mod report;
pub mod template;
pub mod version;

pub use capabilities::{Capabilities, Detection, Reason, ReasonKind, Verdict};
pub use choice::{Choice, choose};
pub use condition::{Condition, Fact, Facts};
pub use desk::Desk;
pub use profile::{Profile, ProfileFile};
pub use profiles::{Profiles, ProfilesError};
pub use template::{Placeholder, Template};
pub use version::Version;
