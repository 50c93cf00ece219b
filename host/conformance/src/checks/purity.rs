//! Level 5: the same question gets the same answer, and the calendar is no trap.

use std::hash::{DefaultHasher, Hasher};

use crate::{
    ask::{Occasion, dst_weeks},
    bench::{Bench, Named, answered, answered_or_declined},
    contract::Contract,
    verdict::{Outcome, Verdict},
};

/// Random questions of each settings example and method.
const QUESTIONS: u64 = 8;

/// A question put twice, also to another instance and after other questions, gets one answer.
///
/// # Errors
/// Names the first question that got two.
pub fn same_twice(bench: &Bench<'_>) -> Outcome {
    let mut used = bench.instance()?;
    for named in questions(bench)? {
        let first = answered_or_declined(used.as_mut(), &named)?;
        let again = answered_or_declined(used.as_mut(), &named)?;
        let fresh = answered_or_declined(bench.instance()?.as_mut(), &named)?;
        if again != first || fresh != first {
            let how = if again == first { "a fresh instance" } else { "the second time" };
            return Err(Verdict::failed(format_args!("{}: the same question gets another answer {how}", named.label)));
        }
    }
    Ok(())
}

/// Returns the answers to some questions in short, for comparison with those of another process.
///
/// # Errors
/// If an answer breaks a rule.
pub fn fingerprints(bench: &Bench<'_>) -> Result<Vec<(String, u64)>, Verdict> {
    let mut instance = bench.instance()?;
    let mut prints = Vec::new();
    for named in questions(bench)? {
        let answer = answered_or_declined(instance.as_mut(), &named)?;
        // Without keys, so the same in every process of this program.
        let mut hasher = DefaultHasher::new();
        hasher.write(answer.as_deref().unwrap_or(b"declined"));
        prints.push((named.label, hasher.finish()));
    }
    Ok(prints)
}

/// Weeks in which clocks change are filled like any other.
///
/// # Errors
/// Names the first week that is not.
pub fn dst(bench: &Bench<'_>) -> Outcome {
    if bench.contract != Contract::Scheduler {
        return Err(Verdict::skipped("only schedulers deal with civil time"));
    }
    let mut instance = bench.instance()?;
    for (name, settings) in &bench.examples.settings {
        let needs = bench.prepared(instance.as_mut(), name, settings)?.unwrap_or_default();
        for week in dst_weeks() {
            let label = format!("the week around {} in {} with settings {name}", week.day, week.zone);
            answered(instance.as_mut(), &Named { label, ask: week.ask(settings, &needs).into() })?;
        }
    }
    Ok(())
}

/// A leap day is filled like any other.
///
/// # Errors
/// If it is not.
pub fn leap_day(bench: &Bench<'_>) -> Outcome {
    if bench.contract != Contract::Scheduler {
        return Err(Verdict::skipped("only schedulers deal with civil time"));
    }
    let mut instance = bench.instance()?;
    bench.asks(Occasion::LeapDay)?.iter().try_for_each(|named| answered(instance.as_mut(), named).map(drop))
}

fn questions(bench: &Bench<'_>) -> Result<Vec<Named>, Verdict> {
    let mut all = bench.asks(Occasion::Ordinary)?;
    for question in 0..QUESTIONS {
        all.extend(bench.asks(Occasion::Random(bench.seed.wrapping_add(question)))?);
    }
    Ok(all)
}
