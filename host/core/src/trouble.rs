//! One channel's incident: from the first thing that goes wrong until the programme is back.
//!
//! Does: fold what belongs together into one incident with the first, true cause, and say when it begins, grows and ends.
//! Does not: store it, heal it, or know other channels.
//! Invariant: at most one incident is open; each is told once as begun and once as over, unless it comes back within [`AFTERSHOCK_MS`].

use exstreamtv_model::Cause;

/// A failure so soon after the end of an incident, with the same cause and item, is the same incident.
pub const AFTERSHOCK_MS: i64 = 60_000;

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Why.
    pub cause: Cause,
    /// What was to be shown.
    pub title: String,
    /// In which slot, by its first frame: an incident is over when this slot's programme, or a later one's, is on air.
    pub slot_first: i64,
    /// What exactly happened, for operators.
    pub detail: String,
}

/// An incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// What went wrong first.
    pub fault: Fault,
    /// When, wall clock, Unix milliseconds.
    pub began_ms: i64,
    /// When the programme was back.
    pub ended_ms: Option<i64>,
    /// How often something went wrong until then.
    pub failures: u32,
}

/// What is new about the incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It has begun.
    Began(Incident),
    /// It has grown, or come back, or is over.
    Changed(Incident),
}

/// The incidents of one channel, one at a time.
#[derive(Debug, Default)]
pub struct Trouble {
    latest: Option<Incident>,
}

impl Trouble {
    /// Something went wrong at `now_ms`.
    pub fn fault(&mut self, fault: Fault, now_ms: i64) -> Change {
        if let Some(incident) = self.latest.as_mut().filter(|incident| incident.goes_on_with(&fault, now_ms)) {
            incident.failures += 1;
            incident.ended_ms = None;
            return Change::Changed(incident.clone());
        }
        let incident = Incident { fault, began_ms: now_ms, ended_ms: None, failures: 1 };
        Change::Began(self.latest.insert(incident).clone())
    }

    /// The programme of the slot that begins at `slot_first` is on air.
    pub fn shown(&mut self, slot_first: i64, now_ms: i64) -> Option<Change> {
        let incident =
            self.latest.as_mut().filter(|open| open.ended_ms.is_none() && open.fault.slot_first <= slot_first)?;
        incident.ended_ms = Some(now_ms);
        Some(Change::Changed(incident.clone()))
    }

    /// Slots were given other places: whatever is shown next ends what is open.
    pub fn forget_place(&mut self) {
        if let Some(incident) = &mut self.latest {
            incident.fault.slot_first = i64::MIN;
        }
    }

    /// Returns the incident that is not over.
    pub fn open(&self) -> Option<&Incident> {
        self.latest.as_ref().filter(|incident| incident.ended_ms.is_none())
    }
}

impl Incident {
    /// An open incident takes whatever goes wrong until it is over: a worker that dies takes its FFmpeg along, and a slate that cannot be
    /// drawn on a full disk is no second incident.
    fn goes_on_with(&self, fault: &Fault, now_ms: i64) -> bool {
        match self.ended_ms {
            None => true,
            Some(ended_ms) => {
                let same = (self.fault.cause, self.fault.slot_first) == (fault.cause, fault.slot_first);
                same && now_ms - ended_ms < AFTERSHOCK_MS
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(cause: Cause, slot_first: i64) -> Fault {
        Fault { cause, title: "Film".into(), slot_first, detail: String::new() }
    }

    #[test]
    fn everything_until_the_programme_is_back_is_one_incident_with_its_first_cause() {
        let mut trouble = Trouble::default();
        assert!(matches!(trouble.fault(fault(Cause::WorkerLost, 100), 1_000), Change::Began(_)));
        let Change::Changed(grown) = trouble.fault(fault(Cause::FfmpegCrashed, 100), 2_000) else {
            panic!("a second one")
        };
        assert_eq!((grown.fault.cause, grown.failures), (Cause::WorkerLost, 2));
        let Some(Change::Changed(over)) = trouble.shown(100, 3_000) else { panic!("not over") };
        assert_eq!((over.began_ms, over.ended_ms), (1_000, Some(3_000)));
        assert_eq!(trouble.shown(100, 3_040), None);
    }

    #[test]
    fn the_end_of_the_programme_before_does_not_end_the_incident_of_the_next_one() {
        let mut trouble = Trouble::default();
        trouble.fault(fault(Cause::SourceMissing, 500), 1_000);
        assert_eq!(trouble.shown(100, 2_000), None);
        assert!(trouble.open().is_some());
        assert!(trouble.shown(900, 3_000).is_some());
    }

    #[test]
    fn the_same_failure_within_a_minute_is_the_same_incident_and_another_is_not() {
        let mut trouble = Trouble::default();
        trouble.fault(fault(Cause::FfmpegHung, 100), 1_000);
        trouble.shown(100, 5_000);
        assert!(matches!(trouble.fault(fault(Cause::FfmpegHung, 100), 60_000), Change::Changed(_)));
        trouble.shown(100, 61_000);
        assert!(matches!(trouble.fault(fault(Cause::FfmpegCrashed, 100), 62_000), Change::Began(_)));
        trouble.shown(100, 63_000);
        assert!(matches!(trouble.fault(fault(Cause::FfmpegCrashed, 100), 123_000), Change::Began(_)));
    }
}
