//! JSON Merge Patch (RFC 7396).
//!
//! Invariant: the result passes the same strict reading as a whole body, so a patch cannot set what a `PUT` cannot.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::http::{extract::read_value, problem::ApiError};

/// Returns `current` with the patch applied.
///
/// # Errors
/// Points at the first value of the result that does not fit.
pub fn merged<T: Serialize + DeserializeOwned>(current: &T, patch: Value) -> Result<T, ApiError> {
    if !patch.is_object() {
        return Err(ApiError::invalid("", "a patch is a JSON object"));
    }
    let mut value = serde_json::to_value(current).map_err(|error| ApiError::invalid("", error))?;
    merge(&mut value, patch);
    read_value(value)
}

fn merge(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(fields)) => {
            for (key, value) in fields {
                if value.is_null() {
                    target.remove(&key);
                } else {
                    merge(target.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (target, patch) => *target = without_nulls(patch),
    }
}

/// A patch that meets no object is itself the value, less the keys that it removes.
fn without_nulls(patch: Value) -> Value {
    match patch {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_examples_of_the_rfc_come_out() {
        for (target, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            let mut merged = target.clone();
            merge(&mut merged, patch.clone());
            assert_eq!(merged, result, "{target} with {patch}");
        }
    }

    #[test]
    fn a_patch_must_be_an_object() {
        assert!(merged(&json!({}), json!([1])).is_err());
    }
}
