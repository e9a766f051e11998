//! Backup of an archive in use, and its restoration.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::engines;
use crate::fetch::site::Reply;
use crate::harness::{Harness, article, page_of, run_on};
use crate::service::Service;

async fn harness() -> Harness {
    let harness =
        Harness::start(["course.test", "notes.test"], |night, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&["http://notes.test/a", "http://notes.test/b"])),
            ("notes.test", "/a") => Reply::page(&article("The reading at http://notes.test/a")),
            ("notes.test", "/b") => Reply::page(&article(&format!("The reading, version {}", night / 2))),
            _ => Reply::not_found(),
        })
        .await;
    harness.one_course();
    harness
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_service_is_restored_as_it_was() {
    let harness = harness().await;
    harness.check(1).await;
    let (backup, back) = (harness.dir.path().join("backup"), harness.dir.path().join("back"));
    let service = Service::start(&harness, "2026-09-14T14:00:00Z");
    service.says("waiting until").await;
    let (code, printed) = harness.run(&["backup", text(&backup)]).await;
    assert_eq!(code, 0, "{printed}");
    service.stop().await;
    let (code, again) = harness.run(&["backup", text(&backup)]).await;
    assert!(code == 0 && again.contains(": 0 files (0 bytes) copied"), "{again}");

    harness.check(2).await;
    let (_, status) = harness.run(&["status"]).await;
    let (_, printed) = harness.run(&["backup", text(&backup)]).await;
    assert!(!printed.contains(": 0 files"), "the files of the second night: {printed}");

    let (code, printed) = run_on(&back, &["restore", text(&backup)]).await;
    assert!(code == 0 && printed.contains("restored with the right SHA-256"), "{printed}");
    assert_eq!(run_on(&back, &["status"]).await.1, status);
    let sums = tokio::process::Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
        .current_dir(&back)
        .status();
    assert!(sums.await.unwrap().success());
    let (_, copy) = run_on(&back, &["open", "notes.test/a"]).await;
    assert!(Path::new(copy.trim()).starts_with(&back), "{copy}");
    assert_eq!(fs::metadata(copy.trim()).unwrap().permissions().mode() & 0o777, 0o444);

    // The nights continue from there.
    engines::lose(&harness.archive());
    engines::take(&harness.archive(), &back).await;
    assert_eq!(harness.check(3).await.state("/a"), "ok");
}

