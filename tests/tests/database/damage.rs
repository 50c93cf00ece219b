//! What is damaged, foreign, too new, or finds no room.

use std::fs;

use exstreamtv_tests::{
    database::{assert_sound, assert_whole, backups, file_of, json_of, run, sqlite, tamper},
    host::{Host, Setup, on_a_small_disk},
    stage::Stage,
};
use serde_json::{Value, json};

fn with_one_channel_and_a_backup(setup: &Setup) -> String {
    let host = setup.start();
    host.add_channel("1");
    let id = host.post_json("/api/v1/database/backups", &json!({}))["id"].as_str().unwrap().to_owned();
    host.stop();
    id
}

#[test]
fn a_damaged_database_is_refused_with_an_offer_and_replaced_when_told_to() {
    let stage = Stage::new();
    let setup = stage.setup();
    let id = with_one_channel_and_a_backup(&setup);
    let database = setup.data().join("exstreamtv.db");
    let mut bytes = fs::read(&database).unwrap();
    bytes[4096 * 4..4096 * 9].fill(0x5A);
    fs::write(&database, &bytes).unwrap();
    let doctor = run(&setup, &["doctor"]);
    assert!(doctor.stdout.contains("FAULT  database") && doctor.code != Some(0), "{doctor:?}");

    let refused = setup.run();
    assert_eq!(refused.code, Some(65), "{refused:?}");
    assert!(refused.stderr.lines().count() == 1 && refused.stderr.contains(&id), "{refused:?}");
    assert!(refused.stderr.contains("--restore-if-corrupt"), "{refused:?}");
    assert_eq!(fs::read(&database).unwrap(), bytes);
    let refused = run(&setup, &["backup", "create"]);
    assert!(refused.code == Some(65) && refused.stderr.contains("damaged"), "{refused:?}");

    let mut command = setup.command();
    command.arg("--restore-if-corrupt");
    let host = Host::spawn(command);
    assert_eq!(host.numbers(), ["1"]);
    host.stop();
    assert_sound(&database);
    let kept: Vec<_> = fs::read_dir(setup.data()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let kept = kept.iter().find(|path| path.to_string_lossy().contains("exstreamtv.db.damaged-")).unwrap();
    assert_eq!(fs::read(kept).unwrap(), bytes, "the damaged one is kept");

    fs::write(&database, &bytes).unwrap();
    let restored = run(&setup, &["backup", "restore", &id]);
    assert!(restored.code == Some(0) && restored.stderr.contains("is kept as"), "{restored:?}");
    assert_sound(&database);
}

#[test]
fn backups_that_are_no_good_are_refused_in_one_line_by_both_ways() {
    let stage = Stage::new();
    let setup = stage.setup();
    let id = with_one_channel_and_a_backup(&setup);
    let file = file_of(&setup, &backups(&setup)[0]);
    let (whole, known) = (fs::read(&file).unwrap(), fs::read(file.with_extension("").with_extension("json")).unwrap());
    let cases: [(&str, &dyn Fn()); 4] = [
        ("it is cut short", &|| fs::write(&file, &whole[..whole.len() - 100]).unwrap()),
        ("was changed or damaged since it was made", &|| {
            fs::write(
                &file,
                [&whole[..], &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]].concat(),
            )
            .unwrap();
        }),
        ("it has schema version 9001, this program knows up to", &|| {
            tamper(
                &file,
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9001, 'x', 1, x'00', 0)",
            );
        }),
        ("the database in it belongs to another program", &|| tamper(&file, "PRAGMA application_id = 7")),
    ];
    for running in [false, true] {
        let host = running.then(|| setup.start());
        for (words, spoil) in &cases {
            fs::write(&file, &whole).unwrap();
            fs::write(file.with_extension("").with_extension("json"), &known).unwrap();
            spoil();
            for command in ["verify", "restore"] {
                let refused = run(&setup, &["backup", command, &id]);
                assert_eq!(refused.code, Some(65), "{words}: {refused:?}");
                let said = refused.stderr.trim_end();
                assert!(said.contains(words) && said.lines().count() == 1, "{command}, running {running}: {said}");
            }
            assert_eq!(backups(&setup).iter().filter(|backup| backup.kind == "pre_restore").count(), 0);
        }
        if let Some(host) = host {
            assert_eq!(host.numbers(), ["1"]);
            host.stop();
        }
    }
    assert_sound(&setup.data().join("exstreamtv.db"));
}

#[test]
fn a_full_disk_is_told_with_its_numbers_and_costs_no_backup() {
    let stage = Stage::new();
    let setup = stage.setup();
    let folder = setup.data().join("backups");
    fs::create_dir_all(&folder).unwrap();
    let Some(wrapper) = on_a_small_disk(&folder, 1_000) else {
        return eprintln!("not checked: this system lets nobody mount a small file system");
    };
    let host = setup.through(&wrapper).start();
    host.add_channel("1");
    let good = host.post_json("/api/v1/database/backups", &json!({}));
    let seen = std::path::Path::new("/proc").join(host.pid().to_string()).join("root");
    let seen = seen.join(folder.strip_prefix("/").unwrap());
    fs::write(seen.join("filler"), vec![0_u8; 600 * 1024]).unwrap();
    for (path, words) in [
        ("/api/v1/database/backups".to_owned(), "the disk is full: about "),
        (format!("/api/v1/database/backups/{}/restore", good["id"].as_str().unwrap()), "nothing was restored"),
    ] {
        let (status, problem) = host.try_post(&path, &json!({})).unwrap();
        assert_eq!((status, &problem["type"]), (507, &"urn:exstreamtv:problem:disk-full".into()), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{detail}");
        if path.ends_with("backups") {
            assert!(detail.contains(" KiB are needed, ") && detail.contains(" KiB are free"), "{detail}");
        }
    }
    let listed: Value = host.get("/api/v1/database/backups");
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let names: Vec<_> = fs::read_dir(&seen).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "nothing is left of what failed: {names:?}");
    assert_eq!(host.numbers(), ["1"]);
    host.add_channel("2");
    fs::remove_file(seen.join("filler")).unwrap();
    host.post_json(&format!("/api/v1/database/backups/{}/verify", good["id"].as_str().unwrap()), &json!({}));
    host.post_json("/api/v1/database/backups", &json!({}));
    host.stop();
}

#[test]
fn a_newer_database_is_refused_and_a_backup_can_take_its_place() {
    let stage = Stage::new();
    let setup = stage.setup();
    let id = with_one_channel_and_a_backup(&setup);
    let database = setup.data().join("exstreamtv.db");
    sqlite(
        &database,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9001, 'x', 1, x'00', 0)",
    );
    let refused = setup.run();
    assert!(refused.code == Some(65) && refused.stderr.contains("schema version 9001"), "{refused:?}");
    json_of(&setup, &["backup", "restore", &id, "--json"]);
    let host = setup.start();
    assert_eq!(host.numbers(), ["1"]);
    host.stop();
    assert_whole(&setup);
}
