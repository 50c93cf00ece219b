//! Splits a process's output into lines of bounded length.
//!
//! Invariant: holds at most [`LINE_LIMIT_BYTES`], whatever is fed; text without line ends costs no more than a line.

/// Longest line that is kept; the rest of a longer one is dropped.
pub const LINE_LIMIT_BYTES: usize = 1024;

/// Collects bytes into lines.
#[derive(Debug, Default)]
pub struct Lines {
    unfinished: Vec<u8>,
}

impl Lines {
    /// Takes `bytes` and hands every line that ends in them to `take`, without its end. Blank lines are skipped.
    pub fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(&str)) {
        // FFmpeg ends its status lines with a carriage return.
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, ended) = match piece {
                [text @ .., b'\n' | b'\r'] => (text, true),
                text => (text, false),
            };
            let room = LINE_LIMIT_BYTES - self.unfinished.len();
            self.unfinished.extend_from_slice(&text[..text.len().min(room)]);
            if ended {
                self.finish(&mut take);
            }
        }
    }

    /// Hands out what came after the last line end.
    pub fn finish(&mut self, mut take: impl FnMut(&str)) {
        let line = String::from_utf8_lossy(&self.unfinished);
        if !line.trim().is_empty() {
            take(line.trim_end());
        }
        drop(line);
        self.unfinished.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(portions: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for portion in portions {
            lines.feed(portion, |line| found.push(line.to_owned()));
        }
        lines.finish(|line| found.push(line.to_owned()));
        found
    }

    #[test]
    fn lines_come_whole_however_the_bytes_are_split() {
        assert_eq!(split(&[b"one\ntw", b"o\r\n\n", b"three"]), ["one", "two", "three"]);
    }

    #[test]
    fn an_endless_line_is_cut() {
        let long = split(&[&[b'a'; 5000], &[b'b'; 5000], b"\nnext\n"]);
        assert_eq!(long, ["a".repeat(LINE_LIMIT_BYTES), "next".to_owned()]);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(split(&[b"\xff\xfe\n"]), ["\u{fffd}\u{fffd}"]);
    }
}
