//! Damage at random that keeps a request's structure.

use rand::{Rng, RngExt};
use serde_json::{Value, json};

/// Changes one node of a document: replaces, removes, repeats, swaps or shifts it.
pub fn value(root: &mut Value, rng: &mut impl Rng) {
    let target = rng.random_range(0..count(root));
    let mut place = target;
    if let Some(node) = find(root, &mut place) {
        change(node, rng);
    }
}

/// Changes bytes: flips, removes, repeats or inserts some.
pub fn bytes(text: &mut Vec<u8>, rng: &mut impl Rng) {
    if text.is_empty() {
        return;
    }
    let start = rng.random_range(0..text.len());
    let end = (start + rng.random_range(1..64)).min(text.len());
    match rng.random_range(0..5) {
        0 => text[start] ^= 1 << rng.random_range(0..8),
        1 => drop(text.drain(start..end)),
        2 => text.truncate(start),
        3 => {
            let piece = text[start..end].to_vec();
            text.splice(start..start, piece);
        }
        _ => text.insert(start, rng.random()),
    }
}

fn change(node: &mut Value, rng: &mut impl Rng) {
    match node {
        Value::Object(members) if rng.random_bool(0.7) => {
            let keys: Vec<_> = members.keys().cloned().collect();
            if keys.is_empty() || rng.random_bool(0.3) {
                members.insert("x_unknown".into(), odd(rng));
            } else {
                members.remove(&keys[rng.random_range(0..keys.len())]);
            }
        }
        Value::Array(items) if !items.is_empty() && rng.random_bool(0.8) => change_list(items, rng),
        Value::Number(number) if rng.random_bool(0.7) => {
            let old = number.as_i64().unwrap_or(0);
            let steps = [1, -1, 1_000, -1_000, 3_600_000, 86_400_000, -86_400_000, i64::MAX / 4];
            *node = json!(old.wrapping_add(steps[rng.random_range(0..steps.len())]));
        }
        Value::String(text) if rng.random_bool(0.5) => {
            // Ids and seeds are numbers in texts.
            let number = text.parse::<i64>().ok();
            *node = number.map_or_else(|| odd(rng), |number| json!(number.wrapping_add(1).to_string()));
        }
        _ => *node = odd(rng),
    }
}

fn change_list(items: &mut Vec<Value>, rng: &mut impl Rng) {
    let (one, other) = (rng.random_range(0..items.len()), rng.random_range(0..items.len()));
    match rng.random_range(0..5) {
        0 => drop(items.remove(one)),
        1 => items.swap(one, other),
        2 => items.truncate(one),
        3 => {
            let copy = items[one].clone();
            items.extend(std::iter::repeat_n(copy, rng.random_range(1..50)));
        }
        _ => items[one] = odd(rng),
    }
}

/// Returns something that seldom stands there.
fn odd(rng: &mut impl Rng) -> Value {
    match rng.random_range(0..14) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(i64::MAX),
        5 => json!(i64::MIN),
        6 => json!(u64::MAX),
        7 => json!(1e308),
        8 => json!(""),
        9 => json!("\u{0}\u{feff}\u{202e}🎬"),
        10 => json!("9".repeat(400)),
        11 => json!([]),
        12 => json!({}),
        _ => json!("Pacific/Apia"),
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Object(members) => members.values().map(count).sum(),
        Value::Array(items) => items.iter().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// Returns the node that is `place` nodes away from the root, depth first.
fn find<'a>(node: &'a mut Value, place: &mut usize) -> Option<&'a mut Value> {
    if *place == 0 {
        return Some(node);
    }
    *place -= 1;
    match node {
        Value::Object(members) => members.values_mut().find_map(|member| find(member, place)),
        Value::Array(items) => items.iter_mut().find_map(|item| find(item, place)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn damaged(seed: u64) -> (Value, Vec<u8>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut document = json!({"window": {"start_ms": 1}, "pools": [{"items": [1, 2, 3]}], "zone": "UTC"});
        value(&mut document, &mut rng);
        let mut text = document.to_string().into_bytes();
        bytes(&mut text, &mut rng);
        (document, text)
    }

    #[test]
    fn the_same_seed_damages_in_the_same_way_and_others_in_others() {
        let all: Vec<_> = (0..64).map(damaged).collect();
        assert_eq!(all, (0..64).map(damaged).collect::<Vec<_>>());
        let distinct: std::collections::HashSet<_> = all.iter().map(|(_, text)| text).collect();
        assert!(distinct.len() > 50, "{}", distinct.len());
    }
}
