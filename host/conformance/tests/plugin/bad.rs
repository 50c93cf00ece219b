//! Each bad plugin fails, and the rule that it breaks is named.

use std::{fs, path::Path, process::Command};

use exstreamtv_conformance::{runner, verdict::Verdict};

use super::workshop::{check, check_only, child, folder, plan, root, run, scheduler_in_c, verdict};

/// A misdeed: what it is, the code that does it at the beginning of each call, the test that must fail, and words of the verdict.
const MISDEEDS: &[(&str, &str, &str, &str)] = &[
    ("leaks memory", "memset(malloc(4096), 1, 4096);", "thousand-calls", "bytes of memory"),
    ("leaks descriptors", "open(\"/dev/null\", O_RDONLY);", "surroundings", "/dev/null"),
    ("changes the environment", "setenv(\"MISDEED\", \"1\", 1);", "surroundings", "variable MISDEED"),
    ("changes the folder", "if (chdir(\"/\")) abort();", "surroundings", "working directory"),
    ("changes the umask", "umask(0777);", "surroundings", "umask"),
    ("handles a signal", "signal(SIGUSR1, SIG_IGN);", "surroundings", "signals"),
    ("leaves a thread", "pthread_t t; pthread_create(&t, NULL, forever, NULL);", "surroundings", "run on"),
    ("writes to standard output", "printf(\"hello\\n\"), fflush(stdout);", "answers", "standard output"),
    ("crashes", "*(volatile int *)8 = 1;", "answers", "SIGSEGV"),
    ("aborts", "fputs(\"oh no\\n\", stderr), abort();", "answers", "oh no"),
    ("ends the process", "exit(3);", "answers", "exit code 3"),
    ("counts its calls", "static int calls; misdeed = calls++;", "same-answer", "the second time"),
    ("looks at the clock", "misdeed = (int)(time(NULL) % 100000);", "same-answer-elsewhere", "another process"),
    ("looks at the time zone", "misdeed = getenv(\"TZ\") != NULL;", "same-answer-elsewhere", "another process"),
    (
        "remembers in its thread",
        "static __thread int calls; misdeed = calls++ > 0;",
        "alternating-threads",
        "another thread",
    ),
    ("is slow with large pools", "if (input.len > 100000) sleep(11);", "large-request", "10000 ms are allowed"),
];

const HEAD: &str = "#define _GNU_SOURCE\n#include <fcntl.h>\n#include <pthread.h>\n#include <signal.h>\n#include <stdio.h>\n\
                    #include <stdlib.h>\n#include <string.h>\n#include <sys/stat.h>\n#include <time.h>\n#include <unistd.h>\n\
                    static int misdeed;\n\
                    static inline void *forever(void *x) { for (;;) pause(); return x; }\n";

/// Puts code at the beginning of each call, and makes the number `misdeed` a part of the answer.
fn with_misdeed(source: &str, code: &str) -> String {
    if !source.contains("static void lay(") {
        return source.to_owned();
    }
    let begin = "static exstreamtv_status plan(exstreamtv_slice input, const exstreamtv_sink *out) {\n";
    assert!(source.contains(begin) && source.contains("\"],\\\"state\\\":"));
    let source = source.replace(begin, &format!("{begin}    {code}\n"));
    let source = source
        .replace("\\\"notes\\\":[]}\", (long long)last)", "\\\"notes\\\":[\\\"%d\\\"]}\", (long long)last, misdeed)");
    format!("{HEAD}{source}")
}

#[test]
fn each_misdeed_is_found_by_the_rule_that_forbids_it() {
    for (name, code, test, words) in MISDEEDS {
        let folder = folder();
        let library = scheduler_in_c(folder.path(), |source| with_misdeed(source, code));
        let report = check_only(&library, &[test]);
        let verdict = verdict(&report, test);
        let story = verdict.story().unwrap_or_default();
        assert!(verdict.is_failure() && story.contains(words), "a plugin that {name}: {verdict:?}");
        assert!(!report.is_good());
    }
}

#[test]
fn the_same_plugin_without_a_misdeed_passes_the_same_tests() {
    let folder = folder();
    let library = scheduler_in_c(folder.path(), |source| with_misdeed(source, ""));
    let tests: Vec<_> = MISDEEDS.iter().map(|(_, _, test, _)| *test).collect();
    let report = check_only(&library, &tests);
    assert!(report.is_good(), "{}", report.summary());
}

#[test]
fn a_crash_a_hang_an_exit_and_a_broken_rule_are_told_apart() {
    let verdict_of = |code: &str| {
        let folder = folder();
        let library = scheduler_in_c(folder.path(), |source| with_misdeed(source, code));
        verdict(&check_only(&library, &["answers"]), "answers").clone()
    };
    assert!(matches!(verdict_of("abort();"), Verdict::Crashed { signal, .. } if signal == "SIGABRT"));
    assert!(matches!(verdict_of("for (;;) pause();"), Verdict::TimedOut { call, .. } if call == "plan"));
    assert_eq!(verdict_of("exit(7);"), Verdict::Exited { code: 7 });
    assert!(matches!(verdict_of("return 3;"), Verdict::Failed { .. }));
}

