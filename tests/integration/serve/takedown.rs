//! Takedowns: the bytes are removed, the record stays, and no copy opens any more.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use onreserve::domain::capture::Stamp;
use onreserve::domain::course::Openness;
use onreserve::domain::journal::Entry;

use super::course::{self, ALIVE, CHANGED, NIGHTS, PARKED, start_of};
use super::export::{configuration, export};
use super::{Server, id, settings};
use crate::engines;
use crate::fetch::site::{Reply, Seen};

fn onreserve(archive: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_onreserve"))
        .args(arguments)
        .args(engines::arguments(archive))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

pub(super) fn take_down(archive: &Path, what: &str) {
    let done =
        onreserve(archive, &["takedown", what, "--reason", "its owner asked", "--by", "library", "--yes"]);
    assert!(done.status.success(), "{done:?}");
}

async fn open(archive: &Path) -> Server {
    let mut open = settings();
    open.courses[0].copies.openness = Openness::Open;
    Server::over(archive, open, start_of(NIGHTS + 1)).await
}

#[tokio::test]
async fn every_version_is_closed_everywhere_and_cited() {
    let (_dir, archive) = course::copied_archive();
    let before = open(&archive).await;
    let captures = before.catalogue.captures(&CHANGED.parse().unwrap()).await.unwrap();
    assert_eq!(captures.len(), 2);
    assert!(before.get("/c/dgm/?q=something+else+entirely").await.text().contains("id=\"inside\""));
    assert_eq!(before.get(&format!("/a/{}", captures[0].capture.id())).await.status, 200);
    take_down(&archive, &captures[0].capture.id().to_string());
    // The running server sees the takedown in the catalogue.
    for server in [&before, &open(&archive).await] {
        for kept in &captures {
            let capture = &kept.capture;
            assert!(!engines::open_archive(&archive).is_stored(capture.sha256).unwrap());
            for path in [
                format!("/a/{}", capture.id()),
                format!("/blob/{}/slides.pdf", capture.sha256),
                format!("/web/{}/{CHANGED}", Stamp::of(capture.captured_at)),
                format!("/go/{}", id(CHANGED)),
                format!("/timemap/link/{CHANGED}"),
                format!("/timegate/{CHANGED}"),
            ] {
                let reply = server.get(&path).await;
                assert_eq!(reply.status, 451, "{path}");
                let newest = captures[1].capture.sha256.to_string();
                assert!(reply.text().contains(&newest) && reply.text().contains("Retrieved from"), "{path}");
                assert!(!reply.text().contains("its owner asked"), "readers do not see the reason");
            }
        }
        let html = server.get("/c/dgm/?q=something+else+entirely").await.text();
        assert!(!html.contains("id=\"inside\""), "{html}");
        let links = server.get("/api/v1/courses/dgm/links").await.text();
        assert!(!links.contains(&captures[1].capture.sha256.to_string()));
    }
}

#[tokio::test]
async fn the_archive_stays_valid_and_records_the_takedown() {
    let (_dir, archive) = course::copied_archive();
    take_down(&archive, ALIVE);
    let verify = onreserve(&archive, &["verify"]);
    assert!(verify.status.success(), "{verify:?}");
    let (_copied, dir) = engines::as_directory(&archive);
    let sums = Command::new("sha256sum")
        .args(["--quiet", "--check", "SHA256SUMS"])
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(sums.status.success(), "{sums:?}");
    let audit: Vec<u8> = engines::files(&archive, "audit").into_values().flatten().collect();
    let audit = String::from_utf8(audit).unwrap();
    for part in ["\"done\":\"taken_down\"", "its owner asked", "library", ALIVE] {
        assert!(audit.contains(part), "{audit}");
    }
    let again = onreserve(&archive, &["takedown", ALIVE, "--reason", "x", "--yes"]);
    assert!(String::from_utf8_lossy(&again.stdout).contains("was taken down before"), "{again:?}");
}

#[tokio::test]
async fn nothing_is_removed_without_confirmation() {
    let (_dir, archive) = course::copied_archive();
    let asked = onreserve(&archive, &["takedown", ALIVE, "--reason", "x"]);
    assert_eq!(asked.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&asked.stderr).contains("--yes"), "{asked:?}");
    let server = open(&archive).await;
    assert_eq!(server.get(&server.blob(ALIVE).await).await.status, 200);
}

/// The original still works, so a night fetches the same bytes again.
#[tokio::test]
async fn later_nights_and_a_rebuilt_catalogue_keep_it_closed() {
    let (_dir, archive) = course::copied_archive();
    take_down(&archive, ALIVE);
    course::night_over(&archive, NIGHTS + 1).await;
    assert!(onreserve(&archive, &["rebuild"]).status.success());
    course::night_over(&archive, NIGHTS + 2).await;
    let server = open(&archive).await;
    let captures = server.catalogue.captures(&ALIVE.parse().unwrap()).await.unwrap();
    assert_eq!(captures.len(), 1, "no new copy was stored");
    assert_eq!(server.get(&format!("/go/{}", id(ALIVE))).await.status, 451);
    assert_eq!(server.get(&server.blob(ALIVE).await).await.status, 451);
    assert_eq!(onreserve(&archive, &["verify"]).status.code(), Some(0));
}

#[tokio::test]
async fn after_an_undo_the_next_night_stores_a_copy_again() {
    let (_dir, archive) = course::copied_archive();
    let wrong = onreserve(&archive, &["takedown", ALIVE, "--undo", "--reason", "a mistake"]);
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("not taken down"));
    take_down(&archive, ALIVE);
    assert!(onreserve(&archive, &["takedown", ALIVE, "--undo", "--reason", "a mistake"]).status.success());
    let server = open(&archive).await;
    assert_eq!(
        server.get(&server.blob(ALIVE).await).await.status,
        503,
        "it may open, but the file is missing"
    );
    course::night_over(&archive, NIGHTS + 1).await;
    let server = open(&archive).await;
    assert_eq!(server.get(&server.blob(ALIVE).await).await.status, 200);
    assert!(onreserve(&archive, &["verify"]).status.success());
    let catalogue = engines::open_catalogue(&archive).await;
    assert_eq!(catalogue.taken_down().await.unwrap(), []);
}

