//! The contracts and their methods, as words and numbers of the interface.
//!
//! Does: name them, and say how long a call may take.
//! Does not: call anything.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a plugin promises to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contract {
    /// `exstreamtv.scheduler/1`.
    Scheduler,
    /// `exstreamtv.picker/1`.
    Picker,
    /// `exstreamtv.resolver/1`.
    Resolver,
}

/// What a plugin can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Are these settings right, and what do they draw from?
    Prepare,
    /// What is on air in this window?
    Plan,
    /// Which sound is played?
    PickAudio,
    /// Which subtitles are shown?
    PickSubtitle,
    /// What may be done?
    Propose,
}

impl Contract {
    /// Every contract of this version.
    pub const ALL: [Self; 3] = [Self::Scheduler, Self::Picker, Self::Resolver];

    /// Returns the contract of a descriptor's word for it.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|contract| contract.word() == word)
    }

    /// Returns a descriptor's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Scheduler => "exstreamtv.scheduler/1",
            Self::Picker => "exstreamtv.picker/1",
            Self::Resolver => "exstreamtv.resolver/1",
        }
    }

    /// Returns what a plugin of this contract can be asked.
    pub fn methods(self) -> &'static [Method] {
        match self {
            Self::Scheduler => &[Method::Prepare, Method::Plan],
            Self::Picker => &[Method::PickAudio, Method::PickSubtitle],
            Self::Resolver => &[Method::Propose],
        }
    }
}

impl Method {
    /// Returns the method's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Plan => "plan",
            Self::PickAudio => "pick_audio",
            Self::PickSubtitle => "pick_subtitle",
            Self::Propose => "propose",
        }
    }

    /// Returns the method of a name on the wire.
    pub fn named(name: &str) -> Option<Self> {
        let all = Contract::ALL.into_iter().flat_map(Contract::methods);
        all.copied().find(|method| method.name() == name)
    }

    /// Returns how long the host waits for an answer.
    pub fn deadline(self) -> Duration {
        match self {
            Self::Prepare => Duration::from_secs(2),
            Self::Plan => Duration::from_secs(10),
            Self::PickAudio | Self::PickSubtitle => Duration::from_millis(500),
            Self::Propose => Duration::from_secs(5),
        }
    }

    /// Returns whether a plugin of the contract may leave the method out; a picker may pick only one of sound and subtitles.
    pub fn is_optional(self) -> bool {
        matches!(self, Self::Prepare | Self::PickAudio | Self::PickSubtitle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_their_contract_and_names_their_method() {
        for contract in Contract::ALL {
            assert_eq!(Contract::named(contract.word()), Some(contract));
            for method in contract.methods() {
                assert_eq!(Method::named(method.name()), Some(*method));
            }
        }
        assert_eq!(Contract::named("exstreamtv.scheduler/2"), None);
    }
}
