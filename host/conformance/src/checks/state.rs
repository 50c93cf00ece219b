//! Level 8: a scheduler's state is a document that comes back.

use std::sync::Arc;

use exstreamtv_model::schedule::{PlanAnswer, PlanRequest, Window};
use serde_json::{Value, json};

use crate::{
    ask::{Ask, Occasion},
    bench::{Bench, Named, answered, answered_or_declined},
    contract::Method,
    verdict::{Outcome, Verdict},
};

/// Windows of a chain.
const WINDOWS: usize = 6;

/// A chain of windows goes on where the one before ended, also when a fresh instance is given the state.
///
/// # Errors
/// Names the first window that does not.
pub fn round_trip(bench: &Bench<'_>) -> Outcome {
    for (label, request) in plans(bench)? {
        let mut kept = bench.instance()?;
        let mut request = request;
        for step in 0..WINDOWS {
            let named = plan(&format!("{label}, window {step}"), &request);
            let answer = answered(kept.as_mut(), &named)?;
            if answered(bench.instance()?.as_mut(), &named)? != answer {
                let text = "a fresh instance goes on differently from the same state; all memory must be in the state";
                return Err(Verdict::failed(format_args!("{}: {text}", named.label)));
            }
            request = next(&request, &read(&answer)?);
        }
    }
    Ok(())
}

/// What was aired after the state was given, as after an edit, is taken into account without harm.
///
/// # Errors
/// If the window after an edit is not filled.
pub fn after_an_edit(bench: &Bench<'_>) -> Outcome {
    for (label, request) in plans(bench)? {
        let mut instance = bench.instance()?;
        let first = read(&answered(instance.as_mut(), &plan(&label, &request))?)?;
        let second_request = next(&request, &first);
        let second = read(&answered(instance.as_mut(), &plan(&label, &second_request))?)?;
        // The edit takes effect in the middle of the second window: its first half stays.
        let kept = second.entries.len().div_ceil(2);
        let aired = second.entries.get(..kept).unwrap_or_default().to_vec();
        let Some(last) = aired.last() else { continue };
        let start_ms = last.stop_ms;
        let window = Window { start_ms, stop_ms: start_ms + length_ms(&request) };
        let third_request = PlanRequest { window, aired, ..second_request };
        answered(instance.as_mut(), &plan(&format!("{label}, after an edit"), &third_request))?;
    }
    Ok(())
}

/// States of older versions are understood.
///
/// # Errors
/// Names the first one that is not.
pub fn older_states(bench: &Bench<'_>) -> Outcome {
    if bench.examples.states.is_empty() {
        return Err(Verdict::skipped("NAME.check.toml names no states of older versions"));
    }
    for (label, request) in plans(bench)? {
        for (name, state) in &bench.examples.states {
            let request = PlanRequest { state: Some(state.clone()), ..request.clone() };
            answered(bench.instance()?.as_mut(), &plan(&format!("{label}, older state {name}"), &request))?;
        }
    }
    Ok(())
}

/// A state that makes no sense is no error and no crash: the plugin starts over.
///
/// # Errors
/// Names the first state that is.
pub fn corrupt_states(bench: &Bench<'_>) -> Outcome {
    for (label, request) in plans(bench)? {
        let mut instance = bench.instance()?;
        let state = read(&answered(instance.as_mut(), &plan(&label, &request))?)?.state;
        for corrupt in corruptions(&state) {
            let shown: String = corrupt.to_string().chars().take(60).collect();
            let request = PlanRequest { state: Some(corrupt), ..request.clone() };
            answered(instance.as_mut(), &plan(&format!("{label}, given the state {shown}"), &request))?;
        }
    }
    Ok(())
}

