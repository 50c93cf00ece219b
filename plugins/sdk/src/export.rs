//! How a library shows its strategies to the host.
//!
//! Does: describe strategies, make them, and define the one function that a plugin exports.
//! Does not: call strategies; that is `glue`.
//! Invariant: what a library exports is a constant; nothing runs when it is loaded.

use exstreamtv_plugin_api as api;
use exstreamtv_plugin_api::{Descriptor, Entry, Slice};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Host, Picker, Resolver, Scheduler, glue};

/// What a plugin says about itself. The sidecar `NAME.plugin.toml` beside the library says the same.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// "org.example.marathon": lower case letters, digits, dots and hyphens, at most 64 bytes. Channels ask for it by this name; it never changes.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// Semantic version. `export_plugins!` fills in the package's.
    pub version: &'static str,
    /// Who made it.
    pub vendor: &'static str,
    /// SPDX expression. `export_plugins!` fills in the package's.
    pub licence: &'static str,
    /// Where to read more; may be empty. `export_plugins!` fills in the package's repository.
    pub url: &'static str,
    /// The oldest minor version of the host that it can work with; 0 unless it uses something that was added later.
    pub min_host_minor: u32,
}

impl About {
    /// Returns what can be said about a plugin from its package alone.
    pub const fn package(version: &'static str, licence: &'static str, url: &'static str) -> Self {
        Self { id: "", name: "", version, vendor: "", licence, url, min_host_minor: 0 }
    }
}

/// What a strategy gets when it is made.
#[derive(Debug)]
pub struct Start {
    /// A handle on the host, which may be kept.
    pub host: Host,
    /// The plugin's own document from the host's configuration; `null` where there is none.
    pub config: Value,
}

impl Start {
    /// Reads the configuration; where there is none, the default.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn config<T: DeserializeOwned + Default>(&self) -> Result<T, StartError> {
        if self.config.is_null() {
            return Ok(T::default());
        }
        T::deserialize(&self.config).map_err(|source| StartError::Config { source })
    }
}

/// Why a strategy cannot start; reads well after "failed to".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration is not the document that it should be.
    #[error("read the plugin's configuration")]
    Config {
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The configuration asks for something that cannot be.
    #[error("use the plugin's configuration: {reason}")]
    BadConfig {
        /// What is wrong, and what would be right.
        reason: String,
    },
}

/// Makes a strategy of one contract.
type Make<T> = fn(Start) -> Result<Box<T>, StartError>;

/// One strategy of a library: what it says about itself, and how it is made. Written by `export_plugins!`.
pub struct Export {
    pub(crate) about: About,
    pub(crate) descriptor: Descriptor,
    pub(crate) make: Maker,
}

/// How a strategy is made, by contract.
pub(crate) enum Maker {
    Scheduler(Make<dyn Scheduler>),
    Picker(Make<dyn Picker>),
    Resolver(Make<dyn Resolver>),
}

impl Export {
    /// Exports a scheduler.
    pub const fn scheduler(about: About, make: Make<dyn Scheduler>) -> Self {
        Self::new(about, api::CONTRACT_SCHEDULER, Maker::Scheduler(make))
    }

    /// Exports a picker.
    pub const fn picker(about: About, make: Make<dyn Picker>) -> Self {
        Self::new(about, api::CONTRACT_PICKER, Maker::Picker(make))
    }

    /// Exports a resolver.
    pub const fn resolver(about: About, make: Make<dyn Resolver>) -> Self {
        Self::new(about, api::CONTRACT_RESOLVER, Maker::Resolver(make))
    }

    const fn new(about: About, contract: &'static str, make: Maker) -> Self {
        let descriptor = Descriptor {
            struct_size: size_of::<Descriptor>() as u32,
            min_host_minor: about.min_host_minor,
            id: Slice::of_text(about.id),
            name: Slice::of_text(about.name),
            version: Slice::of_text(about.version),
            vendor: Slice::of_text(about.vendor),
            licence: Slice::of_text(about.licence),
            url: Slice::of_text(about.url),
            contract: Slice::of_text(contract),
            encodings: api::ENCODING_JSON,
            permissions: api::PERMISSION_NONE,
        };
        Self { about, descriptor, make }
    }
}

/// The strategies of a library. Implemented by `export_plugins!`.
pub trait Library: Sized + 'static {
    /// The strategies, in the order of the sidecar.
    const EXPORTS: &'static [Export];
    /// What the exported function returns.
    const ENTRY: &'static Entry = &glue::entry::<Self>();
}

/// The strategies of a library as the host gets them: for the exported function, and for tests with the kit.
#[derive(Debug, Clone, Copy)]
pub struct Exported {
    entry: &'static Entry,
}

impl Exported {
    /// Returns the strategies of a library.
    pub const fn of<L: Library>() -> Self {
        Self { entry: L::ENTRY }
    }

    /// Returns what the exported function returns.
    pub const fn entry(self) -> &'static Entry {
        self.entry
    }
}

/// Exports the strategies of this library to the host. To be written once, in a crate of type `cdylib`.
///
/// Each strategy has its contract (`scheduler`, `picker` or `resolver`), its [`About`](crate::About), and a function that makes it. `version`, `licence` and
/// `url` are the package's unless they are given.
///
/// ```
/// use exstreamtv_plugin_sdk::{export_plugins, ProposeError, Resolver, incident::*};
///
/// struct Patience;
///
/// impl Resolver for Patience {
///     fn propose(&self, _: &ProposeRequest) -> Result<ProposeAnswer, ProposeError> {
///         Ok(ProposeAnswer { proposals: Vec::new(), notes: vec!["it will pass".into()] })
///     }
/// }
///
/// export_plugins! {
///     resolver { id: "org.example.patience", name: "Patience", vendor: "Example" } => |_start| Ok(Box::new(Patience));
/// }
/// # fn main() {}
/// ```
///
/// The macro defines `exstreamtv_plugin_entry_v1`, which the host looks for, and `exported_plugins()`, which a test gives to the kit.
#[macro_export]
macro_rules! export_plugins {
    ($($contract:ident { $($member:ident : $value:expr),+ $(,)? } => $make:expr;)+) => {
        // A panic must be caught before it reaches the host, and there is nothing to catch where panics abort.
        #[cfg(panic = "abort")]
        ::core::compile_error!("build plugins with panic = \"unwind\": with \"abort\" a bug in a plugin would end the host");

        /// Returns the strategies of this library, for tests with the kit.
        pub fn exported_plugins() -> $crate::Exported {
            enum Here {}
            impl $crate::Library for Here {
                const EXPORTS: &'static [$crate::Export] = &[$(
                    $crate::Export::$contract(
                        $crate::About {
                            $($member: $value,)+
                            ..$crate::About::package(
                                ::core::env!("CARGO_PKG_VERSION"),
                                ::core::env!("CARGO_PKG_LICENSE"),
                                ::core::env!("CARGO_PKG_REPOSITORY"),
                            )
                        },
                        $make,
                    ),
                )+];
            }
            $crate::Exported::of::<Here>()
        }

        /// Returns what this library is: the one function that the host looks for.
        #[unsafe(no_mangle)]
        pub extern "C" fn exstreamtv_plugin_entry_v1() -> *const $crate::api::Entry {
            exported_plugins().entry()
        }
    };
}
