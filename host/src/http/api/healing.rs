//! `/api/v1/healing`, `/approvals` and `/resolutions`: what the healer does, asks and learnt.

pub mod approvals;
pub mod resolutions;
pub mod state;
