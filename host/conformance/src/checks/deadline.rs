//! Level 7: answers come in time.

use std::time::Duration;

use crate::{
    ask::Occasion,
    bench::{Bench, declined, judged, put},
    stopwatch::Stopwatch,
    subject::{Offer, Reply},
    verdict::{Outcome, Verdict},
};

/// The largest questions are answered, or declined, within the deadline.
///
/// # Errors
/// Says what took how long.
pub fn large(bench: &Bench<'_>) -> Outcome {
    let mut instance = bench.instance()?;
    for named in bench.asks(Occasion::Large)? {
        let deadline = named.ask.method().deadline();
        let watch = Stopwatch::start();
        let reply = put(instance.as_mut(), &named.ask);
        let taken = watch.elapsed();
        if taken > deadline {
            let (taken, deadline) = (taken.as_millis(), deadline.as_millis());
            return Err(Verdict::failed(format_args!(
                "{}: it took {taken} ms, at most {deadline} ms are allowed",
                named.label
            )));
        }
        match reply {
            Reply::Timeout => {}
            reply => drop(judged(&named.ask, reply, &format!("{} (100,000 items)", named.label))?),
        }
    }
    Ok(())
}

/// With hardly any time left, a plugin still ends in good order.
///
/// # Errors
/// Says what happened instead.
pub fn hardly_any_time(bench: &Bench<'_>) -> Outcome {
    let mut instance = bench.instance()?;
    for named in bench.asks(Occasion::Ordinary)? {
        for deadline in [Duration::from_nanos(1), Duration::from_millis(1)] {
            let offer = Offer { deadline, sink_bytes: None, pools: Some(named.ask.clone()) };
            let label = format!("{} with {deadline:?} left", named.label);
            match instance.call(named.ask.method().name(), &named.ask.bytes(), &offer) {
                reply @ Reply::Answer(_) => drop(judged(&named.ask, reply, &label)?),
                reply => declined(&reply, &label)?,
            }
        }
    }
    Ok(())
}
