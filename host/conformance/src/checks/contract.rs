//! Level 3: answers are the contract's documents.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    ask::{Ask, Occasion},
    bench::{Bench, answered, judged, put, put_bytes},
    contract::Contract,
    subject::{Offer, Reply},
    verdict::{Outcome, Verdict},
};

/// The settings that were given for checks are accepted.
///
/// # Errors
/// Says what is wrong with them.
pub fn settings(bench: &Bench<'_>) -> Outcome {
    if bench.contract != Contract::Scheduler {
        return Err(Verdict::skipped("only schedulers have settings"));
    }
    for (name, settings) in &bench.examples.settings {
        if let Some(fault) = bench.settings_fault(name, settings)? {
            return Err(Verdict::failed(format_args!("the plugin refuses the settings {name}: {fault}")));
        }
    }
    Ok(())
}

/// Every method answers an ordinary question with its document.
///
/// # Errors
/// Names the first answer that the host would refuse.
pub fn answers(bench: &Bench<'_>) -> Outcome {
    let mut instance = bench.instance()?;
    bench.asks(Occasion::Ordinary)?.iter().try_for_each(|named| answered(instance.as_mut(), named).map(drop))
}

/// The author's own vectors get the answers that they must get.
///
/// # Errors
/// Names the first one that does not.
pub fn vectors(bench: &Bench<'_>) -> Outcome {
    if bench.examples.vectors.is_empty() {
        return Err(Verdict::skipped("NAME.check.toml names no vectors"));
    }
    let mut instance = bench.instance()?;
    for vector in &bench.examples.vectors {
        let failed = |what: String| Verdict::failed(format_args!("vector {}: {what}", vector.name));
        let pools = Ask::read(vector.method, &vector.request).map(Arc::new);
        let offer = Offer { deadline: vector.method.deadline(), sink_bytes: None, pools };
        let reply = instance.call(vector.method.name(), &vector.request, &offer);
        let Reply::Answer(answer) = reply else {
            return Err(failed(format!("the call ended with {}", reply.story())));
        };
        let answer: Value = serde_json::from_slice(&answer).map_err(|error| failed(error.to_string()))?;
        if let Some(path) = first_difference(&answer, &vector.answer) {
            return Err(failed(format!("the answer differs from the golden one at {path:?}")));
        }
    }
    Ok(())
}

/// Members that a plugin does not know change nothing.
///
/// # Errors
/// If one does.
pub fn unknown_members(bench: &Bench<'_>) -> Outcome {
    let mut instance = bench.instance()?;
    for named in bench.asks(Occasion::Ordinary)? {
        let plain = answered(instance.as_mut(), &named)?;
        let mut request: Value = serde_json::from_slice(&named.ask.bytes()).map_err(Verdict::failed)?;
        add_unknown(&mut request);
        let reply = put_bytes(instance.as_mut(), &named.ask, request.to_string().as_bytes());
        let answer = judged(&named.ask, reply, &format!("{} with unknown members", named.label))?;
        if !same(&answer, &plain) {
            return Err(Verdict::failed(format_args!("{}: unknown members changed the answer", named.label)));
        }
    }
    Ok(())
}

/// The order of members and blanks between them change nothing.
///
/// # Errors
/// If they do.
pub fn spelling(bench: &Bench<'_>) -> Outcome {
    respelt(bench, quoted)
}

/// Escapes in names and texts mean what they mean.
///
/// # Errors
/// If they change something.
pub fn escapes(bench: &Bench<'_>) -> Outcome {
    respelt(bench, escaped)
}

/// Writes a text as JSON.
type WriteText = fn(&str, &mut String);

fn respelt(bench: &Bench<'_>, write_text: WriteText) -> Outcome {
    let mut instance = bench.instance()?;
    for named in bench.asks(Occasion::Ordinary)? {
        let plain = answered(instance.as_mut(), &named)?;
        let request: Value = serde_json::from_slice(&named.ask.bytes()).map_err(Verdict::failed)?;
        let mut text = String::new();
        respell(&request, write_text, &mut text);
        let reply = put_bytes(instance.as_mut(), &named.ask, text.as_bytes());
        let answer = judged(&named.ask, reply, &format!("{} spelt differently", named.label))?;
        if !same(&answer, &plain) {
            return Err(Verdict::failed(format_args!(
                "{}: another spelling of the request changed the answer",
                named.label
            )));
        }
    }
    Ok(())
}

