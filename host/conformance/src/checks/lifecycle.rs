//! Level 2: instances come and go, and leave nothing behind.

use crate::{
    ask::Occasion,
    bench::{Bench, answered},
    observe,
    subject::{Offer, Reply},
    verdict::{Outcome, Verdict},
};

/// Instances that are made and destroyed.
const CYCLES: usize = 1_000;

/// Cycles between two looks at memory.
const CYCLES_PER_SAMPLE: usize = 100;

/// Samples that are not looked at: caches fill, the allocator settles.
const WARM_UP_SAMPLES: usize = 3;

/// Growth that is no leak, per cycle. One page in thirty cycles.
const GROWTH_BYTES_PER_CYCLE: f64 = 136.0;

/// A thousand instances leave no descriptors, threads or memory behind.
///
/// # Errors
/// Says what grew.
pub fn thousand_instances(bench: &Bench<'_>) -> Outcome {
    let mut memory = Vec::new();
    let mut before = None;
    for cycle in 0..CYCLES {
        drop(bench.instance()?);
        // What the first instance sets up once for all is no leak.
        before.get_or_insert_with(|| (observe::fd_count(), observe::thread_count()));
        if (cycle + 1).is_multiple_of(CYCLES_PER_SAMPLE) {
            memory.extend(observe::rss_bytes().map(|bytes| bytes as f64));
        }
    }
    let (fds, threads) = before.unwrap_or_default();
    grew("descriptors", fds, observe::fd_count())?;
    grew("threads", threads, observe::thread_count())?;
    let settled = memory.get(WARM_UP_SAMPLES..).unwrap_or_default();
    let bytes_per_cycle = observe::slope(settled) / CYCLES_PER_SAMPLE as f64;
    if settled.len() > 1 && bytes_per_cycle > GROWTH_BYTES_PER_CYCLE {
        return Err(Verdict::failed(format_args!(
            "each create and destroy leaves about {bytes_per_cycle:.0} bytes of memory behind"
        )));
    }
    Ok(())
}

fn grew(what: &str, before: Option<usize>, now: Option<usize>) -> Outcome {
    match (before, now) {
        (Some(before), Some(now)) if now > before => Err(Verdict::failed(format_args!(
            "after {CYCLES} instances there are {now} {what}, after the first one there were {before}"
        ))),
        _ => Ok(()),
    }
}

/// A thousand calls of one instance leave no memory behind.
///
/// # Errors
/// Says how much grew.
pub fn thousand_calls(bench: &Bench<'_>) -> Outcome {
    let asks = bench.asks(Occasion::Random(7))?;
    let mut instance = bench.instance()?;
    let mut memory = Vec::new();
    for cycle in 0..CYCLES {
        // Refused requests take the paths on which memory is forgotten most easily.
        let ask = &asks[cycle % asks.len()].ask;
        let bytes = ask.bytes();
        let cut = if cycle.is_multiple_of(2) { bytes.len() / 2 } else { bytes.len().min(200) };
        let offer = Offer { deadline: ask.method().deadline(), sink_bytes: None, pools: None };
        let _ = instance.call(ask.method().name(), &bytes[..cut], &offer);
        if (cycle + 1).is_multiple_of(CYCLES_PER_SAMPLE) {
            memory.extend(observe::rss_bytes().map(|bytes| bytes as f64));
        }
    }
    let settled = memory.get(WARM_UP_SAMPLES..).unwrap_or_default();
    let bytes_per_call = observe::slope(settled) / CYCLES_PER_SAMPLE as f64;
    if settled.len() > 1 && bytes_per_call > GROWTH_BYTES_PER_CYCLE {
        return Err(Verdict::failed(format_args!("each call leaves about {bytes_per_call:.0} bytes of memory behind")));
    }
    Ok(())
}

/// Two instances are independent: one outlives the other.
///
/// # Errors
/// If one suffers from the end of the other.
pub fn independent_instances(bench: &Bench<'_>) -> Outcome {
    let asks = bench.asks(Occasion::Ordinary)?;
    let (mut first, mut second) = (bench.instance()?, bench.instance()?);
    let before: Vec<_> = asks.iter().map(|named| answered(first.as_mut(), named)).collect::<Result<_, _>>()?;
    drop(first);
    for (named, answer) in asks.iter().zip(before) {
        if answered(second.as_mut(), named)? != answer {
            return Err(Verdict::failed(format_args!("{}: two instances answer differently", named.label)));
        }
    }
    Ok(())
}

/// A missing or senseless configuration is taken or refused in good order.
///
/// # Errors
/// If create ends in any other way.
pub fn configurations(bench: &Bench<'_>) -> Outcome {
    for config in [&b""[..], b"null", b"{}"] {
        if let Err(reply) = bench.library.create(bench.id, config) {
            let config = String::from_utf8_lossy(config);
            let text = format!("create without a configuration ({config:?}) ended with {}", reply.story());
            return Err(Verdict::failed(text));
        }
    }
    for config in [&b"[[["[..], b"{\"x_unknown\": 1}", b"\xff\xfe", b"42", &[b'['; 100_000]] {
        match bench.library.create(bench.id, config) {
            Ok(_) | Err(Reply::BadInput(_) | Reply::Failed(_)) => {}
            Err(reply) => {
                let text = format!("create with a senseless configuration ended with {}", reply.story());
                return Err(Verdict::failed(text));
            }
        }
    }
    Ok(())
}

/// An id that the library does not describe is declined, and so is an extension that nobody has.
///
/// # Errors
/// If not.
pub fn unknown_names(bench: &Bench<'_>) -> Outcome {
    for id in ["", "org.example.nobody", &format!("{}x", bench.id), &bench.id.to_uppercase()] {
        match bench.library.create(id, b"null") {
            Err(Reply::UnknownId) => {}
            Err(reply) => {
                return Err(Verdict::failed(format_args!(
                    "create of the unknown id {id:?} ended with {}",
                    reply.story()
                )));
            }
            Ok(_) => return Err(Verdict::failed(format_args!("create made an instance of the unknown id {id:?}"))),
        }
    }
    let mut instance = bench.instance()?;
    for extension in ["", "exstreamtv.nobody/1", "exstreamtv.selftest/9"] {
        if instance.has_extension(extension) {
            return Err(Verdict::failed(format_args!(
                "get_extension claims to have {extension:?}, which does not exist"
            )));
        }
    }
    Ok(())
}