/// Items come and go between windows, all of them too.
///
/// # Errors
/// Names the first change that a plugin does not survive.
pub fn changing_library(bench: &Bench<'_>) -> Outcome {
    for (label, request) in plans(bench)? {
        let mut instance = bench.instance()?;
        let mut request = request;
        for (step, keep_every) in [2, 3, usize::MAX, 1].into_iter().enumerate() {
            let named = plan(&format!("{label}, change {step} of the library"), &request);
            let Some(answer) = answered_or_declined(instance.as_mut(), &named)? else { continue };
            request = next(&request, &read(&answer)?);
            for pool in &mut request.pools {
                let mut place = 0_usize;
                pool.items.retain(|_| (place.is_multiple_of(keep_every) && keep_every < usize::MAX, place += 1).0);
                pool.count = pool.items.len() as u64;
            }
        }
    }
    Ok(())
}

/// Returns states in place of one that a plugin gave: other types, other members, and each of its own members damaged.
fn corruptions(state: &Value) -> Vec<Value> {
    let long = "x".repeat(60_000);
    let mut all = vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!(long),
        json!([]),
        json!([[[[]]]]),
        json!({}),
        json!({"version": 999}),
    ];
    damage(state, &mut |damaged| all.push(damaged));
    all
}

/// Gives every document in which one member of `value` was replaced by something else.
fn damage(value: &Value, give: &mut dyn FnMut(Value)) {
    let others =
        [Value::Null, json!(-9_000_000_000_000_000_000_i64), json!(u64::MAX), json!("?"), json!([]), json!({})];
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let mut put = |member| {
                    let mut copy = members.clone();
                    copy.insert(key.clone(), member);
                    give(Value::Object(copy));
                };
                others.iter().cloned().for_each(&mut put);
                damage(member, &mut put);
            }
        }
        // The first element stands for all: a long list would give as many states.
        Value::Array(items) => {
            if let Some((first, rest)) = items.split_first() {
                let mut put = |item| give(Value::Array([&[item], rest].concat()));
                others.iter().cloned().for_each(&mut put);
                damage(first, &mut put);
            }
        }
        _ => {}
    }
}

/// Returns the plans of an ordinary day, in windows of six hours.
fn plans(bench: &Bench<'_>) -> Result<Vec<(String, PlanRequest)>, Verdict> {
    let asks = bench.asks(Occasion::Ordinary)?.into_iter().filter(|named| named.ask.method() == Method::Plan);
    let plans: Vec<_> = asks.filter_map(|named| Some((named.label, six_hours(&named.ask)?))).collect();
    if plans.is_empty() { Err(Verdict::skipped("only schedulers have a state")) } else { Ok(plans) }
}

fn six_hours(ask: &Ask) -> Option<PlanRequest> {
    let Ask::Plan(request) = ask else { return None };
    let start_ms = request.window.start_ms;
    Some(PlanRequest { window: Window { start_ms, stop_ms: start_ms + 6 * 3_600_000 }, ..(**request).clone() })
}

fn plan(label: &str, request: &PlanRequest) -> Named {
    Named { label: label.to_owned(), ask: Arc::new(Ask::Plan(Box::new(request.clone()))) }
}

/// Returns the question for the window behind an answer.
fn next(request: &PlanRequest, answer: &PlanAnswer) -> PlanRequest {
    let start_ms = answer.entries.last().map_or(request.window.stop_ms, |entry| entry.stop_ms);
    let window = Window { start_ms, stop_ms: start_ms + length_ms(request) };
    PlanRequest { window, state: Some(answer.state.clone()), aired: Vec::new(), ..request.clone() }
}

fn length_ms(request: &PlanRequest) -> i64 {
    request.window.stop_ms - request.window.start_ms
}

fn read(answer: &[u8]) -> Result<PlanAnswer, Verdict> {
    serde_json::from_slice(answer).map_err(Verdict::failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_of_a_state_is_damaged_once_in_each_way() {
        let mut damaged = Vec::new();
        damage(&json!({"cursor": 3, "shows": [{"at": 1}, {"at": 2}]}), &mut |state| damaged.push(state));
        assert!(damaged.contains(&json!({"cursor": "?", "shows": [{"at": 1}, {"at": 2}]})));
        assert!(damaged.contains(&json!({"cursor": 3, "shows": [{"at": []}, {"at": 2}]})));
        assert_eq!(damaged.len(), 4 * 6);
    }
}
