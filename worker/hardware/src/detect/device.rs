//! Devices as the system shows them, before anybody opens one.
//!
//! Invariant: a device that this user may not open says whose group may.

use crate::{Facts, Reason, ReasonKind, profile::Enumerate};

/// What is known about this machine before FFmpeg is asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct System {
    /// "linux-x86_64".
    pub platform: String,
    /// Version of the kernel.
    pub kernel: Option<String>,
    /// Who we are, for advice.
    pub user: String,
    /// Quirks that somebody switched off, by their ids.
    pub disabled_quirks: Vec<String>,
    /// Every device that may be a card.
    pub devices: Vec<Found>,
}

/// A device that may be a card.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Where it was looked for.
    pub enumerate: Enumerate,
    /// What `{device}` stands for; empty where there is only one.
    pub device: String,
    /// Files that have to be opened.
    pub nodes: Vec<Node>,
    /// What is known about it: `device.*`.
    pub facts: Facts,
}

/// A file of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where.
    pub path: String,
    /// Whether it can be opened.
    pub access: Access,
}

/// Whether a file can be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// By this user.
    Open,
    /// Not by this user.
    Denied {
        /// Who could, if anybody but its owner.
        group: Option<Group>,
    },
}

/// A group of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its number.
    pub id: u32,
    /// Its name, if it has one here; in a container it may not.
    pub name: Option<String>,
}

impl Found {
    /// Returns why this user cannot use it, if he cannot.
    pub fn denial(&self, user: &str) -> Option<Reason> {
        self.nodes.iter().find_map(|node| node.denial(user))
    }
}

impl Node {
    fn denial(&self, user: &str) -> Option<Reason> {
        let Access::Denied { group } = &self.access else { return None };
        let path = &self.path;
        let what = if path.contains("renderD") { "the render node" } else { "the device" };
        let again = "then start the server again";
        let (because, advice) = match group {
            Some(Group { name: Some(name), .. }) => (
                format!("{what} {path} exists, but this user ({user}) is not in group {name}"),
                format!("usermod -aG {name} {user}, {again}"),
            ),
            Some(Group { id, name: None }) => (
                format!("{what} {path} exists, but this user ({user}) is not in group {id}, which has no name here"),
                format!("in a container: --group-add {id}; else give the group a name and add {user} to it, {again}"),
            ),
            None => (
                format!("{what} {path} exists, but only its owner may open it, and this user ({user}) is not"),
                format!(
                    "let a group open it (udev rule: MODE=\"0660\", GROUP=\"render\") and add {user} to that, {again}"
                ),
            ),
        };
        Some(Reason::new(ReasonKind::Permission, because).advise(advice))
    }
}

/// Returns why a machine has no device of a kind.
pub(super) fn none_found(enumerate: Enumerate, others: &[String]) -> Reason {
    let (because, advice) = match enumerate {
        Enumerate::None => return Reason::new(ReasonKind::Unknown, "software needs no device"),
        Enumerate::Nvidia => {
            ("there is no NVIDIA card (/dev/nvidia0)", "where there is one, load its driver (nvidia-smi does)")
        }
        Enumerate::Drm => (
            "there is no graphics card of this make (/dev/dri/renderD*)",
            "where there is one, its kernel driver may be missing; a container needs --device /dev/dri",
        ),
        Enumerate::V4l2 => ("there is no video coder (/dev/video*)", "cameras are none"),
        Enumerate::Rockchip => {
            ("there is no Rockchip coder (/dev/mpp_service)", "where there is one, use a kernel with mpp_service")
        }
        Enumerate::Vulkan => {
            ("there is no graphics card (/dev/dri/renderD*, /dev/nvidia0)", "software renderers do not count")
        }
        Enumerate::Videotoolbox => ("this is no Mac", "use a Mac"),
    };
    let seen = if others.is_empty() { String::new() } else { format!("; there is {}", others.join(", ")) };
    Reason::new(ReasonKind::NoDevice, format!("{because}{seen}")).advise(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(path: &str, group: Option<Group>) -> String {
        let node = Node { path: path.to_owned(), access: Access::Denied { group } };
        node.denial("exstreamtv").unwrap().to_string()
    }

    #[test]
    fn a_denial_says_which_group_and_what_to_type() {
        let render = Group { id: 104, name: Some("render".to_owned()) };
        assert_eq!(
            denial("/dev/dri/renderD128", Some(render)),
            "the render node /dev/dri/renderD128 exists, but this user (exstreamtv) is not in group render; \
             usermod -aG render exstreamtv, then start the server again"
        );
        assert!(denial("/dev/video11", Some(Group { id: 44, name: None })).contains("--group-add 44"));
        assert!(denial("/dev/nvidia0", None).contains("only its owner may open it"));
    }
}
