//! How much room there is.

use std::{io, path::Path};

use nix::sys::statvfs::statvfs;

/// Returns how many bytes may still be written where `path` lies; the folder above counts where it is not there yet.
///
/// # Errors
/// If the system does not say.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let there = path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
    let about = statvfs(there)?;
    // The types differ from system to system.
    #[expect(clippy::useless_conversion, reason = "they are u32 on macOS")]
    Ok((about.blocks_available() as u64).saturating_mul(u64::from(about.fragment_size())))
}

/// Returns whether an error says that there is no room.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
