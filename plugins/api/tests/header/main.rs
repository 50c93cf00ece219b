//! The header as a C or C++ author meets it: its layout, its manners under strict compilers, and the example that is written against it.

#![expect(clippy::unwrap_used, reason = "tests")]

mod c_example;
mod compiler;
mod layout;
