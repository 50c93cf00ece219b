//! Lines that say the same.
//!
//! Does: find the template of each line as it comes, after Drain (He, Zhu, Zheng, Lyu: "Drain: An Online Log Parsing Approach with Fixed Depth
//! Tree", ICWS 2017): a tree by source, number of words and first word, below it the most similar template or a new one.
//! Does not: know what lines mean.
//! Invariant: memory is bounded whatever is said: the template not heard for longest goes; the number of a template is never given twice.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    fmt,
    str::FromStr,
    sync::LazyLock,
};

use chrono::{DateTime, Utc};
use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::event::{LogLevel, LogSource};

/// What stands where lines differ.
pub const ANYTHING: &str = "<*>";

/// Words of a line that count; what follows is left out.
const MOST_WORDS: usize = 48;

/// Bytes of a word that count.
const MOST_WORD_BYTES: usize = 120;

/// How much of two lines must be the same for them to say the same (Drain's similarity threshold).
const SIMILAR: f64 = 0.5;

/// Parameters that are remembered, of the newest lines.
const MOST_PARAMETERS: usize = 5;

/// Names a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateId(pub u64);

impl fmt::Display for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TemplateId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl Serialize for TemplateId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TemplateId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// What several lines say.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Template {
    /// Identity.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: TemplateId,
    /// Who says it.
    pub source: LogSource,
    /// The words that are always the same, and `<*>` for the others.
    pub text: String,
    /// How often it was said.
    pub count: u64,
    /// How serious it was at worst.
    pub level: LogLevel,
    /// When it was said first.
    pub first: DateTime<Utc>,
    /// When it was said last.
    pub last: DateTime<Utc>,
    /// What stood where lines differ, of the newest lines; the newest first.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<String>>))]
    pub parameters: VecDeque<Vec<String>>,
    #[serde(skip)]
    words: Vec<String>,
}

/// A line to be sorted.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// When it was said.
    pub at: DateTime<Utc>,
    /// By whom.
    pub source: LogSource,
    /// How serious.
    pub level: LogLevel,
    /// The text.
    pub text: &'a str,
}

/// Where a template is looked for.
type Branch = (LogSource, usize, String);

/// Every template that is known.
#[derive(Debug)]
pub struct Templates {
    most: usize,
    last: u64,
    known: HashMap<TemplateId, (Template, Branch, u64)>,
    tree: HashMap<Branch, Vec<TemplateId>>,
    /// By when they were heard last, counted in lines.
    heard: BTreeMap<u64, TemplateId>,
    lines: u64,
    /// Those that somebody counts on.
    pinned: BTreeSet<TemplateId>,
}

/// What is needed to know a template again after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Identity.
    pub id: TemplateId,
    /// Who says it.
    pub source: LogSource,
    /// What it says.
    pub text: String,
    /// How often it was said.
    pub count: u64,
    /// How serious it was at worst.
    pub level: LogLevel,
    /// When it was said first.
    pub first: DateTime<Utc>,
    /// When it was said last.
    pub last: DateTime<Utc>,
}

impl From<&Template> for Remembered {
    fn from(template: &Template) -> Self {
        let Template { id, source, text, count, level, first, last, .. } = template;
        let (text, level) = (text.clone(), *level);
        Self { id: *id, source: *source, text, count: *count, level, first: *first, last: *last }
    }
}

/// What was said since somebody asked last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Since {
    /// Templates of lines since then.
    pub changed: Vec<Remembered>,
    /// Every template that is known.
    pub known: Vec<TemplateId>,
    /// The highest number that was given.
    pub last: u64,
    /// What to ask with next time.
    pub lines: u64,
}

impl Templates {
    /// Returns a place for so many templates; at least one.
    pub fn new(most: usize) -> Self {
        let (known, tree, heard, pinned) = <_>::default();
        Self { most: most.max(1), last: 0, known, tree, heard, lines: 0, pinned }
    }

