//! The survey of a whole machine: FFmpeg's build once, then the ladder of every card under every profile for it.
//!
//! Does: decide which profiles are for which devices, and put the answers together.
//! Does not: choose among cards.
//! Invariant: every profile is either a card's or absent with a reason; software is always there.

use std::{collections::VecDeque, sync::Arc};

use super::{Answer, Build, Found, Ladder, Question, Run, System, device};
use crate::{
    Capabilities, Condition, Detection, Profile, Profiles, Reason, ReasonKind, capabilities::Absent, profile::Enumerate,
};

/// The survey of a machine.
#[derive(Debug)]
pub struct Survey {
    system: System,
    profiles: Vec<Arc<Profile>>,
    build: Build,
    lists: VecDeque<List>,
    /// FFmpeg has been asked for everything.
    built: Option<Arc<Build>>,
    /// Whose ladder comes next: profile and device.
    waiting: VecDeque<(Arc<Profile>, Option<Found>)>,
    ladder: Option<Ladder>,
    cards: Vec<Capabilities>,
    absent: Vec<Absent>,
    no_ffmpeg: Option<Reason>,
}

/// FFmpeg's lists, in the order in which they are asked for.
#[derive(Debug, Clone, Copy)]
enum List {
    Version,
    Hwaccels,
    Encoders,
    Decoders,
    Filters,
}

impl List {
    const ALL: [Self; 5] = [Self::Version, Self::Hwaccels, Self::Encoders, Self::Decoders, Self::Filters];

    fn option(self) -> &'static str {
        match self {
            Self::Version => "-version",
            Self::Hwaccels => "-hwaccels",
            Self::Encoders => "-encoders",
            Self::Decoders => "-decoders",
            Self::Filters => "-filters",
        }
    }
}

impl Survey {
    /// Returns the survey of `system` with these profiles.
    pub fn new(system: System, profiles: &Profiles) -> Self {
        Self {
            system,
            profiles: profiles.by_rank().into_iter().cloned().map(Arc::new).collect(),
            build: Build::default(),
            lists: List::ALL.into(),
            built: None,
            waiting: VecDeque::new(),
            ladder: None,
            cards: Vec::new(),
            absent: Vec::new(),
            no_ffmpeg: None,
        }
    }

    /// Returns the next question; `None` when all is known.
    pub fn question(&mut self) -> Option<Question> {
        if self.no_ffmpeg.is_some() {
            return None;
        }
        if let Some(list) = self.lists.front() {
            return Some(Question::Run(Run::list(&[list.option()])));
        }
        let build = match &self.built {
            Some(build) => Arc::clone(build),
            None => self.begin(),
        };
        loop {
            if let Some(ladder) = &mut self.ladder {
                if let Some(question) = ladder.question() {
                    return Some(question);
                }
                self.cards.extend(self.ladder.take().map(Ladder::finish));
            }
            let (profile, found) = self.waiting.pop_front()?;
            self.ladder = Some(Ladder::new(profile, Arc::clone(&build), &self.system, found.as_ref()));
        }
    }

    /// Takes over the answer to the last question.
    pub fn answer(&mut self, answer: &Answer) {
        if let Some(list) = self.lists.pop_front() {
            self.listed(list, answer);
        } else if let Some(ladder) = &mut self.ladder {
            ladder.answer(answer);
        }
    }

    /// Returns what FFmpeg was built with, once that is known.
    pub fn build(&self) -> Option<&Build> {
        self.built.as_deref()
    }

    /// Returns what was found out.
    pub fn finish(mut self) -> Detection {
        if let Some(reason) = &self.no_ffmpeg {
            let absent = |profile: &Arc<Profile>| absent(profile, reason.clone());
            self.absent = self.profiles.iter().map(absent).collect();
        }
        let version = Some(self.build.version_text.clone()).filter(|version| !version.is_empty());
        Detection {
            ffmpeg: version,
            platform: self.system.platform.clone(),
            kernel: self.system.kernel.clone(),
            cards: self.cards,
            absent: self.absent,
        }
    }

    fn listed(&mut self, list: List, answer: &Answer) {
        let (stdout, stderr) = match answer {
            Answer::Ran { stdout, stderr, .. } => (stdout.as_str(), stderr.as_str()),
            Answer::NotStarted { message } => return self.no_ffmpeg(&format!("FFmpeg cannot be started: {message}")),
            Answer::TimedOut => return self.no_ffmpeg("FFmpeg does not say what it was built with; it hangs"),
            Answer::NoClip { .. } | Answer::File(_) => return self.no_ffmpeg("FFmpeg was not asked"),
        };
        match list {
            List::Version if self.build.read_version(stdout) => {}
            List::Version => {
                let said = stdout.lines().chain(stderr.lines()).next().unwrap_or("nothing");
                let said: String = said.chars().take(200).collect();
                self.no_ffmpeg(&format!("asked for its version, FFmpeg said {said:?}"));
            }
            List::Hwaccels => self.build.read_hwaccels(stdout),
            List::Encoders => self.build.read_encoders(stdout),
            List::Decoders => self.build.read_decoders(stdout),
            List::Filters => self.build.read_filters(stdout),
        }
    }

    fn no_ffmpeg(&mut self, because: &str) {
        let advice = "install FFmpeg 5.1 or newer, or name it in [ffmpeg] ffmpeg";
        self.no_ffmpeg = Some(Reason::new(ReasonKind::Unknown, because).advise(advice));
    }

    /// Decides which profiles are for which devices.
    fn begin(&mut self) -> Arc<Build> {
        for profile in &self.profiles {
            if !profile.fits(&self.system.platform) {
                let because =
                    format!("it is for {}, and this is {}", profile.platforms.join(", "), self.system.platform);
                self.absent.push(absent(profile, Reason::new(ReasonKind::Platform, because)));
                continue;
            }
            if profile.is_software() {
                self.waiting.push_back((Arc::clone(profile), None));
                continue;
            }
            let (ours, others) = self.devices_of(profile);
            if ours.is_empty() {
                self.absent.push(absent(profile, device::none_found(profile.device.enumerate, &others)));
            }
            self.waiting.extend(ours.into_iter().map(|found| (Arc::clone(profile), Some(found))));
        }
        let build = Arc::new(self.build.clone());
        self.built = Some(Arc::clone(&build));
        build
    }

    /// Returns the devices that a profile is for, and what the others of their kind are.
    fn devices_of(&self, profile: &Profile) -> (Vec<Found>, Vec<String>) {
        let kind = profile.device.enumerate;
        let of_kind = self.system.devices.iter().filter(|found| found.enumerate == kind);
        let (ours, others): (Vec<_>, Vec<_>) =
            of_kind.cloned().partition(|found| Condition::all_hold(&profile.device.matches, &found.facts));
        (ours, others.iter().map(|found| describe(found, kind)).collect())
    }
}

fn describe(found: &Found, kind: Enumerate) -> String {
    let text = |field| found.facts.text(field);
    let driver = text("device.driver").map(|driver| format!(" ({driver})")).unwrap_or_default();
    match (text("device.name").or_else(|| text("device.vendor")), found.nodes.first()) {
        (Some(name), Some(node)) => format!("{name}{driver} at {}", node.path),
        (None, Some(node)) => format!("{}{driver}", node.path),
        (name, None) => format!("{}{driver}", name.map_or_else(|| format!("{kind:?}"), str::to_owned)),
    }
}

fn absent(profile: &Profile, reason: Reason) -> Absent {
    Absent { profile: profile.id.clone(), title: profile.title.clone(), reason }
}
