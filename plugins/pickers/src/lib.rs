//! The shipped pickers.
