//! `/api/v1/slates`: what viewers see when there is nothing else.

pub mod preview;
