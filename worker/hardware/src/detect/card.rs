//! What every question about a card begins with.
//!
//! Invariant: FFmpeg reads nothing from its standard input and says everything, so that its words can be judged.

use crate::{
    Placeholder, Profile, Template,
    profile::Effect,
    template::{NoValue, Values},
};

/// A card under a profile, as far as arguments need it.
pub(super) struct Card<'a> {
    pub(super) profile: &'a Profile,
    pub(super) device: &'a str,
    /// What is done about what goes wrong, as channels do it.
    pub(super) effect: Effect,
}

impl Card<'_> {
    /// Returns the arguments that open the card.
    pub(super) fn opening(&self) -> Result<Vec<String>, NoValue> {
        let mut args: Vec<String> = ["-hide_banner", "-nostdin", "-v", "debug"].map(str::to_owned).to_vec();
        args.extend(Template::fill_all(&self.profile.device.init, &self.device_value())?);
        Ok(args)
    }

    /// Returns the arguments of a probe, with `{init}` spelt out.
    pub(super) fn probe_args(&self, templates: &[Template]) -> Result<Vec<String>, NoValue> {
        let mut args: Vec<String> = ["-hide_banner", "-nostdin"].map(str::to_owned).to_vec();
        for template in templates {
            match template.as_place() {
                Some(Placeholder::Init) => {
                    args.extend(Template::fill_all(&self.profile.device.init, &self.device_value())?);
                }
                _ => args.push(template.fill(&self.device_value())?),
            }
        }
        Ok(args)
    }

    /// Returns the value of `{device}`.
    pub(super) fn device_value(&self) -> Values {
        Values::default().with(Placeholder::Device, self.device)
    }
}
