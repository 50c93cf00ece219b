//! Which sequences precede incidents more often than chance.
//!
//! Does: build the sequences that the newest window before an incident shares with others before it, test each.
//! Does not: remember anything.
//! Invariant: over a whole life the odds that anything at all is found where nothing is to be found are at most [`ALPHA`].
//!
//! The test is [`super::exact`]. Many sequences are tested, and again at each incident, so p is corrected for both (Bonferroni, weighted):
//! at the k-th look everything together may use ALPHA / (k (k + 1)), which adds up to ALPHA over all looks; of that each length has a
//! [`LONGEST`]-th; and a length l has T^l candidates, T being the kinds of lines that are in enough windows to matter. T is counted over windows
//! before incidents and before nothing alike, so that it does not depend on what is tested (R. E. Tarone: "A modified Bonferroni method for discrete
//! data", Biometrics 46, 1990: what cannot become significant need not be counted).
//! p_adjusted = p · k (k + 1) · LONGEST · T^l.

use serde::{Deserialize, Serialize};

use super::{
    evidence::Evidence,
    exact::{Table, chance},
    window::{Item, Window},
};

/// The odds that anything is ever found by chance.
pub const ALPHA: f64 = 0.05;
/// The longest sequence.
pub const LONGEST: usize = 4;
/// Windows before incidents that must hold a sequence.
pub const LEAST_SUPPORT: u32 = 4;
/// A sequence is made longer only while it is no better explained by chance than this.
const WORTH_GOING_ON: f64 = 0.1;
/// Sequences of one length that are made longer, the likeliest.
const MOST_OF_LENGTH: usize = 64;

/// What was counted about a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Statistics {
    /// Incidents that it preceded.
    pub support: u32,
    /// Incidents that were looked at.
    pub incidents: u32,
    /// Quiet stretches that were looked at.
    pub quiet: u32,
    /// Of them, those that held it too.
    pub quiet_with: u32,
    /// The share of its occurrences that an incident followed, quiet stretches counted by the time that they stand for.
    pub confidence: f64,
    /// How many times likelier an incident is after it than at any other time.
    pub lift: f64,
    /// The odds of that by chance (Fisher's exact test, one-sided, by channel).
    pub p: f64,
    /// The same, corrected for everything that was tested; a proposal needs at most 0.05.
    pub p_adjusted: f64,
}

/// A sequence and what was counted about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The sequence.
    pub items: Vec<Item>,
    /// What was counted.
    pub statistics: Statistics,
}

/// Returns what is found in the newest window before an incident, at this look (1, 2, …): the best first, and none that only says again what a better
/// one says.
pub fn mine(evidence: &Evidence, newest: &Window, look: u32) -> Vec<Found> {
    let search = Search { evidence, newest, look, kinds: kinds(evidence) };
    let singles = search.longer(&[Found::empty()], &newest.kinds());
    let items: Vec<Item> = singles.iter().filter_map(|found| found.items.first().copied()).collect();
    let (mut all, mut level) = (singles.clone(), singles.clone());
    while level.first().is_some_and(|found| found.items.len() < LONGEST) {
        // Two lines that are always there may still have an order that is not; from there on it must be worth while.
        let going_on = |found: &&Found| found.items.len() == 1 || found.statistics.p <= WORTH_GOING_ON;
        let mut roots: Vec<Found> = level.iter().filter(going_on).cloned().collect();
        roots.sort_by(|one, other| one.statistics.p.total_cmp(&other.statistics.p));
        roots.truncate(MOST_OF_LENGTH);
        level = search.longer(&roots, &items);
        all.extend(level.iter().cloned());
    }
    best(evidence, all, &singles)
}

/// Counts a sequence that is known already.
pub fn count(evidence: &Evidence, items: &[Item], look: u32) -> Statistics {
    counted(evidence, items, candidates(look, kinds(evidence), items.len()))
}

