//! Quotas: they stop new copies and delete none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use tokio::process::Command;

use super::{work, zip};
use crate::fetch::site::Reply;
use crate::harness::{Harness, PROGRAM, article, page_of};
use crate::service::Service;

#[tokio::test]
async fn the_requisites_of_a_page_count_against_its_quota() {
    let harness =
        Harness::start(["course.test", "notes.test"], |_, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&["http://notes.test/pictures"])),
            ("notes.test", "/pictures") => {
                let pictures: Vec<String> = (0..5).map(|n| format!("<img src=/{n}.png>")).collect();
                let pictures = pictures.concat();
                Reply::page(&article("Pictures").replace("<main>", &format!("<main>{pictures}")))
            }
            ("notes.test", picture) if picture.ends_with(".png") => {
                let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0".to_vec();
                bytes.resize(400 << 10, picture.as_bytes()[1]);
                Reply::new(200, "content-type: image/png", bytes)
            }
            _ => Reply::not_found(),
        })
        .await;
    let config = harness.one_course();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(config, text.replace("[archive]\n", "[archive]\nlink_quota_mib = 1\n")).unwrap();
    let night = harness.check(1).await;
    assert!(night.link("/pictures")["capture"].is_object(), "{}", night.errors);
    let (code, output) = harness.run(&["verify"]).await;
    // The page, the course page, and the two pictures that fit.
    assert!(code == 0 && output.starts_with("4 files, 8"), "{output}");
}

#[tokio::test]
async fn a_quota_stops_new_copies_and_deletes_none() {
    let harness =
        Harness::start(["course.test", "notes.test"], |night, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => {
                Reply::page(&page_of(&["http://notes.test/small", "http://notes.test/large.zip"]))
            }
            ("notes.test", "/small") => work("http://notes.test/small"),
            ("notes.test", "/large.zip") => {
                let file = if night == 1 { "print(1)".to_owned() } else { "print(2)\n".repeat(150_000) };
                Reply::new(200, "content-type: application/zip", zip(&file, night))
            }
            _ => Reply::not_found(),
        })
        .await;
    let config = harness.one_course();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(config, text.replace("[archive]\n", "[archive]\nlink_quota_mib = 1\n")).unwrap();
    let first = harness.check(1).await;
    assert!(!first.errors.contains("quota"), "{}", first.errors);
    for night in 2..=3 {
        let result = harness.check(night).await;
        assert_eq!(result.code, 0, "{}", result.errors);
        assert_eq!(result.states(), ["ok", "changed"]);
        assert!(result.errors.contains("1 new copy was not stored, because a quota"), "{}", result.errors);
        assert_eq!(result.link("/large.zip")["capture"], first.link("/large.zip")["capture"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_holds_after_a_reload() {
    let is_large = Arc::new(AtomicBool::new(false));
    let grown = Arc::clone(&is_large);
    let harness =
        Harness::start(["course.test", "notes.test"], move |_, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&["http://notes.test/large.zip"])),
            ("notes.test", "/large.zip") => {
                let lines = if grown.load(Ordering::Relaxed) { 150_000 } else { 1 };
                let file = zip(&"print(2)\n".repeat(lines), 1);
                Reply::new(200, "content-type: application/zip", file)
            }
            _ => Reply::not_found(),
        })
        .await;
    let path = harness.one_course();
    let service = Service::start(&harness, "2026-09-14T14:00:00Z");
    service.says("waiting until").await;
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("[archive]\n", "[archive]\nlink_quota_mib = 1\n")).unwrap();
    service.signal(Signal::HUP);
    service.says("RELOADING=1").await;
    service.says("waiting until").await;
    is_large.store(true, Ordering::Relaxed);
    let mut command = Command::new(PROGRAM);
    let output = command.args(["check", "--config"]).arg(&path).output().await.unwrap();
    assert!(output.status.code().is_some_and(|code| code == 0), "{output:?}");
    service.logs("a quota of [archive] is used up").await;
    service.stop().await;
}
