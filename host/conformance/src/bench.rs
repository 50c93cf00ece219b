//! Where a plugin lies while it is checked.
//!
//! Does: make instances, put the questions of an occasion, and turn a broken rule into a verdict.
//! Does not: decide which rules there are.

use std::sync::Arc;

use exstreamtv_model::schedule::Preparation;
use serde_json::Value;

use crate::{
    ask::{Ask, Occasion},
    contract::{Contract, Method},
    examples::Examples,
    subject::{Instance, Library, Offer, Reply},
    verdict::Verdict,
};

/// One plugin of one library, with what is needed to ask it things.
pub struct Bench<'a> {
    /// The library.
    pub library: &'a dyn Library,
    /// The plugin's id.
    pub id: &'a str,
    /// Its contract.
    pub contract: Contract,
    /// Settings, vectors and states that its author gave for checks.
    pub examples: &'a Examples,
    /// Where random questions come from.
    pub seed: u64,
}

/// A question that belongs to a name, for people.
pub struct Named {
    /// Which method and which settings.
    pub label: String,
    /// The question.
    pub ask: Arc<Ask>,
}

impl Bench<'_> {
    /// Makes an instance without configuration.
    ///
    /// # Errors
    /// If the plugin cannot do without one.
    pub fn instance(&self) -> Result<Box<dyn Instance>, Verdict> {
        let made = self.library.create(self.id, b"null");
        made.map_err(|reply| Verdict::failed(format_args!("create ended with {}", reply.story())))
    }

    /// Returns the questions of an occasion: one per method that the plugin knows and per example of settings.
    ///
    /// # Errors
    /// If there is none, or if a scheduler does not accept the settings that its author gave for checks.
    pub fn asks(&self, occasion: Occasion) -> Result<Vec<Named>, Verdict> {
        let mut instance = self.instance()?;
        let mut asks = Vec::new();
        for (name, settings) in &self.examples.settings {
            let preparation = self.prepared(instance.as_mut(), name, settings)?;
            for method in self.contract.methods() {
                let needs = preparation.clone().unwrap_or_default();
                let ask = Arc::new(Ask::on(*method, occasion, settings, &needs));
                if self.knows(instance.as_mut(), &ask, preparation.is_some()) {
                    asks.push(Named { label: self.label(*method, name), ask });
                }
            }
        }
        if asks.is_empty() {
            return Err(Verdict::failed("the plugin knows no method of its contract"));
        }
        Ok(asks)
    }

    /// Asks a scheduler what it needs for settings; `None` if it was never meant to be asked.
    ///
    /// # Errors
    /// If it does not accept them; [`settings_fault`](Self::settings_fault) says why.
    pub fn prepared(
        &self,
        instance: &mut dyn Instance,
        name: &str,
        settings: &Value,
    ) -> Result<Option<Preparation>, Verdict> {
        let preparation = self.preparation(instance, name, settings)?;
        if preparation.iter().any(|preparation| !preparation.faults.is_empty()) {
            return Err(Verdict::skipped(format_args!(
                "the plugin refuses the settings {name}; see the test `settings`"
            )));
        }
        Ok(preparation)
    }

    /// Returns what is wrong with settings that were given for checks, if anything is.
    ///
    /// # Errors
    /// If the plugin does not say it as it should.
    pub fn settings_fault(&self, name: &str, settings: &Value) -> Result<Option<String>, Verdict> {
        let preparation = self.preparation(self.instance()?.as_mut(), name, settings)?.unwrap_or_default();
        let fault = preparation.faults.into_iter().next();
        Ok(fault.map(
            |fault| if fault.path.is_empty() { fault.message } else { format!("{}: {}", fault.path, fault.message) },
        ))
    }

    fn preparation(
        &self,
        instance: &mut dyn Instance,
        name: &str,
        settings: &Value,
    ) -> Result<Option<Preparation>, Verdict> {
        if self.contract != Contract::Scheduler {
            return Ok(None);
        }
        let ask = Arc::new(Ask::on(Method::Prepare, Occasion::Ordinary, settings, &Preparation::default()));
        let answer = match put(instance, &ask) {
            Reply::UnknownMethod => return Ok(None),
            reply => judged(&ask, reply, &self.label(Method::Prepare, name))?,
        };
        serde_json::from_slice(&answer).map(Some).map_err(Verdict::failed)
    }

    fn knows(&self, instance: &mut dyn Instance, ask: &Arc<Ask>, prepares: bool) -> bool {
        match ask.method() {
            Method::Prepare => prepares,
            // One question tells; its answer is judged when the check asks.
            method if method.is_optional() => put(instance, ask) != Reply::UnknownMethod,
            _ => true,
        }
    }

    fn label(&self, method: Method, settings: &str) -> String {
        match self.contract {
            Contract::Scheduler => format!("{} with settings {settings}", method.name()),
            Contract::Picker | Contract::Resolver => method.name().to_owned(),
        }
    }
}

/// Puts a question with the method's own limits.
pub fn put(instance: &mut dyn Instance, ask: &Arc<Ask>) -> Reply {
    put_bytes(instance, ask, &ask.bytes())
}

/// Puts other bytes in a question's place.
pub fn put_bytes(instance: &mut dyn Instance, ask: &Arc<Ask>, bytes: &[u8]) -> Reply {
    let offer = Offer { deadline: ask.method().deadline(), sink_bytes: None, pools: Some(ask.clone()) };
    instance.call(ask.method().name(), bytes, &offer)
}

/// Asks, and demands a good answer.
///
/// # Errors
/// Says which rule the reply breaks.
pub fn answered(instance: &mut dyn Instance, named: &Named) -> Result<Vec<u8>, Verdict> {
    judged(&named.ask, put(instance, &named.ask), &named.label)
}

/// Asks, and demands a good answer or a refusal in good order; `None` for the latter.
///
/// # Errors
/// Says which rule the reply breaks.
pub fn answered_or_declined(instance: &mut dyn Instance, named: &Named) -> Result<Option<Vec<u8>>, Verdict> {
    match put(instance, &named.ask) {
        reply @ (Reply::Failed(_) | Reply::Timeout) => declined(&reply, &named.label).map(|()| None),
        reply => judged(&named.ask, reply, &named.label).map(Some),
    }
}

/// Demands that a refusal says why.
///
/// # Errors
/// If it does not.
pub fn declined(reply: &Reply, label: &str) -> Result<(), Verdict> {
    match reply {
        Reply::BadInput(why) | Reply::Failed(why) if why.trim().is_empty() => {
            Err(Verdict::failed(format_args!("{label}: the plugin declined and did not say why")))
        }
        reply if reply.is_refusal() => Ok(()),
        reply => Err(Verdict::failed(format_args!("{label}: the call ended with {}", reply.story()))),
    }
}

/// Demands a good answer.
///
/// # Errors
/// Says which rule the reply breaks.
pub fn judged(ask: &Ask, reply: Reply, label: &str) -> Result<Vec<u8>, Verdict> {
    let Reply::Answer(answer) = reply else {
        return Err(Verdict::failed(format_args!("{label}: the call ended with {}", reply.story())));
    };
    match ask.judge(&answer) {
        Ok(()) => Ok(answer),
        Err(breach) => Err(Verdict::failed(format_args!("{label}: the host would fail to {breach}"))),
    }
}
