//! Links and pages over several nights.

mod bulk_lists;
mod crawl_budgets;
mod decisions;
mod drafting;
mod listed_versions;
mod quotas;

use std::io::Write as _;

use crate::fetch::site::{Reply, Then};
use crate::harness::{Harness, article, page_of};

/// A text that names its own address, so that it is recognised as the linked work.
pub(crate) fn work(target: &str) -> Reply {
    Reply::page(&article(&format!("The reading at {target}")))
}

#[tokio::test]
async fn a_link_is_gone_after_three_nights_and_its_copy_still_opens() {
    let harness =
        Harness::start(["course.test", "notes.test"], |night, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&["http://notes.test/flows"])),
            ("notes.test", "/flows") if night == 1 || night == 5 => work("http://notes.test/flows"),
            ("notes.test", "/") => Reply::page(&article("Welcome")),
            _ => Reply::not_found(),
        })
        .await;
    harness.one_course();
    let mut states = Vec::new();
    let mut codes = Vec::new();
    for night in 1..=5 {
        let result = harness.check(night).await;
        states.push(result.state("/flows").to_owned());
        codes.push(result.code);
        if night == 4 {
            let (code, path) = harness.run(&["open", "flows"]).await;
            assert_eq!(code, 0, "{path}");
            assert!(std::fs::read_to_string(path.trim()).unwrap().contains("gradients"));
            let (_, explained) = harness.run(&["explain", "flows"]).await;
            assert!(explained.contains("not found (404)") && explained.contains("strong"), "{explained}");
        }
    }
    assert_eq!(states, ["ok", "failing", "failing", "dead", "ok"]);
    assert_eq!(codes, [0, 0, 0, 2, 0]);
}

#[tokio::test]
async fn a_second_night_transfers_no_body_again() {
    let harness =
        Harness::start(["course.test", "notes.test"], |_, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&["http://notes.test/a", "http://notes.test/b"])),
            ("notes.test", _) if seen.head.contains("if-none-match: \"v1\"") => {
                Reply::new(304, "etag: \"v1\"", "")
            }
            ("notes.test", target @ ("/a" | "/b")) => Reply::new(
                200,
                "content-type: text/html\netag: \"v1\"",
                article(&format!("The reading at http://notes.test{target}")),
            ),
            _ => Reply::not_found(),
        })
        .await;
    harness.one_course();
    let first = harness.check(1).await;
    let second = harness.check(2).await;
    assert_eq!(second.states(), ["ok", "ok"]);
    assert_eq!(first.links()[0]["capture"]["sha256"], second.links()[0]["capture"]["sha256"]);
    let page = page_of(&["http://notes.test/a", "http://notes.test/b"]).len() as u64;
    assert_eq!(second.json["run"]["bytes"].as_u64().unwrap(), page);
}

/// An archive with one file, stored as it is and written at a second of the day.
fn zip(file: &str, second: u32) -> Vec<u8> {
    let second = u8::try_from(second * 2).unwrap();
    let time = zip::DateTime::from_date_and_time(2026, 9, 1, 8, 0, second).unwrap();
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .last_modified_time(time);
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("homework.py", options).unwrap();
    archive.write_all(file.as_bytes()).unwrap();
    archive.finish().unwrap().into_inner()
}

#[tokio::test]
async fn files_that_are_packed_again_for_each_request_are_kept_once() {
    let harness =
        Harness::start(["course.test", "files.test"], |night, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&["http://files.test/homework.zip"])),
            ("files.test", "/homework.zip") => {
                let file = if night < 4 { "print(1)" } else { "print(1)\nprint(2)" };
                Reply::new(200, "content-type: application/zip", zip(file, night))
            }
            _ => Reply::not_found(),
        })
        .await;
    harness.one_course();
    let mut copies = Vec::new();
    for night in 1..=4 {
        let result = harness.check(night).await;
        copies.push(result.link(".zip")["capture"]["sha256"].clone());
        assert_eq!(result.state(".zip"), if night < 4 { "ok" } else { "changed" }, "night {night}");
    }
    assert!(copies[0].is_string() && copies[0] == copies[1] && copies[1] == copies[2], "{copies:?}");
}