/// All files below a directory.
fn files_in(dir: &Path) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { left.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Words that no other document has. Full-text indexes store a word without the beginning
/// that it shares with the word before it.
const UNIQUE: [&str; 2] = ["zyzzyvaqx", "qwyjibofrumious"];

fn with_unique_words(seen: &Seen, night: u32) -> Reply {
    if seen.host.starts_with("parked.example") && seen.target == "/notes.html" {
        let [one, other] = UNIQUE;
        return Reply::page(&course::article(
            "Notes on sampling",
            &format!("{one} and {other}. ").repeat(30),
        ));
    }
    course::answer(seen, night)
}

const WITH_UNIQUE: &str =
    "SELECT count(*) FROM passage WHERE text LIKE '%zyzzyvaqx%' OR text LIKE '%qwyjibofrumious%'";

/// Whether there is one of the unique words, or the end of one.
fn has_trace(bytes: &[u8]) -> bool {
    let has = |word: &str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    UNIQUE.iter().any(|word| has(&word[2..]))
}

/// The files below a directory that contain one of the unique words.
fn with_traces(dir: &Path) -> Vec<PathBuf> {
    let mut files = files_in(dir);
    files.retain(|file| has_trace(&std::fs::read(file).unwrap()));
    files
}

/// The number of objects and rows of an archive with one of the unique words, if they are not in
/// its directory.
async fn traces_elsewhere(archive: &Path) -> usize {
    if !engines::is_on_others() {
        return 0;
    }
    let parts = ["blobs", "captures", "audit", "quarantine"];
    let objects = parts.iter().flat_map(|part| engines::files(archive, part).into_values());
    let rows = engines::number(archive, WITH_UNIQUE).await;
    objects.filter(|bytes| has_trace(bytes)).count() + usize::try_from(rows).unwrap()
}

#[tokio::test]
async fn no_file_keeps_a_trace_of_the_bytes() {
    let archive = course::archive_of(2, with_unique_words);
    let dir = archive.parent().unwrap().to_owned();
    let backup = dir.join("backup");
    let make_others = |site: &Path| {
        let done = onreserve(&archive, &["backup", backup.to_str().unwrap()]);
        assert!(done.status.success(), "{done:?}");
        let configuration = configuration(&archive, Openness::Open);
        export(&configuration, &["site", site.to_str().unwrap()]);
    };
    let site = dir.join("site");
    make_others(&site);
    for place in [&archive, &backup, &site] {
        assert!(!with_traces(place).is_empty(), "{}", place.display());
    }
    assert_eq!(traces_elsewhere(&archive).await > 1, engines::is_on_others(), "an object and rows");
    // The copies that only this test made.
    engines::lose(&dir.join("untouched"));
    std::fs::remove_dir_all(site).unwrap();
    take_down(&archive, PARKED);
    assert_eq!(with_traces(&archive), [] as [PathBuf; 0]);
    assert_eq!(traces_elsewhere(&archive).await, 0);
    make_others(&dir.join("next-site"));
    assert_eq!(with_traces(&dir), [] as [PathBuf; 0]);
    assert!(onreserve(&archive, &["verify"]).status.success());
    assert!(onreserve(&archive, &["rebuild"]).status.success());
    assert_eq!(with_traces(&dir), [] as [PathBuf; 0]);
    assert_eq!(traces_elsewhere(&archive).await, 0);
    std::fs::remove_dir_all(dir).unwrap();
}

#[tokio::test]
async fn a_removal_that_a_crash_interrupted_is_finished_by_the_next_night() {
    let (_dir, archive) = course::copied_archive();
    let server = open(&archive).await;
    let link = ALIVE.parse().unwrap();
    let sha256 = server.catalogue.captures(&link).await.unwrap()[0].capture.sha256;
    let opened = engines::open_archive(&archive);
    let at = start_of(NIGHTS);
    // The journal was written, and nothing after it.
    let entry = Entry::TakenDown { at, link, reason: "asked".to_owned(), by: None, removed: vec![sha256] };
    engines::append(&archive, at, entry).await;
    assert!(opened.is_stored(sha256).unwrap());
    course::night_over(&archive, NIGHTS + 1).await;
    assert!(!engines::open_archive(&archive).is_stored(sha256).unwrap());
    assert!(server.catalogue.text(sha256).await.unwrap().is_none_or(|text| text.is_empty()));
    assert_eq!(onreserve(&archive, &["verify"]).status.code(), Some(0));
}

#[tokio::test]
async fn a_damaged_copy_in_quarantine_is_removed_too() {
    let (_dir, archive) = course::copied_archive();
    let server = open(&archive).await;
    let sha256 = server.catalogue.captures(&ALIVE.parse().unwrap()).await.unwrap()[0].capture.sha256;
    let blob = engines::blob(sha256);
    let mut bytes = engines::read_file(&archive, &blob);
    bytes[0] ^= 1;
    engines::overwrite_file(&archive, &blob, &bytes);
    assert_eq!(onreserve(&archive, &["verify"]).status.code(), Some(1));
    let name = sha256.to_string();
    let is_there = |part| engines::files(&archive, part).keys().any(|path| path.ends_with(&name));
    assert!(is_there("quarantine"));
    take_down(&archive, ALIVE);
    assert!(!is_there("quarantine") && !is_there("blobs"));
}
