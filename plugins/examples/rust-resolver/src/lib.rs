//! An example of a resolver.
