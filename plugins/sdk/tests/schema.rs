//! The JSON Schemas of the documents, for authors who do not write Rust.
//!
//! They are made from the types, so they cannot say anything else. With `EXSTREAMTV_UPDATE=1` in the environment they are written anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use exstreamtv_plugin_sdk::{
    incident::{ProposeAnswer, ProposeRequest},
    pick::{AudioAnswer, AudioRequest, SubtitleAnswer, SubtitleRequest},
    schedule::{PlanAnswer, PlanRequest, PoolPage, PoolPageRequest, Preparation, PrepareRequest},
    serde_json::{self, Value},
};
use schemars::{JsonSchema, generate::SchemaSettings};

/// Whether members that are not described are allowed.
#[derive(Clone, Copy)]
enum Strangers {
    /// What a plugin reads may come from a newer host.
    Ignored,
    /// What a plugin writes is read as it stands.
    AsDeclared,
}

fn schema<T: JsonSchema>(strangers: Strangers) -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
    if matches!(strangers, Strangers::Ignored) {
        allow_strangers(&mut schema);
    }
    schema
}

fn allow_strangers(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("additionalProperties") == Some(&Value::Bool(false)) {
                members.remove("additionalProperties");
            }
            members.values_mut().for_each(allow_strangers);
        }
        Value::Array(elements) => elements.iter_mut().for_each(allow_strangers),
        _ => {}
    }
}

/// Every document by its name in the header.
fn schemas() -> BTreeMap<&'static str, Value> {
    use Strangers::{AsDeclared, Ignored};
    BTreeMap::from([
        ("PrepareRequest", schema::<PrepareRequest>(Ignored)),
        ("Preparation", schema::<Preparation>(AsDeclared)),
        ("PlanRequest", schema::<PlanRequest>(Ignored)),
        ("PlanAnswer", schema::<PlanAnswer>(AsDeclared)),
        ("PoolPageRequest", schema::<PoolPageRequest>(AsDeclared)),
        ("PoolPage", schema::<PoolPage>(Ignored)),
        ("AudioRequest", schema::<AudioRequest>(Ignored)),
        ("AudioAnswer", schema::<AudioAnswer>(AsDeclared)),
        ("SubtitleRequest", schema::<SubtitleRequest>(Ignored)),
        ("SubtitleAnswer", schema::<SubtitleAnswer>(AsDeclared)),
        ("ProposeRequest", schema::<ProposeRequest>(Ignored)),
        ("ProposeAnswer", schema::<ProposeAnswer>(AsDeclared)),
    ])
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schema")
}

#[test]
fn the_schemas_say_what_the_types_say() {
    let update = std::env::var_os("EXSTREAMTV_UPDATE").is_some();
    for (name, schema) in schemas() {
        let path = folder().join(name).with_extension("json");
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if update {
            fs::write(&path, &text).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == text, "{} is out of date: EXSTREAMTV_UPDATE=1 writes it anew", path.display());
    }
}

#[test]
fn every_document_that_the_header_names_has_a_schema_and_no_other() {
    let header = exstreamtv_plugin_sdk::api::HEADER;
    // "[PlanRequest -> PlanAnswer]"
    let pairs = header.split('[').filter_map(|rest| rest.split_once(']')?.0.split_once(" -> "));
    let named: BTreeSet<_> = pairs.flat_map(|(request, answer)| [request, answer]).collect();
    assert_eq!(named, schemas().into_keys().collect());
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let files: BTreeSet<_> = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(files, named.into_iter().map(str::to_owned).collect());
}

#[test]
fn every_member_is_described() {
    for (name, schema) in schemas() {
        let mut silent = Vec::new();
        find_silent(&schema, name, &mut silent);
        assert!(silent.is_empty(), "without a description: {silent:?}");
    }
}

fn find_silent(schema: &Value, place: &str, silent: &mut Vec<String>) {
    let Value::Object(members) = schema else { return };
    if let Some(Value::Object(properties)) = members.get("properties") {
        for (name, property) in properties {
            // The tag of an enum has its meaning from the variant that it names.
            if property.get("description").is_none() && property.get("const").is_none() {
                silent.push(format!("{place}.{name}"));
            }
        }
    }
    for (name, member) in members {
        find_silent(member, &format!("{place}/{name}"), silent);
    }
}
