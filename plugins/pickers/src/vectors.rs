//! Replays the golden vectors of the pickers in `plugins/vectors`.

use std::{fs, path::Path};

use exstreamtv_plugin_sdk::Picker;
use serde_json::Value;

use crate::{AudioPicker, SubtitlePicker};

fn answer(method: &str, request: &Value) -> Value {
    match method {
        "pick_audio" => {
            let request = serde_json::from_value(request.clone()).unwrap();
            serde_json::to_value(AudioPicker.pick_audio(&request).unwrap()).unwrap()
        }
        _ => {
            let request = serde_json::from_value(request.clone()).unwrap();
            serde_json::to_value(SubtitlePicker.pick_subtitle(&request).unwrap()).unwrap()
        }
    }
}

#[test]
fn every_vector_of_a_picker_gets_the_answer_that_is_written_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let mut replayed = [0, 0];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let Ok(vector) = serde_json::from_str::<Value>(&text) else { continue };
        let method = vector["method"].as_str().unwrap_or_default();
        let Some(at) = [AudioPicker::ID, SubtitlePicker::ID].iter().position(|id| vector["plugin"] == *id) else {
            continue;
        };
        assert_eq!(answer(method, &vector["request"]), vector["response"], "{}", path.display());
        replayed[at] += 1;
    }
    assert!(replayed.iter().all(|count| *count >= 2), "the vectors are gone: {replayed:?}");
}