#[tokio::test]
async fn a_restore_overwrites_nothing_and_verifies_everything() {
    let harness = harness().await;
    harness.check(1).await;
    let (backup, back) = (harness.dir.path().join("backup"), harness.dir.path().join("back"));
    assert_eq!(harness.run(&["backup", text(&backup)]).await.0, 0);
    let (code, printed) = harness.run(&["restore", text(&backup)]).await;
    assert!(code == 1 && printed.contains("overwrites no files"), "{printed}");
    let (code, printed) = harness.run(&["backup", text(harness.dir.path())]).await;
    assert!(code == 1 && printed.contains("files that are not a backup"), "{printed}");
    let (code, printed) = harness.run(&["backup", text(&harness.archive())]).await;
    assert!(code == 1 && printed.contains("the archive itself"), "{printed}");
    let (code, printed) = run_on(&back, &["restore", text(&harness.dir.path().join("none"))]).await;
    assert!(code == 1 && printed.contains("there is no backup"), "{printed}");

    let (_, copy) = harness.run(&["open", "notes.test/a"]).await;
    let copy = fs::canonicalize(copy.trim()).unwrap();
    let copy = copy.strip_prefix(harness.archive()).unwrap();
    fs::set_permissions(backup.join(copy), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(backup.join(copy), "quite another text").unwrap();
    let (code, printed) = run_on(&back, &["restore", text(&backup)]).await;
    assert!(code == 1 && printed.contains("1 damaged"), "{printed}");
}

#[tokio::test]
async fn a_takedown_removes_copies_from_the_backup_too() {
    let harness = harness().await;
    harness.check(1).await;
    let backup = harness.dir.path().join("backup");
    assert_eq!(harness.run(&["backup", text(&backup)]).await.0, 0);
    let (_, copy) = harness.run(&["open", "notes.test/a"]).await;
    let copy = fs::canonicalize(copy.trim()).unwrap();
    let copy = engines::inside(&harness.archive(), &copy).to_owned();
    assert!(backup.join(&copy).exists());
    let arguments = ["takedown", "http://notes.test/a", "--reason", "asked by its author", "--yes"];
    let (code, printed) = harness.run(&arguments).await;
    assert_eq!(code, 0, "{printed}");
    assert!(!engines::has_file(&harness.archive(), &copy) && !harness.archive().join(&copy).exists());
    assert_eq!(harness.run(&["backup", text(&backup)]).await.0, 0);
    assert!(!backup.join(&copy).exists());
}

#[tokio::test]
async fn a_capture_after_a_takedown_stays_in_the_backup() {
    let harness = harness().await;
    harness.check(1).await;
    let backup = harness.dir.path().join("backup");
    for (now, decided) in [("2026-09-14T12:00:00Z", "--yes"), ("2026-09-14T13:00:00Z", "--undo")] {
        let arguments = ["takedown", "http://notes.test/a", "--reason", "asked", decided, "--now", now];
        assert_eq!(harness.run(&arguments).await.0, 0);
    }
    harness.check(2).await;
    let (_, copy) = harness.run(&["open", "notes.test/a"]).await;
    let path = fs::canonicalize(copy.trim()).unwrap();
    let within = engines::inside(&harness.archive(), &path);
    assert_eq!(harness.run(&["backup", text(&backup)]).await.0, 0);
    engines::remove_file(&harness.archive(), within);
    harness.run(&["backup", text(&backup)]).await;
    assert!(backup.join(within).exists(), "the only one left");
}

#[tokio::test]
async fn migrating_prints_the_version_of_the_catalogue() {
    let harness = harness().await;
    harness.check(1).await;
    let (code, printed) = harness.run(&["migrate"]).await;
    assert!(code == 0 && printed.contains("the version of this program"), "{printed}");
    let (code, printed) = run_on(&harness.dir.path().join("none"), &["migrate"]).await;
    assert!(code == 1 && printed.contains("no archive"), "{printed}");
}

/// The path of the copy of `/a` within an archive.
async fn copy_of_a(harness: &Harness) -> String {
    let (_, copy) = harness.run(&["open", "notes.test/a"]).await;
    let copy = fs::canonicalize(copy.trim()).unwrap();
    engines::inside(&harness.archive(), &copy).to_owned()
}

/// Changes a byte of a file of an archive.
fn alter(archive: &Path, within: &str) {
    let mut bytes = engines::read_file(archive, within);
    bytes[3] ^= 1;
    engines::overwrite_file(archive, within, &bytes);
}

#[tokio::test]
async fn altered_bytes_are_not_backed_up_and_altered_backups_are_repaired() {
    let harness = harness().await;
    harness.check(1).await;
    let backup = harness.dir.path().join("backup");
    assert_eq!(harness.run(&["backup", text(&backup)]).await.0, 0);
    let within = copy_of_a(&harness).await;
    let good = engines::read_file(&harness.archive(), &within);

    alter(&backup, &within);
    let (code, printed) = harness.run(&["backup", text(&backup)]).await;
    assert!(code == 0 && printed.contains(": 1 file"), "{printed}");
    assert_eq!(fs::read(backup.join(&within)).unwrap(), good, "the backup is repaired");

    alter(&harness.archive(), &within);
    let second = harness.dir.path().join("second");
    let (code, printed) = harness.run(&["backup", text(&second)]).await;
    let name = within.rsplit('/').next().unwrap();
    assert!(code == 1 && printed.contains(&format!("damaged: {name}")), "{printed}");
    assert!(!second.join(&within).exists());

    // The first backup restores it, while the archive is in use.
    engines::remove_file(&harness.archive(), &within);
    let (code, printed) = harness.run(&["restore", text(&second), "--missing"]).await;
    assert!(code == 1 && printed.contains(&format!("missing: {name}")), "{printed}");
    let (code, printed) = harness.run(&["restore", text(&backup), "--missing"]).await;
    assert!(code == 0 && printed.contains(": 1 file restored"), "{printed}");
    assert_eq!(engines::read_file(&harness.archive(), &within), good);
    assert_eq!(harness.run(&["verify"]).await.0, 0);
}

#[tokio::test]
async fn links_pipes_and_unknown_names_in_a_backup_are_not_copied() {
    let harness = harness().await;
    harness.check(1).await;
    let (backup, back) = (harness.dir.path().join("backup"), harness.dir.path().join("back"));
    assert_eq!(harness.run(&["backup", text(&backup)]).await.0, 0);
    let within = copy_of_a(&harness).await;
    let place = backup.join(&within);
    fs::remove_file(&place).unwrap();
    std::os::unix::fs::symlink(harness.archive().join(&within), &place).unwrap();
    fs::write(place.with_file_name("elsewhere"), "not a blob").unwrap();
    let made = std::process::Command::new("mkfifo").arg(backup.join("captures/pipe.jsonl")).status();
    assert!(made.unwrap().success());
    let (code, printed) = run_on(&back, &["restore", text(&backup)]).await;
    assert!(code == 1 && printed.matches("not a file of an archive").count() == 3, "{printed}");
    assert!(!back.join(&within).exists() && !back.join("captures/pipe.jsonl").exists());
    assert_eq!(harness.run(&["restore", text(&backup), "--missing"]).await.0, 0, "nothing is missing");
}

#[tokio::test]
async fn a_backup_that_was_stopped_at_its_beginning_begins_again() {
    let harness = harness().await;
    harness.check(1).await;
    let backup = harness.dir.path().join("backup");
    std::fs::create_dir_all(backup.join("blobs/sha256")).unwrap();
    std::fs::create_dir_all(backup.join("tmp")).unwrap();
    std::fs::write(backup.join("tmp/.tmpA"), "1").unwrap();
    std::fs::write(backup.join("README.md"), "An archive").unwrap();
    let (code, message) = harness.run(&["backup", text(&backup)]).await;
    assert_eq!(code, 0, "{message}");
    let other = harness.dir.path().join("other");
    std::fs::create_dir_all(other.join("blobs")).unwrap();
    std::fs::write(other.join("blobs/x"), "1").unwrap();
    let (code, message) = harness.run(&["backup", text(&other)]).await;
    assert!(code == 1 && message.contains("not a backup"), "{message}");
}