/// Kinds of lines that are in enough windows to matter.
fn kinds(evidence: &Evidence) -> usize {
    evidence.margins().values().filter(|windows| **windows >= LEAST_SUPPORT).count()
}

/// What p is multiplied by.
fn candidates(look: u32, kinds: usize, length: usize) -> f64 {
    let (look, length) = (f64::from(look), i32::try_from(length).unwrap_or(i32::MAX));
    look * (look + 1.0) * LONGEST as f64 * (kinds.max(1) as f64).powi(length)
}

fn counted(evidence: &Evidence, items: &[Item], candidates: f64) -> Statistics {
    let tables: Vec<Table> = evidence.tables(items).into_values().collect();
    let sum = |of: fn(&Table) -> u32| tables.iter().map(of).sum::<u32>();
    let (support, incidents) = (sum(|table| table.cases_with), sum(|table| table.cases));
    let quiet = evidence.windows().filter(|window| !window.before_incident);
    let (with, all) = quiet.fold((0.0, 0.0), |(with, all), window| {
        let weight = f64::from(window.weight);
        (if window.holds(items) { with + weight } else { with }, all + weight)
    });
    // A sequence that is not there at all foretells nothing.
    let confidence = f64::from(support) / (f64::from(support) + with).max(1.0);
    let base = f64::from(incidents) / (f64::from(incidents) + all).max(1.0);
    let p = chance(&tables);
    Statistics {
        support,
        incidents,
        quiet: sum(|table| table.controls),
        quiet_with: sum(|table| table.controls_with),
        confidence,
        lift: if base > 0.0 { confidence / base } else { 1.0 },
        p,
        p_adjusted: (p * candidates).min(1.0),
    }
}

struct Search<'a> {
    evidence: &'a Evidence,
    newest: &'a Window,
    look: u32,
    kinds: usize,
}

impl Search<'_> {
    /// Makes each root longer by each item, as far as enough incidents support that.
    fn longer(&self, roots: &[Found], items: &[Item]) -> Vec<Found> {
        let longer = |root: &Found| {
            let root = root.items.clone();
            items.iter().map(move |item| [&root[..], &[*item]].concat())
        };
        let supported = |items: &Vec<Item>| {
            let holding = || self.evidence.cases().filter(|window| window.holds(items)).take(LEAST_SUPPORT as usize);
            self.newest.holds(items) && holding().count() >= LEAST_SUPPORT as usize
        };
        let wanted = roots.iter().flat_map(longer).filter(supported);
        let found = |items: Vec<Item>| {
            let statistics = counted(self.evidence, &items, candidates(self.look, self.kinds, items.len()));
            Found { items, statistics }
        };
        wanted.map(found).collect()
    }
}

impl Found {
    fn empty() -> Self {
        let statistics = Statistics {
            support: 0,
            incidents: 0,
            quiet: 0,
            quiet_with: 0,
            confidence: 0.0,
            lift: 1.0,
            p: 1.0,
            p_adjusted: 1.0,
        };
        Self { items: Vec::new(), statistics }
    }
}

/// Keeps what is significant, the best first, each only if it tells something that no better one tells.
fn best(evidence: &Evidence, all: Vec<Found>, singles: &[Found]) -> Vec<Found> {
    let telling = |item: &Item| {
        let alone = singles.iter().find(|single| single.items.first() == Some(item));
        alone.is_some_and(|single| single.statistics.p <= ALPHA)
    };
    let mut significant: Vec<_> = all.into_iter().filter(|found| found.statistics.p_adjusted <= ALPHA).collect();
    // Of those that are as sure, the longest whose every line tells something: it explains most. A line that is always there explains nothing.
    let rank = |found: &Found| {
        let tells = found.items.iter().all(telling);
        (!tells, if tells { LONGEST - found.items.len() } else { found.items.len() })
    };
    significant.sort_by(|one, other| {
        // The same figures give the same odds but for the last digits.
        let odds = |found: &Found| (libm::log(found.statistics.p) * 1e6).round();
        let surer = odds(one).total_cmp(&odds(other));
        surer.then_with(|| rank(one).cmp(&rank(other))).then_with(|| one.items.cmp(&other.items))
    });
    let mut best: Vec<Found> = Vec::new();
    for found in significant {
        let better: Vec<&[Item]> = best.iter().map(|better| &better.items[..]).collect();
        if tells_more(evidence, &found.items, &better) {
            best.push(found);
        }
    }
    best
}

