//! Level 1: what a library shows at its door.

use std::{error::Error, path::Path, time::Duration};

use exstreamtv_loader::{EntryFault, LoadError, PluginFile, Sidecar, check_place};

use crate::{
    contract::Contract,
    stopwatch::Stopwatch,
    symbols,
    verdict::{Outcome, Verdict},
};

/// Looking at a library may take this long.
const SCAN_MS: u128 = 100;

/// Beyond this a host gives up looking.
const SCAN_LIMIT: Duration = Duration::from_secs(10);

/// Nobody but root and the user who runs the host may write the library.
///
/// # Errors
/// Says who may.
pub fn place(file: &Path) -> Outcome {
    check_place(file)
        .map(drop)
        .map_err(|fault| Verdict::failed(format_args!("the host would fail to {}", chain(&fault))))
}

/// The library can be loaded and exports an entry of this version.
///
/// # Errors
/// Says what is wrong with it.
pub fn entry(file: &Path) -> Outcome {
    match PluginFile::open(file) {
        Ok(_) => Ok(()),
        // These have rules of their own.
        Err(LoadError::Place { .. }) => Err(Verdict::skipped("the host would not trust the file's place")),
        Err(LoadError::Entry { source, .. }) if is_of_descriptor(&source) => Ok(()),
        Err(error) => Err(Verdict::failed(format_args!("the host would fail to {}", chain(&error)))),
    }
}

/// Every descriptor is well-formed, and no two have the same id.
///
/// # Errors
/// Names the first text that is not.
pub fn descriptors(file: &Path) -> Outcome {
    let plugins = match PluginFile::open(file) {
        Ok(plugins) => plugins,
        Err(LoadError::Entry { source, .. }) if is_of_descriptor(&source) => {
            return Err(Verdict::failed(format_args!("the host would fail to {}", chain(&source))));
        }
        Err(_) => return Err(not_loaded()),
    };
    let strange = plugins.descriptors().iter().find(|descriptor| Contract::named(&descriptor.contract).is_none());
    strange.map_or(Ok(()), |descriptor| {
        let known = Contract::ALL.map(Contract::word).join(", ");
        let text = format!("{} has the contract {:?}; there are {known}", descriptor.id, descriptor.contract);
        Err(Verdict::failed(text))
    })
}

/// The sidecar is there and says what the library says.
///
/// # Errors
/// Names the first difference.
pub fn sidecar(file: &Path) -> Outcome {
    let plugins = PluginFile::open(file).map_err(|_| not_loaded())?;
    let name = Sidecar::path_of(file);
    let failed = |error: &dyn Error| Verdict::failed(format_args!("the host would fail to {}", chain(error)));
    let sidecar = Sidecar::beside(file).map_err(|error| failed(&error))?;
    let Some(sidecar) = sidecar else {
        return Err(Verdict::failed(format_args!("there is no file {}", name.display())));
    };
    sidecar.differences(plugins.descriptors()).first().map_or(Ok(()), |difference| Err(Verdict::failed(difference)))
}

/// The library exports its entry and nothing else.
///
/// # Errors
/// A warning that names what it exports.
pub fn exports(file: &Path) -> Outcome {
    let symbols = symbols::of_library(file).map_err(|error| Verdict::skipped(format_args!("failed to {error}")))?;
    let wanted = |name: &str| name.starts_with("exstreamtv_plugin_entry_v") || LINKER_SYMBOLS.contains(&name);
    let other: Vec<_> = symbols.exported.iter().filter(|name| !wanted(name)).map(String::as_str).collect();
    if other.is_empty() {
        return Ok(());
    }
    let shown = other.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    Err(Verdict::Warned { what: format!("it exports {} symbols more, {shown} among them", other.len()) })
}

/// What linkers export by themselves.
const LINKER_SYMBOLS: [&str; 6] = ["_init", "_fini", "__bss_start", "_edata", "_end", "__end__"];

/// Loading and describing take no time.
///
/// # Errors
/// A warning if they take long, a failure if a host would not wait.
pub fn scan_time(file: &Path) -> Outcome {
    let watch = Stopwatch::start();
    let loaded = PluginFile::open(file);
    let taken = watch.elapsed();
    loaded.map_err(|_| not_loaded())?;
    let what = format!("loading and describing took {} ms, {SCAN_MS} ms are allowed", taken.as_millis());
    if taken > SCAN_LIMIT {
        Err(Verdict::failed(what))
    } else if taken.as_millis() > SCAN_MS {
        // A machine under load is slow with anything, so this alone refuses nobody.
        Err(Verdict::Warned { what })
    } else {
        Ok(())
    }
}

fn not_loaded() -> Verdict {
    Verdict::skipped("the library cannot be loaded")
}

fn is_of_descriptor(fault: &EntryFault) -> bool {
    match fault {
        EntryFault::Count { .. }
        | EntryFault::NotDescribed { .. }
        | EntryFault::Text { .. }
        | EntryFault::Duplicate { .. }
        | EntryFault::NoJson { .. }
        | EntryFault::Permission { .. }
        | EntryFault::Minor { .. } => true,
        EntryFault::Size { what, .. } => *what == "descriptor",
        EntryFault::Null | EntryFault::Magic { .. } | EntryFault::Major { .. } | EntryFault::Function { .. } => false,
    }
}

/// Returns an error with its causes; those that say the same are said once.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        cause = next.source();
    }
    text
}
