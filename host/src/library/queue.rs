//! What is to be scanned next.
//!
//! Does: join requests that one scan can serve.
//! Does not: scan, wait or know the time.
//! Invariant: no waiting request is covered by another one that waits.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What one scan looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The root.
    pub root: PathBuf,
    /// Where to look: the root or a folder below it.
    pub folder: PathBuf,
    /// How carefully.
    pub care: Care,
}

/// How carefully a scan looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Care {
    /// Whether sidecars of unchanged files are read anew.
    pub sidecars: bool,
    /// Whether whatever is not there is believed to be gone.
    pub believe_removals: bool,
}

impl Care {
    /// Files whose size and time are known are left alone.
    pub const QUICK: Self = Self { sidecars: false, believe_removals: false };
    /// Sidecars are read anew.
    pub const THOROUGH: Self = Self { sidecars: true, believe_removals: false };

    fn join(self, other: Self) -> Self {
        Self {
            sidecars: self.sidecars || other.sidecars,
            believe_removals: self.believe_removals || other.believe_removals,
        }
    }
}

/// Scans that wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Queue {
    roots: Vec<PathBuf>,
    /// By folder; the root of a folder is the one of `roots` that holds it.
    waiting: BTreeMap<PathBuf, Care>,
}

/// From so many folders on, one scan of everything is less work.
const MAX_FOLDERS: usize = 32;

impl Queue {
    /// Replaces the roots; roots inside other roots are dropped. Returns those that are new.
    pub fn set_roots(&mut self, roots: &[PathBuf]) -> Vec<PathBuf> {
        let mut outer: Vec<PathBuf> = Vec::new();
        for root in roots {
            let is_inside = roots.iter().any(|other| other != root && root.starts_with(other));
            if !is_inside && !outer.contains(root) {
                outer.push(root.clone());
            }
        }
        let fresh = outer.iter().filter(|root| !self.roots.contains(root)).cloned().collect();
        self.roots = outer;
        let roots = &self.roots;
        self.waiting.retain(|folder, _| roots.iter().any(|root| folder.starts_with(root)));
        fresh
    }

    /// Returns the roots.
    pub fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// Returns whether something waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Asks for a scan of every root.
    pub fn ask_all(&mut self, care: Care) {
        for root in self.roots.clone() {
            self.ask(&root, care);
        }
    }

    /// Asks for a scan of a folder; one outside every root is ignored.
    pub fn ask(&mut self, folder: &Path, care: Care) {
        let Some(root) = self.root_of(folder).map(Path::to_owned) else { return };
        if let Some((above, waiting)) = folder.ancestors().find_map(|above| self.waiting.get_key_value(above)) {
            let (above, care) = (above.clone(), waiting.join(care));
            self.waiting.insert(above, care);
            return;
        }
        let mut joined = care;
        self.waiting.retain(|below, waiting| {
            let is_covered = below.starts_with(folder);
            if is_covered {
                joined = joined.join(*waiting);
            }
            !is_covered
        });
        self.waiting.insert(folder.to_owned(), joined);
        if self.waiting.keys().filter(|other| other.starts_with(&root)).count() > MAX_FOLDERS {
            self.ask(&root, joined);
        }
    }

    /// Takes out the next scan.
    pub fn next(&mut self) -> Option<Target> {
        let (folder, care) = self.waiting.pop_first()?;
        let root = self.root_of(&folder)?.to_owned();
        Some(Target { root, folder, care })
    }

    fn root_of(&self, folder: &Path) -> Option<&Path> {
        self.roots.iter().map(PathBuf::as_path).find(|root| folder.starts_with(root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(roots: &[&str]) -> Queue {
        let mut queue = Queue::default();
        queue.set_roots(&roots.iter().map(PathBuf::from).collect::<Vec<_>>());
        queue
    }

    fn drain(queue: &mut Queue) -> Vec<(String, bool)> {
        let next = || queue.next().map(|target| (target.folder.display().to_string(), target.care.sidecars));
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn requests_for_the_same_folder_are_one() {
        let mut queue = queue(&["/a", "/b"]);
        queue.ask(Path::new("/a"), Care::QUICK);
        queue.ask(Path::new("/a"), Care::THOROUGH);
        queue.ask_all(Care::QUICK);
        assert_eq!(drain(&mut queue), [("/a".into(), true), ("/b".into(), false)]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_folder_is_covered_by_what_holds_it_and_covers_what_it_holds() {
        let mut queue = queue(&["/a"]);
        queue.ask(Path::new("/a/x/y"), Care::THOROUGH);
        queue.ask(Path::new("/a/x"), Care::QUICK);
        queue.ask(Path::new("/a/x/z"), Care::QUICK);
        queue.ask(Path::new("/a/xx"), Care::QUICK);
        assert_eq!(drain(&mut queue), [("/a/x".into(), true), ("/a/xx".into(), false)]);
    }

    #[test]
    fn what_lies_outside_is_ignored_and_many_folders_become_their_root() {
        let mut queue = queue(&["/a"]);
        queue.ask(Path::new("/b"), Care::QUICK);
        assert!(queue.is_empty());
        (0..100).for_each(|number| queue.ask(&PathBuf::from(format!("/a/{number}")), Care::QUICK));
        assert_eq!(drain(&mut queue), [("/a".into(), false)]);
    }

    #[test]
    fn new_roots_are_told_and_dropped_roots_are_forgotten() {
        let mut queue = queue(&["/a", "/b"]);
        queue.ask_all(Care::QUICK);
        let fresh = queue.set_roots(&["/b".into(), "/c".into(), "/c/inside".into(), "/c".into()]);
        assert_eq!(fresh, [PathBuf::from("/c")]);
        assert_eq!(queue.roots(), [PathBuf::from("/b"), "/c".into()]);
        assert_eq!(drain(&mut queue), [("/b".into(), false)]);
    }
}
