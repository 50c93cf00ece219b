//! Plugins as people see them: in the API and on the command line.

use std::path::PathBuf;

use serde::Serialize;
use utoipa::ToSchema;

/// One described plugin.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PluginView {
    /// Its name for machines.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// Who made it.
    pub vendor: String,
    /// SPDX expression.
    pub licence: String,
    /// Where to read more; may be empty.
    pub url: String,
    /// Which contract it fulfils.
    pub contract: String,
    /// What it may do beyond computing.
    pub permissions: Vec<String>,
    /// The library.
    #[schema(value_type = String)]
    pub path: PathBuf,
    /// Whether it comes with EXStreamTV.
    pub shipped: bool,
    /// Where it runs.
    pub isolation: RunsIn,
    /// Whether it is used.
    pub state: PluginState,
    /// Why it is not used, or not where the configuration says; what its sidecar says differently.
    pub remarks: Vec<String>,
    /// Questions that it was asked.
    pub calls: u64,
    /// How many of them it did not answer, or not usably.
    pub failures: u64,
    /// Time that it took for all of them.
    pub total_ms: u64,
    /// The last failure, in words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// Where a plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunsIn {
    /// Inside the host.
    InProcess,
    /// In a process of its own.
    Process,
}

/// Whether a plugin is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PluginState {
    /// It is asked.
    Ready,
    /// It is asked, in a process of its own, because the host once died while it worked.
    Confined,
    /// It is not asked, because it failed too often.
    Quarantined,
    /// Another library with the same id comes first.
    Shadowed,
}

/// A library that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RefusedView {
    /// Which file.
    #[schema(value_type = String)]
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}
