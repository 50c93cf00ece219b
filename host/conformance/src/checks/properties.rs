//! Level 9: what a contract promises holds for any question.

use exstreamtv_model::{EntryKind, schedule::PlanAnswer};

use crate::{
    ask::{Ask, Occasion},
    bench::{Bench, answered_or_declined},
    verdict::{Outcome, Verdict},
};

/// Random questions.
const QUESTIONS: u64 = 200;

/// Answers to any question that a host could ask are such that the host can use them.
///
/// # Errors
/// Names the first one that is not, with the seed of its question.
pub fn any_question(bench: &Bench<'_>) -> Outcome {
    let mut instance = bench.instance()?;
    let mut answers = 0;
    for question in 0..QUESTIONS {
        let seed = bench.seed.wrapping_add(question);
        for mut named in bench.asks(Occasion::Random(seed))? {
            named.label = format!("{} (question {seed})", named.label);
            let Some(answer) = answered_or_declined(instance.as_mut(), &named)? else { continue };
            answers += 1;
            says_why(&named.ask, &answer).map_err(|what| Verdict::failed(format_args!("{}: {what}", named.label)))?;
        }
    }
    if answers == 0 {
        return Err(Verdict::failed("the plugin declined every random question"));
    }
    Ok(())
}

/// Decisions are shown to people, so each must say why.
fn says_why(ask: &Ask, answer: &[u8]) -> Result<(), String> {
    let silent = match ask {
        Ask::Plan(_) => {
            let answer: PlanAnswer = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
            let shown = |kind: EntryKind| kind == EntryKind::Programme;
            answer.entries.iter().position(|entry| shown(entry.kind) && entry.item.is_some() && entry.why.is_empty())
        }
        Ask::PickAudio(_) | Ask::PickSubtitle(_) => {
            let answer: serde_json::Value = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
            let ranked = answer["ranked"].as_array().map_or(&[][..], Vec::as_slice);
            ranked.iter().position(|ranked| ranked["reason"].as_str().is_none_or(str::is_empty))
        }
        Ask::Propose(_) => {
            let answer: serde_json::Value = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
            let proposals = answer["proposals"].as_array().map_or(&[][..], Vec::as_slice);
            proposals.iter().position(|proposal| proposal["why"].as_str().is_none_or(str::is_empty))
        }
        Ask::Prepare(_) => None,
    };
    silent.map_or(Ok(()), |index| Err(format!("decision {index} of the answer does not say why")))
}
