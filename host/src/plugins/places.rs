//! Where plugins are looked for.
//!
//! Does: put the folders into their order: flag, environment, configuration, this system's folders.
//! Does not: read them.
//! Invariant: all folders are absolute, each comes once, and none is the working directory unless a person named it on the command line.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// The environment variable with folders, separated as in PATH.
pub const VARIABLE: &str = "EXSTREAMTV_PLUGIN_PATH";

/// The library of the shipped strategies, without its extension.
const SHIPPED: &str = "libexstreamtv_shipped";

/// Returns the folders, the first to be searched first. `program` is this program.
pub fn folders(flags: &[PathBuf], variable: Option<&OsStr>, configured: &[PathBuf], program: &Path) -> Vec<PathBuf> {
    // What a person types is relative to where the person is.
    let flags = flags.iter().filter_map(|folder| std::path::absolute(folder).ok());
    let variable = variable.map(|text| std::env::split_paths(text).collect::<Vec<_>>()).unwrap_or_default();
    let lasting = variable.into_iter().chain(configured.iter().cloned()).filter(|folder| is_absolute(folder));
    let mut folders = Vec::new();
    for folder in flags.chain(lasting).chain(of_the_system(program)) {
        // One folder under two names would shadow itself.
        let folder = folder.canonicalize().unwrap_or(folder);
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

fn is_absolute(folder: &Path) -> bool {
    let absolute = folder.is_absolute();
    if !absolute && !folder.as_os_str().is_empty() {
        tracing::warn!(folder = %folder.display(), "a plugin folder must be absolute and is left out");
    }
    absolute
}

fn of_the_system(program: &Path) -> Vec<PathBuf> {
    let multiarch = match std::env::consts::ARCH {
        "x86" => "i386-linux-gnu".to_owned(),
        "arm" => "arm-linux-gnueabihf".to_owned(),
        "powerpc64" => "powerpc64le-linux-gnu".to_owned(),
        other => format!("{other}-linux-gnu"),
    };
    let libraries = ["/usr/local/lib".into(), PathBuf::from("/usr/lib").join(multiarch), "/usr/lib64".into()];
    // Where brew and unpacked archives keep libraries.
    let beside = program.parent().and_then(Path::parent).map(|prefix| prefix.join("lib"));
    libraries.into_iter().chain(beside).map(|folder| folder.join("exstreamtv/plugins")).collect()
}

/// Returns the library of the shipped strategies that lies beside the program, as it does after `cargo build`.
pub fn shipped_beside(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?;
    ["so", "dylib"]
        .map(|extension| folder.join(SHIPPED).with_extension(extension))
        .into_iter()
        .find(|path| path.is_file())
}

/// Returns whether a library is that of the shipped strategies.
pub fn is_shipped(library: &Path) -> bool {
    library.file_stem().is_some_and(|stem| stem == SHIPPED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_in_their_order_each_once_and_never_the_working_directory() {
        let variable = std::env::join_paths(["/env/one", "relative", "", "/flag"]).unwrap();
        let found = folders(
            &["/flag".into()],
            Some(&variable),
            &["/configured".into(), ".".into()],
            Path::new("/opt/x/bin/exstreamtv"),
        );
        let own = ["/flag", "/env/one", "/configured", "/usr/local/lib/exstreamtv/plugins"];
        assert_eq!(found[..4], own.map(PathBuf::from));
        assert_eq!(found.last().unwrap(), Path::new("/opt/x/lib/exstreamtv/plugins"));
        assert!(found.iter().all(|folder| folder.is_absolute()), "{found:?}");
    }

    #[test]
    fn the_shipped_library_is_found_beside_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("exstreamtv");
        assert_eq!(shipped_beside(&program), None);
        let library = folder.path().join("libexstreamtv_shipped.so");
        std::fs::write(&library, "").unwrap();
        assert_eq!(shipped_beside(&program), Some(library.clone()));
        assert!(is_shipped(&library) && !is_shipped(Path::new("/p/libother.so")));
    }
}
