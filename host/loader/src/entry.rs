//! What a library must show at its door.
//!
//! Does: read and check the entry, and everything that it describes.
//! Does not: make instances.
//! Invariant: an [`Entry`] holds functions that are there, and descriptors that may be shown to people.

use exstreamtv_plugin_api as api;

use crate::{ABI, Descriptor};

/// Most plugins of one library.
const MAX_PLUGINS: u32 = 64;

/// Why what a library shows cannot be used; fits after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    /// The entry function returns NULL.
    #[error("get an entry: {} returns NULL", api::ENTRY_SYMBOL)]
    Null,
    /// It is no entry of ours.
    #[error("recognise the entry: it begins with {found:#010x} where {:#010x} must stand", api::MAGIC)]
    Magic {
        /// What stands there.
        found: u32,
    },
    /// It speaks another major version.
    #[error("use ABI {found_major}.{found_minor}: this host speaks {}.{}; get a build of the plugin for ABI {}", ABI.0, ABI.1, ABI.0)]
    Major {
        /// Its major version.
        found_major: u32,
        /// Its minor version.
        found_minor: u32,
    },
    /// It needs a newer host.
    #[error("use {id}: it needs ABI {major}.{needs}, this host speaks {major}.{host}; update EXStreamTV")]
    Minor {
        /// Which plugin.
        id: String,
        /// The major version of both.
        major: u32,
        /// The minor version that it needs.
        needs: u32,
        /// The minor version that we speak.
        host: u32,
    },
    /// A struct is smaller than its first version.
    #[error("read its {what}: it says it has {found} bytes, at least {needed} are needed; set struct_size with sizeof")]
    Size {
        /// Which struct.
        what: &'static str,
        /// What it says.
        found: u32,
        /// What the first version has.
        needed: usize,
    },
    /// A required function is missing.
    #[error("find the function {name}: it is NULL")]
    Function {
        /// Which one.
        name: &'static str,
    },
    /// It describes nothing, or more than anybody would.
    #[error("use {found} plugins: a library describes from 1 to {MAX_PLUGINS}")]
    Count {
        /// What it says.
        found: u32,
    },
    /// A plugin that it counts is not described.
    #[error("read the description of plugin {index}: describe({index}) returns NULL")]
    NotDescribed {
        /// Which one.
        index: u32,
    },
    /// A text is not as the header says.
    #[error("use the {field} of plugin {index}: {reason}")]
    Text {
        /// Which plugin.
        index: u32,
        /// Which text.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Two plugins have the same id.
    #[error("tell plugins apart: the library describes {id} twice")]
    Duplicate {
        /// Which id.
        id: String,
    },
    /// It cannot read JSON.
    #[error("talk to {id}: it does not know JSON, which every plugin must")]
    NoJson {
        /// Which plugin.
        id: String,
    },
    /// It wants what we do not give.
    #[error("give {id} the permission {permission}: this host gives none")]
    Permission {
        /// Which plugin.
        id: String,
        /// What it wants.
        permission: String,
    },
}

impl EntryFault {
    /// Checks the size that a struct says it has.
    pub(crate) fn check_size(what: &'static str, found: u32, needed: usize) -> Result<(), Self> {
        // Where u32 is wider than usize no struct is that large.
        let enough = usize::try_from(found).is_ok_and(|found| found >= needed);
        if enough { Ok(()) } else { Err(Self::Size { what, found, needed }) }
    }
}

/// A checked entry.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) create: api::CreateFn,
    pub(crate) descriptors: Vec<Descriptor>,
}

impl Entry {
    /// Reads an entry, and all that it describes.
    ///
    /// # Safety
    /// `foreign` must be NULL or what the entry function of a library returned that keeps the rules of the header; the library must stay loaded.
    #[expect(unsafe_code, reason = "follows the pointers of a library and calls its functions")]
    pub(crate) unsafe fn read(foreign: *const api::Entry) -> Result<Self, EntryFault> {
        if foreign.is_null() {
            return Err(EntryFault::Null);
        }
        // SAFETY: not NULL; every version of an entry begins with its magic number. Each later read waits for what allows it.
        let magic = unsafe { (&raw const (*foreign).magic).read() };
        if magic != api::MAGIC {
            return Err(EntryFault::Magic { found: magic });
        }
        // SAFETY: with our magic number these three members are there in every version.
        let (size, major, minor) = unsafe {
            let entry = foreign;
            (
                (&raw const (*entry).struct_size).read(),
                (&raw const (*entry).abi_major).read(),
                (&raw const (*entry).abi_minor).read(),
            )
        };
        if major != ABI.0 {
            return Err(EntryFault::Major { found_major: major, found_minor: minor });
        }
        EntryFault::check_size("entry", size, size_of::<api::Entry>())?;
        // SAFETY: the size says that all members are there.
        let entry = unsafe { foreign.read() };
        let missing = |name| EntryFault::Function { name };
        let count = entry.count.ok_or_else(|| missing("count"))?;
        let describe = entry.describe.ok_or_else(|| missing("describe"))?;
        let create = entry.create.ok_or_else(|| missing("create"))?;
        // SAFETY: the header lets us call it from any thread, and the library is loaded.
        let found = unsafe { count() };
        if !(1..=MAX_PLUGINS).contains(&found) {
            return Err(EntryFault::Count { found });
        }
        // SAFETY: `describe` is the library's own, and the caller promises that it keeps the rules.
        let descriptors =
            (0..found).map(|index| unsafe { described(describe, index) }).collect::<Result<Vec<_>, _>>()?;
        distinct(&descriptors)?;
        Ok(Self { create, descriptors })
    }
}

/// Asks a library for one descriptor.
///
/// # Safety
/// `describe` must be a function of a loaded library that keeps the rules of the header.
#[expect(unsafe_code, reason = "calls a function of a library")]
unsafe fn described(describe: api::DescribeFn, index: u32) -> Result<Descriptor, EntryFault> {
    // SAFETY: it may be called from any thread, with any index.
    let foreign = unsafe { describe(index) };
    if foreign.is_null() {
        return Err(EntryFault::NotDescribed { index });
    }
    // SAFETY: not NULL; descriptors are static, and have the size that they say.
    unsafe { Descriptor::read(index, foreign) }
}

fn distinct(descriptors: &[Descriptor]) -> Result<(), EntryFault> {
    let twice = |(position, descriptor): &(usize, &Descriptor)| {
        descriptors[..*position].iter().any(|earlier| earlier.id == descriptor.id)
    };
    match descriptors.iter().enumerate().find(twice) {
        Some((_, descriptor)) => Err(EntryFault::Duplicate { id: descriptor.id.clone() }),
        None => Ok(()),
    }
}
