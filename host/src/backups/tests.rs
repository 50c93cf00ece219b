//! Backups of a real database in a folder of its own.

use std::{fs, io::Write, time::Duration};

use chrono::DateTime;
use exstreamtv_store::{ClosedDatabase, PoolSettings, StoreErrorKind};

use super::{
    opening::{OpenError, Opening},
    *,
};
use crate::http::fakes::Host;

fn settings(folder: &Path) -> Settings {
    Settings {
        enabled: true,
        folder: folder.join("backups"),
        interval: TimeDelta::hours(24),
        retention: Retention { keep_count: 7, keep_days: 30 },
        compress: true,
    }
}

fn at(hours: i64) -> DateTime<chrono::Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(500_000 + hours)
}

fn job(settings: &Settings) -> Job {
    Job::new(settings.clone(), Reporter::default(), Lifecycle::default())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries.collect();
    names.sort();
    names
}

fn opening<'a>(database: &'a Path, settings: &'a Settings, restore_if_corrupt: bool) -> Opening<'a> {
    Opening { database, settings, pool: PoolSettings::default(), restore_if_corrupt }
}

#[tokio::test]
async fn a_backup_says_what_is_in_it_and_its_files_are_named_as_specified() {
    let host = Host::open().await;
    host.channel("5", "Five").await;
    let settings = settings(host.folder());
    let live = Live::Open(&host.store);
    let info = job(&settings).create(&live, BackupKind::Auto, at(0)).await.unwrap();
    assert_eq!(info.file, format!("exstreamtv_backup_{}_auto.db.gz", at(0).format("%Y%m%d_%H%M%S")));
    assert_eq!((info.verified, info.rows["channels"], info.created), (true, 1, at(0)));
    assert!(info.schema_version >= Some(8) && info.sha256.as_ref().is_some_and(|hash| hash.len() == 64), "{info:?}");
    assert_eq!(names(&settings.folder), [info.file.clone(), info.file.replace(".db.gz", ".json")]);
    assert_eq!(Folder::new(&settings.folder).list().unwrap(), std::slice::from_ref(&info));

    let plain = Settings { compress: false, ..settings.clone() };
    let second = job(&plain).create(&live, BackupKind::Auto, at(0)).await.unwrap();
    assert_eq!(second.created, at(0) + TimeDelta::seconds(1), "the second was taken");
    assert!(second.file.ends_with("_auto.db") && second.size_bytes > info.size_bytes, "{second:?}");
    assert_eq!(job(&plain).verify(second.id()).await.unwrap(), second);
}

#[tokio::test]
async fn what_is_no_good_is_refused_in_one_line_and_the_database_stays_as_it_is() {
    let host = Host::open().await;
    host.channel("5", "Five").await;
    let settings = settings(host.folder());
    let live = Live::Open(&host.store);
    let info = job(&settings).create(&live, BackupKind::Manual, at(0)).await.unwrap();
    let (file, sidecar) =
        (settings.folder.join(&info.file), settings.folder.join(info.file.replace(".db.gz", ".json")));
    let whole = fs::read(&file).unwrap();
    let packed = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x55;
    let mut database = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&whole[..]), &mut database).unwrap();
    let holed = [&database[..4096], &[0xA5; 4096], &database[8192..]].concat();
    for (bytes, known, said) in [
        (whole[..whole.len() / 2].to_vec(), true, "it is cut short"),
        (b"this is a letter".to_vec(), true, "it is not compressed as its name says"),
        (flipped, true, ""),
        (packed(&database[..database.len() - 1]), true, "its hash is another one"),
        (packed(b"this is a letter, and a long one".repeat(500).as_slice()), false, "what is in it is no database"),
        (packed(&holed), false, "the database in it is damaged"),
    ] {
        fs::write(&file, bytes).unwrap();
        if !known {
            // Without what was written down only the database itself can say it.
            fs::remove_file(&sidecar).unwrap();
        }
        let refused = job(&settings).restore(&live, info.id(), at(1)).await.unwrap_err();
        let text = refused.to_string();
        assert!(text.starts_with(&format!("use the backup {}: ", info.id)) && text.contains(said), "{text}");
        assert!(!text.contains('\n') && refused.code() == 65, "{text}");
        assert!(job(&settings).verify(info.id()).await.is_err());
        let listed = Folder::new(&settings.folder).find(info.id()).unwrap();
        assert!(!listed.verified && listed.fault.is_some(), "{listed:?}");
        assert_eq!(host.store.channels().list().await.unwrap().len(), 1);
        folder_is_tidy(host.folder(), &settings.folder);
        fs::write(&sidecar, serde_json::to_string(&info).unwrap()).unwrap();
    }
    fs::write(&file, whole).unwrap();
    assert_eq!(job(&settings).verify(info.id()).await.unwrap(), info);
}