/// A method of another contract is declined.
///
/// # Errors
/// If it is answered.
pub fn unknown_method(bench: &Bench<'_>) -> Outcome {
    let mut instance = bench.instance()?;
    for method in ["", "frobnicate", "plan\0", "PLAN", "exstreamtv.future/9"] {
        let offer = Offer { deadline: Duration::from_secs(1), sink_bytes: None, pools: None };
        let reply = instance.call(method, b"{}", &offer);
        if reply != Reply::UnknownMethod {
            return Err(Verdict::failed(format_args!(
                "the method {method:?} does not exist, and ended with {}",
                reply.story()
            )));
        }
    }
    // The instance must still be of use.
    let asks = bench.asks(Occasion::Ordinary)?;
    asks.iter()
        .take(1)
        .try_for_each(|named| judged(&named.ask, put(instance.as_mut(), &named.ask), &named.label).map(drop))
}

/// Returns whether two answers say the same; what is echoed may be spelt as it was in the request.
fn same(a: &[u8], b: &[u8]) -> bool {
    let read = |answer: &[u8]| serde_json::from_slice::<Value>(answer).ok();
    read(a) == read(b)
}

/// Adds members that no version has to every object of a request but settings and state, which are not ours.
fn add_unknown(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let ours = members.iter_mut().filter(|(key, _)| !matches!(key.as_str(), "settings" | "state" | "source"));
            ours.for_each(|(_, value)| add_unknown(value));
            members.insert("x_unknown".into(), serde_json::json!({"since": 9, "list": [1, null, "…"]}));
        }
        Value::Array(items) => items.iter_mut().for_each(add_unknown),
        _ => {}
    }
}

/// Writes a value with its members backwards and with blanks.
fn respell(value: &Value, write_text: WriteText, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut separator = "{\r\n";
            for (key, value) in members.iter().rev() {
                text.push_str(separator);
                write_text(key, text);
                text.push_str("\t : ");
                respell(value, write_text, text);
                separator = " ,\n";
            }
            text.push_str(if members.is_empty() { "{ }" } else { "}" });
        }
        Value::Array(items) => {
            text.push_str("[ ");
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { " , " } else { "" });
                respell(item, write_text, text);
            }
            text.push(']');
        }
        Value::String(string) => write_text(string, text),
        other => text.push_str(&other.to_string()),
    }
}

fn quoted(string: &str, text: &mut String) {
    text.push_str(&Value::from(string).to_string());
}

fn escaped(string: &str, text: &mut String) {
    text.push('"');
    for unit in string.encode_utf16() {
        text.push_str(&format!("\\u{unit:04x}"));
    }
    text.push('"');
}

/// Returns the path of the first difference of two documents.
fn first_difference(a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            keys.map(|key| (key, a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null)))
                .find_map(|(key, a, b)| first_difference(a, b).map(|rest| format!(".{key}{rest}")))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b).enumerate();
            pairs.into_iter().find_map(|(index, (a, b))| first_difference(a, b).map(|rest| format!("[{index}]{rest}")))
        }
        _ => (a != b).then(String::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn another_spelling_says_the_same() {
        let value = json!({"zone": "Ü 🎬 \"x\"", "list": [1, {}, [], null, true, -2.5], "a": {"b": "c"}});
        for write_text in [quoted, escaped] {
            let mut text = String::new();
            respell(&value, write_text, &mut text);
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }

    #[test]
    fn unknown_members_stay_out_of_settings_and_state() {
        let mut value = json!({"settings": {"a": {}}, "state": {}, "pools": [{}]});
        add_unknown(&mut value);
        assert_eq!((&value["settings"], &value["state"]), (&json!({"a": {}}), &json!({})));
        assert!(value["pools"][0]["x_unknown"].is_object() && value["x_unknown"].is_object());
    }

    #[test]
    fn the_first_difference_is_found() {
        let (a, b) = (json!({"e": [{"x": 1}], "n": null}), json!({"e": [{"x": 2}]}));
        assert_eq!(first_difference(&a, &b).unwrap(), ".e[0].x");
        assert_eq!(first_difference(&a, &a), None);
    }
}
