//! A plugin library in this process.
//!
//! Does: load a library once its place is trusted, and check its entry.
//! Does not: protect from code that misbehaves while it is loaded; a first look belongs into a child process.
//! Invariant: a library that was loaded stays loaded until the process ends.

use std::path::{Path, PathBuf};

use exstreamtv_plugin_api as api;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::{Descriptor, EntryFault, PlaceFault, check_place, entry::Entry};

/// Why a library is not loaded; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Somebody else could have put it there.
    #[error("load plugin {}", .path.display())]
    Place {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: PlaceFault,
    },
    /// The system cannot load it.
    #[error("load plugin {}", .path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: libloading::Error,
    },
    /// It is a library, but no plugin.
    #[error("load plugin {}: it does not export {}", .path.display(), api::ENTRY_SYMBOL)]
    NoSymbol {
        /// Which file.
        path: PathBuf,
    },
    /// What it shows of itself cannot be used.
    #[error("load plugin {}", .path.display())]
    Entry {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: EntryFault,
    },
}

impl LoadError {
    /// Returns which file it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Place { path, .. } | Self::Open { path, .. } | Self::NoSymbol { path } | Self::Entry { path, .. } => {
                path
            }
        }
    }
}

/// A loaded plugin library.
#[derive(Debug, Clone)]
pub struct PluginFile {
    path: PathBuf,
    entry: Entry,
}

impl PluginFile {
    /// Loads a library and checks what it says about itself.
    ///
    /// # Errors
    /// If its place cannot be trusted, or it is no plugin that this host can use.
    #[expect(unsafe_code, reason = "loading a library runs its code")]
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        let named = || path.to_owned();
        let real = check_place(path).map_err(|source| LoadError::Place { path: named(), source })?;
        // SAFETY: loading runs the library's initialisers. That is what plugins are for; the place was checked, and the administrator vouches for
        // the contents. All symbols are bound now, so that a missing one is an error here and not a crash later, and stay invisible to others.
        let library = unsafe { Library::open(Some(&real), RTLD_NOW | RTLD_LOCAL) };
        let library = library.map_err(|source| LoadError::Open { path: named(), source })?;
        // SAFETY: a function of this name has this type, says the header; the number in the name is the major version of that promise.
        let symbol = unsafe { library.get::<api::EntryFn>(api::ENTRY_SYMBOL) };
        let entry = symbol.map(|symbol| *symbol).map_err(|_| LoadError::NoSymbol { path: named() });
        // Leaked on purpose. Nothing can tell whether a thread, a thread-local destructor or a registered handler of the library is still around, and
        // a Rust library that once used a thread-local stays mapped anyway; a pointer into an unloaded one would be worse than the memory.
        std::mem::forget(library);
        // SAFETY: the function belongs to a library that stays loaded, and may be called from any thread. So may what it returns.
        let entry = unsafe { Entry::read(entry?()) }.map_err(|source| LoadError::Entry { path: named(), source })?;
        Ok(Self { path: real, entry })
    }

    /// Returns the file's real path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what is inside; ids are distinct.
    pub fn descriptors(&self) -> &[Descriptor] {
        &self.entry.descriptors
    }

    pub(crate) fn create_function(&self) -> api::CreateFn {
        self.entry.create
    }
}
