//! A new plugin's project, as `exstreamtv plugin new` writes it.
//!
//! Does: fill templates, and write them into a folder that was not there.
//! Does not: build anything.
//! Invariant: what is written builds without a warning and passes the check as it stands; a test builds every kind in every language.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::contract::Contract;

/// In which language a plugin is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Rust, on the SDK.
    Rust,
    /// C11, on the header alone.
    C,
}

/// Where a Rust project takes the SDK from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SdkSource {
    /// A folder: the crate `exstreamtv-plugin-sdk`.
    Path(PathBuf),
    /// A git repository.
    Git(String),
}

/// What a project is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scaffold {
    name: Name,
    contract: Contract,
    language: Language,
    sdk: SdkSource,
}

/// The name of a plugin, in the forms that a project needs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    /// "org.example.late-night"
    id: String,
    /// "late-night"
    dashed: String,
    /// "late_night"
    stem: String,
    /// "Late night"
    title: String,
}

/// Why there is no new project; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// The name cannot be part of an id.
    #[error(
        "use the name {name:?}: it must begin with a letter and hold a-z, 0-9, '-' and '.' only, like late-night or org.example.late-night"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// There is something already.
    #[error("make {}: it is there already", .path.display())]
    There {
        /// What.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("write {}", .path.display())]
    Write {
        /// Which one.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// A file of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFile {
    /// Its place in the project.
    pub path: PathBuf,
    /// What it holds.
    pub text: String,
}

impl Scaffold {
    /// Plans a project. A name without a dot gets an id under `org.example`.
    ///
    /// # Errors
    /// If the name cannot be part of an id.
    pub fn new(name: &str, contract: Contract, language: Language, sdk: SdkSource) -> Result<Self, ScaffoldError> {
        let name = Name::parse(name).ok_or_else(|| ScaffoldError::Name { name: name.into() })?;
        Ok(Self { name, contract, language, sdk })
    }

    /// Writes the project into a new folder under `parent` and returns it.
    ///
    /// # Errors
    /// If the folder is there already or cannot be written.
    pub fn write(&self, parent: &Path) -> Result<PathBuf, ScaffoldError> {
        let folder = parent.join(&self.name.dashed);
        if folder.exists() {
            return Err(ScaffoldError::There { path: folder });
        }
        for file in self.files() {
            let path = folder.join(&file.path);
            let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, &file.text));
            written.map_err(|source| ScaffoldError::Write { path, source })?;
        }
        Ok(folder)
    }

    /// Returns the project's files.
    pub fn files(&self) -> Vec<ProjectFile> {
        let stem = &self.name.stem;
        let vector = match self.contract {
            Contract::Scheduler => include_str!("../templates/vectors/scheduler.json"),
            Contract::Picker => include_str!("../templates/vectors/picker.json"),
            Contract::Resolver => include_str!("../templates/vectors/resolver.json"),
        };
        let mut files = vec![
            self.file("README.md", include_str!("../templates/README.md.in")),
            self.file(&format!("{stem}.plugin.toml"), include_str!("../templates/plugin.toml.in")),
            self.file(&format!("{stem}.check.toml"), include_str!("../templates/check.toml.in")),
            self.file("vectors/ordinary.json", vector),
        ];
        match self.language {
            Language::Rust => files.extend(self.rust_files()),
            Language::C => files.extend(self.c_files()),
        }
        files
    }

    fn rust_files(&self) -> Vec<ProjectFile> {
        let source = match self.contract {
            Contract::Scheduler => include_str!("../templates/rust/scheduler.rs"),
            Contract::Picker => include_str!("../templates/rust/picker.rs"),
            Contract::Resolver => include_str!("../templates/rust/resolver.rs"),
        };
        vec![
            self.file("Cargo.toml", include_str!("../templates/rust/Cargo.toml.in")),
            self.file("Makefile", include_str!("../templates/rust/Makefile")),
            self.file("src/lib.rs", source),
            self.file(".gitignore", "/target\n/dist\n"),
        ]
    }

    fn c_files(&self) -> Vec<ProjectFile> {
        let strategy = match self.contract {
            Contract::Scheduler => include_str!("../templates/c/scheduler.c"),
            Contract::Picker => include_str!("../templates/c/picker.c"),
            Contract::Resolver => include_str!("../templates/c/resolver.c"),
        };
        let source = format!("{strategy}{}", include_str!("../templates/c/door.c"));
        vec![
            self.file("Makefile", include_str!("../templates/c/Makefile")),
            self.file(&format!("{}.c", self.name.stem), &source),
            // The reader of the example is everybody's, and the header is the specification.
            self.file("json.h", include_str!("../../../plugins/examples/c-scheduler/json.h")),
            self.file("exstreamtv_plugin.h", include_str!("../../../plugins/api/include/exstreamtv_plugin.h")),
            self.file(".gitignore", "*.so\n*.dylib\n"),
        ]
    }

    fn file(&self, path: &str, template: &str) -> ProjectFile {
        let kind = match self.contract {
            Contract::Scheduler => "scheduler",
            Contract::Picker => "picker",
            Contract::Resolver => "resolver",
        };
        let source = self.source();
        let fields = [
            ("@ID@", self.name.id.as_str()),
            ("@STEM_DASHED@", &self.name.dashed),
            ("@STEM@", &self.name.stem),
            ("@TITLE@", &self.name.title),
            ("@VENDOR@", "Example"),
            ("@CONTRACT@", self.contract.word()),
            ("@KIND@", kind),
            ("@SOURCE@", &source),
            ("@SDK@", &self.sdk.dependency()),
        ];
        let text = fields.iter().fold(template.to_owned(), |text, (field, value)| text.replace(field, value));
        ProjectFile { path: path.into(), text }
    }

    fn source(&self) -> String {
        match self.language {
            Language::Rust => "src/lib.rs".into(),
            Language::C => format!("{}.c", self.name.stem),
        }
    }
}

