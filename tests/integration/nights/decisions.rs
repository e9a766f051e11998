//! Decisions of people over several nights: how long they hold, and what they change.

use super::{dying, report};
use crate::fetch::site::Reply;
use crate::harness::{Harness, article, page_of};

/// A course with one page of notes; `version` gives its text on a night.
async fn notes(version: fn(u32) -> u32) -> Harness {
    let harness = Harness::start(["course.test", "notes.test"], move |night, seen| {
        match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&["http://notes.test/a"])),
            ("notes.test", "/a") => {
                let whole = article("The reading at http://notes.test/a");
                let part = article(&format!("Chapter {} of it", version(night)));
                let chapter = part.split_once("</h1>").unwrap().1;
                Reply::page(&whole.replace("</main>", chapter))
            }
            _ => Reply::not_found(),
        }
    })
    .await;
    harness.one_course();
    harness
}

#[tokio::test]
async fn an_address_that_a_person_chose_is_in_the_patch() {
    let harness = Harness::start(["papers.test"], |_, _| Reply::not_found()).await;
    let page = harness.dir.path().join("page.html");
    std::fs::write(&page, page_of(&["http://papers.test/old.pdf"])).unwrap();
    harness.configure(&format!("[[course]]\nid = \"c\"\npage = \"{}\"\n", page.display()));
    harness.check(1).await;
    let (code, patch) = harness.run(&["patch"]).await;
    assert!(code == 0 && patch.contains("Nothing to change"), "{patch}");
    let (code, text) = harness.run(&["replace", "old.pdf", "--by", "https://papers.test/new.pdf"]).await;
    assert!(code == 0 && text.contains("to be replaced on the page by"), "{text}");
    let (code, patch) = harness.run(&["patch"]).await;
    assert!(
        code == 0 && patch.contains("+<li><a href=\"https://papers.test/new.pdf\">")
            || patch.contains("new.pdf\">The reading"),
        "{patch}"
    );
    harness.run(&["undo", "old.pdf"]).await;
    assert!(harness.run(&["patch"]).await.1.contains("Nothing to change"));
}

#[tokio::test]
async fn a_change_lasts_until_it_is_accepted() {
    let harness = notes(|night| u32::from(night >= 2)).await;
    let mut states = Vec::new();
    for night in 1..=3 {
        states.push(harness.check(night).await.state("/a").to_owned());
    }
    assert_eq!(states, ["ok", "ok", "changed"]);
    let (code, result) = harness.run(&["accept", "notes.test/a", "--now", "2026-09-16T09:00:00Z"]).await;
    assert_eq!(code, 0, "{result}");
    assert_eq!(harness.check(4).await.state("/a"), "ok");
    let (_, copies) = harness.run(&["history", "notes.test/a"]).await;
    assert_eq!(copies.matches("blobs/sha256").count(), 2, "both versions are kept: {copies}");
}

#[tokio::test]
async fn a_change_is_accepted_in_time_and_the_next_is_reported() {
    let harness = notes(|night| u32::from(night >= 2) + u32::from(night >= 40)).await;
    let mut states = Vec::new();
    for night in [1, 2, 3, 31, 33, 34, 40, 41] {
        states.push((night, harness.check(night).await.state("/a").to_owned()));
    }
    let changed: Vec<u32> =
        states.iter().filter(|(_, state)| state == "changed").map(|(night, _)| *night).collect();
    assert_eq!(changed, [3, 31, 41], "{states:?}");
}

#[tokio::test]
async fn a_decision_holds_until_the_result_changes() {
    // Gone on nights 2 to 5, back on night 6, gone again from night 7 on.
    let harness = dying(|night| if night == 1 || night == 6 { 200 } else { 410 }).await;
    for night in 1..=3 {
        harness.check(night).await;
    }
    assert!(report(&harness).await.contains("1 of 1 links is newly dead"));
    let (code, result) = harness.run(&["accept", "notes.test/a", "--now", "2026-09-16T09:00:00Z"]).await;
    assert!(code == 0 && result.contains("no longer reported as dead"), "{result}");
    let fourth = harness.check(4).await;
    assert_eq!(fourth.state("/a"), "dead", "a decision changes no state");
    assert_eq!((fourth.code, fourth.link("/a")["decision"].as_str()), (0, Some("accepted_dead")));
    assert!(report(&harness).await.contains("AS DECIDED (1)                1 no longer reported as dead."));
    assert!(harness.run(&["status"]).await.1.contains("[no longer reported as dead]"));

    // The journal has the decision, so a rebuilt catalogue has it too.
    let (code, result) = harness.run(&["rebuild"]).await;
    assert_eq!(code, 0, "{result}");
    harness.check(5).await;
    assert!(report(&harness).await.contains("AS DECIDED (1)"));

    harness.check(6).await;
    assert!(report(&harness).await.contains("1 link works again"), "{}", report(&harness).await);
    // A link that goes up and down needs more nights to be dead.
    for night in 7..=10 {
        harness.check(night).await;
    }
    let again = report(&harness).await;
    assert!(again.contains("newly dead") && !again.contains("AS DECIDED"), "it is dead again: {again}");
    harness.run(&["rebuild"]).await;
    harness.check(11).await;
    assert!(!report(&harness).await.contains("AS DECIDED"), "the journal has the lapse too");
}

#[tokio::test]
async fn a_snoozed_link_is_reported_again_when_the_time_is_over() {
    let harness = dying(|night| if night == 1 { 200 } else { 410 }).await;
    for night in 1..=3 {
        harness.check(night).await;
    }
    let snooze = ["snooze", "notes.test/a", "--until", "2026-09-19", "--now", "2026-09-16T09:00:00Z"];
    let (code, result) = harness.run(&snooze).await;
    assert!(code == 0 && result.contains("snoozed until Sat 19 Sep"), "{result}");
    let mut result = Vec::new();
    for night in 4..=7 {
        harness.check(night).await;
        result.push(report(&harness).await);
    }
    assert!(result[0].contains("1 snoozed.") && result[1].contains("1 snoozed."), "{result:?}");
    assert!(result[2].contains("snoozed until Sat 19 Sep; that time is over."), "{}", result[2]);
    assert!(result[3].contains("STILL DEAD (1)"), "reported once: {}", result[3]);
}

#[tokio::test]
async fn invalid_decisions_are_refused() {
    let harness = dying(|_| 200).await;
    harness.check(1).await;
    for (arguments, says) in [
        (&["dismiss", "notes.test/a"][..], "`marked as fine` does not fit"),
        (&["snooze", "notes.test/a", "--until", "2020-01-01"], "give one after"),
        (&["snooze", "notes.test/a", "--until", "next-term"], "no term in the configuration"),
        (&["snooze", "notes.test/a", "--until", "soon"], "write a day"),
        (&["accept", "notes.test/a"], "accepted already"),
    ] {
        let (_, result) = harness.run(arguments).await;
        assert!(result.contains(says), "{arguments:?}: {result}");
    }
}
