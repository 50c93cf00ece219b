//! exstreamtv.toml(5): every key of the configuration.
//!
//! Does: turn the commented configuration into a page.
//! Does not: know any key.
//! Invariant: a line of the configuration is in the page exactly once.

use clap_mangen::roff::{Roff, bold, roman};

use super::title;

/// Returns the page about a configuration in which comments stand before what they are about.
pub fn page(configuration: &str, date: &str) -> String {
    let mut roff = Roff::new();
    roff.control("SH", ["NAME"]).text([roman("exstreamtv.toml - configuration of exstreamtv(1)")]);
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([roman(
        "TOML, read by every command that is given it with --config. SIGHUP makes a server read it again; what takes effect only at \
         the next start is named in its log. \"exstreamtv config check\" says what is wrong with a file and where, \"exstreamtv config show\" what is in force.",
    )]);
    let mut reader = Reader { roff, comment: Vec::new(), in_section: false, open: false, headed: false };
    configuration.lines().for_each(|line| reader.line(line));
    reader.close();
    let mut page = title("exstreamtv.toml", "5", date);
    page.push_str(&reader.roff.to_roff());
    page.push_str(SEE_ALSO);
    page
}

const SEE_ALSO: &str = ".SH FILES\n.I /etc/exstreamtv/exstreamtv.toml\nwhere the package of Debian has it.\n.SH \"SEE ALSO\"\n.BR exstreamtv (1),\n.BR exstreamtv\\-plugin (7)\n";

struct Reader {
    roff: Roff,
    /// What was said and is not about anything yet.
    comment: Vec<String>,
    in_section: bool,
    /// Keys stand there whose description has not been written.
    open: bool,
    /// A heading was the last thing.
    headed: bool,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if let Some(comment) = line.strip_prefix('#') {
            self.flush_keys_before_a_comment();
            self.comment.push(comment.strip_prefix(' ').unwrap_or(comment).to_owned());
        } else if line.starts_with('[') {
            self.prose();
            self.roff.control("SH", [line]);
            (self.in_section, self.headed) = (true, true);
        } else if line.contains(" = ") {
            self.key(line);
        } else if !self.in_section {
            self.prose();
        }
    }

    /// Keys that follow each other share the comment before the first.
    fn key(&mut self, line: &str) {
        self.roff.control(if self.open { "TQ" } else { "TP" }, []);
        self.headed = false;
        self.roff.text([bold(line)]);
        self.open = true;
    }

    fn flush_keys_before_a_comment(&mut self) {
        if std::mem::take(&mut self.open) {
            let text = std::mem::take(&mut self.comment).join(" ");
            self.roff.text([roman(text)]);
        }
    }

    fn prose(&mut self) {
        self.flush_keys_before_a_comment();
        if !self.comment.is_empty() {
            let text = std::mem::take(&mut self.comment).join(" ");
            if !std::mem::take(&mut self.headed) {
                self.roff.control("PP", []);
            }
            self.roff.text([roman(text)]);
        }
    }

    /// What stands behind the last key is an example: a paragraph, an empty line, then the example itself.
    fn close(&mut self) {
        self.flush_keys_before_a_comment();
        let rest = std::mem::take(&mut self.comment);
        let Some(gap) = rest.iter().position(String::is_empty) else { return };
        self.roff.control("SH", ["DECLARED CHANNELS"]).text([roman(rest[..gap].join(" "))]);
        self.roff.control("PP", []).control("nf", []);
        for line in &rest[gap + 1..] {
            self.roff.text([roman(line.as_str())]);
        }
        self.roff.control("fi", []);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_describes_the_keys_below_it() {
        let text =
            "# All.\n\n[a]\n# One\n# thing.\nx = 1\ny = \"-\"\n# Another.\nz = 3\n\n# Example:\n#\n# [[b]]\n# c = 1\n";
        let page = page(text, "2026-01-02");
        let start = page.find(".SH \"[a]\"").or(page.find(".SH [a]")).unwrap();
        let told = page[start..].replace("\\fB", "").replace("\\fR", "").replace("\\-", "-");
        let expected = "\n.TP\nx = 1\n.TQ\ny = \"-\"\nOne thing.\n.TP\nz = 3\nAnother.\n.SH \"DECLARED CHANNELS\"\nExample:\n.PP\n.nf\n[[b]]\nc = 1\n.fi\n";
        assert!(told.contains(expected), "{told}");
        assert!(page.contains("All."));
    }
}
