//! The C interface of EXStreamTV plugins.