#[tokio::test]
async fn a_link_of_two_courses_is_fetched_once() {
    let harness =
        Harness::start(["course.test", "notes.test"], |_, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/a" | "/b") => Reply::page(&page_of(&["http://notes.test/shared"])),
            ("notes.test", "/shared") => work("http://notes.test/shared"),
            _ => Reply::not_found(),
        })
        .await;
    harness.configure(
        "[[course]]\nid = \"a\"\npage = \"http://course.test/a\"\n[[course]]\nid = \"b\"\npage = \"http://course.test/b\"\n",
    );
    let night = harness.check(1).await;
    assert_eq!(night.states(), ["ok", "ok"]);
    let asked = harness.site.targets().into_iter().filter(|target| target == "/shared").count();
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn a_small_point_is_not_news_again_after_a_failure() {
    let harness =
        Harness::start(["course.test", "notes.test"], |night, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => {
                Reply::page(&page_of(&["http://notes.test/a#nowhere", "http://notes.test/b"]))
            }
            ("notes.test", "/a") if night == 3 => Reply::new(503, "", "busy"),
            ("notes.test", target @ ("/a" | "/b")) => Reply::page(&article(target)),
            _ => Reply::not_found(),
        })
        .await;
    harness.one_course();
    for night in 1..=4 {
        harness.check(night).await;
        let result = report(&harness).await;
        assert_eq!(result.contains("Worth a look"), night == 1, "night {night}: {result}");
        assert_eq!(result.contains("SMALL POINTS (1)"), night != 3, "night {night}: {result}");
    }
}

#[tokio::test]
async fn a_void_first_night_leaves_the_baseline_to_the_next() {
    let hosts: Vec<String> = (0..20).map(|n| format!("h{n}.test")).collect();
    let links: Vec<String> = hosts.iter().map(|host| format!("http://{host}/x")).collect();
    let harness = Harness::start(hosts.into_iter().chain(["course.test".to_owned()]), move |night, seen| {
        let links: Vec<&str> = links.iter().map(String::as_str).collect();
        match (&*seen.host, &*seen.target) {
            ("course.test", _) => Reply::page(&page_of(&links)),
            (host, _) if night == 1 && host != "h0.test" => Reply::raw("", Then::Reset),
            (host, "/x") if host != "h1.test" => work(&format!("http://{host}/x")),
            _ => Reply::not_found(),
        }
    })
    .await;
    harness.one_course();
    harness.check(1).await;
    let void = report(&harness).await;
    assert!(void.contains("Most links were not judged") && void.contains("1 of 20 links judged"), "{void}");
    harness.check(2).await;
    let first = report(&harness).await;
    assert!(first.contains("This is the first check of the 20 links"), "{first}");
    harness.check(3).await;
    assert!(!report(&harness).await.contains("first check"));
}

#[tokio::test]
async fn a_night_without_a_network_changes_no_state() {
    const LINKS: u32 = 500;
    const ANSWERED: usize = 100;
    let hosts: Vec<String> = (0..LINKS).map(|n| format!("h{n}.test")).collect();
    let links: Vec<String> = hosts.iter().map(|host| format!("http://{host}/x")).collect();
    let left = std::sync::Mutex::new(std::collections::HashSet::new());
    let harness = Harness::start(hosts.into_iter().chain(["course.test".to_owned()]), move |night, seen| {
        if seen.host == "course.test" {
            let links: Vec<&str> = links.iter().map(String::as_str).collect();
            return Reply::page(&page_of(&links));
        }
        let mut left = left.lock().unwrap();
        let is_up = night != 2 || left.len() < ANSWERED || left.contains(&seen.host);
        if night == 2 && is_up {
            left.insert(seen.host.clone());
        }
        match &*seen.target {
            _ if !is_up => Reply::raw("", Then::Reset),
            "/x" => work(&format!("http://{}/x", seen.host)),
            _ => Reply::not_found(),
        }
    })
    .await;
    harness.one_course();
    let first = harness.check(1).await;
    assert_eq!(first.states(), vec!["ok"; LINKS as usize]);
    let second = harness.check(2).await;
    assert_eq!(second.states(), vec!["ok"; LINKS as usize], "{}", second.errors);
    assert_eq!(second.json["run"]["void"]["failed"], LINKS as usize - ANSWERED);
    let (_, result) = harness.run(&["report"]).await;
    assert_eq!(result.matches("No link was judged").count(), 1, "{result}");
    let third = harness.check(3).await;
    assert_eq!(third.states(), vec!["ok"; LINKS as usize], "{}", third.errors);
}

