//! Completes what the handlers say about themselves.
//!
//! Does: add what holds for every endpoint, and mend what the generator gets wrong.
//! Does not: name endpoints or types; those come from the handlers.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

/// Returns the description as it is served.
pub fn completed(description: &OpenApi) -> Value {
    let mut document = serde_json::to_value(description).expect("every map of a description has text as keys");
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    let operations = paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    for operation in operations {
        name(operation);
        operation["responses"].as_object_mut().into_iter().for_each(describe);
    }
    open_combined(&mut document);
    document
}

/// Handlers are named by their verb; with their subject the names are unique, as OpenAPI demands.
fn name(operation: &mut Value) {
    let verb = operation["operationId"].as_str().unwrap_or_default();
    let subject = operation["tags"][0].as_str().unwrap_or_default();
    operation["operationId"] = format!("{subject}_{verb}").into();
}

/// Gives each response the description that OpenAPI demands, and each operation the problem that it may answer with.
fn describe(responses: &mut Map<String, Value>) {
    for (status, response) in responses.iter_mut() {
        let reason = status.parse().ok().and_then(|status: StatusCode| status.canonical_reason());
        if let (Some(response), Some(reason)) = (response.as_object_mut(), reason) {
            response.entry("description").or_insert_with(|| reason.into());
        }
    }
    let schema = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
    let problem = json!({ "description": "A problem (RFC 9457)", "content": { "application/problem+json": schema } });
    responses.insert("default".to_owned(), problem);
}

/// A type that refuses unknown keys cannot be combined with one that has more keys, so combined ones refuse nothing here.
fn open_combined(document: &mut Value) {
    let mut combined = Vec::new();
    collect_combined(document, &mut combined);
    for reference in combined {
        let schema = document.pointer_mut(reference.trim_start_matches('#')).and_then(Value::as_object_mut);
        if let Some(schema) = schema {
            schema.remove("additionalProperties");
        }
    }
}

fn collect_combined(value: &Value, found: &mut Vec<String>) {
    if let Some(parts) = value.get("allOf").and_then(Value::as_array) {
        found.extend(parts.iter().filter_map(|part| part["$ref"].as_str().map(str::to_owned)));
    }
    match value {
        Value::Object(map) => map.values().for_each(|value| collect_combined(value, found)),
        Value::Array(list) => list.iter().for_each(|value| collect_combined(value, found)),
        _ => {}
    }
}
