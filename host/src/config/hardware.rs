//! `[hardware]`: which video card is used, and what is known better than the shipped profiles.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use exstreamtv_hardware::{Profiles, choice::AUTO};
use serde::{Deserialize, Serialize};

use super::ValueError;

/// Which video card is used, and what is known better than the shipped profiles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hardware {
    /// "auto", "software", or the id of a profile or of a card.
    pub accel: String,
    /// Which of several cards: its index or its node; empty takes any.
    pub device: String,
    /// Quirks that are not there, by their ids.
    pub disabled_quirks: Vec<String>,
    /// A folder with profiles that override shipped ones or add to them; empty takes `hwprofiles` beside the configuration.
    pub profiles_folder: PathBuf,
    /// Cards of single channels, by the channels' numbers: the id of a profile or of a card, or "software".
    pub channels: BTreeMap<String, String>,
}

/// The folder's name beside the configuration.
const FOLDER: &str = "hwprofiles";

impl Default for Hardware {
    fn default() -> Self {
        Self {
            accel: AUTO.into(),
            device: String::new(),
            channels: BTreeMap::new(),
            disabled_quirks: vec![],
            profiles_folder: PathBuf::new(),
        }
    }
}

impl Hardware {
    /// Returns the folder with profiles, for a configuration at `file`, if there may be one.
    pub fn folder(&self, file: Option<&Path>) -> Option<PathBuf> {
        if !self.profiles_folder.as_os_str().is_empty() {
            return Some(self.profiles_folder.clone());
        }
        let beside = file?.parent()?;
        Some(if beside.as_os_str().is_empty() { FOLDER.into() } else { beside.join(FOLDER) })
    }

    /// Checks what does not depend on the profiles.
    ///
    /// # Errors
    /// Names the first value that cannot be used.
    pub(super) fn check(&self) -> Result<(), ValueError> {
        let folder = &self.profiles_folder;
        if !folder.as_os_str().is_empty() && !folder.is_absolute() {
            return Err(ValueError::ProfilesFolder { path: folder.clone() });
        }
        Ok(())
    }

    /// Checks the ids against the profiles that there are.
    ///
    /// # Errors
    /// Names the first id that does not exist, and what there is.
    pub fn check_ids(&self, profiles: &Profiles) -> Result<(), ValueError> {
        let exists = |accel: &str| profiles.get(accel.split(':').next().unwrap_or_default()).is_some();
        if self.accel != AUTO && !exists(&self.accel) {
            let known: Vec<&str> = std::iter::once(AUTO).chain(profiles.ids()).collect();
            return Err(ValueError::Accel { text: self.accel.clone(), known: known.join(", ") });
        }
        if let Some((number, card)) = self.channels.iter().find(|(_, card)| !exists(card)) {
            let known: Vec<&str> = profiles.ids().collect();
            return Err(ValueError::ChannelCard {
                number: number.clone(),
                text: card.clone(),
                known: known.join(", "),
            });
        }
        let all = profiles.by_rank();
        let known = || all.iter().flat_map(|profile| profile.quirks.iter().map(|quirk| quirk.id.as_str()));
        match self.disabled_quirks.iter().find(|id| known().all(|known| known != id.as_str())) {
            Some(id) => {
                let nearest = known().min_by_key(|known| strsim::damerau_levenshtein(known, id));
                let nearest = nearest.unwrap_or_default().to_owned();
                Err(ValueError::Quirk { id: id.clone(), nearest })
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_do_not_exist_are_named_with_what_there_is() {
        let profiles = Profiles::shipped();
        let accel = |accel: &str| Hardware { accel: accel.into(), ..Default::default() }.check_ids(&profiles);
        for known in ["auto", "software", "cuda", "vaapi-intel:/dev/dri/renderD128"] {
            assert!(accel(known).is_ok(), "{known}");
        }
        let unknown = accel("nvenc").unwrap_err().to_string();
        assert!(unknown.contains("[hardware] accel = \"nvenc\"") && unknown.contains("auto, amf, cuda"), "{unknown}");
        let channels = BTreeMap::from([("5.1".to_owned(), "cuda:1".to_owned()), ("7".to_owned(), "nvenc".to_owned())]);
        let unknown = Hardware { channels, ..Default::default() }.check_ids(&profiles).unwrap_err().to_string();
        assert!(unknown.contains("[hardware.channels] \"7\" = \"nvenc\""), "{unknown}");
        let quirks = Hardware { disabled_quirks: vec!["amd-pads".into()], ..Default::default() };
        let unknown = quirks.check_ids(&profiles).unwrap_err().to_string();
        assert!(unknown.contains("did you mean amd-pad"), "{unknown}");
    }

    #[test]
    fn profiles_lie_beside_the_configuration_unless_it_names_a_folder() {
        let default = Hardware::default();
        assert_eq!(default.folder(Some(Path::new("/etc/tv/c.toml"))), Some("/etc/tv/hwprofiles".into()));
        assert_eq!(default.folder(Some(Path::new("c.toml"))), Some("hwprofiles".into()));
        assert_eq!(default.folder(None), None);
        let named = Hardware { profiles_folder: "/srv/p".into(), ..default };
        assert_eq!(named.folder(None), Some("/srv/p".into()));
    }
}
