//! Course pages that lose their links or cannot be read.

use crate::fetch::site::Reply;
use crate::harness::{Harness, page_of};
use crate::nights::{report, work};

#[tokio::test]
async fn an_emptied_course_page_is_reported_and_not_accepted() {
    let links: Vec<String> = (0..12).map(|n| format!("http://notes.test/{n}")).collect();
    let harness = Harness::start(["course.test", "notes.test"], move |night, seen| {
        let links: Vec<&str> = links.iter().map(String::as_str).collect();
        match (&*seen.host, &*seen.target) {
            ("course.test", "/") if night == 2 => Reply::page(&page_of(&links[..3])),
            ("course.test", "/") if night == 3 => Reply::new(503, "", "down"),
            ("course.test", "/") => Reply::page(&page_of(&links)),
            ("notes.test", target) => work(&format!("http://notes.test{target}")),
            _ => Reply::not_found(),
        }
    })
    .await;
    harness.one_course();
    for night in 1..=4 {
        let result = harness.check(night).await;
        assert_eq!(result.states(), vec!["ok"; 12], "night {night}");
        let trouble = &result.json["courses"][0]["page_trouble"];
        assert_eq!(trouble.is_null(), night == 1 || night == 4, "night {night}: {trouble}");
    }
}

#[tokio::test]
async fn a_page_that_stays_shorter_is_accepted() {
    let links: Vec<String> = (0..12).map(|n| format!("http://notes.test/{n}")).collect();
    let harness = Harness::start(["course.test", "notes.test"], move |night, seen| {
        let links: Vec<&str> = links.iter().map(String::as_str).collect();
        match (&*seen.host, &*seen.target) {
            ("course.test", "/") if night >= 2 => Reply::page(&page_of(&links[..5])),
            ("course.test", "/") => Reply::page(&page_of(&links)),
            ("notes.test", target) => work(&format!("http://notes.test{target}")),
            _ => Reply::not_found(),
        }
    })
    .await;
    harness.one_course();
    for (night, links) in [(1, 12), (2, 12), (3, 12), (4, 5)] {
        assert_eq!(harness.check(night).await.links().len(), links, "night {night}");
        let result = report(&harness).await;
        assert_eq!(
            result.contains("if you removed the links, there is nothing to do"),
            night == 3,
            "night {night}: {result}"
        );
        assert_eq!(result.contains("accepted as it is"), night == 4, "night {night}: {result}");
    }
}

#[tokio::test]
async fn a_page_that_was_never_readable_is_reported_after_one_night() {
    let harness =
        Harness::start(["course.test", "notes.test"], |night, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") if night < 3 => Reply::new(404, "", "gone"),
            ("course.test", "/") => Reply::page(&page_of(&["http://notes.test/a"])),
            ("notes.test", target) => work(&format!("http://notes.test{target}")),
            _ => Reply::not_found(),
        })
        .await;
    let emails = harness.archive().with_file_name("emails");
    harness.configure(&format!(
        "[mail]\nfrom = \"a@school.test\"\ndirectory = \"{}\"\n[[course]]\nid = \"course\"\npage = \"http://course.test/\"\nreport_to = [\"ann@school.test\"]\n",
        emails.display()
    ));
    let received = || {
        let files = std::fs::read_dir(&emails).into_iter().flatten().flatten();
        let mut texts: Vec<String> =
            files.map(|file| std::fs::read_to_string(file.path()).unwrap()).collect();
        texts.sort_by_key(|text| text.contains("First check"));
        texts
    };
    let output = harness.checking(1).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(received().len(), 1);
    assert!(
        received()[0].contains("Subject: [COURSE] The course page could not be read"),
        "{:?}",
        received()
    );
    assert!(received()[0].contains("has never been read"), "{:?}", received());
    let status = harness.run(&["status"]).await.1;
    assert!(status.contains("could not be read: not found (404)"), "{status}");
    harness.checking(2).output().await.unwrap();
    assert_eq!(received().len(), 1, "the same problem is no news");
    assert_eq!(harness.check(3).await.states(), ["ok"]);
    let last = received().pop().unwrap();
    assert!(last.contains("Subject: [COURSE] First check: 1 link"), "{last}");
    assert!(!last.contains("read again"), "{last}");
}

#[tokio::test]
async fn a_new_page_that_cannot_be_read_does_not_hide_the_others() {
    let harness =
        Harness::start(["course.test", "notes.test"], |_, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/a") => Reply::page(&page_of(&["http://notes.test/a"])),
            ("notes.test", target) => work(&format!("http://notes.test{target}")),
            _ => Reply::not_found(),
        })
        .await;
    harness.configure(
        "[[course]]\nid = \"course\"\npages = [\"http://course.test/a\", \"http://course.test/b\"]\n",
    );
    let night = harness.check(1).await;
    assert_eq!(night.states(), ["ok"]);
    let result = report(&harness).await;
    let line = result.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(line.contains("http://course.test/b could not be read: not found (404)"), "{result}");
}
