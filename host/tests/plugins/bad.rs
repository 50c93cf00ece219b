//! Whatever a plugin does, there is a plan, and this process lives to say so.

use exstreamtv::{
    config::Isolation,
    plugins::{PluginState, RunsIn, Strategies, StrategyError},
};
use exstreamtv_loader::Breadcrumb;

use crate::stage::{Stage, nothing_set, ten_seconds, view};

/// Asks for a plan that the plugin does not give, and returns why it does not.
async fn why_it_falls_back(strategies: &Strategies, id: &str) -> String {
    let request = ten_seconds(3);
    let planned = strategies.plan(id, request.clone()).await;
    planned.answer.check(&request).unwrap();
    assert_eq!((planned.by.as_str(), planned.answer.entries.len()), ("exstreamtv.sequence", 10));
    planned.fallback.unwrap()
}

async fn in_a_process(name: &str) -> String {
    let stage = Stage::with(&[name]);
    let id = format!("org.example.bad.{name}");
    let strategies = stage.strategies().await;
    assert_eq!(view(&strategies, &id).isolation, RunsIn::Process, "third-party plugins run in a process by default");
    let why = why_it_falls_back(&strategies, &id).await;
    let seen = view(&strategies, &id);
    assert_eq!((seen.calls, seen.failures), (1, 1));
    assert!(why.contains(&seen.last_error.unwrap()), "{why}");
    why
}

#[tokio::test]
async fn a_plugin_that_aborts_is_named_with_its_signal() {
    let why = in_a_process("aborts").await;
    assert!(why.contains("signal 6 (SIGABRT)"), "{why}");
}

#[tokio::test]
async fn a_plugin_that_segfaults_is_named_with_its_signal() {
    let why = in_a_process("segfaults").await;
    assert!(why.contains("signal 11 (SIGSEGV)"), "{why}");
}

#[tokio::test]
async fn nonsense_overlaps_panics_and_100_mb_are_no_plans() {
    for (name, part) in [
        ("nonsense", "an answer that can be used"),
        ("overlaps", "starts at 5 ms"),
        ("panics", "it panicked: index out of bounds: the len is 0"),
        ("huge", "in at most 67108864 bytes"),
    ] {
        let why = in_a_process(name).await;
        assert!(why.contains(part), "{name}: {why}");
    }
}

#[tokio::test]
async fn inside_the_host_the_same_holds_for_all_that_does_not_crash() {
    for name in ["nonsense", "overlaps", "panics", "huge"] {
        let stage = Stage::with(&[name]).isolated(Isolation::InProcess);
        let strategies = stage.strategies().await;
        let id = format!("org.example.bad.{name}");
        assert_eq!(view(&strategies, &id).isolation, RunsIn::InProcess);
        why_it_falls_back(&strategies, &id).await;
    }
}

#[tokio::test]
async fn a_plugin_that_hangs_is_late_and_its_process_does_not_stay() {
    let stage = Stage::with(&["hangs"]);
    let strategies = stage.strategies().await;
    let error = strategies.prepare("org.example.bad.hangs", nothing_set()).await.unwrap_err();
    assert!(
        matches!(&error, StrategyError::Failed { source, .. } if source.to_string().contains("within 2000 ms")),
        "{error:?}"
    );
    assert_eq!(strategies.troubles(), Vec::<String>::new(), "a process that hangs can be killed");
}

#[tokio::test]
async fn a_plugin_that_hangs_inside_the_host_costs_a_thread_and_health_says_so() {
    let stage = Stage::with(&["hangs", "built_later"]).isolated(Isolation::InProcess);
    let strategies = stage.strategies().await;
    strategies.prepare("org.example.bad.hangs", nothing_set()).await.unwrap_err();
    let troubles = strategies.troubles();
    assert!(troubles[0].contains("org.example.bad.hangs hangs on 1 threads"), "{troubles:?}");
    assert_eq!(strategies.call("org.example.bad.built-later", "prepare", b"{}").await.unwrap(), b"{}");
}

#[tokio::test]
async fn three_unusable_answers_end_in_quarantine_until_somebody_clears_it() {
    let stage = Stage::with(&["nonsense"]);
    let id = "org.example.bad.nonsense";
    let strategies = stage.strategies().await;
    for _ in 0..3 {
        assert_eq!(view(&strategies, id).state, PluginState::Ready);
        why_it_falls_back(&strategies, id).await;
    }
    assert_eq!(view(&strategies, id).state, PluginState::Quarantined);
    let calls = view(&strategies, id).calls;
    let why = why_it_falls_back(&strategies, id).await;
    assert!(why.contains("in quarantine (3 failures within 10 minutes"), "{why}");
    assert_eq!(view(&strategies, id).calls, calls, "it is not asked any more");
    assert!(strategies.troubles()[0].contains(id));

    let next_start = stage.strategies().await;
    assert_eq!(view(&next_start, id).state, PluginState::Quarantined);
    std::fs::remove_file(stage.data().join("plugins.json")).unwrap();
    assert_eq!(view(&strategies, id).state, PluginState::Ready, "a running host notices");
}

#[tokio::test]
async fn a_process_is_started_again_after_a_crash_and_answers_another_question() {
    let stage = Stage::with(&["refuses"]);
    let strategies = stage.strategies().await;
    let id = "org.example.bad.refuses";
    assert!(strategies.call(id, "prepare", b"5").await.is_err(), "5 is a panic");
    assert_eq!(strategies.call(id, "prepare", b"0").await.unwrap(), b"because I was told to");
    assert_eq!(view(&strategies, id).failures, 1);
}

#[tokio::test]
async fn a_library_that_cannot_even_be_looked_at_is_refused() {
    let stage =
        Stage::with(&["aborts_on_load", "wrong_magic", "newer_minor", "invalid_utf8", "duplicate_ids", "built_later"]);
    let strategies = stage.strategies().await;
    let reason = |name: &str| {
        let refused = strategies.refused().into_iter().find(|refused| refused.path.ends_with(format!("lib{name}.so")));
        refused.unwrap().reason
    };
    assert!(reason("aborts_on_load").contains("signal 6 (SIGABRT)"));
    assert!(reason("wrong_magic").contains("0x12345678"));
    assert!(reason("newer_minor").contains("needs ABI 1.9, this host speaks 1.0"));
    assert!(reason("invalid_utf8").contains("not UTF-8"));
    assert!(reason("duplicate_ids").contains("twice"));
    assert_eq!(strategies.list().len(), 1);
}

#[tokio::test]
async fn a_library_that_hangs_while_it_is_looked_at_is_refused() {
    let strategies = Stage::with(&["hangs_on_load"]).strategies().await;
    assert!(strategies.refused()[0].reason.contains("within 10 seconds"));
}

#[tokio::test]
async fn whom_the_last_host_was_calling_when_it_died_moves_into_a_process() {
    let stage = Stage::with(&["built_later"]).isolated(Isolation::InProcess);
    let id = "org.example.bad.built-later";
    let (crumb, _) = Breadcrumb::open(&stage.data().join("plugin.breadcrumb")).unwrap();
    // A host that is killed takes no note away.
    std::mem::forget(crumb.mark(id, "plan"));
    drop(crumb);

    let strategies = stage.strategies().await;
    let seen = view(&strategies, id);
    assert_eq!((seen.state, seen.isolation), (PluginState::Confined, RunsIn::Process));
    assert!(seen.remarks[0].contains("working on \"plan\""), "{seen:?}");
    assert_eq!(strategies.call(id, "prepare", b"{}").await.unwrap(), b"{}", "it is still asked");
}
