//! The doctor looks at plugins.
//!
//! Does: find libraries that cannot be used, plugins in quarantine, and names in the configuration that nobody has.
//! Does not: ask any plugin anything.

use std::sync::Arc;

use super::Finding;
use crate::{
    clock::SystemClock,
    config::Plugins,
    lifecycle::Lifecycle,
    plugins::{Choice, Options, PluginState, Strategies},
};

/// Looks at all plugins that would be found.
pub async fn plugins(config: &Plugins, options: Options) -> Finding {
    let what = "plugins";
    if options.safe_mode {
        return Finding::fine(what, "none is loaded (--safe-mode)".into());
    }
    let life = Lifecycle::default();
    let found = Strategies::start(options, Choice::from(config), Arc::new(SystemClock), &life).await;
    let (all, refused) = (found.list(), found.refused());
    if let Some(first) = refused.first() {
        let detail = format!("{} cannot be used: failed to {}", first.path.display(), first.reason);
        return Finding::fault(what, 65, detail, "remove it, or take the version for this machine and this server");
    }
    if let Some(held) = all.iter().find(|plugin| plugin.state == PluginState::Quarantined) {
        let detail = format!("{} failed too often and is not asked", held.id);
        return Finding::fault(what, 65, detail, "`exstreamtv plugin quarantine list` says why, `clear` lets it go");
    }
    let Plugins { audio_picker, subtitle_picker, resolver, .. } = config;
    let named = [("audio_picker", audio_picker), ("subtitle_picker", subtitle_picker), ("resolver", resolver)];
    let missing = named.iter().find(|(_, id)| !id.is_empty() && !all.iter().any(|plugin| plugin.id == **id));
    if let Some((key, id)) = missing {
        let detail = format!("[plugins] {key} = \"{id}\", and nobody has this name");
        return Finding::fault(what, 65, detail, "`exstreamtv plugin list` shows which there are");
    }
    Finding::fine(what, format!("{} can be used", all.len()))
}
