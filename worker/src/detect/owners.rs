//! Who may open what: users, groups, and the owners of device nodes.
//!
//! Does: ask the system, or read a stand-in's file `stand-in`, because a folder of a repository cannot have device nodes of other owners.
//! Invariant: a node that may not be opened has the group that may, if there is one.

use exstreamtv_hardware::detect::{Access, Group, Node};
use nix::unistd::{AccessFlags, Gid, User, access, geteuid};

use super::root::Root;

/// Who we are.
#[derive(Debug)]
pub struct Owners<'r> {
    root: &'r Root,
    /// Lines of the stand-in's file: "user NAME UID GIDS", "node PATH UID GID MODE", "platform NAME".
    stand_in: Vec<Vec<String>>,
}

impl<'r> Owners<'r> {
    /// Returns those of the machine at `root`.
    pub fn of(root: &'r Root) -> Self {
        let text = if root.is_stand_in() { root.read("/stand-in").unwrap_or_default() } else { String::new() };
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        Self { root, stand_in: text.lines().map(words).collect() }
    }

    /// Returns our name, or our number where we have none.
    pub fn user(&self) -> String {
        if self.root.is_stand_in() {
            return self.word("user", 1).unwrap_or("exstreamtv").to_owned();
        }
        let user = User::from_uid(geteuid()).ok().flatten();
        user.map_or_else(|| geteuid().to_string(), |user| user.name)
    }

    /// Returns "linux-x86_64".
    pub fn platform(&self) -> String {
        let ours = || format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
        self.word("platform", 1).map_or_else(ours, str::to_owned)
    }

    /// Returns a node with whether we may open it.
    pub fn node(&self, path: &str) -> Node {
        let allowed = if self.root.is_stand_in() { self.pretended(path) } else { Self::real(path) };
        let access = match allowed {
            Ok(()) => Access::Open,
            Err(group) => Access::Denied { group },
        };
        Node { path: path.to_owned(), access }
    }

    fn real(path: &str) -> Result<(), Option<Group>> {
        use std::os::unix::fs::MetadataExt;
        if access(path, AccessFlags::R_OK | AccessFlags::W_OK).is_ok() {
            return Ok(());
        }
        let owner = std::fs::metadata(path).ok();
        let group = owner.filter(|owner| owner.mode() & 0o060 == 0o060 && owner.gid() != 0);
        Err(group.map(|owner| {
            let name = nix::unistd::Group::from_gid(Gid::from_raw(owner.gid())).ok().flatten();
            Group { id: owner.gid(), name: name.map(|group| group.name) }
        }))
    }

    /// By the bits of the mode, as the kernel does it for who is not root.
    fn pretended(&self, path: &str) -> Result<(), Option<Group>> {
        let Some(line) = self.lines("node").find(|line| line.get(1).is_some_and(|known| known == path)) else {
            return Ok(());
        };
        let number = |at: usize| line.get(at).and_then(|word| word.parse::<u32>().ok()).unwrap_or(0);
        let (uid, gid) = (number(2), number(3));
        let mode = line.get(4).and_then(|word| u32::from_str_radix(word, 8).ok()).unwrap_or(0o666);
        let user: Option<&Vec<String>> = self.lines("user").next();
        let ours = |at: usize| user.and_then(|user| user.get(at)).map(String::as_str).unwrap_or_default();
        let in_group = ours(3).split(',').any(|id| id == gid.to_string());
        let bits = match () {
            () if ours(2) == uid.to_string() => mode >> 6,
            () if in_group => mode >> 3,
            () => mode,
        };
        if bits & 0o6 == 0o6 {
            return Ok(());
        }
        let helps = mode & 0o060 == 0o060 && gid != 0;
        Err(helps.then(|| Group { id: gid, name: self.group_name(gid) }))
    }

    fn group_name(&self, id: u32) -> Option<String> {
        let groups = self.root.read("/etc/group")?;
        let named = |line: &str| {
            let mut parts = line.split(':');
            let name = parts.next()?;
            (parts.nth(1)? == id.to_string()).then(|| name.to_owned())
        };
        groups.lines().find_map(named)
    }

    fn lines(&self, kind: &str) -> impl Iterator<Item = &Vec<String>> {
        self.stand_in.iter().filter(move |line| line.first().is_some_and(|first| first == kind))
    }

    fn word(&self, kind: &str, at: usize) -> Option<&str> {
        self.lines(kind).next()?.get(at).map(String::as_str)
    }
}
