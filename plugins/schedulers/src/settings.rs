//! Settings documents.
//!
//! Does: read one, and say where in it a mistake is.
//! Does not: judge what is well formed; each strategy does.

use exstreamtv_model::schedule::SettingsFault;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads settings, or says where they cannot be read and why.
pub(crate) fn read<T: DeserializeOwned>(settings: &Value) -> Result<T, SettingsFault> {
    serde_path_to_error::deserialize(settings).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        SettingsFault { path, message: error.into_inner().to_string() }
    })
}
