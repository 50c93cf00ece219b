//! Where the lines of a slate's message are.
//!
//! Does: break the message into rows that fit, and place them.
//! Does not: know colours or filters.
//! Invariant: everything is relative to the picture's height, and all rows are inside the picture as far as letters are as wide as expected.

use exstreamtv_model::slate::Message;

/// A message, placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// Rows from the top down.
    pub rows: Vec<Row>,
    /// What they cover, with a margin.
    pub area: Area,
}

/// One row of letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub text: String,
    pub font_px: u32,
    pub baseline_px: u32,
    /// Less important than the others.
    pub muted: bool,
}

/// A rectangle of the picture; its sides are even.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

/// Letters of one kind.
#[derive(Debug, Clone, Copy)]
struct Font {
    px: u32,
    muted: bool,
}

/// Lines of one kind, and whether there is a gap above them.
struct Paragraph<'a> {
    text: &'a str,
    font: Font,
    most_rows: usize,
    after_gap: bool,
}

/// How many rows title, subtitle, reason and next programme may have; less, where they would not fit.
const MOST_ROWS: [[usize; 4]; 3] = [[2, 2, 2, 2], [2, 1, 2, 1], [1, 1, 1, 1]];

impl Layout {
    /// Places `message` in the middle of a picture.
    pub(super) fn of(message: &Message, width: u32, height: u32) -> Self {
        // An upright picture is no taller for its letters than it is wide.
        let unit = height.min(width * 3 / 4);
        let columns_px = width * 86 / 100;
        let blocks = MOST_ROWS.iter().map(|most| Block::of(message, unit, columns_px, *most));
        let fits = |block: &Block| block.height_px <= height * 9 / 10;
        let last = Block::of(message, unit, columns_px, MOST_ROWS[MOST_ROWS.len() - 1]);
        blocks.into_iter().find(fits).unwrap_or(last).centred(width, height, unit / 24)
    }
}

/// Rows below each other, from zero.
struct Block {
    rows: Vec<Row>,
    height_px: u32,
    width_px: u32,
}

impl Block {
    fn of(message: &Message, unit: u32, columns_px: u32, [title, subtitle, reason, next]: [usize; 4]) -> Self {
        let large = Font { px: (unit / 10).max(12), muted: false };
        let body = Font { px: (unit / 16).max(10), muted: false };
        let small = Font { px: (unit / 20).max(9), muted: true };
        let paragraph = |text, font, most_rows, after_gap| Paragraph { text, font, most_rows, after_gap };
        let paragraphs = [
            paragraph(&message.channel, small, 1, false),
            paragraph(&message.title, large, title, true),
            paragraph(&message.subtitle, body, subtitle, false),
            paragraph(&message.reason, body, reason, true),
            paragraph(&message.next, body, next, true),
            paragraph(&message.code, small, 1, true),
        ];
        let mut block = Self { rows: Vec::new(), height_px: 0, width_px: 0 };
        for paragraph in paragraphs {
            block.add(&paragraph, unit / 36, columns_px);
        }
        block
    }

    fn add(&mut self, paragraph: &Paragraph<'_>, gap_px: u32, columns_px: u32) {
        let Font { px, muted } = paragraph.font;
        let rows = wrap(paragraph.text, columns_px * 100 / px, paragraph.most_rows);
        if paragraph.after_gap && !rows.is_empty() && !self.rows.is_empty() {
            self.height_px += gap_px;
        }
        for text in rows {
            self.width_px = self.width_px.max(width_of(&text) * px / 100);
            // Letters reach about three quarters of their size above the line, and a quarter below it.
            self.rows.push(Row { text, font_px: px, baseline_px: self.height_px + px, muted });
            self.height_px += px * 27 / 20;
        }
    }

    fn centred(self, width: u32, height: u32, margin: u32) -> Layout {
        let top = height.saturating_sub(self.height_px) / 2;
        let rows = self.rows.into_iter().map(|row| Row { baseline_px: row.baseline_px + top, ..row }).collect();
        let area_width = (self.width_px + 4 * margin).min(width) & !1;
        let area_height = (self.height_px + 2 * margin).min(height) & !1;
        let area = Area {
            left: ((width - area_width) / 2) & !1,
            top: top.saturating_sub(margin) & !1,
            width: area_width,
            height: area_height,
        };
        Layout { rows, area }
    }
}

/// Breaks `text` into at most `most` rows of at most `columns` hundredths of the font's size, at spaces where there are some.
fn wrap(text: &str, columns: u32, most: usize) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    for word in words.flat_map(|word| pieces(word, columns)) {
        match rows.last_mut() {
            Some(row) if width_of(row) + width_of(" ") + width_of(&word) <= columns => {
                row.push(' ');
                row.push_str(&word);
            }
            _ => rows.push(word),
        }
        if rows.len() > most {
            rows.truncate(most);
            rows.last_mut().into_iter().for_each(|row| cut_short(row, columns));
            break;
        }
    }
    rows
}

