//! Channels, schedules and collections as one document.

use std::fs;

use exstreamtv_tests::{
    database::{backups, json_of, run},
    fixtures::CALM,
    stage::Stage,
};
use serde_json::{Value, json};

#[test]
fn what_one_machine_exports_another_one_imports_with_its_own_copies_of_the_files() {
    let here = Stage::new().channel("Calm", &CALM[..2]);
    let (setup, document) = (here.setup(), here.path().join("channels.toml"));
    let host = setup.start();
    host.channel("Calm");
    host.wait_for_scan();
    let files: Vec<_> = host.files().into_keys().collect();
    let list = json!({"name": "List", "source": {"type": "manual", "items": files}});
    let id = host.post_json("/api/v1/collections", &list)["id"].clone();
    host.post_json("/api/v1/channels", &json!({"number": "42", "name": "Answers", "collection": id}));
    let to = document.display().to_string();
    assert_eq!(run(&setup, &["export", "--to", &to]).code, Some(0), "with the server running");
    let running = fs::read_to_string(&document).unwrap();
    host.stop();
    let stopped = run(&setup, &["export"]);
    assert_eq!(stopped.stdout, running, "and the same with the server stopped");
    assert!(running.contains("[[channel]]") && running.contains("name = \"Answers\""), "{running}");
    let as_json: Value = serde_json::from_str(&run(&setup, &["export", "--format", "json"]).stdout).unwrap();
    assert_eq!(as_json["collection"].as_array().unwrap().len(), 2);

    // The same films under other names in another place.
    let there = Stage::new().channel("Films", &CALM[..2]);
    let setup = there.setup();
    let host = setup.start();
    host.channel("Films");
    host.wait_for_scan();
    let planned = run(&setup, &["import", &to, "--dry-run"]);
    assert_eq!(planned.code, Some(0), "{planned:?}");
    assert!(planned.stdout.contains("channel 42 would be added"), "{planned:?}");
    assert!(!host.numbers().contains(&"42".to_owned()), "that was a dry run");
    let done = json_of(&setup, &["import", &to, "--json"]);
    assert_eq!((&done["missing"], done["changes"].as_array().unwrap().len()), (&json!([]), 4), "{done}");
    assert!(host.numbers().contains(&"42".to_owned()));
    let lists: Value = host.get("/api/v1/collections");
    let list = lists["items"].as_array().unwrap().iter().find(|list| list["name"] == "List").unwrap();
    assert_eq!(list["source"]["items"].as_array().unwrap().len(), 2, "{list}");
    assert_eq!(backups(&setup)[0].kind, "pre_restore", "the state before is safe");
    host.stop();
    let again = json_of(&setup, &["import", &to, "--json"]);
    assert_eq!(again["changes"], json!([]), "it is all there");

    fs::write(&document, "format = 1\n[[channel]]\nnumber = \"1\"\nnam = \"One\"\n").unwrap();
    let refused = run(&setup, &["import", &to]);
    assert!(refused.code == Some(65) && refused.stderr.contains("line 4"), "{refused:?}");
}
