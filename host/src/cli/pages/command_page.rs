//! exstreamtv(1): what can be typed.
//!
//! Does: turn the definition of the command line into a page, with chapters that are written by hand behind it.
//! Does not: repeat in each command the flags that all have.

use std::collections::BTreeSet;

use clap::{Arg, Args, Command, CommandFactory};
use clap_mangen::roff::{Roff, bold, italic, roman};

use super::title;
use crate::cli::{Cli, Common};

/// What no definition of a command line says.
const CHAPTERS: &str = include_str!("../../../../packaging/man/exstreamtv.chapters.roff");

/// Returns the page.
pub fn page(date: &str) -> String {
    let mut program = Cli::command();
    program.build();
    let common = Common::augment_args(Command::new("common"));
    let known: BTreeSet<_> = common.get_arguments().map(|argument| argument.get_id().clone()).collect();
    let mut roff = Roff::new();
    roff.control("SH", ["NAME"]).text([roman("exstreamtv - turns a media library into live TV channels")]);
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([bold("exstreamtv"), roman(" "), italic("COMMAND"), roman(" [options]")]);
    roff.control("SH", ["COMMANDS"]);
    for command in program.get_subcommands() {
        describe(&mut roff, "exstreamtv", command, &|argument| !known.contains(argument.get_id()));
    }
    roff.control("SH", ["COMMON OPTIONS"]);
    roff.text([roman("Of every command that reads the configuration, the library or the database.")]);
    common.get_arguments().for_each(|argument| explain(&mut roff, argument));
    let mut page = title("exstreamtv", "1", date);
    page.push_str(&roff.to_roff());
    page.push_str(CHAPTERS);
    page
}

/// Writes a command, or those below it.
fn describe(roff: &mut Roff, above: &str, command: &Command, own: &dyn Fn(&Arg) -> bool) {
    if command.is_hide_set() || command.get_name() == "help" {
        return;
    }
    let path = format!("{above} {}", command.get_name());
    if command.has_subcommands() {
        for below in command.get_subcommands() {
            describe(roff, &path, below, own);
        }
        return;
    }
    roff.control("SS", [path.as_str()]);
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    roff.text([roman(about + ".")]);
    let arguments = command.get_arguments().filter(|argument| own(argument) && !argument.is_hide_set());
    for argument in arguments.filter(|argument| !matches!(argument.get_id().as_str(), "help" | "version")) {
        explain(roff, argument);
    }
}

/// Writes an argument and what it does.
fn explain(roff: &mut Roff, argument: &Arg) {
    roff.control("TP", []);
    let mut tag = Vec::new();
    if let Some(long) = argument.get_long() {
        tag.push(bold(format!("--{long}")));
    }
    if argument.get_action().takes_values() {
        let names = argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string);
        let value = names.collect::<Vec<_>>().join(" ");
        tag.extend((!tag.is_empty()).then(|| roman(" ")));
        tag.push(italic(value));
    }
    roff.text(tag);
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let values: Vec<_> = argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let mut text = help.trim_end_matches('.').to_owned();
    if !values.is_empty() && argument.get_action().takes_values() {
        text.push_str(&format!("; one of {}", values.join(", ")));
    }
    if let Some(variable) = argument.get_env() {
        text.push_str(&format!("; also ${}", variable.to_string_lossy()));
    }
    roff.text([roman(text + ".")]);
}
