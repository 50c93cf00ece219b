//! Every key of [database] and [database_backup] has an effect that somebody outside can see.

use std::fs;

use exstreamtv_tests::{
    database::backups,
    patience::{LONG, wait_for},
    stage::Stage,
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

#[test]
fn every_setting_has_its_effect_also_after_a_reload() {
    let stage = Stage::new();
    let kept = stage.path().join("kept elsewhere");
    let setup = stage
        .setup()
        .set("database.base_pool_size", 3)
        .set("database.max_pool_size", 6)
        .set("database.connections_per_channel", 1.5)
        .set("database.health_interval_s", 1)
        .set("database.idle_connection_s", 1)
        .set("database_backup.backup_directory", format!("{:?}", kept.display().to_string()))
        .set("database_backup.compress", false);
    let host = setup.start();
    let size = || host.get::<Value>("/api/v1/database")["readers"]["size"].clone();
    let wait_for_size = |wanted: u64| wait_for("another size", LONG, || (size() == wanted).then_some(()));
    for (number, before, after) in [("1", 3, 4), ("2", 4, 6), ("3", 6, 6)] {
        wait_for_size(before);
        host.add_channel(number);
        wait_for_size(after);
    }
    wait_for("a second look, which closes idle connections", LONG, || {
        let view: Value = host.get("/api/v1/database");
        let looked = view["health"]["checkpoints"].as_u64()? > 1 && view["readers"]["recycled"].as_u64()? > 0;
        looked.then_some(())
    });
    let info = host.post_json("/api/v1/database/backups", &json!({}));
    let plain = kept.join(info["file"].as_str().unwrap());
    assert!(plain.extension().is_some_and(|extension| extension == "db") && plain.is_file(), "{info}");
    assert!(fs::read(&plain).unwrap().starts_with(b"SQLite format 3"));
    let metrics = host.text("/metrics");
    assert!(metrics.contains("exstreamtv_database_pool_size{pool=\"readers\"} 6"), "{metrics}");

    // Old automatic ones, as many as the default would keep; they are as good as the one they are copies of.
    for day in 1..=5 {
        let name = info["file"].as_str().unwrap().replace(".db", "");
        let old = format!("exstreamtv_backup_2026010{day}_000000_auto");
        fs::copy(&plain, kept.join(format!("{old}.db"))).unwrap();
        let known = fs::read_to_string(kept.join(format!("{name}.json"))).unwrap();
        let known = known.replace(info["id"].as_str().unwrap(), old.trim_start_matches("exstreamtv_backup_"));
        fs::write(kept.join(format!("{old}.json")), known).unwrap();
    }
    let changed = setup
        .set("database.base_pool_size", 5)
        .set("database_backup.keep_count", 2)
        .set("database_backup.keep_days", 36_500)
        .set("database_backup.interval_hours", 1);
    changed.write_config();
    host.signal(Signal::SIGHUP);
    wait_for_size(6);
    // The newest automatic one is old, so a new one is due as soon as the settings are read again; and two of its kind stay.
    let left = wait_for("two automatic backups", LONG, || {
        let left: Vec<_> = backups(&changed).into_iter().filter(|backup| backup.kind == "auto").collect();
        (left.len() == 2).then_some(left)
    });
    assert_eq!(left[1].id, "20260105_000000_auto");
    changed.set("database_backup.enabled", false).write_config();
    host.signal(Signal::SIGHUP);
    host.stop();
}
