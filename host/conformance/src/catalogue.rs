//! Every rule that is tested, as data.
//!
//! Does: say for each test its name, its level, whom it concerns, which rule it tests and what to do about a breach.
//! Does not: run anything.
//! Invariant: names are distinct, levels ascend.

use std::path::Path;

use crate::{
    bench::Bench,
    checks::{contract, deadline, door, input, lifecycle, manners, properties, purity, shares, state, threads},
    contract::Contract,
    verdict::Outcome,
};

/// One test of one rule.
#[derive(Debug, Clone, Copy)]
pub struct Test {
    /// Its name, for command lines and machines.
    pub name: &'static str,
    /// From which level on it is run.
    pub level: u8,
    /// Whom it concerns.
    pub concerns: Concerns,
    /// The rule, as a sentence about a plugin that keeps it.
    pub rule: &'static str,
    /// What an author can do about a breach.
    pub advice: &'static str,
    /// How it is tested.
    pub(crate) check: Check,
}

/// Whom a test concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concerns {
    /// The library as a whole.
    Library,
    /// Each of its plugins.
    EveryPlugin,
    /// Each of its plugins of one contract.
    Only(Contract),
}

/// How a rule is tested.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Check {
    /// On the file.
    File(fn(&Path) -> Outcome),
    /// On a plugin.
    Plugin(fn(&Bench<'_>) -> Outcome),
    /// By comparing what two processes get from a plugin.
    TwoProcesses,
}

/// The level that a plugin must reach to be of use.
pub const DEFAULT_LEVEL: u8 = 5;

/// The highest level.
pub const MAX_LEVEL: u8 = 9;

/// Returns the test of a name.
pub fn named(name: &str) -> Option<&'static Test> {
    CATALOGUE.iter().find(|test| test.name == name)
}

impl Concerns {
    /// Returns whether a plugin of the contract is concerned.
    pub fn includes(self, contract: Contract) -> bool {
        match self {
            Self::Library => false,
            Self::EveryPlugin => true,
            Self::Only(only) => only == contract,
        }
    }
}

const fn test(
    name: &'static str,
    level: u8,
    concerns: Concerns,
    check: Check,
    rule: &'static str,
    advice: &'static str,
) -> Test {
    Test { name, level, concerns, rule, advice, check }
}

const SCHEDULER: Concerns = Concerns::Only(Contract::Scheduler);

use Check::{File, Plugin, TwoProcesses};
use Concerns::{EveryPlugin, Library};