    /// Returns a place that knows these again, the last one heard last; no number up to `last` is given again.
    pub fn restored(most: usize, last: u64, remembered: impl IntoIterator<Item = Remembered>) -> Self {
        let mut templates = Self::new(most);
        for Remembered { id, source, text, count, level, first, last: said } in remembered {
            // What is masked holds no space, so the text gives the words back.
            let words: Vec<String> = text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            let branch = (source, words.len(), words.first().cloned().unwrap_or_default());
            while templates.known.len() >= templates.most {
                templates.forget_the_oldest();
            }
            templates.lines += 1;
            templates.last = templates.last.max(id.0);
            templates.tree.entry(branch.clone()).or_default().push(id);
            templates.heard.insert(templates.lines, id);
            let template =
                Template { id, source, text, count, level, first, last: said, parameters: VecDeque::new(), words };
            templates.known.insert(id, (template, branch, templates.lines));
        }
        templates.last = templates.last.max(last);
        templates
    }

    /// Never forgets these, as far as there is room.
    pub fn pin(&mut self, pinned: BTreeSet<TemplateId>) {
        self.pinned = pinned;
    }

    /// Returns what was said since so many lines.
    pub fn since(&self, lines: u64) -> Since {
        let changed =
            self.heard.range(lines + 1..).filter_map(|(_, id)| self.find(*id)).map(Remembered::from).collect();
        Since { changed, known: self.known.keys().copied().collect(), last: self.last, lines: self.lines }
    }

    /// Returns the template of a line, which is a new one if nothing like it is known.
    pub fn sort(&mut self, line: Line<'_>) -> TemplateId {
        let spoken = words(line.text);
        let masked: Vec<String> = spoken.iter().map(|word| mask(word)).collect();
        let first = masked.first().cloned().unwrap_or_default();
        let branch = (line.source, masked.len(), first);
        let id = match self.most_similar(&branch, &masked) {
            Some(id) => id,
            None => self.begin(line, branch, masked.clone()),
        };
        self.lines += 1;
        if let Some((template, _, heard)) = self.known.get_mut(&id) {
            template.hear(line, &masked, spoken);
            self.heard.remove(heard);
            *heard = self.lines;
            self.heard.insert(self.lines, id);
        }
        id
    }

    /// Returns a template.
    pub fn find(&self, id: TemplateId) -> Option<&Template> {
        self.known.get(&id).map(|(template, ..)| template)
    }

    /// Returns every template, the one heard last first.
    pub fn newest(&self) -> impl Iterator<Item = &Template> {
        self.heard.values().rev().filter_map(|id| self.find(*id))
    }

    fn most_similar(&self, branch: &Branch, masked: &[String]) -> Option<TemplateId> {
        let candidates = self.tree.get(branch)?.iter().filter_map(|id| self.find(*id));
        let scored = candidates.map(|template| (template.likeness(masked), template.id));
        let ((likeness, _), id) =
            scored.max_by(|(one, _), (other, _)| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal))?;
        (likeness >= SIMILAR).then_some(id)
    }

    fn begin(&mut self, line: Line<'_>, branch: Branch, words: Vec<String>) -> TemplateId {
        while self.known.len() >= self.most {
            self.forget_the_oldest();
        }
        self.last += 1;
        let id = TemplateId(self.last);
        let template = Template {
            id,
            source: line.source,
            text: words.join(" "),
            count: 0,
            level: line.level,
            first: line.at,
            last: line.at,
            parameters: VecDeque::new(),
            words,
        };
        self.tree.entry(branch.clone()).or_default().push(id);
        // A number that no line has; it is replaced at once.
        self.known.insert(id, (template, branch, u64::MAX));
        id
    }

    fn forget_the_oldest(&mut self) {
        let unpinned = self.heard.iter().find(|(_, id)| !self.pinned.contains(id));
        let Some((at, id)) = unpinned.or(self.heard.first_key_value()).map(|(at, id)| (*at, *id)) else { return };
        self.heard.remove(&at);
        let Some((_, branch, _)) = self.known.remove(&id) else { return };
        if let Some(leaf) = self.tree.get_mut(&branch) {
            leaf.retain(|known| *known != id);
            if leaf.is_empty() {
                self.tree.remove(&branch);
            }
        }
    }
}

