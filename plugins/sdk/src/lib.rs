//! What a strategy author writes against.
mod kit;
mod picker;
mod resolver;
mod scheduler;

pub use exstreamtv_model::schedule::AnswerFault;
pub use exstreamtv_model::{EntryKind, MediaId, MediaKind, collection::MediaQuery, incident, media, pick, schedule};
pub use kit::{KitFault, check_answer, plan_in_windows};
pub use picker::{PickError, Picker};
pub use resolver::{ProposeError, Resolver};
pub use scheduler::{PlanError, Scheduler};
pub use serde_json;
