//! What happens to a programme's file.
//!
//! Does: delete it, replace it, cut it, forbid it, while another programme or the file itself is on air.
//! Does not: touch what is on air by other ways than the file.
//! Invariant: the next programme begins on schedule, whatever became of the one before.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use exstreamtv_tests::{
    api::{Row, now_ms},
    chaos::{Ordeal, Slate, Verdict},
    fixtures::{CHAIN, Recipe, SWAPPED},
    host::Setup,
    stage::Stage,
};

use crate::{chain, setup};

/// How long before its first picture a programme's FFmpeg may be started; earlier than that its file is opened by nobody.
const OPENED_MS: i64 = 15_000;

fn file_of(stage: &Stage, clip: &Recipe) -> PathBuf {
    stage.media().join("Chain").join(clip.file_name)
}

/// Returns the row of the chain's second programme, the one that is struck.
fn second(ordeal: &Ordeal) -> Row {
    let rows = ordeal.host.rows(&ordeal.channel, now_ms(), now_ms() + 120_000);
    rows.into_iter().find(|row| row.title == CHAIN[1].title()).expect("the second follows the first")
}

/// Does something to the file of the second programme while the first is on air, and looks on until the third.
fn strike_the_next(setup: &Setup, blow: impl FnOnce(&Path), stage: &Stage, verdict: &Verdict) {
    let mut ordeal = Ordeal::begin(setup.start(), "Chain", &CHAIN);
    let row = second(&ordeal);
    ordeal.strike(|_| blow(&file_of(stage, &CHAIN[1])));
    assert!(now_ms() + OPENED_MS < row.start_ms, "this machine is too slow: the blow came after the file was opened");
    ordeal.wait_until(row.stop_ms);
    ordeal.survive(verdict);
}

#[test]
fn a_file_that_is_deleted_before_its_time_is_covered_and_the_next_begins_on_schedule() {
    let stage = chain();
    let delete = |file: &Path| fs::remove_file(file).unwrap();
    strike_the_next(&setup(&stage), delete, &stage, &Verdict::new(Slate::Seen, &["source_missing"]));
}

#[test]
#[ignore = "long form: make chaos"]
fn a_file_that_is_replaced_by_another_codec_and_size_is_played_or_covered() {
    let stage = chain();
    let replace = |file: &Path| {
        let draft = file.with_extension("draft");
        fs::copy(SWAPPED.make(), &draft).and_then(|_| fs::rename(&draft, file)).unwrap();
    };
    let verdict = Verdict::new(Slate::Allowed, &[]).with_swap(CHAIN[1], SWAPPED);
    strike_the_next(&setup(&stage), replace, &stage, &verdict);
}

#[test]
#[ignore = "long form: make chaos"]
fn a_file_that_may_not_be_read_any_more_is_covered_and_the_next_begins_on_schedule() {
    let stage = chain();
    fs::set_permissions(stage.path(), fs::Permissions::from_mode(0o777)).unwrap();
    // A copy, because the rights of a hard link are those of every test's clip.
    let own = file_of(&stage, &CHAIN[1]);
    fs::remove_file(&own).and_then(|()| fs::copy(CHAIN[1].make(), &own)).unwrap();
    let forbid = |file: &Path| fs::set_permissions(file, fs::Permissions::from_mode(0o000)).unwrap();
    let verdict = Verdict::new(Slate::Seen, &["source_forbidden"]);
    strike_the_next(&setup(&stage).without_powers(), forbid, &stage, &verdict);
}

#[test]
#[ignore = "long form: make chaos"]
fn a_file_that_becomes_a_folder_is_covered_and_the_next_begins_on_schedule() {
    let stage = chain();
    let become_folder = |file: &Path| fs::remove_file(file).and_then(|()| fs::create_dir(file)).unwrap();
    let verdict = Verdict::new(Slate::Seen, &["source_missing", "source_damaged"]);
    strike_the_next(&setup(&stage), become_folder, &stage, &verdict);
}

#[test]
#[ignore = "long form: make chaos"]
fn a_file_that_is_cut_while_it_plays_is_covered_and_the_next_begins_on_schedule() {
    let stage = chain();
    let own = file_of(&stage, &CHAIN[0]);
    // A copy, because the length of a hard link is that of every test's clip.
    fs::remove_file(&own).and_then(|()| fs::copy(CHAIN[0].make(), &own)).unwrap();
    let mut ordeal = Ordeal::begin(setup(&stage).start(), "Chain", &CHAIN);
    let next = second(&ordeal);
    ordeal.strike(|_| {
        let file = File::options().write(true).open(&own).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    });
    ordeal.wait_until(next.stop_ms);
    ordeal.survive(&Verdict::new(Slate::Seen, &["source_damaged", "ended_early"]));
}
