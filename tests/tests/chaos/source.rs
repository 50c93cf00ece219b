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
    api::now_ms,
    chaos::{Slate, Verdict},
    fixtures::{KILO, MIKE, Recipe, SWAPPED},
    host::Setup,
    stage::Stage,
};

use crate::{begin_long_and_next, long_and_next, setup};

/// How long before its first picture a programme's FFmpeg may be started; earlier than that its file is opened by nobody.
const OPENED_MS: i64 = 15_000;

fn file_of(stage: &Stage, clip: &Recipe) -> PathBuf {
    stage.media().join("Next").join(clip.file_name)
}

/// Gives the stage a file of its own: a hard link is every test's clip.
fn own(stage: &Stage, clip: &Recipe) -> PathBuf {
    let file = file_of(stage, clip);
    fs::remove_file(&file).and_then(|()| fs::copy(clip.make(), &file)).unwrap();
    file
}

/// Does something to the file of the next programme before its time, and looks on until the one after it.
fn strike_the_next(setup: &Setup, blow: impl FnOnce(&Path), stage: &Stage, verdict: &Verdict) {
    let (mut ordeal, row) = begin_long_and_next(setup.start(), KILO);
    ordeal.strike(|_| blow(&file_of(stage, &KILO)));
    assert!(now_ms() + OPENED_MS < row.start_ms, "this machine is too slow: the blow came after the file was opened");
    ordeal.wait_until(row.stop_ms);
    ordeal.survive(verdict);
}

#[test]
fn a_file_that_is_deleted_before_its_time_is_covered_and_the_next_begins_on_schedule() {
    let stage = long_and_next(KILO);
    let delete = |file: &Path| fs::remove_file(file).unwrap();
    strike_the_next(&setup(&stage), delete, &stage, &Verdict::new(Slate::Seen, &["source_missing"]));
}

#[test]
#[ignore = "long form: make chaos"]
fn a_file_that_is_replaced_by_another_codec_and_size_is_played_or_covered() {
    let stage = long_and_next(KILO);
    let replace = |file: &Path| {
        let draft = file.with_extension("draft");
        fs::copy(SWAPPED.make(), &draft).and_then(|_| fs::rename(&draft, file)).unwrap();
    };
    let verdict = Verdict::new(Slate::Allowed, &[]).with_swap(KILO, SWAPPED);
    strike_the_next(&setup(&stage), replace, &stage, &verdict);
}

#[test]
#[ignore = "long form: make chaos"]
fn a_file_that_may_not_be_read_any_more_is_covered_and_the_next_begins_on_schedule() {
    let stage = long_and_next(KILO);
    own(&stage, &KILO);
    fs::set_permissions(stage.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let forbid = |file: &Path| fs::set_permissions(file, fs::Permissions::from_mode(0o000)).unwrap();
    let verdict = Verdict::new(Slate::Seen, &["source_forbidden"]);
    strike_the_next(&setup(&stage).without_powers(), forbid, &stage, &verdict);
}

#[test]
#[ignore = "long form: make chaos"]
fn a_file_that_becomes_a_folder_is_covered_and_the_next_begins_on_schedule() {
    let stage = long_and_next(KILO);
    let become_folder = |file: &Path| fs::remove_file(file).and_then(|()| fs::create_dir(file)).unwrap();
    let verdict = Verdict::new(Slate::Seen, &["source_missing", "source_damaged"]);
    strike_the_next(&setup(&stage), become_folder, &stage, &verdict);
}

#[test]
#[ignore = "long form: make chaos"]
fn a_file_that_is_cut_while_it_plays_is_covered_and_the_next_begins_on_schedule() {
    let stage = long_and_next(MIKE);
    let file = own(&stage, &MIKE);
    let (mut ordeal, row) = begin_long_and_next(setup(&stage).start(), MIKE);
    ordeal.wait_until(row.start_ms);
    ordeal.strike(|_| {
        let file = File::options().write(true).open(&file).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    });
    ordeal.wait_until(row.stop_ms);
    ordeal.survive(&Verdict::new(Slate::Seen, &["source_damaged", "ended_early"]).with_a_held_picture());
}
