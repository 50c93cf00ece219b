//! What is found, what is hidden, what is left alone; and the shipped strategies through the same door.

use std::os::unix::fs::PermissionsExt;

use exstreamtv::plugins::{PluginState, Strategies, StrategyError};
use exstreamtv_model::schedule::{MAIN_POOL, PoolSource};
use serde_json::json;

use crate::stage::{Stage, build, nothing_set, shipped, ten_seconds, view};

#[tokio::test]
async fn the_first_library_with_an_id_hides_the_next() {
    let stage = Stage::with(&["built_later"]);
    let second = stage.plugins().join("zz.so");
    std::fs::copy(build("built_later", &stage.plugins()), &second).unwrap();
    let listed = stage.strategies().await.list();
    assert_eq!(
        listed.iter().map(|plugin| plugin.state).collect::<Vec<_>>(),
        [PluginState::Ready, PluginState::Shadowed]
    );
    assert!(listed[1].remarks[0].contains("libbuilt_later.so comes first"), "{listed:?}");
}

#[tokio::test]
async fn a_library_that_everybody_may_write_is_refused() {
    let stage = Stage::with(&["built_later"]);
    let library = stage.plugins().join("libbuilt_later.so");
    std::fs::set_permissions(&library, std::fs::Permissions::from_mode(0o666)).unwrap();
    let strategies = stage.strategies().await;
    assert!(strategies.list().is_empty());
    assert!(strategies.refused()[0].reason.contains("everybody may write it"), "{:?}", strategies.refused());
}

#[tokio::test]
async fn what_was_seen_is_remembered_until_the_file_changes() {
    let stage = Stage::with(&["built_later"]);
    stage.strategies().await;
    let cache = stage.data().join("cache/plugins.json");
    // A version that only the memory can know.
    let doctored = std::fs::read_to_string(&cache).unwrap().replace("\"1.0.0\"", "\"9.9.9\"");
    std::fs::write(&cache, doctored).unwrap();
    let version = |strategies: &Strategies| view(strategies, "org.example.bad.built-later").version;
    assert_eq!(version(&stage.strategies().await), "9.9.9");
    build("built_later", &stage.plugins());
    assert_eq!(version(&stage.strategies().await), "1.0.0");
}

#[tokio::test]
async fn a_sidecar_that_says_something_else_is_remarked_upon() {
    let stage = Stage::with(&["built_later"]);
    std::fs::write(stage.plugins().join("built_later.plugin.toml"), "abi = 1\nplugin = []\n").unwrap();
    let seen = view(&stage.strategies().await, "org.example.bad.built-later");
    assert!(seen.remarks[0].contains("describes 0 plugins"), "{seen:?}");
}

#[tokio::test]
async fn safe_mode_loads_nothing_and_still_plans() {
    let mut stage = Stage::with(&["built_later"]);
    stage.safe_mode = true;
    let strategies = stage.strategies().await;
    assert!(strategies.list().is_empty() && strategies.refused().is_empty());
    let planned = strategies.plan("exstreamtv.sequence", ten_seconds(3)).await;
    assert_eq!((planned.answer.entries.len(), planned.fallback), (10, None));
}

#[tokio::test]
async fn a_strategy_that_is_not_there_is_an_error_where_one_can_help_it_and_a_fallback_on_air() {
    let strategies = Strategies::built_in();
    let error = strategies.prepare("org.example.nobody", nothing_set()).await.unwrap_err();
    assert_eq!(error, StrategyError::Unknown { strategy: "org.example.nobody".into() });
    let planned = strategies.plan("org.example.nobody", ten_seconds(3)).await;
    assert!(planned.fallback.unwrap().contains("no strategy named \"org.example.nobody\""));
}

#[tokio::test]
async fn a_scheduler_that_does_not_say_what_it_needs_draws_from_the_channel() {
    let stage = Stage::with(&["overlaps"]);
    let preparation = stage.strategies().await.prepare("org.example.bad.overlaps", nothing_set()).await.unwrap();
    assert_eq!(preparation.faults, []);
    assert_eq!((preparation.pools[0].key.as_str(), &preparation.pools[0].source), (MAIN_POOL, &PoolSource::Channel));
    let seen = view(&stage.strategies().await, "org.example.bad.overlaps");
    assert_eq!(seen.failures, 0, "not to know a method is no failure");
}

#[tokio::test]
async fn the_shipped_sequence_plans_the_same_inside_the_host_in_a_process_and_built_in() {
    let library = shipped();
    let mut plans = Vec::new();
    // More items than one page: the plugin has to ask for the rest.
    let request = ten_seconds(4_500);
    for isolation in [exstreamtv::config::Isolation::InProcess, exstreamtv::config::Isolation::Process] {
        let stage = Stage::with(&[]).isolated(isolation);
        std::fs::copy(&library, stage.plugins().join(library.file_name().unwrap())).unwrap();
        let strategies = stage.strategies().await;
        assert!(view(&strategies, "exstreamtv.sequence").shipped);
        let planned = strategies.plan("exstreamtv.sequence", request.clone()).await;
        assert_eq!(planned.fallback, None);
        plans.push(planned.answer);
        let wrong =
            exstreamtv_model::schedule::PrepareRequest { zone: "UTC".into(), settings: json!({"order": "sideways"}) };
        assert_eq!(strategies.prepare("exstreamtv.sequence", wrong).await.unwrap().faults.len(), 1);
    }
    plans.push(Strategies::built_in().plan("exstreamtv.sequence", request).await.answer);
    assert_eq!(plans[0], plans[1]);
    assert_eq!(plans[0], plans[2]);
}
