//! Nights under clocks that are wrong.

use jiff::{SignedDuration, Timestamp};
use onreserve::domain::journal::Entry;
use onreserve::night::journal_replay;
use onreserve::world::World;
use onreserve::world::archive::Archive;
use onreserve::world::clock::Clock;
use onreserve::world::fetch::FetchSettings;
use tokio::process::Command;

use crate::engines::{self, only_on_sqlite_and_directory};
use crate::fetch::site::Reply;
use crate::harness::{Harness, PROGRAM, article, page_of};

/// A course with one link, which works on the nights that `works` names.
async fn harness(works: fn(u32) -> bool) -> Harness {
    let harness = Harness::start(["course.test", "notes.test"], move |night, seen| {
        match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&["http://notes.test/flows"])),
            ("notes.test", "/flows") if works(night) => {
                Reply::page(&article("The reading at http://notes.test/flows"))
            }
            ("notes.test", "/") => Reply::page(&article("Welcome")),
            _ => Reply::not_found(),
        }
    })
    .await;
    harness.one_course();
    harness
}

async fn states(harness: &Harness) -> String {
    harness.run(&["status"]).await.1
}

#[tokio::test]
async fn a_night_with_a_clock_ahead_does_not_hide_a_dead_link() {
    for ahead in [366, 12] {
        let harness = harness(|night| night == 1).await;
        let mut seen = Vec::new();
        for night in [1, ahead, 2, 3, 4] {
            let night = harness.check(night).await;
            seen.push((night.state("/flows").to_owned(), night.code));
            assert_eq!(
                night.errors.contains("rehearsal"),
                seen.len() == 3 || (ahead == 366 && seen.len() == 2),
                "{}",
                night.errors
            );
        }
        let expected = [("ok", 0), ("failing", 0), ("failing", 0), ("dead", 2), ("dead", 2)];
        assert_eq!(seen, expected.map(|(state, code)| (state.to_owned(), code)));
        let before = states(&harness).await;
        let (_, history) = harness.run(&["history", "flows"]).await;
        assert_eq!(harness.run(&["rebuild"]).await.0, 0);
        assert_eq!(harness.run(&["history", "flows"]).await.1, history);
        assert_eq!(states(&harness).await.lines().nth(1), before.lines().nth(1));
        assert!(before.contains("dead"), "{before}");
        assert_eq!(harness.check(5).await.state("/flows"), "dead");
    }
}

#[tokio::test]
async fn a_night_before_the_last_one_is_held_until_that_is_withdrawn() {
    let harness = harness(|_| true).await;
    let configuration = harness.dir.path().join("onreserve.toml");
    let check = |now: Option<&str>| {
        let mut check = Command::new(PROGRAM);
        check.args(["check", "--config"]).arg(&configuration);
        if let Some(now) = now {
            check.args(["--now", now]);
        }
        async move { check.output().await.unwrap() }
    };
    assert!(check(Some("2200-01-01T02:30:00Z")).await.status.success());
    let journal = || engines::journal(&harness.archive());
    let before = journal();
    let held = check(None).await;
    let message = String::from_utf8_lossy(&held.stderr).into_owned();
    assert_eq!(held.status.code(), Some(1), "{message}");
    assert!(
        message.contains("the last night began later") && message.contains("withdraw-night 2200-01-01"),
        "{message}"
    );
    assert_eq!(journal(), before, "a night that is held writes nothing");
    let (code, printed) = harness.run(&["withdraw-night", "2200-01-01", "--reason", "a wrong clock"]).await;
    assert_eq!(code, 0, "{printed}");
    assert!(check(None).await.status.success());
    let (_, history) = harness.run(&["history", "flows"]).await;
    assert!(history.contains("withdrawn"), "{history}");
}

#[tokio::test]
async fn a_withdrawn_night_does_not_count_until_the_withdrawal_is_undone() {
    let harness = harness(|night| night != 3).await;
    for night in 1..=3 {
        harness.check(night).await;
    }
    let failing = states(&harness).await;
    assert!(failing.contains("failing"), "{failing}");
    let (code, printed) = harness.run(&["withdraw-night", "2026-09-16 02:30"]).await;
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("1 link judged again"), "{printed}");
    let explained = harness.run(&["explain", "flows"]).await.1;
    assert!(explained.contains("State: ok") && explained.contains("withdrawn"), "{explained}");
    assert_eq!(harness.run(&["rebuild"]).await.0, 0);
    assert!(harness.run(&["explain", "flows"]).await.1.contains("State: ok"));
    let (code, printed) = harness.run(&["withdraw-night", "2026-09-16T02:30", "--undo"]).await;
    assert_eq!(code, 0, "{printed}");
    assert!(harness.run(&["explain", "flows"]).await.1.contains("State: failing"));
    let (code, printed) = harness.run(&["withdraw-night", "2026-09"]).await;
    assert!(code == 1 && printed.contains("3 nights"), "{printed}");
}

/// Journals of earlier versions have nanoseconds, and the catalogue never had them.
#[tokio::test]
async fn a_night_interrupted_before_its_end_is_stored_ends_again() {
    only_on_sqlite_and_directory!("a line in a bucket counts only with its rows");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("archive");
    engines::prepare(&path);
    let started: Timestamp = "2026-09-14T02:30:00.123456789Z".parse().unwrap();
    {
        let archive = Archive::open(engines::places(&path).0).unwrap();
        let catalogue = engines::open_catalogue(&path).await;
        let night = Entry::Night { started };
        archive.append(started, std::slice::from_ref(&night)).unwrap();
        catalogue.apply(&[night]).await.unwrap();
        archive.append(started, &[Entry::Finished { night: started, at: started, void: None }]).unwrap();
        catalogue.close().await;
    }
    let now = started + SignedDuration::from_hours(1);
    let (place, location) = engines::places(&path);
    let fetch = FetchSettings::default();
    let world = World::open_with(&place, &location, fetch, Clock::pretending(now)).await.unwrap();
    let resumed = journal_replay::catch_up(&world).await.unwrap().expect("the night has no report yet");
    assert_eq!(world.catalogue.unfinished(Timestamp::UNIX_EPOCH).await.unwrap(), Some(resumed));
}
