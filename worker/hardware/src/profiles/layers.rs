//! Files on top of each other: a user's over a shipped one, and both over what they inherit from.
//!
//! Invariant: a chain ends; a profile that inherits from itself is an error.

use std::collections::{BTreeMap, BTreeSet};

use super::{Place, ProfilesError, Source};
use crate::{
    ProfileFile,
    profile::{Failure, Quirk},
};

/// A file that has been read.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) file: ProfileFile,
    pub(super) source: Source,
}

/// Every file, by the profile that it is about; a user's comes before the shipped one.
pub(super) struct Layers(BTreeMap<String, Vec<Layer>>);

/// What a profile is made of, the nearest first; each step is the files of one id.
pub(super) struct Chain<'l>(Vec<&'l [Layer]>);

/// Reads all files.
pub(super) fn read(base: &[Source], overrides: &[Source]) -> Result<Layers, ProfilesError> {
    let mut layers: BTreeMap<String, Vec<Layer>> = BTreeMap::new();
    for sources in [overrides, base] {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for source in sources {
            let layer = super::read(source)?;
            let id = layer.file.id.clone();
            if let Some(other) = seen.insert(id.clone(), layer.source.name.clone()) {
                return Err(layer.nonsense("id", format!("{id:?} is the id of {other}, too")));
            }
            layers.entry(id).or_default().push(layer);
        }
    }
    Ok(Layers(layers))
}

impl Layer {
    pub(super) fn nonsense(&self, key: &str, what: impl Into<String>) -> ProfilesError {
        ProfilesError::Nonsense { place: Place::of(&self.source, key), what: what.into() }
    }
}

impl Layers {
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns what the profile `id` is made of.
    pub(super) fn chain(&self, id: &str) -> Result<Chain<'_>, ProfilesError> {
        let mut chain = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = Some(id.to_owned());
        while let Some(id) = next {
            let Some(group) = self.0.get(&id) else { break };
            seen.insert(id);
            chain.push(group.as_slice());
            next = match inherits(group) {
                Some((layer, parent)) if seen.contains(&parent) => {
                    return Err(layer.nonsense("inherits", format!("it inherits from itself by way of {parent:?}")));
                }
                Some((layer, parent)) if !self.0.contains_key(&parent) => {
                    let known: Vec<_> = self.ids().collect();
                    let what = format!("there is no profile {parent:?}; there are {}", known.join(", "));
                    return Err(layer.nonsense("inherits", what));
                }
                Some((_, parent)) => Some(parent),
                None => None,
            };
        }
        Ok(Chain(chain))
    }
}

fn inherits(group: &[Layer]) -> Option<(&Layer, String)> {
    group.iter().find_map(|layer| Some((layer, layer.file.inherits.clone()?)))
}

impl Chain<'_> {
    pub(super) fn is_abstract(&self) -> bool {
        self.0.first().is_some_and(|group| group.last().is_some_and(|layer| layer.file.is_abstract))
    }

    /// Returns what the nearest file says.
    pub(super) fn first<T>(&self, says: impl Fn(&ProfileFile) -> Option<T>) -> Option<T> {
        self.layers().find_map(|layer| says(&layer.file))
    }

    /// Returns what the nearest file says, which must be said.
    pub(super) fn need<T>(&self, key: &str, says: impl Fn(&ProfileFile) -> Option<T>) -> Result<T, ProfilesError> {
        self.first(says).ok_or_else(|| self.nonsense(key, |_| false, "it is missing, here and in what is inherited"))
    }

    /// Blames the file that says it, or else the nearest one.
    pub(super) fn nonsense(
        &self,
        key: &str,
        says: impl Fn(&ProfileFile) -> bool,
        what: impl Into<String>,
    ) -> ProfilesError {
        let guilty = self.layers().find(|layer| says(&layer.file)).or_else(|| self.layers().next());
        match guilty {
            Some(layer) => layer.nonsense(key, what),
            None => ProfilesError::Syntax { file: key.to_owned(), message: what.into() },
        }
    }

    /// Quirks of the nearest come first, and replace those of the same id behind them.
    pub(super) fn quirks(&self) -> Vec<Quirk> {
        let mut all: Vec<Quirk> = Vec::new();
        for quirk in self.groups(|file| file.quirk.as_ref()).flatten() {
            if all.iter().all(|known| known.id != quirk.id) {
                all.push(quirk.clone());
            }
        }
        all
    }

    /// Failures of the nearest come first, because the first that matches counts.
    pub(super) fn failures(&self) -> Vec<Failure> {
        self.groups(|file| file.failure.as_ref()).flatten().cloned().collect()
    }

    /// Within the files of one id, a user's table replaces the shipped one.
    fn groups<'a, T: 'a>(&'a self, says: impl Fn(&'a ProfileFile) -> Option<&'a T>) -> impl Iterator<Item = &'a T> {
        self.0.iter().filter_map(move |group| group.iter().find_map(|layer| says(&layer.file)))
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.0.iter().flat_map(|group| group.iter())
    }
}
