//! The example in C, built with the header of today and with the first one, and called by a host in C under the sanitizers.

use std::{
    cell::RefCell,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use exstreamtv_plugin_api::{HEADER, Status};
use serde_json::{Value, json};

use crate::compiler::Compiler;

fn plugins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What an author has: a header, and the example.
struct Edition {
    include: PathBuf,
    source: PathBuf,
}

/// Today's edition, and the one that was frozen with version 1.0. The latter is never changed: it stands for plugins in the wild.
fn editions() -> [Edition; 2] {
    let frozen = plugins().join("api/tests/abi_v1");
    let today = plugins().join("api/include");
    [
        Edition { include: today, source: plugins().join("examples/c-scheduler/in_order.c") },
        Edition { source: frozen.join("in_order.c"), include: frozen },
    ]
}

/// Builds each edition of the example into a program with the little host, which is always of today.
fn programs() -> Vec<Program> {
    let Some(cc) = Compiler::c11() else { return Vec::new() };
    let driver = plugins().join("api/tests/header/driver.c");
    let build = |edition: &Edition| {
        let plugin = cc.object(&edition.source, &edition.include);
        let host = cc.object(&driver, &plugins().join("api/include"));
        Program::start(&cc.link(&[plugin, host]))
    };
    editions().iter().map(build).collect()
}

/// The little host with the example in it, at work.
struct Program {
    child: Child,
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Program {
    fn start(path: &Path) -> Self {
        let mut child = Command::new(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let pipes = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, pipes: RefCell::new(pipes) }
    }

    fn call(&self, method: &str, input: &[u8]) -> (Status, Vec<u8>) {
        let (stdin, stdout) = &mut *self.pipes.borrow_mut();
        writeln!(stdin, "{method} {}", input.len()).unwrap();
        stdin.write_all(input).unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let (status, length) = line.trim().split_once(' ').expect("the host in C ended; what it said is above");
        let mut answer = vec![0; length.parse().unwrap()];
        stdout.read_exact(&mut answer).unwrap();
        (Status(status.parse().unwrap()), answer)
    }

    /// Ends the host as a host ends: the instance is destroyed, and the sanitizers look for memory that was lost.
    fn end(self) {
        let Self { mut child, pipes } = self;
        drop(pipes);
        assert!(child.wait().unwrap().success());
    }
}

fn request(items: i64) -> Value {
    let item =
        |id: i64| json!({ "id": id.to_string(), "duration_ms": 1_000, "kind": "clip", "title": "a \"b\" \\ ]}" });
    let main = json!({ "key": "main", "count": items, "items": (1..=items.min(2_000)).map(item).collect::<Vec<_>>() });
    let other = json!({ "key": "other", "count": 1, "items": [item(77)] });
    json!({
        "channel": "5", "zone": "UTC", "window": { "stop_ms": 2_500, "start_ms": 0 }, "settings": { "a": [1.5e3, null, true] },
        "pools": [other, main], "state": null, "seed": "7", "aired": [], "member of a newer host": { "x": [{}] },
    })
}

fn plan(program: &Program, request: &Value) -> Value {
    let (status, answer) = program.call("plan", request.to_string().as_bytes());
    assert_eq!(status, Status::OK, "{}", String::from_utf8_lossy(&answer));
    serde_json::from_slice(&answer).unwrap()
}

fn items(answer: &Value) -> Vec<&str> {
    let entries = answer["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["item"].as_str().unwrap_or("slate")).collect()
}

#[test]
fn it_plays_its_pool_in_order_and_goes_on_where_it_stopped() {
    for program in programs() {
        let mut request = request(4);
        let first = plan(&program, &request);
        assert_eq!(items(&first), ["1", "2", "3"]);
        assert_eq!(first["entries"][2]["start_ms"], 2_000);
        request["state"] = first["state"].clone();
        request["window"] = json!({ "start_ms": 3_000, "stop_ms": 5_000 });
        assert_eq!(items(&plan(&program, &request)), ["4", "1"]);
        // After an edit, two of three entries stay on air, and the state is the one from before them.
        request["state"] = Value::Null;
        request["aired"] = json!([first["entries"][0], { "item": null }, first["entries"][1]]);
        assert_eq!(items(&plan(&program, &request)), ["3", "4"]);
        program.end();
    }
}

#[test]
fn an_empty_pool_shows_the_slate_and_keeps_the_place() {
    for program in programs() {
        let mut request = request(0);
        request["state"] = json!({ "next": 3 });
        let answer = plan(&program, &request);
        assert_eq!((items(&answer), &answer["state"]["next"]), (vec!["slate"], &json!(3)));
        program.end();
    }
}

#[test]
fn a_large_pool_is_read_in_pages() {
    for program in programs() {
        let mut request = request(5_000);
        request["state"] = json!({ "next": 4_999 });
        assert_eq!(items(&plan(&program, &request)), ["5000", "1", "2"]);
        program.end();
    }
}

#[test]
fn names_and_ids_may_be_spelt_with_escapes() {
    // The frozen edition did not know that yet, which level 5 of the check allows.
    let Some(program) = programs().into_iter().next() else { return };
    let request = request(2).to_string().replace("\"pools\"", r#""\u0070ool\u0073""#).replace(r#""1""#, r#""\u0031""#);
    let (status, answer) = program.call("plan", request.as_bytes());
    assert_eq!(status, Status::OK, "{}", String::from_utf8_lossy(&answer));
    assert_eq!(items(&serde_json::from_slice(&answer).unwrap()), ["1", "2", "1"]);
    program.end();
}

#[test]
fn state_that_cannot_be_understood_starts_over() {
    for program in programs() {
        for state in [json!(7), json!({ "next": "x" }), json!({ "next": -1 }), json!([{}]), json!({})] {
            let mut request = request(4);
            request["state"] = state;
            assert_eq!(items(&plan(&program, &request))[0], "1");
        }
        program.end();
    }
}

#[test]
fn what_is_no_request_is_refused_whatever_it_is() {
    for program in programs() {
        let good = request(2).to_string().into_bytes();
        let cut = (0..good.len()).map(|end| good[..end].to_vec());
        let deep = [b"[".repeat(1_000_000), b"{\"settings\":".repeat(100_000)];
        let odd =
            [&b"null"[..], b"[]", b"{}", b"\"\\", b"{\"window\":{\"start_ms\":99999999999999999999,\"stop_ms\":1}}"];
        let mut window = request(2);
        window["window"]["stop_ms"] = json!(0);
        let mut length = request(2);
        length["pools"][1]["items"][0]["duration_ms"] = json!(0);
        let wrong = [window.to_string().into_bytes(), length.to_string().into_bytes()];
        for input in cut.chain(deep).chain(odd.map(<[u8]>::to_vec)).chain(wrong) {
            let (status, text) = program.call("plan", &input);
            assert_eq!(status, Status::BAD_INPUT, "{:.80}", String::from_utf8_lossy(&input));
            assert!(text.starts_with(b"read the request: "));
        }
        program.end();
    }
}

#[test]
fn times_at_the_end_of_all_numbers_do_not_overflow() {
    for program in programs() {
        let mut request = request(1);
        request["window"] = json!({ "start_ms": i64::MAX / 2, "stop_ms": i64::MAX / 2 + 1 });
        request["pools"][1]["items"][0]["duration_ms"] = json!(i64::MAX / 4 * 3);
        assert_eq!(program.call("plan", request.to_string().as_bytes()).0, Status::FAILED);
        request["window"] = json!({ "start_ms": -i64::MAX / 2, "stop_ms": 1 });
        assert_eq!(items(&plan(&program, &request)), ["1"]);
        program.end();
    }
}

#[test]
fn a_method_of_another_contract_is_unknown() {
    for program in programs() {
        assert_eq!(program.call("pick_audio", b"{}").0, Status::UNKNOWN_METHOD);
        program.end();
    }
}

#[test]
fn its_makefile_makes_a_library() {
    let Some(cc) = Compiler::c11() else { return };
    let header_dir = format!("HEADER_DIR={}", plugins().join("api/include").display());
    let Some(made) = cc.make(&plugins().join("examples/c-scheduler"), &header_dir) else { return };
    assert!(made.join("example_in_order.so").is_file());
    assert!(made.join("example_in_order.plugin.toml").is_file(), "the sidecar lies beside it");
}

#[test]
fn the_first_header_is_frozen_and_todays_begins_with_all_that_it_had() {
    let frozen = std::fs::read_to_string(plugins().join("api/tests/abi_v1/exstreamtv_plugin.h")).unwrap();
    // Comments may be improved, members and constants may be added; what was there stays as it was, in its order.
    let mut today = code(HEADER).into_iter();
    let lost: Vec<_> = code(&frozen).into_iter().filter(|line| !today.any(|now| now == *line)).collect();
    assert!(lost.is_empty(), "the header of 1.0 had {lost:#?}");
}

/// The declarations of a header: its lines of code without their comments. The version's own line may change.
fn code(header: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut in_comment = false;
    for line in header.lines() {
        let starts = line.trim_start().starts_with("/*");
        let code = line.split("/*").next().unwrap().trim();
        if !in_comment && !starts && !code.is_empty() && !code.contains("ABI_MINOR") {
            lines.push(code.to_owned());
        }
        in_comment = (in_comment || line.contains("/*")) && !line.contains("*/");
    }
    lines
}