impl Template {
    /// Returns the share of words that are the same, and how many may be anything: of two that are as like, the more general one fits.
    fn likeness(&self, masked: &[String]) -> (f64, usize) {
        let pairs = self.words.iter().zip(masked);
        let same = pairs.clone().filter(|(known, word)| known == word && *known != ANYTHING).count();
        let anything = self.words.iter().filter(|word| *word == ANYTHING).count();
        // A line of parameters alone is like any other of its kind.
        let fixed = self.words.len() - anything;
        let likeness = if fixed == 0 { 1.0 } else { same as f64 / fixed as f64 };
        (likeness, anything)
    }

    fn hear(&mut self, line: Line<'_>, masked: &[String], spoken: Vec<String>) {
        for (known, word) in self.words.iter_mut().zip(masked) {
            if known != word {
                ANYTHING.clone_into(known);
            }
        }
        self.text = self.words.join(" ");
        self.count += 1;
        self.last = line.at;
        self.level = self.level.max(line.level);
        let is_parameter = |known: &String| known.contains(ANYTHING);
        let parameters: Vec<_> = spoken
            .into_iter()
            .zip(&self.words)
            .filter(|(_, known)| is_parameter(known))
            .map(|(word, _)| word)
            .collect();
        if !parameters.is_empty() && !self.parameters.contains(&parameters) {
            self.parameters.truncate(MOST_PARAMETERS - 1);
            self.parameters.push_front(parameters);
        }
    }
}

/// What is quoted is one word, however many words it has.
static WORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"'[^']{0,400}'|"[^"]{0,400}"|\S+"#).expect("a pattern that its tests compile"));

fn words(text: &str) -> Vec<String> {
    let word = |found: regex::Match<'_>| {
        let mut word = found.as_str().to_owned();
        if word.len() > MOST_WORD_BYTES {
            let end = (0..=MOST_WORD_BYTES).rev().find(|at| word.is_char_boundary(*at)).unwrap_or(0);
            word.truncate(end);
        }
        word
    };
    WORD.find_iter(text).take(MOST_WORDS).map(word).collect()
}

