//! The guide as a set-top box reads it.
//!
//! Does: read XMLTV into programmes with moments, and let the usual validators judge it.
//! Does not: forgive times without a zone.
//! Invariant: programmes of one channel come back sorted by start.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use chrono::DateTime;
use serde::Deserialize;

use crate::process::is_installed;

/// Where Debian keeps the DTD.
const DTD: [&str; 2] = ["/usr/share/xmltv/xmltv.dtd", "/usr/share/doc/xmltv-util/xmltv.dtd"];

/// One programme.
#[derive(Debug, Clone)]
pub struct Programme {
    /// Guide id of its channel.
    pub channel: String,
    /// First second.
    pub start_s: i64,
    /// First second of what follows.
    pub stop_s: i64,
    /// What it is called.
    pub title: String,
}

#[derive(Deserialize)]
struct Tv {
    #[serde(rename = "programme", default)]
    programmes: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "@channel")]
    channel: String,
    #[serde(rename = "@start")]
    start: String,
    #[serde(rename = "@stop")]
    stop: String,
    #[serde(rename = "title")]
    titles: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "$text", default)]
    text: String,
}

/// Reads a guide.
///
/// # Panics
/// When it is not XMLTV, or a time has no zone.
pub fn parse(xml: &str) -> Vec<Programme> {
    let tv: Tv = quick_xml::de::from_str(xml).unwrap_or_else(|error| panic!("read the guide: {error}"));
    let mut programmes: Vec<_> = tv.programmes.into_iter().map(programme).collect();
    programmes.sort_by(|a, b| (&a.channel, a.start_s).cmp(&(&b.channel, b.start_s)));
    programmes
}

fn programme(entry: Entry) -> Programme {
    let title = entry.titles.into_iter().next().map(|title| title.text).unwrap_or_default();
    Programme { channel: entry.channel, start_s: second(&entry.start), stop_s: second(&entry.stop), title }
}

fn second(text: &str) -> i64 {
    let moment = DateTime::parse_from_str(text, "%Y%m%d%H%M%S %z");
    moment.unwrap_or_else(|error| panic!("read the time {text:?}: {error}")).timestamp()
}

/// Returns what the installed validators have to say against a guide, and which of them are missing here.
///
/// # Panics
/// When a validator that is installed cannot be run.
pub fn judge(xml: &str, folder: &Path) -> (String, Vec<&'static str>) {
    let file = folder.join("guide.xml");
    fs::write(&file, xml).unwrap_or_else(|error| panic!("write the guide: {error}"));
    let dtd = DTD.iter().find(|path| Path::new(path).exists());
    if let Some(dtd) = dtd {
        // The guide names its DTD without a folder.
        fs::copy(dtd, folder.join("xmltv.dtd")).unwrap_or_else(|error| panic!("copy the DTD: {error}"));
    }
    let (mut complaints, mut missing) = (String::new(), Vec::new());
    if is_installed("xmllint") && dtd.is_some() {
        let dtd = dtd.copied().unwrap_or_default();
        complaints += &run(Command::new("xmllint").args(["--nonet", "--noout", "--dtdvalid", dtd]).arg(&file));
    } else {
        missing.push("xmllint");
    }
    if is_installed("tv_validate_file") && dtd.is_some() {
        let dtd = dtd.copied().unwrap_or_default();
        complaints += &run(Command::new("tv_validate_file").args(["--dtd-file", dtd]).arg(&file));
    } else {
        missing.push("tv_validate_file");
    }
    if is_installed("tv_sort") {
        complaints += &run(Command::new("tv_sort").arg("--output").arg(folder.join("sorted.xml")).arg(&file));
    } else {
        missing.push("tv_sort");
    }
    (complaints, missing)
}

fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("run {command:?}: {error}"));
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let said: Vec<_> = text.lines().filter(|line| !line.contains("Validated ok")).collect();
    if output.status.success() && said.is_empty() { String::new() } else { format!("{command:?}: {text}\n") }
}
