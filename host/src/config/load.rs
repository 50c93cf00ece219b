//! Reads the configuration: defaults, then the file, then the environment.
//!
//! Does: parse, merge, and say where a mistake is and what was probably meant.
//! Does not: know any key; those are in [`super::Config`].
//! Invariant: nothing is half applied; an error leaves whatever was in force before.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::{Config, ValueError};

/// Environment variables with this prefix override keys: `EXSTREAMTV__SECTION__KEY`.
pub const PREFIX: &str = "EXSTREAMTV__";

/// Why there is no configuration; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("read the configuration {}", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML or holds a key or value that we do not know.
    #[error("understand the configuration {}: {text}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Line, column, the line itself and what is wrong.
        text: String,
    },
    /// An environment variable does not name a key or holds a wrong value.
    #[error("understand the environment variable {name}: {text}")]
    Environment {
        /// Which variable.
        name: String,
        /// What is wrong.
        text: String,
    },
    /// Hardware profiles cannot be read.
    #[error(transparent)]
    ProfilesFolder(#[from] crate::hardware::FolderError),
    /// A hardware profile cannot be used.
    #[error(transparent)]
    Profiles(#[from] exstreamtv_hardware::ProfilesError),
    /// A value that cannot be used.
    #[error(transparent)]
    Value(#[from] ValueError),
}

/// Reads the file, if one is named, and lays the environment over it.
///
/// # Errors
/// Says which file or variable is wrong, where, and what was probably meant.
pub fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Config, LoadError> {
    let mut table = file.map(read).transpose()?.unwrap_or_default();
    for (name, text) in environment.filter(|(name, _)| name.starts_with(PREFIX)) {
        lay_over(&mut table, &name, &text)?;
    }
    let config: Config = table.try_into().map_err(|error: toml::de::Error| LoadError::Environment {
        name: format!("{PREFIX}…"),
        text: suggest(error.message()),
    })?;
    config.check()?;
    Ok(config)
}

fn read(path: &Path) -> Result<Table, LoadError> {
    let text = std::fs::read_to_string(path).map_err(|source| LoadError::Read { path: path.into(), source })?;
    // Parsed as a whole first: only the text itself knows lines and columns.
    parse::<Config>(&text).map_err(|text| LoadError::File { path: path.into(), text })?;
    parse(&text).map_err(|text| LoadError::File { path: path.into(), text })
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| suggest(&error.to_string()))
}

fn lay_over(table: &mut Table, name: &str, text: &str) -> Result<(), LoadError> {
    let wrong = |text: String| LoadError::Environment { name: name.to_owned(), text };
    let path = name[PREFIX.len()..].to_lowercase();
    let Some((section, key)) = path.split_once("__") else {
        return Err(wrong("it must be EXSTREAMTV__SECTION__KEY".into()));
    };
    let keys = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    let Value::Table(keys) = keys else { return Err(wrong(format!("[{section}] is not a section"))) };
    // A value is TOML where it can be (8, true, ["a"]), else plain text, so that no quotes are needed.
    let candidates = [toml::from_str::<Table>(&format!("value = {text}")).ok().and_then(|mut t| t.remove("value"))];
    let readings = candidates.into_iter().flatten().chain([Value::String(text.to_owned())]);
    let mut problem = String::new();
    for value in readings {
        let alone =
            Table::from_iter([(section.to_owned(), Value::Table(Table::from_iter([(key.to_owned(), value.clone())])))]);
        match alone.try_into::<Config>() {
            Ok(_) => {
                keys.insert(key.to_owned(), value);
                return Ok(());
            }
            Err(error) if problem.is_empty() => problem = suggest(error.message()),
            Err(_) => {}
        }
    }
    Err(wrong(problem))
}

/// Adds "did you mean" to serde's "unknown field `x`, expected one of `a`, `b`".
fn suggest(message: &str) -> String {
    let Some((_, rest)) = message.split_once("unknown field `") else { return message.trim_end().to_owned() };
    let mut names = rest.split('`').step_by(2);
    let Some(wrong) = names.next() else { return message.trim_end().to_owned() };
    let nearest = names.map(|name| (strsim::damerau_levenshtein(wrong, name), name)).min();
    match nearest {
        Some((distance, name)) if distance <= 1 + wrong.len() / 3 => {
            format!("{}\ndid you mean `{name}`?", message.trim_end())
        }
        _ => message.trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("exstreamtv.toml");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn with_environment(pairs: &[(&str, &str)]) -> Result<Config, LoadError> {
        load(None, pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
    }

    #[test]
    fn an_unknown_key_is_named_with_line_column_and_what_was_meant() {
        let (_folder, path) = file("[server]\nlisten = \"127.0.0.1:1\"\nlistn = 3\n");
        let error = load(Some(&path), std::iter::empty()).unwrap_err().to_string();
        for part in ["line 3, column 1", "listn", "did you mean `listen`?", "exstreamtv.toml"] {
            assert!(error.contains(part), "{part:?} is missing in: {error}");
        }
    }

    #[test]
    fn an_unknown_section_and_a_wrong_type_are_errors() {
        let (_folder, path) = file("[sever]\n");
        assert!(load(Some(&path), std::iter::empty()).unwrap_err().to_string().contains("did you mean `server`?"));
        let (_folder, path) = file("[playout]\nhorizon_h = \"long\"\n");
        assert!(load(Some(&path), std::iter::empty()).unwrap_err().to_string().contains("line 2"));
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let (_folder, path) = file("[ffmpeg]\nidle_stop_s = 5\n");
        let variables = [("EXSTREAMTV__FFMPEG__IDLE_STOP_S".to_owned(), "7".to_owned())];
        assert_eq!(load(Some(&path), variables.into_iter()).unwrap().ffmpeg.idle_stop_s, 7);
    }

    #[test]
    fn environment_values_need_no_quotes_and_mistakes_name_the_variable() {
        let config =
            with_environment(&[("EXSTREAMTV__PROFILE__FRAME_RATE", "25"), ("EXSTREAMTV__SERVER__LOG", "debug")]);
        assert_eq!(config.unwrap().profile.frame_rate, "25");
        let error = with_environment(&[("EXSTREAMTV__SERVER__LISTNE", "x")]).unwrap_err().to_string();
        assert!(error.contains("EXSTREAMTV__SERVER__LISTNE") && error.contains("did you mean `listen`?"), "{error}");
        assert!(with_environment(&[("EXSTREAMTV__LISTEN", "x")]).is_err());
        assert!(with_environment(&[("OTHER", "x")]).is_ok());
    }

    #[test]
    fn a_missing_file_is_said_by_name() {
        let error = load(Some(Path::new("/nowhere/x.toml")), std::iter::empty()).unwrap_err();
        assert!(error.to_string().contains("/nowhere/x.toml"));
    }
}
