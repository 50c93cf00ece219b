//! Level 10: random questions, damaged at random, from a seed that can be given again.
//!
//! Does: make a request from a seed, ask it, and judge what comes back as far as the request allows.
//! Does not: shrink; a request of a seed is shown with `--reproduce`.
//! Invariant: the same seed gives the same request, in any version of the generator ChaCha8.

mod mutate;

use std::{sync::Arc, time::Duration};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::{
    ask::{Ask, Occasion},
    bench::{Bench, declined, judged, put_bytes},
    job::ChildReport,
    stopwatch::Stopwatch,
    subject::{Instance, Reply},
    verdict::{Outcome, Verdict},
};

/// Tells the parent something.
pub(crate) type Say<'a> = &'a dyn Fn(&mut dyn FnMut(&mut ChildReport));

/// A question of a seed.
struct Question {
    label: String,
    /// What the host would have asked; serves the pages of its pools.
    plain: Arc<Ask>,
    /// What is asked in its place.
    bytes: Vec<u8>,
}

/// Asks questions from the bench's seed on, until the time is over or a rule is broken.
///
/// # Errors
/// Names the rule and the seed.
pub(crate) fn go_on(bench: &Bench<'_>, time: Duration, say: Say<'_>) -> Outcome {
    let watch = Stopwatch::start();
    let mut instance = bench.instance()?;
    let mut seed = bench.seed;
    let mut questions = 0;
    while watch.elapsed() < time {
        let question = question(bench, seed)?;
        // Said before it is asked: after a crash, this is all that is known.
        say(&mut |report| (report.seed, report.questions) = (Some(seed), questions));
        ask(instance.as_mut(), &question)?;
        questions += 1;
        // A fresh instance now and then, so that a question alone can reproduce what went wrong in most cases.
        if questions.is_multiple_of(64) {
            instance = bench.instance()?;
        }
        seed = seed.wrapping_add(1);
    }
    say(&mut |report| report.questions = questions);
    Ok(())
}

/// Asks the question of one seed, and shows the request.
///
/// # Errors
/// Names the rule that is broken.
pub(crate) fn once(bench: &Bench<'_>, seed: u64, say: Say<'_>) -> Outcome {
    let question = question(bench, seed)?;
    let request = String::from_utf8_lossy(&question.bytes).into_owned();
    say(&mut |report| (report.seed, report.request) = (Some(seed), Some(request.clone())));
    ask(bench.instance()?.as_mut(), &question)
}

fn question(bench: &Bench<'_>, seed: u64) -> Result<Question, Verdict> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut asks = bench.asks(Occasion::Random(seed))?;
    let named = asks.swap_remove(rng.random_range(0..asks.len()));
    let mut value: Value = serde_json::from_slice(&named.ask.bytes()).map_err(Verdict::failed)?;
    for _ in 0..rng.random_range(0..6) {
        mutate::value(&mut value, &mut rng);
    }
    let mut bytes = value.to_string().into_bytes();
    if rng.random_bool(0.2) {
        mutate::bytes(&mut bytes, &mut rng);
    }
    Ok(Question { label: format!("{} (seed {seed})", named.label), plain: named.ask, bytes })
}

fn ask(instance: &mut dyn Instance, question: &Question) -> Outcome {
    // A damaged request may still be one that a host could send; then the answer must be good.
    let possible = Ask::read(question.plain.method(), &question.bytes).map(Arc::new);
    let pools = possible.as_ref().unwrap_or(&question.plain);
    match put_bytes(instance, pools, &question.bytes) {
        reply @ Reply::Answer(_) => match &possible {
            Some(ask) => judged(ask, reply, &question.label).map(drop),
            None => Ok(()),
        },
        reply => declined(&reply, &question.label),
    }
}
