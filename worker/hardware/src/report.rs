//! What was found out, as people read it in a terminal.
//!
//! Does: lay a detection out as text.
//! Does not: leave a "no" without its reason; what has the same reason is said once.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{Capabilities, Detection, Reason, Verdict};

/// Returns the text, with the ids of cards that are used, the best first, if that is known.
pub fn table(detection: &Detection, chosen: &[&str]) -> String {
    let mut text = String::new();
    let Detection { ffmpeg, platform, kernel, cards, absent } = detection;
    let ffmpeg = ffmpeg.as_deref().map_or_else(|| "no FFmpeg".to_owned(), |version| format!("FFmpeg {version}"));
    let kernel = kernel.as_deref().map(|kernel| format!(", kernel {kernel}")).unwrap_or_default();
    line(&mut text, &format!("{ffmpeg} on {platform}{kernel}"));
    for card in cards {
        line(&mut text, "");
        one_card(&mut text, card, chosen.iter().position(|id| *id == card.id));
    }
    if !absent.is_empty() {
        line(&mut text, "");
        line(&mut text, "Not on this machine:");
    }
    for absent in absent {
        line(&mut text, &format!("  {:<13} {}: {}", absent.profile, absent.title, absent.reason.because));
        advice(&mut text, &absent.reason, 16);
    }
    text
}

fn one_card(text: &mut String, card: &Capabilities, choice: Option<usize>) {
    let name = card.name.as_deref().unwrap_or(&card.title);
    let driver = card.driver.as_deref().map(|driver| format!(", driver {driver}")).unwrap_or_default();
    let choice = match choice {
        Some(0) => "  (used)",
        Some(_) => "  (used when the one before is full or fails)",
        None => "",
    };
    line(text, &format!("{}  {name}{driver}{choice}", card.id));
    if let Some(reason) = &card.unusable {
        line(text, &format!("  cannot be used: {}", reason.because));
        evidence(text, reason, 4);
        advice(text, reason, 4);
        return;
    }
    let decoders = || card.decoders.iter().map(|known| (known.codec.as_str(), known.depth, &known.verdict));
    let encoders = || card.encoders.iter().map(|known| (known.codec.as_str(), known.depth, &known.verdict));
    let ops = || card.ops.iter().map(|known| (known.op.name(), known.depth, &known.verdict));
    line(text, &format!("  decodes  {}", can(decoders())));
    line(text, &format!("  encodes  {}", can(encoders())));
    line(text, &format!("  filters  {}", can(ops())));
    for (limit, most) in &card.session_limits {
        line(text, &format!("  at most  {most} encoders at once ({limit})"));
    }
    let mut reasons: Vec<(&Reason, Vec<String>)> = Vec::new();
    let no = |verb: &str, known: (&str, u8, &Verdict)| format!("{verb}{} {} bit", known.0, known.1);
    let all = decoders().map(|known| ("decode ", known)).chain(encoders().map(|known| ("encode ", known)));
    for (verb, known) in all.chain(ops().map(|known| ("", known))) {
        let Some(reason) = known.2.reason() else { continue };
        match reasons.iter_mut().find(|(said, _)| said.because == reason.because) {
            Some((_, things)) => things.push(no(verb, known)),
            None => reasons.push((reason, vec![no(verb, known)])),
        }
    }
    for (reason, things) in reasons {
        line(text, &format!("  no       {}: {}", things.join(", "), reason.because));
        evidence(text, reason, 11);
        advice(text, reason, 11);
    }
}

/// Returns "h264 (8 bit), hevc (8, 10 bit)".
fn can<'a>(known: impl Iterator<Item = (&'a str, u8, &'a Verdict)>) -> String {
    let mut depths: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut order = Vec::new();
    for (what, depth, _) in known.filter(|(.., verdict)| verdict.entry().is_some()) {
        if !order.contains(&what) {
            order.push(what);
        }
        depths.entry(what).or_default().push(depth.to_string());
    }
    let one = |what: &&str| format!("{what} ({} bit)", depths[*what].join(", "));
    if order.is_empty() { "nothing".to_owned() } else { order.iter().map(one).collect::<Vec<_>>().join(", ") }
}

fn evidence(text: &mut String, reason: &Reason, indent: usize) {
    if let Some(words) = &reason.evidence {
        line(text, &format!("{:indent$}FFmpeg: {words}", ""));
    }
}

fn advice(text: &mut String, reason: &Reason, indent: usize) {
    if let Some(advice) = &reason.advice {
        line(text, &format!("{:indent$}{advice}", ""));
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    _ = writeln!(text, "{line}");
}