fn folder_is_tidy(data: &Path, backups: &Path) {
    let left = names(backups)
        .into_iter()
        .chain(names(data))
        .find(|name| name.contains("partial") || name.contains("incoming"));
    assert_eq!(left, None);
}

#[tokio::test]
async fn a_backup_that_cannot_be_put_in_place_changes_nothing() {
    let host = Host::open().await;
    let settings = settings(host.folder());
    let live = Live::Open(&host.store);
    let info = job(&settings).create(&live, BackupKind::Manual, at(0)).await.unwrap();
    host.channel("5", "Five").await;
    // In the way of the name under which the present file is kept meanwhile.
    fs::create_dir(host.folder().join("test.db.before")).unwrap();
    let error = job(&settings).restore(&live, info.id(), at(1)).await.unwrap_err();
    assert!(error.to_string().contains("the database is as it was before"), "{error}");
    assert_eq!(host.store.channels().list().await.unwrap().len(), 1);
    host.channel("6", "Six").await;
    assert_eq!(host.store.channels().list().await.unwrap().len(), 2, "and it can be written");
    fs::remove_dir(host.folder().join("test.db.before")).unwrap();
    job(&settings).restore(&live, info.id(), at(2)).await.unwrap();
    assert_eq!(host.store.channels().list().await.unwrap().len(), 0);
    host.channel("7", "Seven").await;
}

