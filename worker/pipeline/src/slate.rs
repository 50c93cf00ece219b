//! The plain slate: a dark picture with a few lines of text.
//!
//! Invariant: the text is in files and never in a filter graph, so that no character of it can break one.

use exstreamtv_model::OutputProfile;

/// A small file that a plan needs in FFmpeg's working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// Its name; letters, digits and a dot.
    pub name: String,
    /// What is in it.
    pub contents: String,
}

/// Background, near black with a trace of blue.
pub const BACKGROUND: &str = "0x10141c";

/// More lines than this are no slate.
const MOST_LINES: usize = 6;

/// Text height as a part of the picture's height: readable from a sofa, on a phone too.
const LINES_PER_PICTURE: u32 = 14;

/// Returns the filters that write `text` in the middle of the picture, and the files they read. Blank text needs neither.
///
/// One filter and one file for each line: FFmpeg 5.1 centres a block of lines, but not the lines in it.
pub fn draw(text: &str, profile: &OutputProfile) -> (Vec<String>, Vec<TextFile>) {
    let font_px = (profile.height / LINES_PER_PICTURE).max(8);
    // A character is about 0.6 of its height wide; a tenth of the picture stays free at both sides.
    let columns = (profile.width * 8 / 10 * 10 / (font_px * 6)).max(8);
    let lines = wrap(text, usize::try_from(columns).unwrap_or(usize::MAX));
    let step_px = font_px * 3 / 2;
    let half_px = step_px * u32::try_from(lines.len()).unwrap_or_default() / 2;
    let draw_line = |(at, line): (u32, String)| {
        let name = format!("line{at}.txt");
        let filter = format!(
            "drawtext=textfile={name}:expansion=none:fontcolor=0xd8dce4:fontsize={font_px}:x=(w-text_w)/2:y=h/2-{half_px}+{}",
            at * step_px
        );
        (filter, TextFile { name, contents: line })
    };
    (0..).zip(lines).map(draw_line).unzip()
}

/// Breaks `text` into at most [`MOST_LINES`] lines of at most `columns` characters, at spaces where there are some.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    for word in words.flat_map(|word| pieces(word, columns)) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}

fn pieces(word: &str, columns: usize) -> Vec<String> {
    let characters: Vec<char> = word.chars().collect();
    characters.chunks(columns.max(1)).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_broken_at_spaces_and_cut_after_a_few_lines() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        let endless = wrap(&"word ".repeat(100), 10);
        assert_eq!(endless.len(), MOST_LINES);
        assert!(endless[MOST_LINES - 1].ends_with('…'));
    }

    #[test]
    fn blank_text_draws_nothing() {
        assert_eq!(draw(" \n\t\0 ", &OutputProfile::default()), (vec![], vec![]));
    }

    #[test]
    fn text_is_in_files_only() {
        let (filters, files) = draw("it's 100% sure: [a],;\\n %{pts}", &OutputProfile::default());
        assert_eq!(files[0].contents, "it's 100% sure: [a],;\\n %{pts}");
        assert!(filters.iter().all(|filter| !filter.contains("sure")));
    }
}
