//! Where in a file something stands.
//!
//! Invariant: a place that cannot be found is the file as a whole; looking for it never fails.

use std::fmt;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::Source;

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The key: `op[2].expr`; counted from 0.
    pub key: String,
    /// The line, counted from 1; the nearest one that is known.
    pub line: Option<usize>,
}

impl Place {
    /// Returns where `key` stands in `source`, or the nearest table around it.
    pub(super) fn of(source: &Source, key: &str) -> Self {
        Self { file: source.name.clone(), key: key.to_owned(), line: line_of(&source.text, key) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}, {}", self.file, self.key),
            None => write!(f, "{}, {}", self.file, self.key),
        }
    }
}

fn line_of(text: &str, key: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let mut steps = key.split(['.', '[', ']']).filter(|step| !step.is_empty());
    let first = steps.next()?;
    let mut here = member(table.get_ref(), first)?;
    for step in steps {
        match inside(here, step) {
            Some(next) => here = next,
            None => break,
        }
    }
    Some(text[..here.span().start.min(text.len())].matches('\n').count() + 1)
}

fn member<'t, 'i>(table: &'t DeTable<'i>, name: &str) -> Option<&'t Spanned<DeValue<'i>>> {
    table.iter().find(|(key, _)| key.get_ref().as_ref() == name).map(|(_, value)| value)
}

fn inside<'t, 'i>(value: &'t Spanned<DeValue<'i>>, step: &str) -> Option<&'t Spanned<DeValue<'i>>> {
    match value.get_ref() {
        DeValue::Table(table) => member(table, step),
        DeValue::Array(elements) => elements.get(step.parse::<usize>().ok()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_tables_and_lists_and_the_nearest_is_named_otherwise() {
        let text =
            "id = \"x\"\n\n[[op]]\nop = \"a\"\n[[op]]\nop = \"b\"\nexpr = \"c\"\n[device]\ninit = [\n\"a\",\n\"b\"]\n";
        assert_eq!(line_of(text, "op[1].expr"), Some(7));
        assert_eq!(line_of(text, "device.init[1]"), Some(11));
        assert_eq!(line_of(text, "op[1].when[0].field"), Some(5));
        assert_eq!(line_of(text, "nothing"), None);
    }
}
