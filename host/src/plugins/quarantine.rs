//! Plugins that are not asked any more, or not inside the host.
//!
//! Does: count strikes, put a plugin away after three in ten minutes, and remember that in a file that people and the command line may change.
//! Does not: notice misbehaviour; whoever calls does.
//! Invariant: what the file says is in force, also when it was changed while the host runs.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Clock;

/// Strikes within [`WINDOW`] that put a plugin away.
const STRIKES: usize = 3;
const WINDOW: TimeDelta = TimeDelta::minutes(10);

/// The name of the file in the data folder.
pub const FILE: &str = "plugins.json";

/// Why and since when a plugin is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Held {
    /// From where it is kept.
    pub scope: Scope,
    /// Why, in words for people.
    pub reason: String,
    /// Since when, Unix milliseconds.
    pub since_ms: i64,
}

/// From where a plugin is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// It is not asked; the built-in strategy answers.
    Everywhere,
    /// It was being called when the host died, so it works in a process of its own, whatever the configuration says.
    InProcess,
}

/// The file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Saved {
    quarantined: BTreeMap<String, Held>,
}

/// Who is held. Shared by all plugins.
pub struct Quarantine {
    file: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    ledger: Mutex<Ledger>,
}

#[derive(Default)]
struct Ledger {
    held: BTreeMap<String, Held>,
    strikes: HashMap<String, VecDeque<DateTime<Utc>>>,
    /// Which file `held` is from.
    version: Option<Version>,
}

/// What tells one version of the file from the next: clocks of file systems tick slowly, but each version is a file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    inode: u64,
    bytes: u64,
    written: SystemTime,
}

impl Version {
    fn of(file: &Path) -> Option<Self> {
        let facts = file.metadata().ok()?;
        Some(Self { inode: facts.ino(), bytes: facts.len(), written: facts.modified().ok()? })
    }
}

impl Quarantine {
    /// Opens the file; without one, nothing is remembered beyond this process.
    pub fn open(file: Option<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self { file, clock, ledger: Mutex::default() }
    }

    /// Returns why a plugin is held, if it is.
    pub fn held(&self, id: &str) -> Option<Held> {
        self.ledger().held.get(id).cloned()
    }

    /// Returns everything that is held, by id.
    pub fn list(&self) -> BTreeMap<String, Held> {
        self.ledger().held.clone()
    }

    /// Counts a strike; returns whether it was the one too many.
    pub fn strike(&self, id: &str, reason: &str) -> bool {
        let now = self.clock.now();
        let mut ledger = self.ledger();
        let strikes = ledger.strikes.entry(id.to_owned()).or_default();
        strikes.push_back(now);
        strikes.retain(|moment| now - moment < WINDOW);
        if strikes.len() < STRIKES {
            return false;
        }
        ledger.strikes.remove(id);
        let reason =
            format!("{STRIKES} failures within {} minutes, the last one: it failed to {reason}", WINDOW.num_minutes());
        self.put(&mut ledger, id, Scope::Everywhere, reason, now);
        true
    }

    /// Holds a plugin that was being called when the host died.
    pub fn confine(&self, id: &str, reason: String) {
        let now = self.clock.now();
        let mut ledger = self.ledger();
        if !ledger.held.contains_key(id) {
            self.put(&mut ledger, id, Scope::InProcess, reason, now);
        }
    }

    /// Lets a plugin go; returns whether it was held.
    ///
    /// # Errors
    /// If that cannot be remembered.
    pub fn clear(&self, id: &str) -> io::Result<bool> {
        let mut ledger = self.ledger();
        let was_held = ledger.held.remove(id).is_some();
        ledger.strikes.remove(id);
        if was_held {
            self.save(&mut ledger)?;
        }
        Ok(was_held)
    }

    fn put(&self, ledger: &mut Ledger, id: &str, scope: Scope, reason: String, now: DateTime<Utc>) {
        tracing::error!(
            plugin.id = id,
            ?scope,
            reason,
            "a plugin is put into quarantine; `exstreamtv plugin quarantine clear` ends that"
        );
        ledger.held.insert(id.to_owned(), Held { scope, reason, since_ms: now.timestamp_millis() });
        if let Err(error) = self.save(ledger) {
            tracing::warn!(%error, "the quarantine cannot be remembered and ends with this process");
        }
    }

