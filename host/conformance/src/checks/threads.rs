//! Level 6: instances run in parallel, and calls of one instance come from different threads.

use std::thread;

use crate::{
    ask::Occasion,
    bench::{Bench, Named, answered},
    verdict::{Outcome, Verdict},
};

const INSTANCES: usize = 16;

/// Rounds of each instance.
const ROUNDS: usize = 4;

/// Sixteen instances at once answer as one does alone.
///
/// # Errors
/// Says which answer is another one.
pub fn parallel(bench: &Bench<'_>) -> Outcome {
    let asks = bench.asks(Occasion::Ordinary)?;
    let alone = answers(bench.instance()?.as_mut(), &asks)?;
    thread::scope(|scope| {
        let work = || -> Outcome {
            for _ in 0..ROUNDS {
                // Made and destroyed while others work, too.
                compare(&answers(bench.instance()?.as_mut(), &asks)?, &alone, "beside fifteen others")?;
            }
            Ok(())
        };
        let threads: Vec<_> = (0..INSTANCES).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(broken())))
    })
}

/// One instance, called from one thread after another, answers the same.
///
/// # Errors
/// Says which answer is another one.
pub fn alternating(bench: &Bench<'_>) -> Outcome {
    let asks = bench.asks(Occasion::Ordinary)?;
    let mut instance = bench.instance()?;
    let first = answers(instance.as_mut(), &asks)?;
    for _ in 0..ROUNDS {
        let again = thread::scope(|scope| scope.spawn(|| answers(instance.as_mut(), &asks)).join());
        compare(&again.unwrap_or_else(|_| Err(broken()))?, &first, "from another thread")?;
        // And back again: what a plugin keeps per thread is there the second time only.
        compare(&answers(instance.as_mut(), &asks)?, &first, "from another thread")?;
    }
    // Destroyed on yet another thread.
    thread::scope(|scope| scope.spawn(move || drop(instance)).join()).map_err(|_| broken())
}

fn answers(instance: &mut dyn crate::subject::Instance, asks: &[Named]) -> Result<Vec<(String, Vec<u8>)>, Verdict> {
    asks.iter().map(|named| Ok((named.label.clone(), answered(instance, named)?))).collect()
}

fn compare(now: &[(String, Vec<u8>)], then: &[(String, Vec<u8>)], where_: &str) -> Outcome {
    match now.iter().zip(then).find(|(now, then)| now != then) {
        Some(((label, _), _)) => Err(Verdict::failed(format_args!("{label}: the answer {where_} is another one"))),
        None => Ok(()),
    }
}

fn broken() -> Verdict {
    Verdict::failed("a thread of the check panicked; please report this, it is a bug of the checker")
}
