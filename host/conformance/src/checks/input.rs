//! Level 4: what no host sends is refused, and nothing breaks by it.

use crate::{
    ask::Occasion,
    bench::{Bench, answered, declined, judged, put_bytes},
    hostile::{self, Hostile},
    subject::{Offer, Reply},
    verdict::{Outcome, Verdict},
};

/// Requests that are not JSON, or not the document, are refused.
///
/// # Errors
/// Names the first one that is not.
pub fn malformed(bench: &Bench<'_>) -> Outcome {
    survives(bench, hostile::malformed)
}

/// Requests of 8 MiB are survived.
///
/// # Errors
/// Names the first one that is not.
pub fn huge(bench: &Bench<'_>) -> Outcome {
    survives(bench, hostile::huge)
}

/// Requests that nest deeply are survived.
///
/// # Errors
/// Names the first one that is not.
pub fn deep(bench: &Bench<'_>) -> Outcome {
    survives(bench, hostile::deep)
}

/// A sink that takes no more ends the call, and harms nothing.
///
/// # Errors
/// If the plugin says that all is well, or is of no use afterwards.
pub fn failing_sink(bench: &Bench<'_>) -> Outcome {
    for named in bench.asks(Occasion::Ordinary)? {
        let mut instance = bench.instance()?;
        let whole = answered(instance.as_mut(), &named)?;
        for sink_bytes in [0, 1, whole.len() / 2, whole.len().saturating_sub(1)] {
            let deadline = named.ask.method().deadline();
            let offer = Offer { deadline, sink_bytes: Some(sink_bytes), pools: Some(named.ask.clone()) };
            let reply = instance.call(named.ask.method().name(), &named.ask.bytes(), &offer);
            if reply != Reply::SinkRefused {
                return Err(Verdict::failed(format_args!(
                    "{}: the sink took {sink_bytes} bytes and no more, and the call ended with {}",
                    named.label,
                    reply.story()
                )));
            }
        }
        if answered(instance.as_mut(), &named)? != whole {
            return Err(Verdict::failed(format_args!(
                "{}: after a refused output the answer is another one",
                named.label
            )));
        }
    }
    Ok(())
}

fn survives(bench: &Bench<'_>, requests: fn(&[u8]) -> Vec<Hostile>) -> Outcome {
    for named in bench.asks(Occasion::Ordinary)? {
        let mut instance = bench.instance()?;
        let good = named.ask.bytes();
        for hostile in requests(&good) {
            let label = format!("{} given {}", named.label, hostile.what);
            match put_bytes(instance.as_mut(), &named.ask, &hostile.bytes) {
                Reply::Answer(_) if hostile.must_refuse => {
                    return Err(Verdict::failed(format_args!("{label}: the plugin answered what it cannot have read")));
                }
                reply @ Reply::Answer(_) => judged(&named.ask, reply, &label).map(drop)?,
                Reply::UnknownMethod => {
                    return Err(Verdict::failed(format_args!("{label}: the plugin no longer knows the method")));
                }
                reply => declined(&reply, &label)?,
            }
        }
        // The instance must still be of use.
        answered(instance.as_mut(), &named)?;
    }
    Ok(())
}
