//! How the machine is.
//!
//! Does: compare measurements with limits and say when something becomes tight, and when it is well again.
//! Does not: measure.
//! Invariant: each thing is said once when it begins and once when it is over; what hovers about a limit is not said again and again.

use chrono::{DateTime, Utc};

use crate::event::{Draft, LogLevel, LogSource};

/// What was measured; what the system does not tell is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Measured {
    /// Share of the memory that is free, 0 to 1.
    pub memory_free: Option<f64>,
    /// Share of the swap that is used, 0 to 1.
    pub swap_used: Option<f64>,
    /// Bytes free where the data lies.
    pub disk_free_bytes: Option<u64>,
    /// Share of that disk that is free, 0 to 1.
    pub disk_free: Option<f64>,
    /// Processes that want to run, of one minute, for each core.
    pub load_per_core: Option<f64>,
    /// The hottest sensor, degrees Celsius.
    pub temperature_c: Option<f64>,
    /// Processes that the kernel has killed for want of memory since it started.
    pub oom_kills: Option<u64>,
}

/// What can become tight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matter {
    Memory,
    Swap,
    Disk,
    Load,
    Heat,
}

/// When it is tight, and when it is well again; both are of the measured number, with its sign turned where little is bad.
struct Limit {
    matter: Matter,
    tight: f64,
    well: f64,
    level: LogLevel,
    begins: &'static str,
    ends: &'static str,
    tag: &'static str,
}

const LIMITS: [Limit; 5] = [
    Limit {
        matter: Matter::Memory,
        tight: -0.05,
        well: -0.10,
        level: LogLevel::Error,
        begins: "the machine runs out of memory",
        ends: "there is memory again",
        tag: "memory_pressure",
    },
    Limit {
        matter: Matter::Swap,
        tight: 0.80,
        well: 0.50,
        level: LogLevel::Warning,
        begins: "swap usage is high",
        ends: "swap usage is normal again",
        tag: "memory_pressure",
    },
    Limit {
        matter: Matter::Disk,
        tight: -0.02,
        well: -0.04,
        level: LogLevel::Error,
        begins: "the disk with the data is nearly full",
        ends: "there is room on the disk again",
        tag: "disk_full",
    },
    Limit {
        matter: Matter::Load,
        tight: 4.0,
        well: 2.0,
        level: LogLevel::Warning,
        begins: "the processors are overloaded",
        ends: "the processors keep up again",
        tag: "overload",
    },
    Limit {
        matter: Matter::Heat,
        tight: 95.0,
        well: 85.0,
        level: LogLevel::Warning,
        begins: "the machine is too hot",
        ends: "the machine has cooled down",
        tag: "heat",
    },
];

/// Watches the machine.
#[derive(Debug, Default)]
pub struct SystemWatch {
    tight: [bool; LIMITS.len()],
    oom_kills: Option<u64>,
}

impl SystemWatch {
    /// Returns what a measurement has to say.
    pub fn look(&mut self, now: DateTime<Utc>, measured: &Measured) -> Vec<Draft> {
        let mut said: Vec<Draft> = LIMITS
            .iter()
            .zip(&mut self.tight)
            .filter_map(|(limit, tight)| limit.compare(now, number(limit.matter, measured)?, tight, measured))
            .collect();
        said.extend(self.killed(now, measured));
        said
    }

    fn killed(&mut self, now: DateTime<Utc>, measured: &Measured) -> Option<Draft> {
        let kills = measured.oom_kills?;
        let before = self.oom_kills.replace(kills)?;
        let more = kills.saturating_sub(before);
        (more > 0).then(|| {
            let text = format!("out of memory: the kernel killed {more} processes");
            let mut draft = Draft::new(now, LogSource::System, LogLevel::Critical, text);
            draft.tags = vec!["oom_kill".to_owned(), "memory_pressure".to_owned()];
            draft.parsed_data.insert("killed".into(), more.into());
            draft
        })
    }
}

impl Limit {
    fn compare(&self, now: DateTime<Utc>, value: f64, tight: &mut bool, measured: &Measured) -> Option<Draft> {
        let (level, text) = match *tight {
            false if value > self.tight => (self.level, self.begins),
            true if value < self.well => (LogLevel::Info, self.ends),
            _ => return None,
        };
        *tight = !*tight;
        let mut draft = Draft::new(now, LogSource::System, level, text);
        draft.tags.push(self.tag.to_owned());
        draft.parsed_data.insert("measured".into(), value.abs().into());
        if let (Matter::Disk, Some(bytes)) = (self.matter, measured.disk_free_bytes) {
            draft.parsed_data.insert("free_bytes".into(), bytes.into());
        }
        Some(draft)
    }
}

fn number(matter: Matter, measured: &Measured) -> Option<f64> {
    let number = match matter {
        Matter::Memory => -measured.memory_free?,
        Matter::Swap => measured.swap_used?,
        Matter::Disk => -measured.disk_free?,
        Matter::Load => measured.load_per_core?,
        Matter::Heat => measured.temperature_c?,
    };
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::at;

    fn said(watch: &mut SystemWatch, measured: Measured) -> Vec<(LogLevel, String)> {
        watch.look(at(0), &measured).into_iter().map(|draft| (draft.level, draft.message)).collect()
    }

    #[test]
    fn what_becomes_tight_is_said_once_and_so_is_its_end() {
        let mut watch = SystemWatch::default();
        let memory = |free| Measured { memory_free: Some(free), ..Measured::default() };
        assert_eq!(said(&mut watch, memory(0.5)), []);
        assert_eq!(said(&mut watch, memory(0.04)), [(LogLevel::Error, "the machine runs out of memory".to_owned())]);
        for hovering in [0.04, 0.06, 0.045, 0.09] {
            assert_eq!(said(&mut watch, memory(hovering)), [], "{hovering}");
        }
        assert_eq!(said(&mut watch, memory(0.2)), [(LogLevel::Info, "there is memory again".to_owned())]);
        assert_eq!(said(&mut watch, memory(f64::NAN)), []);
    }

    #[test]
    fn each_matter_has_its_own_limit() {
        let mut watch = SystemWatch::default();
        let bad = Measured {
            memory_free: Some(0.01),
            swap_used: Some(0.9),
            disk_free: Some(0.01),
            disk_free_bytes: Some(5),
            load_per_core: Some(9.0),
            temperature_c: Some(99.0),
            oom_kills: Some(3),
        };
        let drafts = watch.look(at(0), &bad);
        assert_eq!(drafts.len(), LIMITS.len(), "kills before the first look are history");
        assert_eq!(drafts[2].parsed_data["free_bytes"], 5);
        assert!(drafts.iter().all(|draft| draft.source == LogSource::System && !draft.tags.is_empty()));
        assert_eq!(said(&mut watch, Measured { oom_kills: Some(5), ..bad }).len(), 1);
        assert_eq!(said(&mut watch, Measured { oom_kills: Some(5), ..bad }).len(), 0);
        assert_eq!(said(&mut watch, Measured::default()), [], "what is not known is not said");
    }
}
