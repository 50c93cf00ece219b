//! The database as one repository reaches it.
//!
//! Does: hand out connections, and have the time that they are held counted for the repository's family.
//! Does not: know any statement.
//! Invariant: whoever reads or writes rows goes through here, so no time goes uncounted.

use std::sync::Arc;

use crate::{
    StoreError,
    connections::{Change, Connections, Reader},
    telemetry::{FamilyMeter, FamilyReport},
};

/// Whose statements they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Broadcast,
    Channel,
    Checks,
    Chronicle,
    Collection,
    Learning,
    Media,
    Playout,
    Pool,
    Schedule,
    Screen,
    SessionTotal,
    Healing,
}

const FAMILIES: [(Family, &str); 13] = [
    (Family::Broadcast, "broadcast"),
    (Family::Channel, "channel"),
    (Family::Checks, "checks"),
    (Family::Chronicle, "chronicle"),
    (Family::Collection, "collection"),
    (Family::Learning, "learning"),
    (Family::Media, "media"),
    (Family::Playout, "playout"),
    (Family::Pool, "pool"),
    (Family::Schedule, "schedule"),
    (Family::Screen, "screen"),
    (Family::SessionTotal, "session_total"),
    (Family::Healing, "healing"),
];

/// The times of all families of one store.
#[derive(Debug, Default)]
pub(crate) struct Meters([Arc<FamilyMeter>; FAMILIES.len()]);

/// What a repository holds.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    connections: Arc<Connections>,
    meters: Arc<Meters>,
    family: Family,
}

impl Access {
    pub(crate) fn new(connections: Arc<Connections>, meters: Arc<Meters>, family: Family) -> Self {
        Self { connections, meters, family }
    }

    /// Returns the same for another family.
    pub(crate) fn of(&self, family: Family) -> Self {
        Self { family, ..self.clone() }
    }

    /// Returns a connection that cannot write.
    pub(crate) async fn read(&self) -> Result<Reader, StoreError> {
        self.connections.read(Some(self.meters.of(self.family))).await
    }

    /// Begins a transaction of the only writer; it is rolled back unless it is committed.
    pub(crate) async fn write(&self) -> Result<Change, StoreError> {
        self.connections.write(Some(self.meters.of(self.family))).await
    }

    /// Returns the writer outside a transaction, for what SQLite allows only there.
    pub(crate) async fn writer(&self) -> Result<Reader, StoreError> {
        self.connections.writer().await
    }
}

impl Meters {
    fn of(&self, family: Family) -> Arc<FamilyMeter> {
        Arc::clone(&self.0[family as usize])
    }

    /// Returns the times of every family.
    pub(crate) fn reports(&self) -> Vec<FamilyReport> {
        FAMILIES.iter().map(|(family, name)| self.0[*family as usize].report(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_its_place_in_the_table() {
        for (place, (family, _)) in FAMILIES.into_iter().enumerate() {
            assert_eq!(family as usize, place);
        }
    }
}