/// Numbers, addresses, paths and what is quoted differ from line to line; of `speed=0.9x` the name stays.
fn mask(word: &str) -> String {
    let differs = |part: &str| {
        part.chars().any(|character| character.is_ascii_digit())
            || part.contains('/')
            || part.starts_with(['\'', '"'])
            || part.len() > 60
    };
    match word.split_once('=') {
        Some((name, value)) if !name.is_empty() && !differs(name) && !value.is_empty() => format!("{name}={ANYTHING}"),
        _ if differs(word) => ANYTHING.to_owned(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::tests::at;

    fn line(text: &str) -> Line<'_> {
        Line { at: at(0), source: LogSource::Ffmpeg, level: LogLevel::Error, text }
    }

    fn sorted(texts: &[&str]) -> (Templates, Vec<TemplateId>) {
        let mut templates = Templates::new(100);
        let ids = texts.iter().map(|text| templates.sort(line(text))).collect();
        (templates, ids)
    }

    #[test]
    fn a_thousand_siblings_are_one_template_with_a_count_and_parameters() {
        let texts: Vec<_> =
            (0..1_000).map(|n| format!("Connection to 10.0.{}.{}:32400 timed out", n / 250, n % 250)).collect();
        let (templates, ids) = sorted(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(ids.iter().all(|id| *id == ids[0]));
        let template = templates.find(ids[0]).unwrap();
        assert_eq!((template.text.as_str(), template.count), ("Connection to <*> timed out", 1_000));
        assert_eq!(template.parameters[0], ["10.0.3.249:32400"]);
        assert_eq!(template.parameters.len(), MOST_PARAMETERS);
    }

    #[test]
    fn words_that_differ_become_anything_and_lines_that_say_something_else_stay_apart() {
        let (templates, ids) = sorted(&[
            "stream film ended before its time",
            "stream serial ended before its time",
            "stream film cannot be opened at all",
            "moov atom not found",
        ]);
        assert_eq!(ids[0], ids[1]);
        assert_eq!(templates.find(ids[0]).unwrap().text, "stream <*> ended before its time");
        assert!(ids[2] != ids[0] && ids[3] != ids[2]);
    }

    #[test]
    fn quoted_names_are_one_word_and_named_values_keep_their_name() {
        let (templates, ids) = sorted(&[
            "Error opening '/m/A film with spaces.mkv': No such file",
            "Error opening '/m/Other.mkv': No such file",
            "frame=12 fps=25 speed=0.98x",
        ]);
        assert_eq!(ids[0], ids[1]);
        assert_eq!(templates.find(ids[2]).unwrap().text, "frame=<*> fps=<*> speed=<*>");
    }

    #[test]
    fn who_says_it_makes_a_difference() {
        let mut templates = Templates::new(10);
        let one = templates.sort(line("disk is full"));
        let other = templates.sort(Line { source: LogSource::System, ..line("disk is full") });
        assert_ne!(one, other);
    }

    #[test]
    fn the_template_not_heard_for_longest_goes_and_its_number_is_not_given_again() {
        let mut templates = Templates::new(2);
        let first = templates.sort(line("alpha"));
        let second = templates.sort(line("beta"));
        templates.sort(line("alpha"));
        let third = templates.sort(line("gamma"));
        assert!(templates.find(second).is_none() && templates.find(first).is_some());
        let again = templates.sort(line("beta"));
        assert!(![first, second, third].contains(&again));
        assert_eq!(templates.newest().map(|template| template.text.as_str()).collect::<Vec<_>>(), ["beta", "gamma"]);
    }

    #[test]
    fn templates_are_known_again_after_a_restart_and_new_ones_have_new_numbers() {
        let said =
            ["Connection to 10.0.0.1:32400 timed out", "stream film ended", "stream serial ended", "", "x=1 'a b'"];
        let (templates, ids) = sorted(&said);
        let since = templates.since(0);
        assert_eq!((since.changed.len(), since.known.len(), since.last, since.lines), (4, 4, 4, 5));
        let mut again = Templates::restored(100, since.last + 10, since.changed);
        let found: Vec<_> = said.iter().map(|text| again.sort(line(text))).collect();
        assert_eq!(found, ids);
        assert_eq!(again.find(ids[1]).unwrap().count, 4);
        assert_eq!(again.sort(line("never heard")), TemplateId(15));
        assert_eq!(again.since(again.since(0).lines).changed, []);
    }

    #[test]
    fn what_somebody_counts_on_is_not_forgotten() {
        let mut templates = Templates::new(2);
        let first = templates.sort(line("alpha"));
        templates.pin([first].into());
        let second = templates.sort(line("beta"));
        templates.sort(line("gamma"));
        assert!(templates.find(first).is_some() && templates.find(second).is_none());
    }

    proptest! {
        #[test]
        fn whatever_is_said_has_a_template_and_memory_is_bounded(texts in prop::collection::vec("\\PC{0,200}", 0..200)) {
            let mut templates = Templates::new(20);
            for text in &texts {
                let id = templates.sort(line(text));
                prop_assert!(templates.find(id).is_some());
                prop_assert!(templates.known.len() <= 20 && templates.heard.len() == templates.known.len());
                prop_assert_eq!(templates.tree.values().map(Vec::len).sum::<usize>(), templates.known.len());
            }
            prop_assert_eq!(templates.newest().map(|template| template.count).sum::<u64>() <= texts.len() as u64, true);
        }

        #[test]
        fn the_same_line_has_the_same_template(text in "[a-z ]{1,60}") {
            let mut templates = Templates::new(20);
            prop_assert_eq!(templates.sort(line(&text)), templates.sort(line(&text)));
        }
    }
}
