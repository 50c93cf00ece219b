//! A page of a file that says whom this process is calling, for whoever comes after it.
//!
//! Does: note plugin and method while a call runs, and read what a process left behind that did not end by itself.
//! Does not: judge; a process may have been killed by somebody who meant no plugin.
//! Invariant: a mark reaches the file without a system call, so it is there whatever ends the process, SIGKILL included.

use std::{
    fs::{File, OpenOptions},
    io,
    num::NonZeroUsize,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// Size of the file: one page on every system that we know, or less.
const FILE_BYTES: NonZeroUsize = NonZeroUsize::new(4_096).expect("4,096 is not 0");
/// Size of one note: its state, then its text, then zeros.
const SLOT_BYTES: usize = 256;

const FREE: u8 = 0;
const TAKEN: u8 = 1;
const WRITTEN: u8 = b'!';

/// Whom a process was calling when it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crumb {
    /// The plugin's id.
    pub plugin: String,
    /// The method.
    pub method: String,
}

/// The page, mapped into this process.
#[derive(Debug)]
pub struct Breadcrumb {
    page: NonNull<AtomicU8>,
}

// SAFETY: the page consists of atomic bytes, stays mapped until the last reference is gone, and is never moved.
#[expect(unsafe_code, reason = "a mapping is a pointer, and those are not Send by themselves")]
unsafe impl Send for Breadcrumb {}
// SAFETY: as above; all access goes through atomics.
#[expect(unsafe_code, reason = "a mapping is a pointer, and those are not Sync by themselves")]
unsafe impl Sync for Breadcrumb {}

impl Breadcrumb {
    /// Opens the file, makes it where there is none, and returns whom its last user was calling when it ended.
    ///
    /// # Errors
    /// If the file cannot be made or mapped.
    pub fn open(path: &Path) -> io::Result<(Arc<Self>, Vec<Crumb>)> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        // A file that is too short would be mapped, and reading it would end this process.
        file.set_len(FILE_BYTES.get() as u64)?;
        let crumb = Self::map(&file)?;
        let left = crumb.slots().filter_map(read).collect();
        crumb.bytes().iter().for_each(|byte| byte.store(FREE, Ordering::Relaxed));
        Ok((Arc::new(crumb), left))
    }

    #[expect(unsafe_code, reason = "maps a file")]
    fn map(file: &File) -> io::Result<Self> {
        // SAFETY: a new shared mapping at a place that the system chooses touches no memory of ours. The file lies in the data folder, which this
        // process has to itself; whoever else changes it changes atomic bytes.
        let page = unsafe {
            mmap(None, FILE_BYTES, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED, file, 0)
        }?;
        Ok(Self { page: page.cast() })
    }

    /// Notes that a call begins; the note is there until the mark is dropped. With more calls at once than there is room for, the rest go unnoted.
    pub fn mark(self: &Arc<Self>, plugin: &str, method: &str) -> Mark {
        let take =
            |slot: &&[AtomicU8]| slot[0].compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok();
        let slot = self.slots().enumerate().find(|(_, slot)| take(slot));
        if let Some((_, slot)) = slot {
            write(slot, plugin, method);
        }
        Mark { crumb: Arc::clone(self), slot: slot.map(|(index, _)| index) }
    }

    fn slots(&self) -> impl Iterator<Item = &[AtomicU8]> {
        self.bytes().chunks_exact(SLOT_BYTES)
    }

    #[expect(unsafe_code, reason = "a mapping is a pointer")]
    fn bytes(&self) -> &[AtomicU8] {
        // SAFETY: `map` made the mapping of this many bytes, `drop` ends it, and atomic bytes may be shared and need no alignment.
        unsafe { std::slice::from_raw_parts(self.page.as_ptr(), FILE_BYTES.get()) }
    }
}

impl Drop for Breadcrumb {
    #[expect(unsafe_code, reason = "ends a mapping")]
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nobody has a reference into it any more.
        let _ = unsafe { munmap(self.page.cast(), FILE_BYTES.get()) };
    }
}

/// A call under way; dropping it takes the note away.
#[derive(Debug)]
pub struct Mark {
    crumb: Arc<Breadcrumb>,
    slot: Option<usize>,
}

impl Drop for Mark {
    fn drop(&mut self) {
        let Some(index) = self.slot else { return };
        if let Some(slot) = self.crumb.slots().nth(index) {
            slot[0].store(FREE, Ordering::Release);
        }
    }
}

fn write(slot: &[AtomicU8], plugin: &str, method: &str) {
    let text = plugin.bytes().chain([b'\n']).chain(method.bytes()).chain([b'\n']);
    // Zeros behind the text end it, and wipe a longer one that stood there.
    for (place, byte) in slot[1..].iter().zip(text.chain(std::iter::repeat(0))) {
        place.store(byte, Ordering::Relaxed);
    }
    slot[0].store(WRITTEN, Ordering::Release);
}

fn read(slot: &[AtomicU8]) -> Option<Crumb> {
    if slot[0].load(Ordering::Acquire) != WRITTEN {
        return None;
    }
    let bytes: Vec<u8> =
        slot[1..].iter().map(|byte| byte.load(Ordering::Relaxed)).take_while(|byte| *byte != 0).collect();
    let text = String::from_utf8(bytes).ok()?;
    let (plugin, method) = text.split_once('\n')?;
    Some(Crumb { plugin: plugin.to_owned(), method: method.trim_end().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOTS: usize = FILE_BYTES.get() / SLOT_BYTES;

    fn crumb(plugin: &str, method: &str) -> Crumb {
        Crumb { plugin: plugin.into(), method: method.into() }
    }

    #[test]
    fn a_process_that_ends_in_a_call_leaves_its_name_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crumb");
        let (page, left) = Breadcrumb::open(&path).unwrap();
        assert_eq!(left, []);
        drop(page.mark("org.example.fine", "plan"));
        // A process that is killed drops nothing.
        std::mem::forget(page.mark("org.example.bad", "plan"));
        std::mem::forget(page.mark("org.example.worse", "pick_audio"));
        let (_, left) = Breadcrumb::open(&path).unwrap();
        assert_eq!(left, [crumb("org.example.bad", "plan"), crumb("org.example.worse", "pick_audio")]);
        assert_eq!(Breadcrumb::open(&path).unwrap().1, []);
    }

    #[test]
    fn more_calls_than_there_is_room_for_are_made_without_a_note() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crumb");
        let (page, _) = Breadcrumb::open(&path).unwrap();
        let marks: Vec<_> = (0..SLOTS + 3).map(|index| page.mark(&format!("p{index}"), "plan")).collect();
        assert_eq!(Breadcrumb::open(&path).unwrap().1.len(), SLOTS);
        drop(marks);
    }

    #[test]
    fn a_name_that_is_too_long_and_a_file_of_nonsense_do_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crumb");
        std::fs::write(&path, [b'!'; 9_000]).unwrap();
        let (page, left) = Breadcrumb::open(&path).unwrap();
        assert_eq!(left, []);
        let mark = page.mark(&"x".repeat(1_000), "plan");
        drop((mark, page));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 4_096);
    }
}