#[test]
fn mistakes_in_reading_are_found_by_the_damaged_requests() {
    let broken = |old: &str, new: &str, test: &str| {
        let folder = folder();
        let library = scheduler_in_c(folder.path(), |source| source.replace(old, new));
        let report = check_only(&library, &[test]);
        let verdict = verdict(&report, test);
        assert!(verdict.is_failure(), "{test}: {verdict:?}");
    };
    broken("#define JSON_MAX_DEPTH 64", "#define JSON_MAX_DEPTH 100000000", "deep-input");
    broken("return r.ok && json_peek(&r) == -1 &&", "return", "malformed-input");
    broken("if (state.ok) q->last = last;", "if (!state.ok) r->ok = 0;", "corrupt-states");
    broken(
        "if (json_is(name, \"state\"))",
        "if (json_is(name, \"x_unknown\")) r.ok = 0; else if (json_is(name, \"state\"))",
        "unknown-members",
    );
}

#[test]
fn a_library_without_its_sidecar_or_with_another_one_reaches_no_level() {
    let folder = folder();
    let library = scheduler_in_c(folder.path(), str::to_owned);
    let sidecar = library.with_file_name("subject.plugin.toml");
    let text = fs::read_to_string(&sidecar).unwrap();
    fs::write(&sidecar, text.replace("0.1.0", "0.2.0")).unwrap();
    let report = check(&plan(&library, 1));
    let story = verdict(&report, "sidecar").story().unwrap();
    assert!(story.contains("version is \"0.2.0\" in the sidecar and \"0.1.0\" in the library"), "{story}");
    assert_eq!(report.reached(), 0);
    fs::remove_file(&sidecar).unwrap();
    assert!(verdict(&check(&plan(&library, 1)), "sidecar").is_failure());
}

#[test]
fn a_library_that_anybody_may_write_is_refused_with_the_remedy() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let library = scheduler_in_c(folder.path(), str::to_owned);
    fs::set_permissions(&library, fs::Permissions::from_mode(0o777)).unwrap();
    let report = check(&plan(&library, 1));
    assert!(verdict(&report, "place").story().unwrap().contains("chmod go-w"));
}

/// The loader's own bad plugins, each with the test that must fail and a word of the verdict.
const OF_THE_LOADER: &[(&str, &str, &str)] = &[
    ("not_a_plugin", "entry", "exstreamtv_plugin_entry_v1"),
    ("wrong_magic", "entry", "recognise the entry"),
    ("newer_major", "entry", "this host speaks 1"),
    ("newer_minor", "descriptors", "update EXStreamTV"),
    ("short_entry", "entry", "sizeof"),
    ("no_create", "entry", "create"),
    ("duplicate_ids", "descriptors", "twice"),
    ("invalid_utf8", "descriptors", "UTF-8"),
    ("aborts_on_load", "entry", "SIGABRT"),
    ("no_instance", "answers", "NULL"),
    ("nonsense", "answers", "JSON"),
    ("overlaps", "answers", "before"),
    ("huge", "answers", "bytes"),
    ("panics", "answers", "a panic"),
    ("aborts", "answers", "SIGABRT"),
    ("segfaults", "answers", "SIGSEGV"),
];

#[test]
fn the_bad_plugins_of_the_loader_break_the_rules_that_they_are_made_to_break() {
    let loader = root().join("host/loader/tests/bad");
    for (name, test, word) in OF_THE_LOADER {
        let folder = folder();
        let library = folder.path().join(format!("lib{name}.so"));
        build(&loader.join(format!("{name}.c")), &library);
        let report = check_only(&library, &[test]);
        let verdict = verdict(&report, test);
        let story = verdict.story().unwrap_or_default();
        assert!(verdict.is_failure() && story.contains(word), "{name}: {verdict:?}");
    }
}

fn build(source: &Path, library: &Path) {
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-shared", "-fPIC", "-I"]).arg(root().join("plugins/api/include"));
    run(cc.arg(source).arg("-o").arg(library));
}

#[test]
fn fuzzing_finds_a_crash_and_its_seed_finds_it_again() {
    let folder = folder();
    // Crashes for a title that only a damaged request holds, or one that happens to be long.
    let code = "if (memmem(input.data, input.len, \"Pacific/Apia\", 12) != NULL) abort();";
    let library = scheduler_in_c(folder.path(), |source| with_misdeed(source, code));
    let fuzz = Some(std::time::Duration::from_secs(120));
    let fuzzed = check(&runner::Plan { only: vec!["entry".into()], fuzz, ..plan(&library, 1) });
    let line = fuzzed.lines.iter().find(|line| line.test == "fuzz").unwrap();
    assert!(matches!(&line.verdict, Verdict::Crashed { signal, .. } if signal == "SIGABRT"), "{line}");
    let seed = line.advice.rsplit(' ').next().unwrap().parse().unwrap();
    let again = runner::reproduce(&runner::Plan { seed, ..plan(&library, 1) }, &child()).unwrap();
    assert!(matches!(&again[0].verdict, Verdict::Crashed { signal, .. } if signal == "SIGABRT"), "{again:?}");
    assert!(again[0].request.as_ref().unwrap().contains("Pacific/Apia"));
}
