//! Level 9: weights and cooldowns of schedulers that say that they have them.
//!
//! A scheduler says so by its settings: a list `sources` whose members have a `weight`, or a `cooldown_minutes`, and the `rule` of an entry names the
//! source. Others are not concerned.

use std::sync::Arc;

use exstreamtv_model::{
    EntryKind,
    schedule::{PlanAnswer, PlanEntry, PlanRequest, Window},
};
use serde_json::Value;

use crate::{
    ask::{Ask, Occasion},
    bench::{Bench, Named, answered},
    contract::Method,
    statistics::{chi_squared, chi_squared_limit},
    verdict::{Outcome, Verdict},
};

/// Draws whose proportions are looked at.
const DRAWS: usize = 10_000;

/// Windows of a chain at most, so that long films do not make it endless.
const MAX_WINDOWS: usize = 2_000;

const DAY_MS: i64 = 86_400_000;

/// A source of the settings.
#[derive(Debug, Clone, PartialEq)]
struct Source {
    name: String,
    weight: f64,
    cooldown_ms: i64,
}

/// Sources are drawn in proportion to their weights.
///
/// # Errors
/// Says which proportions came out instead.
pub fn weights(bench: &Bench<'_>) -> Outcome {
    let mut tested = false;
    for (label, request) in plans(bench)? {
        let sources = sources(&request.settings);
        // A cooldown or a limit of consecutive draws bends the proportions on purpose.
        let is_plain = request.settings["mode"] == "weighted_random"
            && sources.iter().all(|source| source.cooldown_ms == 0)
            && unlimited(&request.settings);
        if !is_plain || sources.len() < 2 {
            continue;
        }
        tested = true;
        let airings = airings(bench, &label, request, DRAWS)?;
        fair(&label, &sources, &airings)?;
    }
    if tested { Ok(()) } else { Err(Verdict::skipped("no settings for checks ask for a plain weighted draw")) }
}

/// Sources rest for as long as they must.
///
/// # Errors
/// Names the first one that does not.
pub fn cooldown(bench: &Bench<'_>) -> Outcome {
    let mut tested = false;
    for (label, request) in plans(bench)? {
        // Where nobody may wait and there is nothing to fall back to, the source that is free first comes early, by its owner's wish.
        let may_be_early = request.settings["fallback"].is_null() && request.settings["all_resting"] == "play_first";
        let resting: Vec<_> = sources(&request.settings).into_iter().filter(|source| source.cooldown_ms > 0).collect();
        if resting.is_empty() || may_be_early {
            continue;
        }
        tested = true;
        let airings = airings(bench, &label, request, DRAWS / 20)?;
        resting.iter().try_for_each(|source| rests(&label, source, &airings))?;
    }
    if tested { Ok(()) } else { Err(Verdict::skipped("no settings for checks have sources with a cooldown")) }
}

fn fair(label: &str, sources: &[Source], airings: &[PlanEntry]) -> Outcome {
    let shares: Vec<_> = sources.iter().map(|source| source.weight).collect();
    let drawn = |source: &Source| airings.iter().filter(|airing| airing.rule == source.name).count() as u64;
    let counts: Vec<_> = sources.iter().map(drawn).collect();
    let (found, limit) = (chi_squared(&counts, &shares), chi_squared_limit(sources.len() - 1));
    if found <= limit {
        return Ok(());
    }
    Err(Verdict::failed(format_args!(
        "{label}: weights {shares:?} gave {counts:?} draws, which happens by chance less than once in a million \
         (chi-squared {found:.1}, limit {limit:.1})"
    )))
}

fn rests(label: &str, source: &Source, airings: &[PlanEntry]) -> Outcome {
    let mut free_ms = i64::MIN;
    for airing in airings.iter().filter(|airing| airing.rule == source.name) {
        if airing.start_ms < free_ms {
            let early_s = (free_ms - airing.start_ms) / 1_000;
            return Err(Verdict::failed(format_args!(
                "{label}: the source {:?} is on air at {} ms, {early_s} s before its cooldown is over",
                source.name, airing.start_ms
            )));
        }
        free_ms = airing.stop_ms.saturating_add(source.cooldown_ms);
    }
    Ok(())
}

