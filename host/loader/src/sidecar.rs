//! The text file beside a library that says the same as its descriptors.
//!
//! Does: find it, parse it, compare it.
//! Does not: load the library.
//! Invariant: a comparison that finds nothing means that each member equals the library's.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{ABI, Descriptor};

/// A sidecar is a page of text.
const MAX_BYTES: u64 = 256 * 1024;

/// What a sidecar says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    /// Major version of the interface.
    pub abi: u32,
    /// What the library describes, in that order.
    #[serde(rename = "plugin")]
    pub plugins: Vec<Descriptor>,
}

/// Why there is no sidecar; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum SidecarError {
    /// It cannot be read.
    #[error("read {}", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no sidecar.
    #[error("understand {}: {text}", .path.display())]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        text: String,
    },
}

impl Sidecar {
    /// Returns where the sidecar of a library lies: for `libfoo.so`, `foo.so` and `libfoo.dylib`, `foo.plugin.toml` beside it.
    pub fn path_of(library: &Path) -> PathBuf {
        let name = library.file_stem().unwrap_or_default().to_string_lossy();
        let name = name.strip_prefix("lib").filter(|rest| !rest.is_empty()).unwrap_or(&name);
        library.with_file_name(format!("{name}.plugin.toml"))
    }

    /// Reads the sidecar of a library; `None` where it has none.
    ///
    /// # Errors
    /// If it cannot be read or understood.
    pub fn beside(library: &Path) -> Result<Option<Self>, SidecarError> {
        let path = Self::path_of(library);
        let read = |source| SidecarError::Read { path: path.clone(), source };
        match path.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(read(error)),
            Ok(facts) if facts.len() > MAX_BYTES => return Err(read(io::ErrorKind::FileTooLarge.into())),
            Ok(_) => {}
        }
        let text = std::fs::read_to_string(&path).map_err(read)?;
        Self::parse(&text).map(Some).map_err(|text| SidecarError::Parse { path, text })
    }

    /// Parses a sidecar.
    ///
    /// # Errors
    /// Says where and what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    /// Returns every difference to what the library says, in words for people; none if they agree.
    pub fn differences(&self, descriptors: &[Descriptor]) -> Vec<String> {
        let mut found = Vec::new();
        if self.abi != ABI.0 {
            found.push(format!("the sidecar says ABI {}, the library {}", self.abi, ABI.0));
        }
        if self.plugins.len() != descriptors.len() {
            let (said, there) = (self.plugins.len(), descriptors.len());
            found.push(format!("the sidecar describes {said} plugins, the library {there}"));
        }
        let pairs = self.plugins.iter().zip(descriptors);
        found.extend(pairs.flat_map(|(said, there)| compare(said, there)));
        found
    }
}

fn compare(said: &Descriptor, there: &Descriptor) -> Vec<String> {
    let minor = |d: &Descriptor| d.min_host_minor.to_string();
    let members = [
        ("id", said.id.clone(), there.id.clone()),
        ("name", said.name.clone(), there.name.clone()),
        ("version", said.version.clone(), there.version.clone()),
        ("vendor", said.vendor.clone(), there.vendor.clone()),
        ("licence", said.licence.clone(), there.licence.clone()),
        ("url", said.url.clone(), there.url.clone()),
        ("contract", said.contract.clone(), there.contract.clone()),
        ("min_host_minor", minor(said), minor(there)),
        ("encodings", said.encodings.join(", "), there.encodings.join(", ")),
        ("permissions", said.permissions.join(", "), there.permissions.join(", ")),
    ];
    let id = &there.id;
    let differing = members.into_iter().filter(|(_, said, there)| said != there);
    differing
        .map(|(name, said, there)| format!("{id}: {name} is {said:?} in the sidecar and {there:?} in the library"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        abi = 1
        [[plugin]]
        id = "org.example.marathon"
        name = "Marathon"
        version = "1.2.0"
        vendor = "Example"
        licence = "MIT"
        contract = "exstreamtv.scheduler/1"
        min_host_minor = 0
        encodings = ["json"]
        permissions = []
    "#;

    #[test]
    fn a_sidecar_that_says_the_same_has_no_differences() {
        let sidecar = Sidecar::parse(TEXT).unwrap();
        assert!(sidecar.differences(&sidecar.plugins).is_empty());
    }

    #[test]
    fn every_difference_is_named() {
        let sidecar = Sidecar::parse(TEXT).unwrap();
        let mut library = sidecar.plugins.clone();
        library[0].version = "1.3.0".into();
        library[0].permissions = vec!["bit 3".into()];
        let found = sidecar.differences(&library);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("version is \"1.2.0\" in the sidecar and \"1.3.0\" in the library"), "{found:?}");
        library.push(library[0].clone());
        assert!(sidecar.differences(&library)[0].contains("describes 1 plugins, the library 2"));
    }

    #[test]
    fn mistakes_are_said_with_their_line() {
        let error = Sidecar::parse(&TEXT.replace("vendor", "vender")).unwrap_err();
        assert!(error.contains("vender") && error.contains("line 7"), "{error}");
        assert!(Sidecar::parse("abi = 1").is_err());
    }

    #[test]
    fn the_name_of_a_sidecar_has_neither_lib_nor_extension() {
        for library in ["/p/libfoo.so", "/p/foo.so", "/p/libfoo.dylib"] {
            assert_eq!(Sidecar::path_of(Path::new(library)), Path::new("/p/foo.plugin.toml"));
        }
        assert_eq!(Sidecar::path_of(Path::new("/p/lib.so")), Path::new("/p/lib.plugin.toml"));
    }

    #[test]
    fn a_library_without_a_sidecar_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libx.so");
        assert!(Sidecar::beside(&library).unwrap().is_none());
        std::fs::write(folder.path().join("x.plugin.toml"), TEXT).unwrap();
        assert_eq!(Sidecar::beside(&library).unwrap().unwrap().plugins[0].name, "Marathon");
        std::fs::write(folder.path().join("x.plugin.toml"), "abi = ").unwrap();
        assert!(matches!(Sidecar::beside(&library), Err(SidecarError::Parse { .. })));
    }
}
