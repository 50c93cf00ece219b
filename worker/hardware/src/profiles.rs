//! All profiles: those that are shipped, with what a user's files put in their place.
//!
//! Does: read files, put overrides and inherited tables in place, check everything.
//! Does not: open files; their texts come in as arguments.
//! Invariant: either every profile is checked and whole, or there is an error that names the file, the key and the line.

mod check;
mod layers;
mod place;
mod shipped;

use std::collections::BTreeMap;

pub use place::Place;
pub use shipped::SHIPPED;

use crate::{
    Profile, ProfileFile,
    profile::{Fallback, Quarantine, SCHEMA},
};
use layers::{Chain, Layer};

/// The id of the profile that every machine can use.
pub const SOFTWARE: &str = "software";

/// A profile file's text, and its name for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// A path, or what it is called.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// All profiles, by id.
#[derive(Debug, Clone, PartialEq)]
pub struct Profiles(BTreeMap<String, Profile>);

/// Why profiles cannot be used; fits after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfilesError {
    /// A file is no TOML, or has keys that do not exist or values of the wrong kind.
    #[error("read the hardware profile {file}: {message}")]
    Syntax {
        /// Which file.
        file: String,
        /// What is wrong, with its line.
        message: String,
    },
    /// A file can be read and says something impossible.
    #[error("use the hardware profile {place}: {what}")]
    Nonsense {
        /// Where.
        place: Place,
        /// What is wrong.
        what: String,
    },
}

impl Profiles {
    /// Returns the shipped profiles.
    ///
    /// # Panics
    /// Never: a test reads them.
    #[must_use]
    pub fn shipped() -> Self {
        Self::with(&[]).expect("the shipped profiles are part of this program and tested")
    }

    /// Returns the shipped profiles with what `overrides` put in their place.
    ///
    /// # Errors
    /// Names the first mistake.
    pub fn with(overrides: &[Source]) -> Result<Self, ProfilesError> {
        let shipped = SHIPPED.map(|(name, text)| Source { name: name.to_owned(), text: text.to_owned() });
        Self::of(&shipped, overrides)
    }

    /// Returns the profiles of `base` with what `overrides` put in their place.
    ///
    /// # Errors
    /// Names the first mistake.
    pub fn of(base: &[Source], overrides: &[Source]) -> Result<Self, ProfilesError> {
        let layers = layers::read(base, overrides)?;
        let mut profiles = BTreeMap::new();
        for id in layers.ids() {
            let chain = layers.chain(id)?;
            if !chain.is_abstract() {
                profiles.insert(id.to_owned(), resolve(id, &chain)?);
            }
        }
        Ok(Self(profiles))
    }

    /// Returns the profile called `id`.
    pub fn get(&self, id: &str) -> Option<&Profile> {
        self.0.get(id)
    }

    /// Returns all profiles, those first that are tried first.
    pub fn by_rank(&self) -> Vec<&Profile> {
        let mut all: Vec<&Profile> = self.0.values().collect();
        all.sort_by_key(|profile| std::cmp::Reverse(profile.rank));
        all
    }

    /// Returns every id.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Puts a profile together, and checks what no single file can be blamed for alone.
fn resolve(id: &str, chain: &Chain<'_>) -> Result<Profile, ProfilesError> {
    let profile = Profile {
        id: id.to_owned(),
        title: chain.need("title", |file| file.title.clone())?,
        platforms: chain.need("platforms", |file| file.platforms.clone())?,
        rank: chain.need("rank", |file| file.rank)?,
        device: chain.need("device", |file| file.device.clone())?,
        build: chain.first(|file| file.build.clone()).unwrap_or_default(),
        probes: chain.first(|file| file.probe.clone()).unwrap_or_default(),
        smoke: chain.first(|file| file.smoke.clone()).unwrap_or_default(),
        surface: chain.first(|file| file.surface.clone()),
        decoders: chain.first(|file| file.decode.clone()).unwrap_or_default(),
        ops: chain.first(|file| file.op.clone()).unwrap_or_default(),
        encoders: chain.first(|file| file.encode.clone()).unwrap_or_default(),
        limits: chain.first(|file| file.limits.clone()).unwrap_or_default(),
        quirks: chain.quirks(),
        failures: chain.failures(),
        fallback: chain.first(|file| file.fallback.clone()).unwrap_or_else(no_fallback),
    };
    check::whole(&profile, chain)?;
    Ok(profile)
}

/// For a profile that inherits from nobody: software at once.
fn no_fallback() -> Fallback {
    let quarantine = Quarantine { after: 2, classes: Vec::new(), backoff_s: vec![60] };
    Fallback { rungs: Vec::new(), remember_s: 0, quarantine }
}

fn read(source: &Source) -> Result<Layer, ProfilesError> {
    let file: ProfileFile = toml::from_str(&source.text).map_err(|error| ProfilesError::Syntax {
        file: source.name.clone(),
        message: error.to_string().trim_end().to_owned(),
    })?;
    let layer = Layer { file, source: source.clone() };
    if layer.file.schema != SCHEMA {
        return Err(layer.nonsense("schema", format!("this program knows format {SCHEMA}, not {}", layer.file.schema)));
    }
    check::file(&layer)?;
    Ok(layer)
}
