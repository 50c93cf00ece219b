//! Makes text fit to be written.
//!
//! Does: drop what XML 1.0 cannot hold and what no screen can show.
//! Does not: escape; the writers do.

/// Returns the text with its line breaks as "\n", words parted by single spaces.
pub(crate) fn printable(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<String> = text.split('\n').map(one_line).collect();
    lines.join("\n").trim().to_owned()
}

/// Returns the text on one line, words parted by single spaces.
pub(crate) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<String> = words.map(|word| word.chars().filter(|c| is_printable(*c)).collect()).collect();
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{feff}')
}
