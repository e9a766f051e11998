//! Copies whose files are lost: the reports about them, and the copies that are offered.

use std::fs;

use crate::engines;
use crate::fetch::site::Reply;
use crate::harness::{Harness, article, page_of};
use crate::heads_in_blobs::move_heads_to_blobs;
use crate::service::{Service, get, pages_of};

const LOST: &str = "The only copy of a dead link is lost.";

/// A course with two links; `flows` works on the first night only.
async fn harness() -> Harness {
    let harness =
        Harness::start(["course.test", "notes.test"], |night, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => {
                Reply::page(&page_of(&["http://notes.test/flows", "http://notes.test/b"]))
            }
            ("notes.test", "/flows") if night > 1 => Reply::not_found(),
            ("notes.test", target @ ("/flows" | "/b")) => {
                Reply::page(&article(&format!("The reading at http://notes.test{target}")))
            }
            ("notes.test", "/") => Reply::page(&article("Welcome")),
            _ => Reply::not_found(),
        })
        .await;
    harness.configure(
        "[pages]\nlisten = \"127.0.0.1:0\"\n[[course]]\nid = \"c\"\ntitle = \"A course\"\n\
         page = \"http://course.test/\"\ncopies = \"open\"\n",
    );
    for night in 1..=4 {
        harness.check(night).await;
    }
    harness
}

/// The path of the copy of a link within the archive.
async fn copy_of(harness: &Harness, link: &str) -> String {
    let (code, path) = harness.run(&["open", link]).await;
    assert_eq!(code, 0, "{path}");
    let path = fs::canonicalize(path.trim()).unwrap();
    engines::inside(&harness.archive(), &path).to_owned()
}

async fn lose_copy_of(harness: &Harness, link: &str) {
    engines::remove_file(&harness.archive(), &copy_of(harness, link).await);
}

/// The report without its line breaks.
async fn report(harness: &Harness) -> String {
    let report = harness.run(&["report"]).await.1;
    report.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_night_reports_once_that_the_only_copy_of_a_dead_link_is_lost() {
    let harness = harness().await;
    assert!(!report(&harness).await.contains(LOST));
    let backup = harness.dir.path().join("backup");
    assert_eq!(harness.run(&["backup", &backup.display().to_string()]).await.0, 0);
    lose_copy_of(&harness, "flows").await;
    lose_copy_of(&harness, "notes.test/b").await;

    let night = harness.check(5).await;
    assert!(night.link("/flows")["capture"].is_null(), "it is not offered: {}", night.json);
    assert!(night.link("/b")["capture"].is_object(), "it is captured again");
    let printed = report(&harness).await;
    assert!(printed.contains(LOST), "{printed}");
    let status = harness.run(&["status"]).await.1;
    assert_eq!(status.matches(" lost ").count(), 1, "{status}");
    assert!(status.contains("dead         lost"), "{status}");
    harness.check(6).await;
    assert!(!report(&harness).await.contains(LOST), "the same loss again is no news");

    let (code, printed) = harness.run(&["restore", &backup.display().to_string(), "--missing"]).await;
    assert_eq!(code, 0, "{printed}");
    let status = harness.run(&["status"]).await.1;
    assert!(status.contains("dead         copy"), "{status}");
    assert!(harness.check(7).await.link("/flows")["capture"].is_object());
}

/// Changes the bytes of a file of the archive.
fn spoil(harness: &Harness, inside: &str) {
    engines::overwrite_file(&harness.archive(), inside, b"other bytes");
}

#[tokio::test]
async fn verify_names_the_damage_and_repair_asks_the_original() {
    let harness = harness().await;
    let configuration = harness.dir.path().join("onreserve.toml");
    let repair = async || {
        let mut command = tokio::process::Command::new(crate::harness::PROGRAM);
        let output = command.args(["repair", "--config"]).arg(&configuration).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), text.into_owned())
    };
    let (code, text) = repair().await;
    assert!(code == 0 && text.contains("No copy is lost"), "{text}");
    lose_copy_of(&harness, "flows").await;
    spoil(&harness, &copy_of(&harness, "notes.test/b").await);
    let (code, text) = harness.run(&["verify"]).await;
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("\n  a copy of http://notes.test/flows"), "{text}");
    assert!(text.contains("\n  a copy of http://notes.test/b"), "{text}");
    assert!(text.contains("onreserve restore --missing DIR") && text.contains("onreserve repair"), "{text}");

    let (code, text) = repair().await;
    assert!(code == 1 && text.contains("1 of 2 lost files repaired."), "{text}");
    assert!(text.contains("from http://notes.test/b"), "{text}");
    assert!(text.contains("a copy of http://notes.test/flows"), "it is gone: {text}");
    // The original is there again.
    harness.set_night(1);
    let (code, text) = repair().await;
    assert!(code == 0 && text.contains("1 of 1 lost file repaired."), "{text}");
    let (code, text) = harness.run(&["verify"]).await;
    assert_eq!(code, 0, "{text}");
}

