//! Versions of FFmpeg, drivers and kernels, as far as they can be compared.
//!
//! Invariant: any text is a version or none; nothing that somebody calls a version makes it panic.

use std::{cmp::Ordering, fmt};

/// Numbers between dots, most important first: "550.54.14", "8.0", "6.1.0-28-amd64" (whose rest is ignored).
#[derive(Debug, Clone)]
pub struct Version(Vec<u64>);

impl Version {
    /// Reads the numbers at the beginning of `text`, behind an "n" or a "v"; `None` where there is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches(['n', 'v']);
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let numbers = text[..end].split('.').map_while(|part| part.parse().ok());
        let numbers: Vec<u64> = numbers.take(8).collect();
        (!numbers.is_empty()).then_some(Self(numbers))
    }

    /// Returns a version of these numbers.
    pub fn of(numbers: &[u64]) -> Self {
        Self(numbers.to_vec())
    }
}

impl Ord for Version {
    /// What is not written is zero: 8 is 8.0.
    fn cmp(&self, other: &Self) -> Ordering {
        let part = |version: &Self, at: usize| version.0.get(at).copied().unwrap_or(0);
        let longest = self.0.len().max(other.0.len());
        (0..longest)
            .map(|at| part(self, at).cmp(&part(other, at)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u64::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn versions_compare_by_their_numbers_and_what_is_not_written_is_zero() {
        assert!(version("550.54.14") > version("550.9"));
        assert!(version("5.1.9-0+deb12u1") < version("5.2"));
        assert_eq!(version("n8"), version("8.0.0"));
        assert_eq!(version("6.1.0-28-amd64").to_string(), "6.1.0");
    }

    #[test]
    fn what_has_no_number_is_no_version() {
        for text in ["", "N-12345-gabc", "unknown", ".", "99999999999999999999999"] {
            assert!(Version::parse(text).is_none(), "{text}");
        }
    }
}