impl SdkSource {
    /// Returns the right-hand side of a dependency in Cargo.toml.
    fn dependency(&self) -> String {
        let (key, value) = match self {
            Self::Path(path) => ("path", path.display().to_string()),
            Self::Git(url) => ("git", url.clone()),
        };
        format!("{{ {key} = {} }}", toml::Value::String(value))
    }
}

impl Name {
    fn parse(name: &str) -> Option<Self> {
        let part_ok = |part: &str| {
            let mut bytes = part.bytes();
            bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
                && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        // An id has at most 64 bytes, and `org.example.` is part of it.
        if name.len() > 50 || !name.split('.').all(part_ok) || name.ends_with('-') {
            return None;
        }
        let dashed = name.rsplit('.').next()?.to_owned();
        let id = if name.contains('.') { name.to_owned() } else { format!("org.example.{name}") };
        let words = dashed.replace('-', " ");
        let title = words.chars().next()?.to_ascii_uppercase().to_string() + words.get(1..)?;
        Some(Self { id, stem: dashed.replace('-', "_"), dashed, title })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaffold(name: &str, contract: Contract, language: Language) -> Result<Scaffold, ScaffoldError> {
        Scaffold::new(name, contract, language, SdkSource::Git("https://example.org/x".into()))
    }

    #[test]
    fn a_name_becomes_an_id_a_title_and_file_names() {
        let name = Name::parse("late-night").unwrap();
        assert_eq!(
            (name.id.as_str(), name.stem.as_str(), name.title.as_str()),
            ("org.example.late-night", "late_night", "Late night")
        );
        assert_eq!(Name::parse("de.me.late").unwrap().id, "de.me.late");
    }

    #[test]
    fn names_that_no_id_may_hold_are_refused() {
        for name in ["", "-x", "9x", "X", "a b", "a/b", "..", "a.", "a..b", "ü", "a-", &"x".repeat(51)] {
            assert!(scaffold(name, Contract::Picker, Language::C).is_err(), "{name}");
        }
    }

    #[test]
    fn no_field_of_a_template_is_left_open() {
        for contract in Contract::ALL {
            for language in [Language::Rust, Language::C] {
                for file in scaffold("late-night", contract, language).unwrap().files() {
                    let open = file
                        .text
                        .split('@')
                        .skip(1)
                        .step_by(2)
                        .find(|word| word.chars().all(|c| c.is_ascii_uppercase() || c == '_') && !word.is_empty());
                    assert_eq!(open, None, "{}", file.path.display());
                }
            }
        }
    }

    #[test]
    fn a_folder_that_is_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let scaffold = scaffold("late-night", Contract::Resolver, Language::C).unwrap();
        assert!(scaffold.write(folder.path()).unwrap().join("late_night.c").is_file());
        assert!(matches!(scaffold.write(folder.path()), Err(ScaffoldError::There { .. })));
    }

    #[test]
    fn a_path_with_quotes_is_still_a_path() {
        let dependency = SdkSource::Path("/a \"b\"/sdk".into()).dependency();
        let table: toml::Table = toml::from_str(&format!("sdk = {dependency}")).unwrap();
        assert_eq!(table["sdk"]["path"].as_str(), Some("/a \"b\"/sdk"));
    }
}
