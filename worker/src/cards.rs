//! The video cards that runs may use, as the host knows them.
//!
//! Does: read what the host says about them, and say what a plan does with one.
//! Does not: look at a card, or choose one.
//! Invariant: whatever the host says that cannot be read, runs are played by the processor.

use exstreamtv_hardware::{Capabilities, Profiles, profiles::Source};
use exstreamtv_pipeline::{Cards, Plan};
use exstreamtv_worker_protocol::{CardPart, Cards as Told, PlanStep, ProfileText};

/// Why cards cannot be used; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum CardsError {
    /// A profile cannot be used.
    #[error(transparent)]
    Profiles(#[from] exstreamtv_hardware::ProfilesError),
    /// What was found out is no list of cards.
    #[error("understand what was found out about the video cards")]
    Found(#[from] serde_json::Error),
}

/// Reads what the host says.
///
/// # Errors
/// A profile or a card cannot be read.
pub fn read(told: Told) -> Result<Cards, CardsError> {
    let source = |ProfileText { name, text }| Source { name, text };
    let profiles = Profiles::with(&told.profiles.into_iter().map(source).collect::<Vec<_>>())?;
    let found: Vec<Capabilities> = serde_json::from_value(told.found)?;
    Ok(Cards::new(&profiles, found, &told.disabled_quirks))
}

/// Returns what a card has to do with a plan.
pub fn part(plan: &Plan) -> Option<CardPart> {
    let card = plan.card.as_ref()?;
    let step = |step: &exstreamtv_pipeline::cards::Step| PlanStep {
        what: step.what.clone(),
        who: step.who.clone(),
        how: step.how.clone(),
        why: step.why.clone(),
    };
    Some(CardPart {
        card: card.id.clone(),
        rung: card.rung,
        decodes: !card.decoder.is_empty(),
        encodes: card.encoder.is_some(),
        steps: card.steps.iter().map(step).collect(),
    })
}
