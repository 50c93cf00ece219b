//! The unsafe island: opens plugin libraries and calls them.
