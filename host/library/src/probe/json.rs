//! Reads fields that may be absent, numbers written as text, and text written as numbers.
//!
//! Does not: fail; what cannot be read is not there.

use serde_json::Value;

const MAX_TEXT_CHARS: usize = 300;

/// Returns a field as trimmed text without control characters; `None` when empty.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    let text = match value.get(key)? {
        Value::String(text) => text.chars().filter(|c| !c.is_control()).take(MAX_TEXT_CHARS).collect::<String>(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Returns a whole number, also from text.
pub(super) fn integer(value: &Value, key: &str) -> Option<i64> {
    match value.get(key)? {
        Value::Number(number) => {
            number.as_i64().or_else(|| number.as_f64().filter(|n| n.abs() < 1e15).map(|n| n as i64))
        }
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Returns a number of seconds as milliseconds, rounded to the nearest.
pub(super) fn seconds_ms(value: &Value, key: &str) -> Option<i64> {
    let seconds = match value.get(key)? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    (seconds.is_finite() && seconds.abs() < 1e12).then(|| (seconds * 1000.0).round() as i64)
}

/// Returns a list; an empty one when there is none.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns a tag, whatever the case of its name.
pub(super) fn tag(value: &Value, name: &str) -> Option<String> {
    let tags = value.get("tags")?;
    let key = tags.as_object()?.keys().find(|key| key.eq_ignore_ascii_case(name))?;
    text(tags, key)
}

/// Returns "num/den" or "num:den" when both are positive.
pub(super) fn fraction(value: &Value, key: &str) -> Option<(u32, u32)> {
    let text = text(value, key)?;
    let (num, den) = text.split_once(['/', ':'])?;
    let (num, den) = (num.trim().parse().ok()?, den.trim().parse().ok()?);
    (num > 0 && den > 0).then_some((num, den))
}
