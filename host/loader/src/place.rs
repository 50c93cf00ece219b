//! Who could have put a library where it lies.
//!
//! Does: refuse files, and folders above them, that somebody else may write or owns.
//! Does not: read the file; whether its contents can be trusted is the administrator's word.
//! Invariant: a path that passes can only be replaced by root or by the user who asks.

use std::{
    fs::Metadata,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use nix::unistd::{getegid, geteuid};

/// Why a library is not loaded from where it lies; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum PlaceFault {
    /// It is not there, or cannot be looked at.
    #[error("look at {}", .path.display())]
    Look {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is a folder, a pipe or the like.
    #[error("use {}: it is not a file", .path.display())]
    NotAFile {
        /// What.
        path: PathBuf,
    },
    /// Somebody else owns it.
    #[error("trust {}: it belongs to user {uid}; it must belong to root or to the user who runs EXStreamTV (chown root)", .path.display())]
    Owner {
        /// What.
        path: PathBuf,
        /// The owner.
        uid: u32,
    },
    /// Somebody else may write it.
    #[error("trust {}: {who} may write it (mode {mode:03o}); take that right away (chmod go-w)", .path.display())]
    Writable {
        /// What.
        path: PathBuf,
        /// "everybody" or "group 20".
        who: String,
        /// Its permission bits.
        mode: u32,
    },
}

/// Checks the file, the folders above it and, where the path is a link, those above the link.
///
/// # Errors
/// Names the first thing that is wrong, and what would mend it.
pub fn check_place(path: &Path) -> Result<PathBuf, PlaceFault> {
    let real = canonical(path)?;
    let file = look(&real)?;
    if !file.is_file() {
        return Err(PlaceFault::NotAFile { path: real });
    }
    check(&real, &file)?;
    check_folders(&real)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        check_folders(&canonical(folder)?.join("link"))?;
    }
    Ok(real)
}

/// Checks every folder above `path`. The nearest one must be closed to others; further up a sticky folder will do, because there nobody can
/// rename what is somebody else's (`/tmp`).
fn check_folders(path: &Path) -> Result<(), PlaceFault> {
    for (height, folder) in path.ancestors().skip(1).enumerate() {
        let facts = look(folder)?;
        let sticky = facts.mode() & 0o1000 != 0;
        if height > 0 && sticky {
            check_owner(folder, &facts)?;
        } else {
            check(folder, &facts)?;
        }
    }
    Ok(())
}

fn check(path: &Path, facts: &Metadata) -> Result<(), PlaceFault> {
    check_owner(path, facts)?;
    let (mode, path) = (facts.mode() & 0o7777, path.to_owned());
    if mode & 0o002 != 0 {
        return Err(PlaceFault::Writable { path, who: "everybody".into(), mode });
    }
    // Many systems give each user a group of their own, and folders that this group may write.
    let ours = [0, getegid().as_raw()].contains(&facts.gid());
    if mode & 0o020 != 0 && !ours {
        return Err(PlaceFault::Writable { path, who: format!("group {}", facts.gid()), mode });
    }
    Ok(())
}

fn check_owner(path: &Path, facts: &Metadata) -> Result<(), PlaceFault> {
    let uid = facts.uid();
    if [0, geteuid().as_raw()].contains(&uid) { Ok(()) } else { Err(PlaceFault::Owner { path: path.to_owned(), uid }) }
}

fn canonical(path: &Path) -> Result<PathBuf, PlaceFault> {
    path.canonicalize().map_err(|source| PlaceFault::Look { path: path.to_owned(), source })
}

fn look(path: &Path) -> Result<Metadata, PlaceFault> {
    path.metadata().map_err(|source| PlaceFault::Look { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn library() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libx.so");
        fs::write(&path, "x").unwrap();
        mode(folder.path(), 0o755);
        mode(&path, 0o644);
        (folder, path)
    }

    fn mode(path: &Path, bits: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
    }

    #[test]
    fn a_file_of_ours_that_nobody_else_may_write_is_accepted() {
        let (_folder, path) = library();
        assert!(check_place(&path).is_ok());
        mode(&path, 0o664);
        assert!(check_place(&path).is_ok(), "our own group may write");
    }

    #[test]
    fn a_file_or_folder_that_everybody_may_write_is_refused_by_name() {
        let (folder, path) = library();
        mode(&path, 0o646);
        assert!(
            matches!(check_place(&path), Err(PlaceFault::Writable { path: named, mode: 0o646, .. }) if named.ends_with("libx.so"))
        );
        mode(&path, 0o644);
        mode(folder.path(), 0o1777);
        let text = check_place(&path).unwrap_err().to_string();
        assert!(text.contains("everybody may write it (mode 1777)") && text.contains("chmod go-w"), "{text}");
    }

    #[test]
    fn a_link_is_as_good_as_its_own_folder_and_what_it_points_to() {
        let (_folder, path) = library();
        let elsewhere = tempfile::tempdir().unwrap();
        let link = elsewhere.path().join("libx.so");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        mode(elsewhere.path(), 0o755);
        assert_eq!(check_place(&link).unwrap(), path.canonicalize().unwrap());
        mode(elsewhere.path(), 0o777);
        assert!(matches!(check_place(&link), Err(PlaceFault::Writable { .. })));
    }

    #[test]
    fn strangers_property_is_refused() {
        if !geteuid().is_root() {
            eprintln!("skipped: only root can give files away");
            return;
        }
        let (_folder, path) = library();
        std::os::unix::fs::chown(&path, Some(12_345), None).unwrap();
        assert!(matches!(check_place(&path), Err(PlaceFault::Owner { uid: 12_345, .. })));
        std::os::unix::fs::chown(&path, Some(0), Some(12_345)).unwrap();
        mode(&path, 0o664);
        assert!(matches!(check_place(&path), Err(PlaceFault::Writable { who, .. }) if who == "group 12345"));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let (folder, _) = library();
        assert!(matches!(check_place(folder.path()), Err(PlaceFault::NotAFile { .. })));
        assert!(matches!(check_place(&folder.path().join("none.so")), Err(PlaceFault::Look { .. })));
    }
}