/// Ends a row with an ellipsis, inside `columns`.
fn cut_short(row: &mut String, columns: u32) {
    while width_of(row) + width_of("…") > columns && row.pop().is_some() {}
    row.truncate(row.trim_end().len());
    row.push('…');
}

/// A word that is longer than a row is broken anywhere.
fn pieces(word: &str, columns: u32) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut width = 0;
    for letter in word.chars() {
        width += letter_width(letter);
        if width > columns {
            pieces.push(String::new());
            width = letter_width(letter);
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(letter);
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn width_of(text: &str) -> u32 {
    text.chars().map(letter_width).sum()
}

/// Returns about how wide a letter is, in hundredths of the font's size: DejaVu Sans, which is wider than most.
fn letter_width(letter: char) -> u32 {
    match letter {
        ' ' | '.' | ',' | ':' | ';' | '!' | '\'' | '|' | 'i' | 'j' | 'l' | 'I' => 34,
        'f' | 'r' | 't' | '-' | '(' | ')' | '/' | '\\' | '"' => 42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' | '—' => 100,
        'A'..='Z' | 'Ä' | 'Ö' | 'Ü' | '#' | '+' | '=' | '<' | '>' => 80,
        // Combining marks sit on the letter before them.
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' => 0,
        '\u{1100}'.. => 105,
        _ => 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Message {
        Message {
            channel: "5.1  Classics".into(),
            title: "We will be right back".into(),
            subtitle: "Thank you for watching".into(),
            reason: "The recording has a format that the server cannot play".into(),
            next: "Next: The Cabinet of Dr. Caligari at 20:15".into(),
            code: "EX-15".into(),
        }
    }

    fn endless() -> Message {
        let long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft ".repeat(9);
        Message { title: long.clone(), subtitle: long.clone(), reason: long.clone(), next: long, ..everything() }
    }

    #[test]
    fn long_text_is_broken_at_spaces_and_cut_after_its_rows() {
        assert_eq!(wrap("one two three", 520, 6), ["one two", "three"]);
        assert_eq!(wrap("aaaaaaaaaa", 260, 6), ["aaaa", "aaaa", "aa"]);
        let endless = wrap(&"word ".repeat(100), 600, 2);
        assert_eq!(endless.len(), 2);
        assert!(endless[1].ends_with("word…") || endless[1].ends_with('…'), "{endless:?}");
        assert!(endless.iter().all(|row| width_of(row) <= 600), "{endless:?}");
    }

    #[test]
    fn every_row_is_inside_the_picture_whatever_is_said() {
        for (width, height) in [(64, 64), (320, 180), (640, 480), (720, 1280), (1280, 720), (3840, 2160), (7680, 64)] {
            for message in [everything(), endless(), Message::titled("漢".repeat(300))] {
                let Layout { rows, area } = Layout::of(&message, width, height);
                assert!(
                    area.left + area.width <= width && area.top + area.height <= height,
                    "{width}x{height} {area:?}"
                );
                let fits = |row: &Row| width_of(&row.text) * row.font_px / 100 <= width;
                assert!(rows.iter().all(fits), "{width}x{height} {rows:?}");
                let lowest = rows.last().map_or(0, |row| row.baseline_px);
                // Letters have a least size, so a tiny picture may lose the last ones.
                assert!(height < 180 || lowest < height, "{width}x{height} {rows:?}");
            }
        }
    }

    #[test]
    fn rows_do_not_touch_each_other() {
        for message in [everything(), endless()] {
            let rows = Layout::of(&message, 1280, 720).rows;
            assert!(
                rows.windows(2)
                    .all(|pair| pair[0].baseline_px + pair[0].font_px / 4
                        <= pair[1].baseline_px - pair[1].font_px * 3 / 4)
            );
        }
    }

    #[test]
    fn a_message_looks_the_same_at_any_size() {
        let (small, large) = (Layout::of(&everything(), 1280, 720), Layout::of(&everything(), 3840, 2160));
        let texts = |layout: &Layout| layout.rows.iter().map(|row| row.text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&small), texts(&large));
        assert!(
            small
                .rows
                .iter()
                .zip(&large.rows)
                .all(|(small, large)| small.baseline_px.abs_diff(large.baseline_px / 3) < 8)
        );
    }

    #[test]
    fn empty_lines_take_no_room() {
        let rows = Layout::of(&Message::titled("Off air"), 1280, 720).rows;
        assert_eq!(rows.len(), 1);
        assert!(rows[0].baseline_px.abs_diff(720 / 2) < 72 / 2, "{rows:?}");
    }
}