#[tokio::test]
async fn a_copy_that_a_takedown_removed_is_not_lost() {
    let harness = harness().await;
    let takedown = ["takedown", "flows", "--reason", "asked", "--yes"];
    assert_eq!(harness.run(&takedown).await.0, 0);
    harness.check(5).await;
    let status = harness.run(&["status"]).await.1;
    assert!(!status.contains("lost"), "{status}");
    assert_eq!(harness.run(&["rebuild"]).await.0, 0);
    harness.check(6).await;
    assert!(!harness.run(&["status"]).await.1.contains("lost"));
}

#[tokio::test(flavor = "multi_thread")]
async fn monitors_see_lost_copies_and_pages_do_not_offer_them() {
    let harness = harness().await;
    let service = Service::start(&harness, "2026-09-17T12:00:00Z");
    let at = pages_of(&service).await;
    let page = get(at, "/c/c/").await;
    let offered = page.matches("href=\"/a/").count();
    assert!(offered > 0, "{page}");
    lose_copy_of(&harness, "flows").await;
    let (code, printed) = harness.run(&["verify"]).await;
    assert!(code == 1 && printed.contains("missing"), "{printed}");
    let page = get(at, "/c/c/").await;
    assert_eq!(page.matches("href=\"/a/").count(), offered - 1, "{page}");
    let metrics = get(at, "/metrics").await;
    for line in ["onreserve_copies_missing 1", "onreserve_copies_altered 0", "onreserve_quarantined_files 0"]
    {
        assert!(metrics.contains(&format!("\n{line}\n")), "{line}: {metrics}");
    }
    assert!(metrics.contains("onreserve_copies_oldest_verification_age_seconds "), "{metrics}");
    let ready = get(at, "/readyz").await;
    assert!(ready.contains("\"copies_missing\":1") && ready.contains("200 OK"), "{ready}");
    assert!(get(at, "/readyz?strict").await.contains("503"), "a monitor sees it");
}

#[tokio::test]
async fn requisites_heads_and_course_pages_come_back_from_the_web_and_from_a_backup() {
    let harness =
        Harness::start(["course.test", "notes.test"], |_, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&["http://notes.test/pictures"])),
            ("notes.test", "/pictures") => Reply::page(
                &article("http://notes.test/pictures").replace("<main>", "<main><img src=/a.png>"),
            ),
            ("notes.test", "/a.png") => {
                let bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0".to_vec();
                Reply::new(200, "content-type: image/png", bytes)
            }
            _ => Reply::not_found(),
        })
        .await;
    let configuration = harness.one_course();
    harness.check(1).await;
    move_heads_to_blobs(&harness).await;
    let all = engines::files(&harness.archive(), "blobs");
    let has = |start: &[u8]| all.values().any(|bytes| bytes.starts_with(start));
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(has(b"\x89PNG") && has(b"HTTP 200"));
    let backup = harness.dir.path().join("backup");
    assert_eq!(harness.run(&["backup", backup.to_str().unwrap()]).await.0, 0);
    let damage = async || {
        for path in all.keys() {
            spoil(&harness, path);
        }
        let (code, text) = harness.run(&["verify"]).await;
        assert!(code == 1 && text.matches("damaged").count() == 4, "{text}");
    };
    damage().await;
    let mut command = tokio::process::Command::new(crate::harness::PROGRAM);
    let output = command.args(["repair", "--config"]).arg(&configuration).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("4 of 4 lost files repaired."), "{text}");
    assert_eq!(harness.run(&["verify"]).await.0, 0);
    damage().await;
    let (code, text) = harness.run(&["restore", backup.to_str().unwrap(), "--missing"]).await;
    assert!(code == 0 && text.contains("4 files restored"), "{text}");
    assert_eq!(harness.run(&["verify"]).await.0, 0);
}
