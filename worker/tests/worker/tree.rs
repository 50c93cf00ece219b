//! Device trees of machines that are not there.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// A folder that `detect --root` takes for a machine.
pub struct Tree(tempfile::TempDir);

/// The processor of most machines.
pub const PC: &str = "linux-x86_64";

impl Tree {
    /// A machine without a device, whose user is in no group.
    pub fn new(platform: &str) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        tree.file("stand-in", &format!("platform {platform}\nuser exstreamtv 998 998\n"));
        tree.file("etc/group", "root:x:0:\nvideo:x:44:\nrender:x:104:\n");
        tree.file("proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
        tree
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A graphics card behind `/dev/dri/renderD…`.
    pub fn drm(&self, number: u32, vendor: &str, id: &str, driver: &str, slot: &str) {
        self.file(&format!("dev/dri/renderD{number}"), "");
        let about = format!("sys/class/drm/renderD{number}/device");
        self.file(&format!("{about}/vendor"), &format!("{vendor}\n"));
        self.file(&format!("{about}/device"), &format!("{id}\n"));
        self.file(&format!("{about}/uevent"), &format!("DRIVER={driver}\nPCI_SLOT_NAME={slot}\n"));
        let link = self.path().join(about).join("driver");
        symlink(format!("../../../../bus/pci/drivers/{driver}"), link).unwrap();
    }

    /// An NVIDIA card behind `/dev/nvidia…`.
    pub fn nvidia(&self, minor: u32, bus: &str, model: &str, driver: &str) {
        for node in [format!("nvidia{minor}"), "nvidiactl".to_owned(), "nvidia-uvm".to_owned()] {
            self.file(&format!("dev/{node}"), "");
        }
        let about = format!("Model: \t\t {model}\nIRQ:   \t\t 154\nBus Location: \t {bus}\nDevice Minor: \t {minor}\n");
        self.file(&format!("proc/driver/nvidia/gpus/{bus}/information"), &about);
        let version = format!(
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  {driver}  Thu Feb 22 01:44:30 UTC 2024\nGCC version:  gcc version 12.2.0\n"
        );
        self.file("proc/driver/nvidia/version", &version);
    }

    /// A V4L2 device.
    pub fn video(&self, number: u32, name: &str) {
        self.file(&format!("dev/video{number}"), "");
        self.file(&format!("sys/class/video4linux/video{number}/name"), &format!("{name}\n"));
    }

    /// What the board calls itself.
    pub fn board(&self, names: &[&str]) {
        self.file("proc/device-tree/compatible", &format!("{}\0", names.join("\0")));
    }

    /// Gives a node an owner and a mode.
    pub fn owner(&self, node: &str, gid: u32, mode: &str) {
        let known = fs::read_to_string(self.path().join("stand-in")).unwrap();
        self.file("stand-in", &format!("{known}node {node} 0 {gid} {mode}\n"));
    }
}
