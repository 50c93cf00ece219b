//! Finds devices that may be video cards, without opening one.
//!
//! Does: look at `/dev`, `/sys` and `/proc`.
//! Does not: know which of them are good for anything.
//! Invariant: what is found depends on the files below the root alone.

use exstreamtv_hardware::{
    Facts,
    detect::{Found, System},
    profile::Enumerate,
};

use super::{owners::Owners, root::Root};

/// Names of V4L2 devices that code video; cameras and receivers are none.
const CODERS: [&str; 9] = ["codec", "-enc", "-dec", "venus", "mfc", "coda", "wave5", "allegro", "vpu"];

/// Returns what this machine is and has.
pub fn system(root: &Root) -> System {
    let owners = Owners::of(root);
    let drm = drm(root, &owners);
    let nvidia = nvidia(root, &owners);
    let vulkan = vulkan(&drm, &nvidia);
    let mut devices = [drm, nvidia, vulkan, v4l2(root, &owners), rockchip(root, &owners)].concat();
    let platform = owners.platform();
    if platform.starts_with("macos") {
        let facts = Facts::default();
        devices.push(Found { enumerate: Enumerate::Videotoolbox, device: String::new(), nodes: Vec::new(), facts });
    }
    System { kernel: kernel(root), user: owners.user(), platform, disabled_quirks: Vec::new(), devices }
}

/// Debian and Ubuntu name a kernel after the first of its line ("6.1.0-28-amd64"), and say elsewhere which one it is: quirks depend on that.
fn kernel(root: &Root) -> Option<String> {
    // "Ubuntu 6.8.0-49.49-generic 6.8.12"
    let ubuntu = root.line("/proc/version_signature").and_then(|line| Some(line.split_whitespace().nth(2)?.to_owned()));
    // "Linux version 6.1.0-28-amd64 (…) #1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22)"
    let debian = || {
        let line = root.line("/proc/version")?;
        let (_, version) = line.split_once(" Debian ")?;
        Some(version.split([' ', '-']).next()?.to_owned())
    };
    ubuntu.or_else(debian).or_else(|| released(root))
}

fn released(root: &Root) -> Option<String> {
    let real = || if root.is_stand_in() { None } else { sysinfo::System::kernel_version().ok() };
    root.line("/proc/sys/kernel/osrelease").or_else(real)
}

fn drm(root: &Root, owners: &Owners<'_>) -> Vec<Found> {
    let nodes = root.names("/dev/dri").into_iter().filter(|name| name.starts_with("renderD"));
    nodes.map(|name| one_drm(&name, root, owners)).collect()
}

fn one_drm(name: &str, root: &Root, owners: &Owners<'_>) -> Found {
    let device = format!("/dev/dri/{name}");
    let about = format!("/sys/class/drm/{name}/device");
    let mut facts = Facts::default();
    facts.set_known("device.vendor", root.line(&format!("{about}/vendor")));
    facts.set_known("device.id", root.line(&format!("{about}/device")));
    facts.set_known("device.driver", root.link_name(&format!("{about}/driver")));
    // Intel's integrated card is the second device of the first bus; all others are cards of their own.
    let uevent = root.read(&format!("{about}/uevent")).unwrap_or_default();
    let slot = uevent.lines().find_map(|line| line.strip_prefix("PCI_SLOT_NAME="));
    if facts.text("device.vendor") == Some("0x8086") {
        facts.set_known("device.kind", slot.map(|slot| if slot == "0000:00:02.0" { "integrated" } else { "discrete" }));
    }
    Found { enumerate: Enumerate::Drm, nodes: vec![owners.node(&device)], device, facts }
}