/// Says whether a sequence precedes enough incidents that none of these others precede. A line that happens to be there now and then beside the real
/// sign would else be proposed with it, in every order.
pub fn tells_more(evidence: &Evidence, items: &[Item], others: &[&[Item]]) -> bool {
    let fresh = evidence.cases().filter(|case| case.holds(items) && !others.iter().any(|other| case.holds(other)));
    fresh.take(LEAST_SUPPORT as usize).count() >= LEAST_SUPPORT as usize
}

/// Says whether one of two sequences contains the other.
pub fn related(one: &[Item], other: &[Item]) -> bool {
    super::window::holds(one, other) || super::window::holds(other, one)
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::ChannelId;

    use super::*;
    use crate::{event::tests::at, learning::window::Whose, templates::TemplateId};

    fn evidence(cases: &[&str], controls: &[&str]) -> Evidence {
        let mut evidence = Evidence::default();
        let texts = controls.iter().map(|text| (false, text)).chain(cases.iter().map(|text| (true, text)));
        for (n, (before_incident, text)) in texts.enumerate() {
            evidence.keep(Window {
                channel: ChannelId(1),
                at: at(n as i64 * 1_000),
                before_incident,
                weight: 1,
                items: items(text),
            });
        }
        evidence
    }

    fn items(text: &str) -> Vec<Item> {
        text.bytes().map(|byte| Item { whose: Whose::Own, template: TemplateId(byte.into()) }).collect()
    }

    fn mined(cases: &[&str], controls: &[&str]) -> Vec<(String, Statistics)> {
        let evidence = evidence(cases, controls);
        let newest = evidence.cases().last().unwrap();
        let text = |items: &[Item]| items.iter().map(|item| char::from(item.template.0 as u8)).collect();
        mine(&evidence, newest, cases.len() as u32)
            .into_iter()
            .map(|found| (text(&found.items), found.statistics))
            .collect()
    }

    #[test]
    fn the_whole_sequence_is_found_with_its_figures_and_what_is_always_there_is_left_out() {
        let found = mined(&["rxarbyr"; 8], &["rxyr"; 40]);
        let [(sequence, statistics)] = &found[..] else { panic!("{found:?}") };
        assert_eq!(sequence, "ab");
        let Statistics { support, incidents, quiet, quiet_with, confidence, lift, p, p_adjusted } = *statistics;
        assert_eq!((support, incidents, quiet, quiet_with), (8, 8, 40, 0));
        assert!((confidence - 1.0).abs() < 1e-12 && (lift - 6.0).abs() < 1e-9);
        // 1 in C(48, 8); five kinds, two long, eight looks.
        assert!((p * 377_348_994.0 - 1.0).abs() < 1e-6, "{p}");
        assert!((p_adjusted / (p * 72.0 * 4.0 * 25.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn an_order_is_found_where_the_lines_alone_say_nothing() {
        let found = mined(&["ab"; 10], &["ba"; 60]);
        assert_eq!(found.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(), ["ab"]);
    }

    #[test]
    fn what_is_as_common_before_nothing_is_not_found_and_little_evidence_is_not_enough() {
        assert!(mined(&["ab"; 10], &["ab"; 60]).is_empty());
        assert!(mined(&["ab"; 3], &["c"; 60]).is_empty());
        assert!(mined(&["ab"; 10], &[]).is_empty(), "without comparison nothing is known");
    }
}
