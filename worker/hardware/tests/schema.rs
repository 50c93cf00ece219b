//! The JSON Schema of profile files, for editors and authors.
//!
//! It is made from the types, so it cannot say anything else. With `EXSTREAMTV_UPDATE=1` in the environment it is written anew.

use std::{fs, path::PathBuf};

use exstreamtv_hardware::ProfileFile;
use schemars::generate::SchemaSettings;
use serde_json::Value;

fn schema() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<ProfileFile>().to_value()
}

#[test]
fn the_schema_says_what_the_types_say() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../hwprofiles/schema/ProfileFile.json");
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("EXSTREAMTV_UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "{} is out of date: EXSTREAMTV_UPDATE=1 writes it anew", path.display());
}

#[test]
fn every_member_is_described_and_strangers_are_refused() {
    let mut silent = Vec::new();
    look(&schema(), "ProfileFile", &mut silent);
    assert!(silent.is_empty(), "without a description, or open to strangers: {silent:?}");
}

fn look(schema: &Value, place: &str, silent: &mut Vec<String>) {
    let Value::Object(members) = schema else { return };
    if let Some(Value::Object(properties)) = members.get("properties") {
        if members.get("additionalProperties") != Some(&Value::Bool(false)) {
            silent.push(place.to_owned());
        }
        for (name, property) in properties {
            if property.get("description").is_none() && property.get("const").is_none() {
                silent.push(format!("{place}.{name}"));
            }
        }
    }
    for (name, member) in members {
        match member {
            Value::Array(elements) => {
                elements
                    .iter()
                    .enumerate()
                    .for_each(|(at, element)| look(element, &format!("{place}/{name}/{at}"), silent));
            }
            member => look(member, &format!("{place}/{name}"), silent),
        }
    }
}
