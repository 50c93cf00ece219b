//! Backups and restores, with the server running and stopped.

use exstreamtv_tests::{
    database::{Backup, assert_sound, assert_whole, backups, json_of, run},
    fixtures::LONG,
    host::{Host, Setup},
    patience::{LONG as PATIENCE, wait_for},
    stage::{RATE, Stage},
    viewer::Viewer,
};
use serde_json::Value;

fn create(setup: &Setup) -> Backup {
    serde_json::from_value(json_of(setup, &["backup", "create", "--json"])).unwrap()
}

fn ids(setup: &Setup) -> Vec<String> {
    backups(setup).into_iter().map(|backup| backup.id).collect()
}

fn wait_for_readers(host: &Host, wanted: u64) {
    wait_for("connections that fit the channels", PATIENCE, || {
        (host.get::<Value>("/api/v1/database")["readers"]["size"] == wanted).then_some(())
    });
}

#[test]
fn the_same_commands_work_with_the_server_running_and_stopped() {
    let stage = Stage::new();
    let setup = stage.setup();
    let nothing = run(&setup, &["backup", "create"]);
    assert_eq!(nothing.code, Some(66), "there is no database yet: {nothing:?}");
    let host = setup.start();
    host.add_channel("1");
    let one = create(&setup);
    assert_eq!((one.kind.as_str(), one.verified), ("manual", true));
    host.add_channel("2");
    wait_for_readers(&host, 15);
    assert_eq!(json_of(&setup, &["backup", "verify", &one.id, "--json"])["id"], one.id.as_str());

    let restored = json_of(&setup, &["backup", "restore", &one.id, "--json"]);
    assert_eq!(restored["restored"], one.id.as_str());
    let before = restored["before"]["id"].as_str().unwrap().to_owned();
    assert!(before.ends_with("_pre_restore"), "{before}");
    assert_eq!(host.numbers(), ["1"]);
    wait_for_readers(&host, 12);
    host.add_channel("3");
    assert!(host.is_ready());
    host.stop();

    let closed = create(&setup);
    assert_eq!(ids(&setup)[0], closed.id, "the newest comes first");
    let said = run(&setup, &["backup", "restore", &before]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains(&format!("restored {before}")), "{said:?}");
    assert_sound(&setup.data().join("exstreamtv.db"));
    assert_whole(&setup);
    let host = setup.start();
    assert_eq!(host.numbers(), ["1", "2"], "the state before the first restore");
    let listed: Value = host.get("/api/v1/database/backups");
    let over_rest: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|backup| backup["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(over_rest, ids(&setup));
    assert_eq!(over_rest.len(), 4);
    host.stop();
    let unknown = run(&setup, &["backup", "restore", "20200101_000000"]);
    assert!(unknown.code == Some(66) && unknown.stderr.contains("exstreamtv backup list"), "{unknown:?}");
    let nonsense = run(&setup, &["backup", "verify", "../../etc/passwd"]);
    assert!(nonsense.code == Some(64) && nonsense.stderr.lines().count() == 1, "{nonsense:?}");
}

#[test]
fn who_watches_goes_on_watching_during_a_restore() {
    let stage = Stage::new().channel("Long", &[LONG]);
    let setup = stage.setup();
    let host = setup.start();
    let channel = host.channel("Long");
    let good = create(&setup);
    host.add_channel("77");
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(4.0);
    for _ in 0..2 {
        json_of(&setup, &["backup", "restore", &good.id, "--json"]);
        viewer.wait_for_more(4.0);
    }
    assert_eq!(viewer.ended(), None);
    assert!(!host.numbers().contains(&"77".to_owned()));
    let report = viewer.leave().check(RATE);
    report.assert_clean();
    host.stop();
}

#[test]
fn an_older_database_is_backed_up_before_its_tables_change() {
    let stage = Stage::new();
    let setup = stage.setup();
    let host = setup.start();
    host.add_channel("1");
    host.stop();
    let database = setup.data().join("exstreamtv.db");
    exstreamtv_tests::database::make_older(&database);
    let host = setup.start();
    assert_eq!(host.numbers(), ["1"]);
    host.stop();
    let made = backups(&setup);
    assert_eq!(
        made.iter().map(|backup| (backup.kind.as_str(), backup.verified)).collect::<Vec<_>>(),
        [("pre_migration", true)]
    );
    let version = |path| exstreamtv_tests::database::sqlite(path, "SELECT max(version) FROM _sqlx_migrations");
    let newest = exstreamtv_tests::database::newest_migration().to_string();
    assert_eq!(version(&database), [newest.as_str()]);
    // And the old state can be restored, which brings it up to date again.
    json_of(&setup, &["backup", "restore", &made[0].id, "--json"]);
    assert_eq!(version(&database), [newest.as_str()]);
}
