//! Sets of media that a schedule draws from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{CollectionId, MediaId, MediaKind};

/// A named set of media.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Collection {
    /// Stable identity.
    pub id: CollectionId,
    /// What people call it.
    pub name: String,
    /// Where its items come from.
    pub source: CollectionSource,
}

/// Where the items of a collection come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum CollectionSource {
    /// Everything at or below a folder of the library.
    Folder {
        /// Absolute path.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        path: PathBuf,
    },
    /// These items, in this order.
    Manual {
        /// The items.
        items: Vec<MediaId>,
    },
    /// Whatever matches at the moment; all conditions must hold.
    Query(MediaQuery),
}

/// Conditions on media; an absent one always holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct MediaQuery {
    /// Only this kind.
    pub kind: Option<MediaKind>,
    /// Only this series, whole title, ignoring case.
    pub show: Option<String>,
    /// Only with this genre, ignoring case.
    pub genre: Option<String>,
    /// Title or series holds this text, ignoring case.
    pub text: Option<String>,
    /// From this year on.
    pub year_from: Option<i32>,
    /// Up to this year.
    pub year_to: Option<i32>,
}
