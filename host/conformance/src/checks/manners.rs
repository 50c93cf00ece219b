//! Level 5: the process around a plugin stays as it is.
//!
//! Output on standard output is not looked at here: the parent does, for every test.

use crate::{
    ask::Occasion,
    bench::{Bench, put, put_bytes},
    observe::{self, Surroundings},
    symbols,
    verdict::{Outcome, Verdict},
};

/// Functions that a plugin has no use for: it must not start processes, handle signals or change what the process shares.
const FORBIDDEN: [&str; 27] = [
    "fork",
    "vfork",
    "system",
    "popen",
    "execv",
    "execve",
    "execvp",
    "posix_spawn",
    "posix_spawnp",
    "signal",
    "sigaction",
    "bsd_signal",
    "raise",
    "setlocale",
    "newlocale",
    "uselocale",
    "chdir",
    "fchdir",
    "umask",
    "putenv",
    "setenv",
    "unsetenv",
    "clearenv",
    "rand",
    "random",
    "time",
    "gettimeofday",
];

/// Descriptors, folder, environment, umask, locale and signal table stay as they were, and no thread outlives its instance.
///
/// # Errors
/// Names what changed.
pub fn surroundings(bench: &Bench<'_>) -> Outcome {
    // What the first instance sets up once for all, like a runtime's own descriptors, must be right too: nothing is warmed up.
    let before = Surroundings::now();
    let threads = observe::thread_count();
    let asks = bench.asks(Occasion::Ordinary)?;
    let mut instance = bench.instance()?;
    for named in &asks {
        let _ = put(instance.as_mut(), &named.ask);
        let _ = put_bytes(instance.as_mut(), &named.ask, b"{");
    }
    drop(instance);
    if let Some(change) = before.changed(&Surroundings::now()).first() {
        return Err(Verdict::failed(change));
    }
    match (threads, observe::thread_count()) {
        (Some(then), Some(now)) if now > then => {
            Err(Verdict::failed(format_args!("{} of its threads run on after destroy has returned", now - then)))
        }
        _ => Ok(()),
    }
}

/// The library calls nothing that a plugin must not call.
///
/// # Errors
/// A warning that names what it imports; whether it is ever called cannot be seen from outside.
pub fn imports(file: &std::path::Path) -> Outcome {
    let symbols = symbols::of_library(file).map_err(|error| Verdict::skipped(format_args!("failed to {error}")))?;
    let found: Vec<_> = symbols.imported.iter().filter(|name| FORBIDDEN.contains(&name.as_str())).cloned().collect();
    if found.is_empty() {
        return Ok(());
    }
    Err(Verdict::Warned { what: format!("the library may call {}, which no plugin has a use for", found.join(", ")) })
}