    /// Returns the ledger as the file has it.
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &self.file else { return ledger };
        let version = Version::of(file);
        if version != ledger.version {
            ledger.version = version;
            let saved = std::fs::read(file).map(|bytes| serde_json::from_slice::<Saved>(&bytes));
            ledger.held = match saved {
                Ok(Ok(saved)) => saved.quarantined,
                // Somebody removed the file: nobody is held.
                Err(_) => BTreeMap::new(),
                Ok(Err(error)) => {
                    tracing::warn!(%error, file = %file.display(), "the quarantine file cannot be read; what it said before stays in force");
                    return ledger;
                }
            };
        }
        ledger
    }

    /// Replaces the file as a whole, so that a reader never sees half of it.
    fn save(&self, ledger: &mut Ledger) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let folder = file.parent().unwrap_or(Path::new("."));
        let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut fresh, &Saved { quarantined: ledger.held.clone() })?;
        fresh.write_all(b"\n")?;
        fresh.persist(file).map_err(|error| error.error)?;
        ledger.version = Version::of(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Default)]
    struct Hands(AtomicI64);

    impl Clock for Hands {
        fn now(&self) -> DateTime<Utc> {
            DateTime::from_timestamp(self.0.load(Ordering::Relaxed), 0).unwrap()
        }
    }

    fn open(folder: &tempfile::TempDir, hands: &Arc<Hands>) -> Quarantine {
        Quarantine::open(Some(folder.path().join(FILE)), hands.clone())
    }

    #[test]
    fn three_strikes_in_ten_minutes_put_a_plugin_away_also_after_a_restart() {
        let (folder, hands) = (tempfile::tempdir().unwrap(), Arc::new(Hands::default()));
        let quarantine = open(&folder, &hands);
        assert!(!quarantine.strike("bad", "answer"));
        assert!(!quarantine.strike("bad", "answer"));
        assert!(!quarantine.strike("other", "answer"), "strikes are counted for each by itself");
        assert!(quarantine.strike("bad", "answer in time"));
        let held = open(&folder, &hands).held("bad").unwrap();
        assert_eq!(held.scope, Scope::Everywhere);
        assert!(held.reason.contains("answer in time"), "{held:?}");
        assert_eq!(quarantine.held("other"), None);
    }

    #[test]
    fn strikes_that_lie_far_apart_are_forgiven() {
        let (folder, hands) = (tempfile::tempdir().unwrap(), Arc::new(Hands::default()));
        let quarantine = open(&folder, &hands);
        for _ in 0..9 {
            assert!(!quarantine.strike("slow", "answer"));
            hands.0.fetch_add(301, Ordering::Relaxed);
        }
    }

    #[test]
    fn clearing_elsewhere_is_noticed_and_strikes_begin_anew() {
        let (folder, hands) = (tempfile::tempdir().unwrap(), Arc::new(Hands::default()));
        let running = open(&folder, &hands);
        running.confine("bad", "the host ended during plan".into());
        assert_eq!(running.held("bad").unwrap().scope, Scope::InProcess);
        let command_line = open(&folder, &hands);
        assert!(command_line.clear("bad").unwrap());
        assert!(!command_line.clear("bad").unwrap());
        assert_eq!(running.held("bad"), None);
        assert!(!running.strike("bad", "answer"));
    }

    #[test]
    fn a_file_of_nonsense_does_not_let_anybody_go() {
        let (folder, hands) = (tempfile::tempdir().unwrap(), Arc::new(Hands::default()));
        let quarantine = open(&folder, &hands);
        quarantine.confine("bad", "crash".into());
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(quarantine.held("bad").is_some());
        std::fs::remove_file(folder.path().join(FILE)).unwrap();
        assert_eq!(quarantine.held("bad"), None);
    }
}
