//! What FFmpeg may use to get at a source.
//!
//! Invariant: each kind of source has the protocols that it needs and no other, so that a file cannot make FFmpeg fetch something else.

/// Where a source comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A file of this machine, as far as it is concerned.
    File,
}

/// Returns the options, to stand before `-i`, that keep FFmpeg and ffprobe to the protocols of this kind of source.
pub fn allowed_protocols(kind: SourceKind) -> [&'static str; 2] {
    let protocols = match kind {
        SourceKind::File => "file",
    };
    ["-protocol_whitelist", protocols]
}
