//! The account of an incident as text.
//!
//! Does: write what a person reads, in the order in which he asks: what, how bad, when, why, what was done, what to do, how we know.
//! Invariant: what somebody else said is quoted as code, so that it cannot become part of the page.

use std::fmt::Write;

use exstreamtv_model::ChannelIncident;

use super::{Deed, Facts, Moment, Outcome, PostMortem, Said, seconds};

/// Writes it.
pub(super) fn write(facts: &Facts, account: &PostMortem) -> String {
    let mut text = String::new();
    head(&mut text, facts, account);
    section(&mut text, "What happened", &account.summary);
    section(&mut text, "Impact", &impact(account));
    section(&mut text, "Root cause", &account.root_cause);
    section(&mut text, "Timeline", &timeline(facts, account));
    section(&mut text, "What was done", &done(&account.actions));
    section(&mut text, "What to do", &account.what_to_do.iter().map(|what| format!("- {what}\n")).collect::<String>());
    section(&mut text, "Evidence", &evidence(account));
    if let Some(worded) = &account.wording {
        let quoted: String = worded.text.lines().map(|line| format!("> {line}\n")).collect();
        section(&mut text, &format!("In the words of {}", code(&worded.model)), &quoted);
    }
    text
}

fn head(text: &mut String, facts: &Facts, account: &PostMortem) {
    let ChannelIncident { cause, began, .. } = &facts.incident;
    let outcome = match account.outcome {
        Outcome::Open => "goes on",
        Outcome::Recovered => "recovered",
        Outcome::Abandoned => "given up",
    };
    let began = began.format("%Y-%m-%d %H:%M:%S UTC");
    let (number, name) = &facts.channel;
    let _ = writeln!(text, "# Incident {}: {} ({})\n", facts.id, cause.plain(), cause.code());
    let _ = writeln!(text, "Channel {number} {name} · {began} · {outcome}");
}

fn section(text: &mut String, title: &str, body: &str) {
    let _ = write!(text, "\n## {title}\n\n{}\n", body.trim_end());
}

fn impact(account: &PostMortem) -> String {
    let impact = account.impact;
    let viewers = match impact.viewers {
        Some(1) => "1 viewer".to_owned(),
        Some(viewers) => format!("{viewers} viewers"),
        None => "viewers were not counted".to_owned(),
    };
    let over = match impact.over_after_s {
        Some(after) => format!("over {after:.1} s after it was noticed"),
        None => "not over yet".to_owned(),
    };
    format!(
        "- Programme lost: {:.1} s\n- Who watched: {viewers}\n- Noticed {:.1} s after its first sign, {over}\n",
        impact.programme_lost_s, impact.detected_after_s
    )
}

fn timeline(facts: &Facts, account: &PostMortem) -> String {
    let mut text = String::from("| Time (UTC) | From its beginning | What |\n|---|---|---|\n");
    for entry in &account.timeline {
        let since = entry.at - facts.incident.began;
        let sign = if since < chrono::TimeDelta::zero() { '-' } else { '+' };
        let what = match entry.moment {
            // Somebody else's words.
            Moment::FirstSign | Moment::Failure => quoted_tail(&entry.what),
            _ => entry.what.clone(),
        };
        let what = what.replace('|', "\\|");
        let _ =
            writeln!(text, "| {} | {sign}{:.3} s | {what} |", entry.at.format("%H:%M:%S%.3f"), seconds(since.abs()));
    }
    text
}

fn done(actions: &[Deed]) -> String {
    if actions.is_empty() {
        return "Nothing had to be done.".to_owned();
    }
    actions.iter().map(|deed| format!("- {} {}\n", deed.at.format("%H:%M:%S"), deed.what)).collect()
}

fn evidence(account: &PostMortem) -> String {
    let mut text = String::new();
    for run in &account.failed_runs {
        let _ = writeln!(text, "- {} dossier `{}`: {}", run.at.format("%H:%M:%S"), run.dossier, code(&run.why));
    }
    for share in &account.suspects {
        let _ = writeln!(text, "- {} of {} warnings are about {}", share.lines, share.of, code(&share.resource));
    }
    account.evidence.iter().for_each(|said| text += &line(said));
    if text.is_empty() { "Nothing was recorded around it.".to_owned() } else { text }
}

fn line(said: &Said) -> String {
    let times = if said.times > 1 { format!(" ({} times)", said.times) } else { String::new() };
    let of = said.component.as_deref().map(|of| format!(" {of}")).unwrap_or_default();
    let (source, level) = (format!("{:?}", said.source), format!("{:?}", said.level).to_lowercase());
    format!("- {} {source}{of} {level}: {}{times}\n", said.first.format("%H:%M:%S%.3f"), code(&said.message))
}

/// Quotes what stands behind the first colon.
fn quoted_tail(text: &str) -> String {
    match text.split_once(": ") {
        Some((head, tail)) => format!("{head}: {}", code(tail)),
        None => text.to_owned(),
    }
}

fn code(text: &str) -> String {
    let line: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    format!("`{}`", line.replace('`', "'"))
}
