//! Texts in the order in which a person would sort them.
//!
//! Does: turn a text into bytes that compare as a person compares texts: "Part 2" before "part 10".
//! Does not: know languages; "Ä" is a letter behind "z".

/// Appends the sort key of `text`, which must be folded already. Texts that differ in more than leading zeros get different keys.
pub(super) fn append_key(key: &mut Vec<u8>, text: &str) {
    let mut zeros = Vec::new();
    let mut rest = text.as_bytes();
    while let Some(&byte) = rest.first() {
        if byte.is_ascii_digit() {
            rest = append_number(key, rest, &mut zeros);
        } else {
            // The end mark must stay the lowest byte.
            key.push(byte.max(END + 1));
            rest = &rest[1..];
        }
    }
    key.push(END);
    key.append(&mut zeros);
    key.push(END);
}

/// Appends the digits that `text` begins with, longer numbers behind shorter ones, and returns what follows them.
fn append_number<'t>(key: &mut Vec<u8>, text: &'t [u8], zeros: &mut Vec<u8>) -> &'t [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let leading = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
    let value = &digits[leading..];
    key.extend([b'0', u8::try_from(value.len()).unwrap_or(u8::MAX)]);
    key.extend(value);
    zeros.push(u8::try_from(leading + 1).unwrap_or(u8::MAX));
    rest
}

/// Ends a text; no other byte of a key is as low, so a text comes before those that begin with it.
const END: u8 = 0;