#[tokio::test]
async fn a_night_with_failed_sentinels_judges_nothing() {
    let harness = Harness::start(["course.test", "notes.test", "sure.test"], |night, seen| {
        match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&["http://notes.test/a"])),
            ("notes.test", "/a") if night == 1 => work("http://notes.test/a"),
            ("sure.test", _) if night != 3 => Reply::page(&article("Sure")),
            ("sure.test", _) => Reply::raw("", Then::Reset),
            _ => Reply::not_found(),
        }
    })
    .await;
    let path = harness.one_course();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("[fetch]\n", "[fetch]\nsentinels = [\"http://sure.test/\"]\n", 1))
        .unwrap();
    let mut states = Vec::new();
    for night in 1..=5 {
        let result = harness.check(night).await;
        assert_eq!(result.json["run"]["void"].is_object(), night == 3, "night {night}: {}", result.errors);
        states.push(result.state("/a").to_owned());
    }
    assert_eq!(states, ["ok", "failing", "failing", "failing", "dead"]);
}

/// A course with one reading, which has this status on a night.
async fn dying(status_of: fn(u32) -> u16) -> Harness {
    let harness = Harness::start(["course.test", "notes.test"], move |night, seen| {
        match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&["http://notes.test/a"])),
            ("notes.test", "/a") if status_of(night) == 200 => work("http://notes.test/a"),
            ("notes.test", "/a") => Reply::new(status_of(night), "content-type: text/html", "<p>no"),
            ("notes.test", "/") => Reply::page(&article("Welcome")),
            _ => Reply::not_found(),
        }
    })
    .await;
    harness.one_course();
    harness
}

/// The report of the last night.
pub(crate) async fn report(harness: &Harness) -> String {
    let (code, report) = harness.run(&["report"]).await;
    assert_eq!(code, 0, "{report}");
    report
}

#[tokio::test]
async fn a_rebuilt_catalogue_has_the_last_report() {
    let harness = dying(|night| if night == 1 { 200 } else { 410 }).await;
    for night in 1..=3 {
        harness.check(night).await;
    }
    let known = harness.run(&["status"]).await;
    assert!(known.0 == 0 && known.1.contains("dead"), "{known:?}");
    assert_eq!(harness.run(&["rebuild"]).await.0, 0);
    assert_eq!(harness.run(&["status"]).await, known);
    assert!(report(&harness).await.contains("STILL DEAD (1)"), "reported before: {}", report(&harness).await);
    assert_eq!(harness.check(4).await.state("/a"), "dead");
    assert!(
        report(&harness).await.contains("STILL DEAD (1)"),
        "no news, no baseline: {}",
        report(&harness).await
    );
}

/// The earlier reports of another course do not count for this one.
#[tokio::test]
async fn a_dead_link_is_news_on_a_page_that_adds_it() {
    let harness = Harness::start(["a.test", "b.test", "notes.test"], |night, seen| {
        let lost = "http://notes.test/lost";
        match (&*seen.host, &*seen.target) {
            ("a.test", "/") => Reply::page(&page_of(&[lost])),
            ("b.test", "/") if night == 5 => Reply::page(&page_of(&["http://notes.test/other", lost])),
            ("b.test", "/") => Reply::page(&page_of(&["http://notes.test/other"])),
            ("notes.test", "/lost") if night == 1 => work(lost),
            ("notes.test", "/other") => work("http://notes.test/other"),
            _ => Reply::not_found(),
        }
    })
    .await;
    harness.configure(
        "[[course]]\nid = \"a\"\npage = \"http://a.test/\"\n[[course]]\nid = \"b\"\npage = \"http://b.test/\"\n",
    );
    for night in 1..=5 {
        harness.check(night).await;
    }
    let (_, of_a) = harness.run(&["report", "a"]).await;
    assert!(of_a.contains("STILL DEAD (1)"), "{of_a}");
    let (_, of_b) = harness.run(&["report", "b"]).await;
    assert!(of_b.contains("newly dead"), "{of_b}");
}
