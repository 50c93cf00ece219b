//! What a plugin's author gives for checks: the file `NAME.check.toml` beside the sidecar `NAME.plugin.toml`.
//!
//! ```toml
//! ["org.example.marathon"]
//! settings = ["check/weekend.json"]   # documents of a scheduler's settings; each is used for every check
//! vectors = "check/vectors"           # NAME.json: {"plugin", "method", "request", "response"}; those of other plugins are left alone
//! states = "check/states"             # NAME.json: states that older versions answered with
//! ```
//!
//! Paths are relative to the file. A plugin without a table is checked with the settings `null`. The file is not installed: it is no part of the plugin,
//! which is why it is not a part of the sidecar.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

use crate::contract::Method;

/// What is given for one plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    /// Settings by name; never empty.
    pub settings: Vec<(String, Value)>,
    /// Questions with the answers that they must get.
    pub vectors: Vec<Vector>,
    /// States of older versions by name.
    pub states: Vec<(String, Value)>,
}

/// A question with the answer that it must get.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector {
    /// Its name.
    pub name: String,
    /// What is asked.
    pub method: Method,
    /// The request.
    pub request: Vec<u8>,
    /// The answer.
    pub answer: Value,
}

/// Why what is given for checks cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExamplesError {
    /// A file cannot be read.
    #[error("read {}", .path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is not as it must be.
    #[error("understand {}", .path.display())]
    Table {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: toml::de::Error,
    },
    /// A file is not JSON.
    #[error("read {} as JSON", .path.display())]
    Json {
        /// Which one.
        path: PathBuf,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// A vector asks for what is no method.
    #[error("use the vector {}: there is no method {method:?}", .path.display())]
    Method {
        /// Which one.
        path: PathBuf,
        /// What it asks for.
        method: String,
    },
}

/// A vector as it is written: a golden request with its answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    plugin: String,
    method: String,
    request: Value,
    response: Value,
}

/// What is given for one plugin, as it is written.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Given {
    settings: Vec<PathBuf>,
    vectors: Option<PathBuf>,
    states: Option<PathBuf>,
}

impl Default for Examples {
    fn default() -> Self {
        Self { settings: vec![("null".into(), Value::Null)], vectors: Vec::new(), states: Vec::new() }
    }
}

impl Examples {
    /// Reads what `file` gives for a plugin; nothing where there is no such file.
    ///
    /// # Errors
    /// Names the first file that cannot be used.
    pub fn read(file: &Path, id: &str) -> Result<Self, ExamplesError> {
        if !file.exists() {
            return Ok(Self::default());
        }
        let tables: BTreeMap<String, Given> =
            toml::from_str(&read_text(file)?).map_err(|source| ExamplesError::Table { path: file.into(), source })?;
        let folder = file.parent().unwrap_or(Path::new("."));
        tables.get(id).map_or(Ok(Self::default()), |given| given.load(folder, id))
    }

    /// Returns the name of the file that belongs to a library: `foo.check.toml` for `libfoo.so`.
    pub fn path_of(sidecar: &Path) -> PathBuf {
        let name = sidecar.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let stem = name.strip_suffix(".plugin.toml").unwrap_or(name);
        sidecar.with_file_name(format!("{stem}.check.toml"))
    }
}

impl Given {
    fn load(&self, folder: &Path, id: &str) -> Result<Examples, ExamplesError> {
        let mut examples = Examples::default();
        let files: Vec<_> = self.settings.iter().map(|file| folder.join(file)).collect();
        if !files.is_empty() {
            examples.settings = files.iter().map(|file| document(file)).collect::<Result<_, _>>()?;
        }
        for file in files_of(self.states.as_deref().map(|states| folder.join(states)), ".json")? {
            examples.states.push(document(&file)?);
        }
        for file in files_of(self.vectors.as_deref().map(|vectors| folder.join(vectors)), ".json")? {
            examples.vectors.extend(vector(&file, id)?);
        }
        Ok(examples)
    }
}

fn document(file: &Path) -> Result<(String, Value), ExamplesError> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let value = serde_json::from_str(&read_text(file)?);
    value.map(|value| (name, value)).map_err(|source| ExamplesError::Json { path: file.into(), source })
}

/// Reads a vector; `None` if it is another plugin's.
fn vector(file: &Path, id: &str) -> Result<Option<Vector>, ExamplesError> {
    let json = |source| ExamplesError::Json { path: file.into(), source };
    let Written { plugin, method, request, response } = serde_json::from_str(&read_text(file)?).map_err(json)?;
    if plugin != id {
        return Ok(None);
    }
    let Some(method) = Method::named(&method) else { return Err(ExamplesError::Method { path: file.into(), method }) };
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Some(Vector { name, method, request: request.to_string().into_bytes(), answer: response }))
}

/// Returns the files of a folder that end in `suffix`, by name; none without a folder.
fn files_of(folder: Option<PathBuf>, suffix: &str) -> Result<Vec<PathBuf>, ExamplesError> {
    let Some(folder) = folder else { return Ok(Vec::new()) };
    let read = |source| ExamplesError::Read { path: folder.clone(), source };
    let entries = fs::read_dir(&folder).map_err(read)?.collect::<Result<Vec<_>, _>>().map_err(read)?;
    let fits = |path: &PathBuf| path.to_str().is_some_and(|path| path.ends_with(suffix));
    let mut files: Vec<_> = entries.into_iter().map(|entry| entry.path()).filter(fits).collect();
    files.sort();
    Ok(files)
}

fn read_text(path: &Path) -> Result<String, ExamplesError> {
    fs::read_to_string(path).map_err(|source| ExamplesError::Read { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_settings_vectors_and_states() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("a.check.toml", "[\"x.y\"]\nsettings = [\"s.json\"]\nvectors = \"v\"\nstates = \".\"\n");
        write("s.json", "{\"slots\": []}");
        fs::create_dir(folder.path().join("v")).unwrap();
        write("v/day.json", r#"{"plugin": "x.y", "method": "plan", "request": {}, "response": {"entries": []}}"#);
        write("v/other.json", r#"{"plugin": "x.z", "method": "plan", "request": {}, "response": {}}"#);
        let file = Examples::path_of(&folder.path().join("a.plugin.toml"));
        let examples = Examples::read(&file, "x.y").unwrap();
        assert_eq!(examples.settings, [("s".to_owned(), serde_json::json!({"slots": []}))]);
        assert_eq!((examples.vectors.len(), examples.vectors[0].method), (1, Method::Plan));
        assert_eq!(examples.states.len(), 1);
        assert_eq!(Examples::read(&file, "another").unwrap(), Examples::default());
        assert_eq!(Examples::read(&folder.path().join("none"), "x.y").unwrap(), Examples::default());
    }

    #[test]
    fn a_vector_that_asks_for_nothing_known_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.check.toml"), "[x]\nvectors = \".\"\n").unwrap();
        let vector = r#"{"plugin": "x", "method": "dance", "request": {}, "response": {}}"#;
        fs::write(folder.path().join("day.json"), vector).unwrap();
        let error = Examples::read(&folder.path().join("a.check.toml"), "x").unwrap_err();
        assert!(error.to_string().contains("day.json") && error.to_string().contains("dance"), "{error}");
    }
}
