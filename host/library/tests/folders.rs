//! Folders on a real file system: what is found, in which order, and what stands beside it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use exstreamtv_library::{Describer, FoundFile, MediaWalk, WalkProblem};
use exstreamtv_model::MediaKind;
use proptest::prelude::*;
use tempfile::TempDir;

fn library(files: &[&str]) -> TempDir {
    let root = TempDir::new().unwrap();
    for file in files {
        write(root.path(), file, b"x");
    }
    root
}

fn write(root: &Path, file: &str, content: &[u8]) -> PathBuf {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}

fn found(root: &Path) -> Vec<String> {
    let files = MediaWalk::new(root, None).map(Result::unwrap);
    files.map(|file| file.path.strip_prefix(root).unwrap().to_string_lossy().into_owned()).collect()
}

fn problems(root: &Path) -> Vec<WalkProblem> {
    MediaWalk::new(root, None).filter_map(Result::err).collect()
}

#[test]
fn media_files_are_found_at_every_depth_in_path_order() {
    let root = library(&[
        "b.mkv",
        "a/z.MP4",
        "a-b.mp3",
        "a/b/c.webm",
        "a/notes.txt",
        "a/poster.jpg",
        "-dash.ts",
        "ü 'q\".avi",
        "noextension",
    ]);
    assert_eq!(found(root.path()), ["-dash.ts", "a-b.mp3", "a/b/c.webm", "a/z.MP4", "b.mkv", "ü 'q\".avi"]);
    let FoundFile { size_bytes, mtime_ms, .. } = MediaWalk::new(root.path(), None).next().unwrap().unwrap();
    assert!(size_bytes == 1 && mtime_ms > 1_000_000_000_000);
}

#[test]
fn what_nobody_means_to_watch_is_left_out() {
    let root = library(&[
        ".hidden.mkv",
        ".trash/a.mkv",
        "@eaDir/a.mkv",
        "lost+found/a.mkv",
        "$RECYCLE.BIN/a.mkv",
        "Movie/Sample/a.mkv",
        "Movie/sample.mkv",
        "Movie/movie-trailer.mkv",
        "Movie/Extras/a.mkv",
        "Movie/Behind The Scenes/a.mkv",
        "Movie/movie.mkv",
        "quiet/.nomedia",
        "quiet/a.mkv",
    ]);
    assert_eq!(found(root.path()), ["Movie/movie.mkv"]);
    let wanted =
        library(&["Trailers/a.mkv", "Extras/Season 1/a.mkv", "sample.mkv", "trailer park.mkv", "free-sample 2.mkv"]);
    assert_eq!(found(wanted.path()).len(), 5, "at the top of a library these are programmes");
}

#[test]
fn a_copied_disc_is_reported_not_cut_into_parts() {
    let root = library(&["Film/VIDEO_TS/VTS_01_1.VOB", "Film/VIDEO_TS/VTS_01_2.VOB"]);
    let problems = problems(root.path());
    assert!(
        matches!(&problems[..], [WalkProblem::DiscFolder { path }] if path.ends_with("Film/VIDEO_TS")),
        "{problems:?}"
    );
}

#[test]
fn a_missing_root_is_a_problem_of_the_root() {
    let root = TempDir::new().unwrap();
    let problems = problems(&root.path().join("gone"));
    assert!(matches!(&problems[..], [WalkProblem::Root { .. }]), "{problems:?}");
}