#[tokio::test]
async fn nothing_is_restored_where_the_present_state_cannot_be_made_safe() {
    let host = Host::open().await;
    let settings = settings(host.folder());
    let live = Live::Open(&host.store);
    let info = job(&settings).create(&live, BackupKind::Manual, at(0)).await.unwrap();
    host.channel("5", "Five").await;
    fs::create_dir_all(settings.folder.join(".exstreamtv_partial_copy.db/x")).unwrap();
    let error = job(&settings).restore(&live, info.id(), at(1)).await.unwrap_err();
    assert_eq!(error.to_string(), "back up the present state first; nothing was restored");
    assert_eq!(host.store.channels().list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn retention_removes_what_it_should_after_a_backup() {
    let host = Host::open().await;
    let few = Settings { retention: Retention { keep_count: 2, keep_days: 30 }, ..settings(host.folder()) };
    let live = Live::Open(&host.store);
    for hour in 0..4 {
        job(&few).create(&live, BackupKind::Auto, at(hour)).await.unwrap();
    }
    let manual = job(&few).create(&live, BackupKind::Manual, at(-9_000)).await.unwrap();
    job(&few).retain(at(4)).await.unwrap();
    let left: Vec<_> = Folder::new(&few.folder).list().unwrap().iter().map(|info| info.created).collect();
    assert_eq!(left, [at(3), at(2), manual.created]);
    assert_eq!(names(&few.folder).len(), 6, "and what was known of the others is gone");
    let short = Settings { retention: Retention { keep_count: 9, keep_days: 1 }, ..few };
    job(&short).retain(at(1_000)).await.unwrap();
    let left: Vec<_> = Folder::new(&short.folder).list().unwrap().iter().map(|info| info.created).collect();
    assert_eq!(left, [at(3), manual.created], "the newest good one stays whatever its age");
}

#[tokio::test]
async fn what_a_killed_job_left_is_no_backup_and_goes_with_the_next_one() {
    let host = Host::open().await;
    let settings = settings(host.folder());
    fs::create_dir(&settings.folder).unwrap();
    let left =
        [".exstreamtv_partial_copy.db", ".exstreamtv_partial_packed.db.gz", "exstreamtv_backup_20260131_143022.json"];
    for name in left {
        fs::write(settings.folder.join(name), "half").unwrap();
    }
    fs::write(settings.folder.join("notes.txt"), "mine").unwrap();
    assert_eq!(Folder::new(&settings.folder).list().unwrap(), []);
    job(&settings).create(&Live::Open(&host.store), BackupKind::Manual, at(0)).await.unwrap();
    let names = names(&settings.folder);
    assert!(left.iter().all(|name| !names.contains(&(*name).to_owned())), "{names:?}");
    assert!(names.contains(&"notes.txt".to_owned()), "other people's files stay");
}

#[tokio::test]
async fn a_backup_is_made_when_it_is_due_and_not_again_by_the_next_start() {
    let host = Host::open().await;
    host.pass_hours(25);
    let (change, receiver) = watch::channel(settings(host.folder()));
    let list = || Folder::new(&host.folder().join("backups")).list().unwrap();
    for _ in 0..7 {
        // A crash loop: each start has its own backups and its own life.
        let life = Lifecycle::default();
        let backups = Backups::start(host.store.clone(), host.clock(), receiver.clone(), &life);
        let mut progress = backups.progress();
        if list().is_empty() {
            while progress.recv().await.unwrap().step != progress::Step::Done {}
        }
        assert!(keeper::due(&backups).await.unwrap() > host.now(), "nothing more is due");
        life.stop(Duration::from_secs(60)).await;
    }
    assert_eq!(list().iter().map(|info| info.kind.as_str()).collect::<Vec<_>>(), ["auto"]);
    change.send_modify(|settings| settings.interval = TimeDelta::hours(1));
    host.pass_hours(2);
    let life = Lifecycle::default();
    let backups = Backups::start(host.store.clone(), host.clock(), receiver.clone(), &life);
    let mut progress = backups.progress();
    while progress.recv().await.unwrap().step != progress::Step::Done {}
    assert_eq!(list().len(), 2, "the interval counts");
    change.send_modify(|settings| settings.enabled = false);
    assert_eq!(keeper::due(&backups).await, None, "and so does the switch");
    life.stop(Duration::from_secs(60)).await;
}

#[tokio::test]
async fn a_damaged_database_is_refused_with_an_offer_or_replaced_and_kept() {
    let host = Host::open().await;
    let settings = settings(host.folder());
    host.channel("5", "Five").await;
    let good = job(&settings).create(&Live::Open(&host.store), BackupKind::Manual, at(0)).await.unwrap();
    let spoilt = job(&settings).create(&Live::Open(&host.store), BackupKind::Manual, at(1)).await.unwrap();
    fs::write(settings.folder.join(&spoilt.file), vec![7; usize::try_from(spoilt.size_bytes).unwrap()]).unwrap();
    host.store.close().await;
    let database = host.store.path();
    let whole = fs::read(&database).unwrap();
    let damages: [(&str, Vec<u8>); 4] = [
        ("its header is gone", [&[0x11; 100], &whole[100..]].concat()),
        ("a page is noise", [&whole[..4096 * 3], &[0x5A; 4096 * 4], &whole[4096 * 7..]].concat()),
        ("it ends too early", whole[..whole.len() / 2].to_vec()),
        ("it is empty", Vec::new()),
    ];
    for (hour, (what, bytes)) in (2_i64..).zip(damages) {
        fs::write(&database, &bytes).unwrap();
        let error = opening(&database, &settings, false).open(at(hour)).await.unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }) && error.code() == 65, "{what}: {error}");
        assert!(error.to_string().contains(&format!("the newest good backup is {}", spoilt.id)), "{what}: {error}");
        assert_eq!(fs::read(&database).unwrap(), bytes, "{what}: it is left alone");

        let store = opening(&database, &settings, true).open(at(hour)).await.unwrap();
        assert_eq!(store.channels().list().await.unwrap().len(), 1, "{what}: from {}", good.id);
        store.close().await;
        assert_eq!(fs::read(name_of_damaged(&database, at(hour))).unwrap(), bytes, "{what}: it is kept");
        folder_is_tidy(host.folder(), &settings.folder);
    }
}

#[tokio::test]
async fn a_damaged_database_without_a_good_backup_says_so_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, database) = (settings(folder.path()), folder.path().join("tv.db"));
    fs::write(&database, "this is a letter, not a database\n".repeat(100)).unwrap();
    let error = opening(&database, &settings, false).open(at(0)).await.unwrap_err().to_string();
    assert!(error.contains("there is no backup; move the file away"), "{error}");
    let error = opening(&database, &settings, true).open(at(0)).await.unwrap_err();
    assert!(matches!(error, OpenError::NoGood { tried: 0, .. }), "{error:?}");
    assert!(fs::read_to_string(&database).unwrap().starts_with("this is a letter"));
}

#[tokio::test]
async fn a_first_start_is_no_damage_and_backs_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, database) = (settings(folder.path()), folder.path().join("a/tv.db"));
    let store = opening(&database, &settings, false).open(at(0)).await.unwrap();
    let busy = ClosedDatabase::lock(&database).unwrap_err();
    assert_eq!(busy.kind(), StoreErrorKind::Locked);
    store.close().await;
    opening(&database, &settings, false).open(at(1)).await.unwrap().close().await;
    assert!(!settings.folder.exists());
}