/// CUDA counts the cards that it sees by their place on the bus, because the profile tells it to.
fn nvidia(root: &Root, owners: &Owners<'_>) -> Vec<Found> {
    let minors: Vec<String> = root.names("/dev").iter().filter_map(|name| minor(name)).collect();
    let buses = root.names("/proc/driver/nvidia/gpus");
    let mut cards: Vec<(String, Option<String>)> = Vec::new();
    for bus in buses {
        let text = root.read(&format!("/proc/driver/nvidia/gpus/{bus}/information")).unwrap_or_default();
        let value = |label: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(label))?;
            Some(line.trim_start_matches(':').trim().to_owned())
        };
        // A container has the nodes of its cards alone, and sees all of them here.
        if let Some(minor) = value("Device Minor").filter(|minor| minors.contains(minor)) {
            cards.push((minor, value("Model").filter(|model| model != "Unknown")));
        }
    }
    let mut unlisted: Vec<String> =
        minors.into_iter().filter(|minor| cards.iter().all(|(known, _)| known != minor)).collect();
    unlisted.sort_by_key(|minor| minor.parse::<u32>().unwrap_or(u32::MAX));
    cards.extend(unlisted.into_iter().map(|minor| (minor, None)));
    let card = |(at, (minor, model)): (usize, (String, Option<String>))| one_nvidia(at, &minor, model, owners, root);
    cards.into_iter().enumerate().map(card).collect()
}

fn minor(name: &str) -> Option<String> {
    let digits = name.strip_prefix("nvidia")?;
    (!digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())).then(|| digits.to_owned())
}

fn one_nvidia(at: usize, minor: &str, model: Option<String>, owners: &Owners<'_>, root: &Root) -> Found {
    let mut facts = Facts::default();
    facts.set("device.vendor", "0x10de");
    facts.set("device.driver", "nvidia");
    facts.set_known("device.name", model);
    let control = ["/dev/nvidiactl", "/dev/nvidia-uvm"].into_iter().filter(|path| root.exists(path));
    let nodes = std::iter::once(format!("/dev/nvidia{minor}")).chain(control.map(str::to_owned));
    let nodes = nodes.map(|path| owners.node(&path)).collect();
    Found { enumerate: Enumerate::Nvidia, device: at.to_string(), nodes, facts }
}

/// Vulkan counts by itself; whatever card is there is one of its devices.
fn vulkan(drm: &[Found], nvidia: &[Found]) -> Vec<Found> {
    let cards = if drm.len() >= nvidia.len() { drm } else { nvidia };
    let one = |(at, card): (usize, &Found)| Found {
        enumerate: Enumerate::Vulkan,
        device: at.to_string(),
        nodes: card.nodes.clone(),
        // Which of them it is shows when it is opened.
        facts: Facts::default(),
    };
    cards.iter().enumerate().map(one).collect()
}

/// FFmpeg looks for the right one by itself, so all of them are one device; an encoder's node stands for them.
fn v4l2(root: &Root, owners: &Owners<'_>) -> Vec<Found> {
    let mut coders = Vec::new();
    for video in root.names("/sys/class/video4linux").into_iter().filter(|name| name.starts_with("video")) {
        let name = root.line(&format!("/sys/class/video4linux/{video}/name")).unwrap_or_default();
        if CODERS.iter().any(|part| name.to_lowercase().contains(part)) && root.exists(&format!("/dev/{video}")) {
            coders.push((video, name));
        }
    }
    let encoder = coders.iter().find(|(_, name)| name.contains("enc")).or(coders.first());
    let Some((video, name)) = encoder else { return Vec::new() };
    let mut facts = board(root);
    facts.set("device.name", name.as_str());
    let driver = root.link_name(&format!("/sys/class/video4linux/{video}/device/driver"));
    facts.set_known("device.driver", driver);
    let nodes = vec![owners.node(&format!("/dev/{video}"))];
    vec![Found { enumerate: Enumerate::V4l2, device: String::new(), nodes, facts }]
}

fn rockchip(root: &Root, owners: &Owners<'_>) -> Vec<Found> {
    if !root.exists("/dev/mpp_service") {
        return Vec::new();
    }
    let others = ["/dev/rga"].into_iter().filter(|path| root.exists(path));
    let nodes = std::iter::once("/dev/mpp_service").chain(others).map(|path| owners.node(path)).collect();
    vec![Found { enumerate: Enumerate::Rockchip, device: String::new(), nodes, facts: board(root) }]
}

/// What a board calls itself in its device tree.
fn board(root: &Root) -> Facts {
    let mut facts = Facts::default();
    if let Some(names) = root.read("/proc/device-tree/compatible") {
        let names: Vec<&str> = names.split(['\0', '\n']).filter(|name| !name.is_empty()).collect();
        facts.set("device.compatible", names);
    }
    facts
}
