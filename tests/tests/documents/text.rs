//! Documents as blocks and words.
//!
//! Does: take fenced blocks, commands in the midst of a sentence, and rows of tables out of Markdown and manual pages.

use std::{fs, path::Path};

/// Documents for people.
pub const DOCUMENTS: [&str; 8] = [
    "README.md",
    "CONTRIBUTING.md",
    "OPERATING.md",
    "SECURITY.md",
    "plugins/README.md",
    "hwprofiles/README.md",
    "packaging/man/exstreamtv.chapters.roff",
    "packaging/man/exstreamtv-plugin.7",
];

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What stands behind the fence: "sh", "toml".
    pub language: String,
    /// Its lines.
    pub lines: Vec<String>,
}

impl Block {
    /// Returns its text.
    pub fn text(&self) -> String {
        self.lines.join("\n") + "\n"
    }
}

/// Returns the root of the repository.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Reads a document.
pub fn read(name: &str) -> String {
    fs::read_to_string(workspace().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Returns the blocks of a document; in a manual page what is indented and not filled.
pub fn blocks(name: &str) -> Vec<Block> {
    let text = read(name);
    if name.ends_with(".md") { fenced(&text) } else { indented(&text) }
}

fn fenced(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some(Block { language: language.trim().to_owned(), lines: Vec::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block has no end");
    blocks
}

fn indented(text: &str) -> Vec<Block> {
    let parts = text.split("\n.RS\n").skip(1).map(|part| part.split("\n.RE\n").next().unwrap_or_default());
    let block = |part: &str| {
        let lines: Vec<_> = part.lines().map(|line| line.replace("\\-", "-")).collect();
        let is_command =
            lines.first().is_some_and(|line| ["exstreamtv ", "sudo "].iter().any(|word| line.starts_with(word)));
        Block { language: if is_command { "sh" } else { "" }.into(), lines }
    };
    parts.map(block).collect()
}

/// Returns what stands in a document between single backticks (Markdown) or in bold on a line of its own (a manual page).
pub fn inline(name: &str) -> Vec<String> {
    let text = read(name);
    if !name.ends_with(".md") {
        let quoted = text.split('"').skip(1).step_by(2).map(|words| words.replace("\\-", "-"));
        let bold = text.lines().filter_map(|line| line.strip_prefix(".B ")).map(|words| words.replace("\\-", "-"));
        return quoted.chain(bold).collect();
    }
    let prose = text.split("```").step_by(2).collect::<Vec<_>>().join(" ");
    prose.split('`').skip(1).step_by(2).map(|words| words.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Returns the rows of the table with this header, cell by cell.
pub fn table(name: &str, header: &str) -> Vec<Vec<String>> {
    let text = read(name);
    let below = text.lines().skip_while(|line| !line.starts_with(header)).skip(2);
    let rows = below.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn every_block_of_commands_says_that_it_is_one() {
    let starts = ["make ", "exstreamtv ", "sudo ", "cargo ", "apt ", "brew ", "systemctl "];
    for name in DOCUMENTS {
        for block in blocks(name) {
            let looks = block.lines.iter().any(|line| starts.iter().any(|start| line.starts_with(start)));
            assert!(!looks || block.language == "sh", "{name}: a block of commands is not marked as sh: {block:?}");
        }
    }
}
