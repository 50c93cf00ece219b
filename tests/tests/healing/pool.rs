//! A pool of connections that runs out, and grows.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use exstreamtv_tests::{
    healing::{Healer, Scene},
    patience::{LONG, wait_for},
};
use serde_json::{Value, json};

#[test]
fn a_pool_that_runs_out_grows_and_the_growth_is_seen_to_help() {
    let scene = Scene::new(Healer::On)
        .set("database.base_pool_size", 1)
        .set("database.max_pool_size", 8)
        .set("database.connections_per_channel", 0.0)
        .set("database.exhausted_after_ms", 1);
    let host = scene.start();
    host.channel("Show");
    let before: Value = host.get("/api/v1/database");
    // Readers meet at the one connection until the healer has seen it.
    let enough = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..6)
        .map(|_| {
            let (client, url, enough) = (host.http.clone(), host.at("/api/v1/library/media?limit=500"), enough.clone());
            std::thread::spawn(move || {
                while !enough.load(Ordering::Relaxed) {
                    let _ = client.get(&url).send();
                }
            })
        })
        .collect();
    wait_for("the healer to see it", LONG, || {
        let view: Value = host.get("/api/v1/healing");
        view["cases"].as_array()?.iter().any(|case| case["phase"] == "probing").then_some(())
    });
    enough.store(true, Ordering::Relaxed);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    let done = wait_for("what came of it", LONG, || {
        let page: Value = host.get("/api/v1/resolutions");
        page["items"].as_array()?.first().cloned()
    });
    assert_eq!((&done["issue"], &done["deed"]), (&json!("DB_POOL_EXHAUSTED"), &json!("expand_pool")), "{done}");
    assert_eq!(done["outcome"], "healed", "{done}");
    let after: Value = host.get("/api/v1/database");
    let size = |view: &Value| view["readers"]["size"].as_u64();
    assert!(size(&after) > size(&before), "{before}\n{after}");
}
