//! The library of all shipped strategies.
