//! Finds members of an answer that its document does not have.
//!
//! An answer is read into the document's type and written again; what got lost on the way had no place in the type.

use serde_json::Value;

/// Returns the path of the first member of `answer` that `known` lost, like "entries[3].tittle".
pub fn first_unknown(answer: &Value, known: &Value) -> Option<String> {
    match (answer, known) {
        (Value::Object(answer), Value::Object(known)) => answer.iter().find_map(|(key, value)| match known.get(key) {
            Some(kept) => first_unknown(value, kept).map(|rest| joined(key, &rest)),
            // Members that say nothing are left out when a document is written.
            None => (!says_nothing(value)).then(|| key.clone()),
        }),
        (Value::Array(answer), Value::Array(known)) => answer
            .iter()
            .zip(known)
            .enumerate()
            .find_map(|(index, (a, k))| first_unknown(a, k).map(|rest| joined(&format!("[{index}]"), &rest))),
        _ => None,
    }
}

fn joined(first: &str, rest: &str) -> String {
    let dot = if rest.starts_with('[') { "" } else { "." };
    format!("{first}{dot}{rest}")
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_lost_member_is_named_with_its_path() {
        let answer = json!({"entries": [{"rule": ""}, {"tittle": "x"}], "state": {"any": 1}});
        let known = json!({"entries": [{}, {}], "state": {"any": 1}});
        assert_eq!(first_unknown(&answer, &known), Some("entries[1].tittle".into()));
        assert_eq!(first_unknown(&known, &known), None);
    }
}
