//! What FFmpeg needs of a system, as places and what may be done there.
//!
//! Does: list where systems keep programs, libraries, fonts and devices, and add what one child needs.
//! Does not: open anything but the folder of devices.
//! Invariant: nothing here lies in a home folder but fonts, and only devices and what the child owns may be written.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use super::Reach;

/// What may be done in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// Read it.
    Read,
    /// Read it, and execute what is there.
    Execute,
    /// Read, write and control it as a device.
    Control,
    /// Read it and change whatever is there.
    Own,
}

/// A place, and what may be done there.
pub type Place = (PathBuf, May);

/// Where systems keep programs and libraries.
const PROGRAMS: [&str; 13] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
    "/snap",
    "/home/linuxbrew/.linuxbrew",
    "/opt/homebrew",
    "/run/opengl-driver",
];

/// What the loader, libraries and drivers look up; no secret is among it.
const SETTINGS: [&str; 26] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/fonts",
    "/etc/localtime",
    "/etc/libva.conf",
    "/etc/drirc",
    "/etc/vulkan",
    "/etc/OpenCL",
    "/etc/glvnd",
    "/etc/nvidia",
    "/etc/gnutls",
    "/etc/ssl/openssl.cnf",
    "/etc/crypto-policies",
    "/var/cache/fontconfig",
    "/sys",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/filesystems",
    "/proc/modules",
    "/proc/devices",
    "/proc/driver",
    "/proc/sys/vm",
    "/proc/sys/kernel",
];

/// Fonts of the user, below the home folder.
const FONTS: [&str; 4] = [".fonts", ".fonts.conf", ".local/share/fonts", ".cache/fontconfig"];

/// Devices without a device behind them.
const PSEUDO_DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// What the names of devices that code video begin with.
const VIDEO_DEVICES: [&str; 12] =
    ["dri", "nvidia", "kfd", "video", "media", "dma_heap", "mali", "mpp_service", "rga", "vdpu", "vepu", "dxg"];

/// Returns every place that a child with this reach may use. Places that are not there do no harm.
pub fn allowed(reach: &Reach, extra: &[PathBuf]) -> Vec<Place> {
    let program = found(&reach.program, std::env::var_os("PATH").as_deref());
    let mut places: Vec<Place> = Vec::new();
    places.extend(PROGRAMS.iter().map(|path| (path.into(), May::Execute)));
    places.extend(beside(&program).into_iter().map(|path| (path, May::Execute)));
    places.extend(listed("LD_LIBRARY_PATH").map(|path| (path, May::Execute)));
    places.extend(SETTINGS.iter().map(|path| (path.into(), May::Read)));
    places.extend(listed("HOME").flat_map(|home| FONTS.map(|font| (home.join(font), May::Read))));
    places.extend(PSEUDO_DEVICES.iter().map(|path| (path.into(), May::Control)));
    places.extend(video_devices(Path::new("/dev")).into_iter().map(|path| (path, May::Control)));
    places.extend(reach.reads.iter().chain(extra).map(|path| (path.clone(), May::Read)));
    places.extend(reach.writes.iter().map(|path| (path.clone(), May::Own)));
    places
}

/// Returns where the system would find `program`, as `execvp` looks for it.
fn found(program: &Path, path: Option<&OsStr>) -> PathBuf {
    if program.components().count() > 1 {
        return program.to_owned();
    }
    let folders = std::env::split_paths(path.unwrap_or_default());
    folders.map(|folder| folder.join(program)).find(|file| file.is_file()).unwrap_or_else(|| program.to_owned())
}

/// A program that does not come with the system may have its libraries beside it or beside its folder.
fn beside(program: &Path) -> Vec<PathBuf> {
    let real = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    let folder = real.parent().unwrap_or(Path::new("/"));
    let prefix = folder.parent().filter(|_| folder.ends_with("bin"));
    let libraries = [Some(folder), prefix].into_iter().flatten();
    let libraries: Vec<PathBuf> = libraries.flat_map(|root| [root.join("lib"), root.join("lib64")]).collect();
    [vec![real.clone()], libraries].concat()
}

fn listed(variable: &str) -> impl Iterator<Item = PathBuf> + use<> {
    let value = std::env::var_os(variable).unwrap_or_default();
    let paths: Vec<PathBuf> = std::env::split_paths(&value).filter(|path| path.is_absolute()).collect();
    paths.into_iter()
}

fn video_devices(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let coding = |name: &str| VIDEO_DEVICES.iter().any(|prefix| name.starts_with(prefix));
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(coding)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_may_write_nothing_but_devices_and_what_it_owns() {
        let reach =
            Reach::of(Path::new("/opt/tv/bin/ffmpeg")).reading(Path::new("/m/a.mkv")).writing(Path::new("/t/1"));
        let places = allowed(&reach, &["/luts".into()]);
        let may = |path: &str| places.iter().filter(|place| place.0 == Path::new(path)).map(|place| place.1).next();
        assert_eq!(may("/m/a.mkv"), Some(May::Read));
        assert_eq!(may("/luts"), Some(May::Read));
        assert_eq!(may("/opt/tv/bin/ffmpeg"), Some(May::Execute));
        assert_eq!(may("/opt/tv/lib"), Some(May::Execute), "libraries of a program that brings its own");
        assert_eq!((may("/m"), may("/"), may("/proc"), may("/etc"), may("/tmp"), may("/opt/tv/bin")), <_>::default());
        let writable = places.iter().filter(|(_, may)| *may == May::Own).map(|(path, _)| path.as_path());
        assert_eq!(writable.collect::<Vec<_>>(), [Path::new("/t/1")]);
        let controlled = places.iter().filter(|(_, may)| *may == May::Control);
        assert!(controlled.clone().count() >= PSEUDO_DEVICES.len());
        assert!(controlled.into_iter().all(|(path, _)| path.starts_with("/dev")));
    }

    #[test]
    fn cards_are_found_by_their_names() {
        let dev = tempfile::tempdir().unwrap();
        for name in ["nvidia0", "nvidiactl", "sda", "kmsg", "video10", "mem"] {
            fs::write(dev.path().join(name), "").unwrap();
        }
        fs::create_dir(dev.path().join("dri")).unwrap();
        let mut found = video_devices(dev.path());
        found.sort();
        assert_eq!(found, ["dri", "nvidia0", "nvidiactl", "video10"].map(|name| dev.path().join(name)));
    }

    #[test]
    fn a_program_is_looked_for_as_the_system_does() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ffmpeg"), "").unwrap();
        let path = std::env::join_paths([Path::new("/nowhere"), folder.path()]).unwrap();
        assert_eq!(found(Path::new("ffmpeg"), Some(&path)), folder.path().join("ffmpeg"));
        assert_eq!(found(Path::new("/a/ffmpeg"), Some(&path)), Path::new("/a/ffmpeg"));
        assert_eq!(found(Path::new("other"), Some(&path)), Path::new("other"));
    }
}