#[test]
fn a_root_may_be_a_single_file() {
    let root = library(&["sample.mkv"]);
    assert_eq!(MediaWalk::new(&root.path().join("sample.mkv"), None).map(Result::unwrap).count(), 1);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_loops_are_reported() {
    use std::os::unix::fs::symlink;
    let elsewhere = library(&["film.mkv"]);
    let root = library(&["a/b/c.mkv"]);
    symlink(root.path(), root.path().join("a/b/up")).unwrap();
    symlink(elsewhere.path(), root.path().join("linked")).unwrap();
    symlink("nowhere.mkv", root.path().join("gone.mkv")).unwrap();
    symlink("nowhere.txt", root.path().join("gone.txt")).unwrap();
    let files: Vec<_> = MediaWalk::new(root.path(), None).filter_map(Result::ok).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    let problems = problems(root.path());
    assert!(matches!(&problems[..], [WalkProblem::Loop { .. }, WalkProblem::Dangling { .. }]), "{problems:?}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_is_passed_by() {
    use std::os::unix::fs::PermissionsExt;
    let root = library(&["a.mkv", "closed/b.mkv", "d.mkv"]);
    let closed = root.path().join("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let is_root_user = fs::read_dir(&closed).is_ok();
    let all: Vec<_> = MediaWalk::new(root.path(), None).collect();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(all.iter().filter(|item| item.is_ok()).count(), if is_root_user { 3 } else { 2 });
    let unreadable = all.iter().filter(|item| matches!(item, Err(WalkProblem::Unreadable { .. }))).count();
    assert_eq!(unreadable, usize::from(!is_root_user));
}

#[cfg(unix)]
#[test]
fn names_that_are_not_unicode_are_found() {
    use std::os::unix::ffi::OsStrExt;
    let root = TempDir::new().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.mkv");
    fs::write(root.path().join(name), b"x").unwrap();
    let file = MediaWalk::new(root.path(), None).next().unwrap().unwrap();
    assert_eq!(file.path.file_name(), Some(name));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_walk_goes_on_after_any_file_as_if_it_had_never_stopped(
        names in proptest::collection::btree_set("[ab -]{1,2}(/[ab.-]{1,2}){0,2}/?[a-c]\\.mkv", 1..12)
    ) {
        let root = TempDir::new().unwrap();
        for name in &names {
            let path = root.path().join(name);
            if fs::create_dir_all(path.parent().unwrap()).is_ok() {
                let _ = fs::write(&path, b"x");
            }
        }
        let all: Vec<PathBuf> = MediaWalk::new(root.path(), None).map(|file| file.unwrap().path).collect();
        prop_assert!(all.is_sorted_by(|one, other| one.as_os_str().as_encoded_bytes() < other.as_os_str().as_encoded_bytes()));
        for (at, path) in all.iter().enumerate() {
            let rest: Vec<PathBuf> = MediaWalk::new(root.path(), Some(path)).map(|file| file.unwrap().path).collect();
            prop_assert_eq!(&rest[..], &all[at + 1..]);
        }
    }
}

#[test]
fn name_sidecars_and_artwork_make_one_description() {
    let root = TempDir::new().unwrap();
    let path = root.path();
    let file = write(path, "Show/Season 01/show.s01e02.mkv", b"x");
    write(
        path,
        "Show/Season 01/show.s01e02.nfo",
        b"<episodedetails><title>Pilot</title><plot>First.</plot></episodedetails>",
    );
    write(path, "Show/tvshow.nfo", b"<tvshow><title>The Show</title><genre>Comedy</genre></tvshow>");
    write(path, "Show/season01-poster.jpg", b"x");
    let mut describer = Describer::new(path);
    let episode = describer.describe(&file);
    let metadata = episode.metadata;
    assert_eq!(
        (metadata.kind, metadata.title.as_str(), metadata.show.as_deref()),
        (MediaKind::Episode, "Pilot", Some("The Show"))
    );
    assert_eq!((metadata.onscreen().as_deref(), metadata.genres), (Some("S01E02"), vec!["Comedy".to_owned()]));
    assert_eq!(metadata.artwork, Some(path.join("Show/season01-poster.jpg")));
    assert!(episode.problems.is_empty());
    write(path, "Show/Season 01/show.s01e02-thumb.jpg", b"x");
    let thumb = Describer::new(path).describe(&file).metadata.artwork.unwrap();
    assert!(thumb.ends_with("show.s01e02-thumb.jpg"));
}

#[test]
fn a_shared_film_sidecar_counts_only_for_a_single_film() {
    let root = TempDir::new().unwrap();
    let path = root.path();
    let nfo = b"<movie><title>The Film</title><year>1999</year></movie>";
    let file = write(path, "Film/abc.mkv", b"x");
    write(path, "Film/movie.nfo", nfo);
    write(path, "Film/folder.jpg", b"x");
    let one = Describer::new(path).describe(&file).metadata;
    assert_eq!((one.kind, one.title.as_str(), one.year), (MediaKind::Movie, "The Film", Some(1999)));
    assert_eq!(one.artwork, Some(path.join("Film/folder.jpg")));
    write(path, "Film/def.mkv", b"x");
    assert_eq!(Describer::new(path).describe(&file).metadata.title, "abc");
}

#[test]
fn a_useless_sidecar_is_reported_and_the_name_stands() {
    let root = TempDir::new().unwrap();
    let file = write(root.path(), "Movie (1999).mkv", b"x");
    write(root.path(), "Movie (1999).nfo", b"release notes");
    let described = Describer::new(root.path()).describe(&file);
    assert_eq!((described.metadata.title.as_str(), described.metadata.year), ("Movie", Some(1999)));
    assert_eq!(described.problems.len(), 1);
    fs::remove_file(root.path().join("Movie (1999).nfo")).unwrap();
    fs::create_dir(root.path().join("Movie (1999).nfo")).unwrap();
    let described = Describer::new(root.path()).describe(&file);
    assert_eq!((described.metadata.title.as_str(), described.problems.len()), ("Movie", 1));
}

#[test]
fn a_file_outside_the_root_is_described_by_its_name() {
    let described = Describer::new(Path::new("/nowhere")).describe(Path::new("/elsewhere/Movie (1999).mkv"));
    assert_eq!((described.metadata.title.as_str(), described.metadata.artwork), ("Movie", None));
}