/// Plans days, one after the other, until so many programmes were aired.
fn airings(bench: &Bench<'_>, label: &str, mut request: PlanRequest, count: usize) -> Result<Vec<PlanEntry>, Verdict> {
    let mut instance = bench.instance()?;
    let mut airings: Vec<PlanEntry> = Vec::new();
    for _ in 0..MAX_WINDOWS {
        let named = Named { label: label.to_owned(), ask: Arc::new(Ask::Plan(Box::new(request.clone()))) };
        let answer: PlanAnswer =
            serde_json::from_slice(&answered(instance.as_mut(), &named)?).map_err(Verdict::failed)?;
        let start_ms = answer.entries.last().map_or(request.window.stop_ms, |entry| entry.stop_ms);
        request.window = Window { start_ms, stop_ms: start_ms + DAY_MS };
        request.state = Some(answer.state);
        // A programme with breaks in it is one airing.
        let begins = |entry: &PlanEntry| entry.kind == EntryKind::Programme && entry.in_point_ms == 0;
        airings.extend(answer.entries.into_iter().filter(begins));
        if airings.len() >= count {
            return Ok(airings);
        }
    }
    Ok(airings)
}

fn plans(bench: &Bench<'_>) -> Result<Vec<(String, PlanRequest)>, Verdict> {
    let asks = bench.asks(Occasion::Ordinary)?.into_iter().filter(|named| named.ask.method() == Method::Plan);
    let plan = |named: Named| match &*named.ask {
        Ask::Plan(request) => Some((named.label, (**request).clone())),
        _ => None,
    };
    Ok(asks.filter_map(plan).collect())
}

fn sources(settings: &Value) -> Vec<Source> {
    let list = settings["sources"].as_array().map_or(&[][..], Vec::as_slice);
    let source = |source: &Value| {
        Some(Source {
            name: source["name"].as_str()?.to_owned(),
            weight: source["weight"].as_f64().unwrap_or(1.0),
            cooldown_ms: (source["cooldown_minutes"].as_f64().unwrap_or(0.0) * 60_000.0) as i64,
        })
    };
    list.iter().filter_map(source).collect()
}

fn unlimited(settings: &Value) -> bool {
    let list = settings["sources"].as_array().map_or(&[][..], Vec::as_slice);
    list.iter().all(|source| source["max_consecutive"].as_u64().is_none_or(|limit| limit == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn airing(rule: &str, start_min: i64) -> PlanEntry {
        let start_ms = start_min * 60_000;
        PlanEntry {
            item: None,
            start_ms,
            stop_ms: start_ms + 30 * 60_000,
            in_point_ms: 0,
            kind: EntryKind::Programme,
            rule: rule.into(),
            why: String::new(),
        }
    }

    #[test]
    fn a_source_that_comes_back_too_early_is_named() {
        let source = Source { name: "films".into(), weight: 1.0, cooldown_ms: 60 * 60_000 };
        assert_eq!(rests("x", &source, &[airing("films", 0), airing("news", 30), airing("films", 90)]), Ok(()));
        let verdict = rests("x", &source, &[airing("films", 0), airing("films", 89)]).unwrap_err();
        assert!(verdict.story().unwrap().contains("60 s before"), "{verdict:?}");
    }

    #[test]
    fn proportions_that_do_not_fit_are_told() {
        let source = |name: &str, weight| Source { name: name.into(), weight, cooldown_ms: 0 };
        let airings: Vec<_> = (0..1_000).map(|n| airing(if n % 2 == 0 { "a" } else { "b" }, n)).collect();
        assert_eq!(fair("x", &[source("a", 5.0), source("b", 5.0)], &airings), Ok(()));
        assert!(fair("x", &[source("a", 9.0), source("b", 1.0)], &airings).is_err());
    }
}