/// Every test, by level.
pub const CATALOGUE: &[Test] = &[
    test(
        "place",
        1,
        Library,
        File(door::place),
        "only root and the user who runs EXStreamTV may write the library and its folder",
        "take the right to write away: chmod go-w FILE FOLDER",
    ),
    test(
        "entry",
        1,
        Library,
        File(door::entry),
        "the library loads and exports exstreamtv_plugin_entry_v1, whose entry has the right magic, version, sizes and functions",
        "build it against exstreamtv_plugin.h as it is, with sizeof in every struct_size and every function set",
    ),
    test(
        "descriptors",
        1,
        Library,
        File(door::descriptors),
        "every descriptor has valid UTF-8 texts, an id of its own, a semantic version, a known contract and the encoding JSON",
        "compare the descriptor with the comments of exstreamtv_descriptor in the header",
    ),
    test(
        "sidecar",
        1,
        Library,
        File(door::sidecar),
        "NAME.plugin.toml lies beside the library and says what its descriptors say",
        "copy the descriptors' texts into the sidecar; the header shows one",
    ),
    test(
        "exports",
        1,
        Library,
        File(door::exports),
        "the library exports its entry function and nothing else",
        "build with -fvisibility=hidden; in Rust, use crate-type cdylib",
    ),
    test(
        "scan-time",
        1,
        Library,
        File(door::scan_time),
        "loading and describing take less than 100 ms",
        "do no work in initialisers and in describe(); return constants",
    ),
    test(
        "settings",
        2,
        SCHEDULER,
        Plugin(contract::settings),
        "a scheduler accepts the settings that its author gives for checks, or none",
        "name example settings in NAME.check.toml beside the library: [\"ID\"] settings = [\"settings.json\"]",
    ),
    test(
        "thousand-instances",
        2,
        EveryPlugin,
        Plugin(lifecycle::thousand_instances),
        "1,000 times create and destroy leave no descriptor, thread or memory behind",
        "free in destroy() what create() has taken, and join the threads that it has started",
    ),
    test(
        "thousand-calls",
        2,
        EveryPlugin,
        Plugin(lifecycle::thousand_calls),
        "1,000 calls of one instance leave no memory behind",
        "free what call() has taken on every way out of it, refusals included",
    ),
    test(
        "independent-instances",
        2,
        EveryPlugin,
        Plugin(lifecycle::independent_instances),
        "instances share nothing: one works on when another one is destroyed",
        "keep everything in the instance's data; no global variables",
    ),
    test(
        "configurations",
        2,
        EveryPlugin,
        Plugin(lifecycle::configurations),
        "create() works without a configuration, and takes or refuses a senseless one in good order",
        "treat an empty configuration, null and {} as none; refuse others with EXSTREAMTV_BAD_INPUT",
    ),
    test(
        "unknown-names",
        2,
        EveryPlugin,
        Plugin(lifecycle::unknown_names),
        "an unknown id gets EXSTREAMTV_UNKNOWN_ID, an unknown extension gets NULL",
        "compare the whole text, its length included",
    ),
    test(
        "unknown-method",
        2,
        EveryPlugin,
        Plugin(contract::unknown_method),
        "an unknown method gets EXSTREAMTV_UNKNOWN_METHOD, and the instance works on",
        "compare the whole text, its length included, before the request is read",
    ),
    test(
        "answers",
        3,
        EveryPlugin,
        Plugin(contract::answers),
        "an ordinary request gets an answer that is the contract's document and that the host can use",
        "compare the answer with the JSON Schema in plugins/schema and the example in plugins/vectors",
    ),
    test(
        "vectors",
        3,
        EveryPlugin,
        Plugin(contract::vectors),
        "the author's golden requests get their golden answers",
        "mend the plugin, or the vector if the answer has become a better one",
    ),
    test(
        "unknown-members",
        3,
        EveryPlugin,
        Plugin(contract::unknown_members),
        "members of a request that the plugin does not know change nothing",
        "skip members that are not known; in Rust, leave out deny_unknown_fields",
    ),
    test(
        "spelling",
        3,
        EveryPlugin,
        Plugin(contract::spelling),
        "the order of members and blanks in a request change nothing",
        "read requests member by member, in whatever order they come",
    ),
    test(
        "malformed-input",
        4,
        EveryPlugin,
        Plugin(input::malformed),
        "a request that is not the method's document is refused with EXSTREAMTV_BAD_INPUT and a text that says why",
        "read the whole request before anything is answered, and look for what must be there",
    ),
    test(
        "huge-input",
        4,
        EveryPlugin,
        Plugin(input::huge),
        "a request of 8 MiB is answered or refused",
        "keep no copies on the stack, and count with size_t",
    ),
    test(
        "deep-input",
        4,
        EveryPlugin,
        Plugin(input::deep),
        "a request that nests 200,000 levels deep is answered or refused",
        "count the levels and refuse beyond 64 or so; recursion without a limit ends the stack",
    ),
    test(
        "failing-sink",
        4,
        EveryPlugin,
        Plugin(input::failing_sink),
        "when the sink takes no more, the call ends with EXSTREAMTV_SINK_REFUSED and the instance works on",
        "look at what append() returns, every time",
    ),
    test(
        "same-answer",
        5,
        EveryPlugin,
        Plugin(purity::same_twice),
        "the same request gets the same answer, twice and from a fresh instance",
        "take randomness from the request's seed only, and keep nothing between calls; beware of hash maps, whose order varies",
    ),
    test(
        "same-answer-elsewhere",
        5,
        EveryPlugin,
        TwoProcesses,
        "the same request gets the same answer in another process, with another clock, time zone, folder and environment",
        "use the request's zone, times and seed; no clock, no environment, no addresses of memory, no seeded hash maps",
    ),
    test(
        "dst-weeks",
        5,
        SCHEDULER,
        Plugin(purity::dst),
        "weeks in which clocks change are filled without holes, in four zones",
        "compute with instants, and turn civil times into instants with a time zone library",
    ),
    test(
        "leap-day",
        5,
        SCHEDULER,
        Plugin(purity::leap_day),
        "a leap day is filled without holes",
        "leave the calendar to a library",
    ),
    test(
        "surroundings",
        5,
        EveryPlugin,
        Plugin(manners::surroundings),
        "descriptors, threads, working directory, environment, umask and signals are as they were after a call",
        "leave the process alone; other plugins and the host live in it",
    ),
    test(
        "imports",
        5,
        Library,
        File(manners::imports),
        "the library calls nothing that starts processes, handles signals, reads the clock, or changes the locale or folder",
        "leave these functions out",
    ),
    test(
        "escapes",
        6,
        EveryPlugin,
        Plugin(contract::escapes),
        "escapes in names and texts of a request mean what they mean in JSON",
        "read requests with a whole JSON reader",
    ),
    test(
        "parallel-instances",
        6,
        EveryPlugin,
        Plugin(threads::parallel),
        "sixteen instances at once answer as one does alone",
        "keep everything in the instance's data; no global variables, no strtok() and its like",
    ),
    test(
        "alternating-threads",
        6,
        EveryPlugin,
        Plugin(threads::alternating),
        "an instance answers the same from whichever thread it is called",
        "keep nothing in thread-local variables",
    ),
    test(
        "large-request",
        7,
        EveryPlugin,
        Plugin(deadline::large),
        "100,000 items, 1,000 tracks or 10,000 lines of evidence are answered within the deadline",
        "look for loops inside loops; look at deadline_ns and return EXSTREAMTV_TIMEOUT before it is over",
    ),
    test(
        "hardly-any-time",
        7,
        EveryPlugin,
        Plugin(deadline::hardly_any_time),
        "with hardly any time left a call ends with an answer or in good order",
        "return EXSTREAMTV_TIMEOUT",
    ),
    test(
        "state-round-trip",
        8,
        SCHEDULER,
        Plugin(state::round_trip),
        "a state that was written and read again, or given to a fresh instance, leads on to the same plan",
        "put everything that the next window needs into the state",
    ),
    test(
        "after-an-edit",
        8,
        SCHEDULER,
        Plugin(state::after_an_edit),
        "what was aired after the state was given is taken into account without harm",
        "fold `aired` into the cursors, then go on at the window's start",
    ),
    test(
        "older-states",
        8,
        SCHEDULER,
        Plugin(state::older_states),
        "states of older versions are understood",
        "put a version number into the state",
    ),
    test(
        "corrupt-states",
        8,
        SCHEDULER,
        Plugin(state::corrupt_states),
        "a state that makes no sense is no error: the plugin starts over",
        "read the state member by member, take what makes sense, and say the rest in the notes",
    ),
    test(
        "changing-library",
        8,
        SCHEDULER,
        Plugin(state::changing_library),
        "items come and go between windows without harm",
        "keep ids in the state, never places in a pool",
    ),
    test(
        "any-question",
        9,
        EveryPlugin,
        Plugin(properties::any_question),
        "whatever a host could ask gets an answer that it can use, and every decision says why",
        "run `plugin check --reproduce SEED` with the seed of the question",
    ),
    test(
        "shares",
        9,
        SCHEDULER,
        Plugin(shares::weights),
        "sources with weights are drawn in proportion to them (10,000 draws)",
        "draw from the request's seed with exact weights",
    ),
    test(
        "cooldown",
        9,
        SCHEDULER,
        Plugin(shares::cooldown),
        "a source that must rest for cooldown_minutes rests, on the timeline and over windows",
        "keep in the state when each source was last on air",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_levels_ascend() {
        let mut names: Vec<_> = CATALOGUE.iter().map(|test| test.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CATALOGUE.len());
        assert!(CATALOGUE.is_sorted_by_key(|test| test.level));
        assert!((1..=MAX_LEVEL).all(|level| CATALOGUE.iter().any(|test| test.level == level)));
    }

    #[test]
    fn rules_and_advice_are_sentences_without_a_full_stop() {
        for test in CATALOGUE {
            for text in [test.rule, test.advice] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{text}");
            }
        }
    }
}
