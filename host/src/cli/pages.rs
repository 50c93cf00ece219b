//! `exstreamtv man` and `completions`: what a package lays beside the program. Hidden, because packagers alone need them.
//!
//! Does: write the manual pages, print the completions of a shell.
//! Does not: say anything that the commands or the commented configuration do not say; so no page can be out of date.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use chrono::NaiveDate;
use clap::{CommandFactory, Subcommand};
use clap_complete::Shell;

use super::Cli;
use crate::clock::{Clock, SystemClock};

mod command_page;
mod config_page;

/// What authors of plugins have to know.
const PLUGIN_PAGE: &str = include_str!("../../../packaging/man/exstreamtv-plugin.7");

/// The configuration with every key and its meaning.
const CONFIGURATION: &str = include_str!("../../../packaging/config/exstreamtv.toml");

/// What a package lays beside the program.
#[derive(Debug, Subcommand)]
pub enum PagesCommand {
    /// Writes the manual pages.
    #[command(hide = true)]
    Man {
        /// Where to.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// The date that the pages carry; today's if it is not said.
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: Option<NaiveDate>,
    },
    /// Prints what makes a shell complete our commands and flags.
    #[command(hide = true)]
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// Why pages cannot be written; fits after "failed to".
#[derive(Debug, thiserror::Error)]
#[error("write {}", .path.display())]
pub struct PagesError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Runs a command.
///
/// # Errors
/// If a page cannot be written.
pub fn run(command: PagesCommand) -> Result<(), PagesError> {
    match command {
        PagesCommand::Man { folder, date } => write(&folder, date.unwrap_or_else(|| SystemClock.now().date_naive())),
        PagesCommand::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "exstreamtv", &mut text);
            say!("{}", String::from_utf8_lossy(&text).trim_end());
            Ok(())
        }
    }
}

fn write(folder: &Path, date: NaiveDate) -> Result<(), PagesError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| PagesError { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    for (name, text) in pages(date) {
        let path = folder.join(name);
        fs::write(&path, text).map_err(failed(&path))?;
    }
    Ok(())
}

/// Returns every page with its file's name.
fn pages(date: NaiveDate) -> [(&'static str, String); 3] {
    let date = date.to_string();
    [
        ("exstreamtv.1", command_page::page(&date)),
        ("exstreamtv.toml.5", config_page::page(CONFIGURATION, &date)),
        ("exstreamtv-plugin.7", PLUGIN_PAGE.replace("@DATE@", &date).replace("@VERSION@", env!("CARGO_PKG_VERSION"))),
    ]
}

/// Returns the first line of a page: its name, section, date and version.
fn title(name: &str, section: &str, date: &str) -> String {
    format!(".TH {name} {section} {date} \"EXStreamTV {}\" \"EXStreamTV\"\n", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Command;

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 2).unwrap()
    }

    /// Text as a reader sees it.
    fn plain(page: &str) -> String {
        page.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "").replace("\\fI", "").replace("\\&", "")
    }

    fn page(name: &str) -> String {
        plain(&pages(day()).into_iter().find(|page| page.0 == name).unwrap().1)
    }

    fn flags(path: &str, command: &Command, found: &mut Vec<(String, String)>) {
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            found.extend(argument.get_long().map(|long| (path.to_owned(), format!("--{long}"))));
        }
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            flags(&format!("{path} {}", below.get_name()), below, found);
        }
    }

    #[test]
    fn the_page_of_the_program_names_every_command_and_flag() {
        let page = page("exstreamtv.1");
        let mut found = Vec::new();
        flags("exstreamtv", &Cli::command(), &mut found);
        assert!(found.len() > 40, "{found:?}");
        for (path, flag) in found {
            assert!(path == "exstreamtv" || page.contains(&format!(".SS \"{path}\"")), "no command {path}");
            assert!(page.contains(&flag), "no {flag} of {path}");
        }
        assert!(!page.contains("plugin-host"), "hidden commands are nobody's business");
    }

    #[test]
    fn the_page_of_the_program_says_what_every_exit_code_means() {
        let page = page("exstreamtv.1");
        let (_, status) = page.split_once(".SH \"EXIT STATUS\"").unwrap();
        let codes = super::super::EXIT_CODES.split(|letter: char| !letter.is_ascii_digit());
        let codes: Vec<_> = codes.filter(|code| !code.is_empty()).collect();
        assert!(codes.len() > 8);
        for code in codes {
            assert!(status.contains(&format!("\n.B {code}\n")), "{code}");
        }
    }

    #[test]
    fn the_page_of_the_configuration_has_every_key_in_its_section() {
        let page = page("exstreamtv.toml.5");
        let all: toml::Table = toml::Table::try_from(crate::config::Config::default()).unwrap();
        let mut count = 0;
        for (section, keys) in all.iter().filter_map(|(section, keys)| Some((section, keys.as_table()?))) {
            let (_, below) = page.split_once(&format!(".SH [{section}]\n")).unwrap_or_else(|| panic!("{section}"));
            let below = below.split("\n.SH ").next().unwrap();
            for (key, value) in keys {
                let heading = format!("\n.SH [{section}.{key}]\n");
                let there =
                    if value.is_table() { page.contains(&heading) } else { below.contains(&format!("\n{key} = ")) };
                assert!(there, "[{section}] {key}");
                count += 1;
            }
        }
        assert!(count > 80, "{count}");
    }

    #[test]
    fn every_page_carries_its_date_and_version() {
        for (name, text) in pages(day()) {
            let first = text.lines().find(|line| line.starts_with(".TH ")).unwrap();
            assert!(first.contains("2026-01-02") && first.contains(env!("CARGO_PKG_VERSION")), "{name}: {first}");
            assert!(!text.contains('@') || !text.contains("@DATE@"), "{name}");
        }
    }

    #[test]
    fn shells_complete_what_there_is() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "exstreamtv", &mut text);
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains("restore-if-corrupt") && text.contains("quarantine"), "{shell}");
        }
    }
}
