use jiff::Timestamp;
use sqlx::Row as _;

use super::*;
use crate::domain::address::Address;
use crate::domain::capture::{Capture, CaptureReason, Digest};
use crate::domain::decision::{Acceptance, Choice, Decider, Decision, Gist, Until};
use crate::domain::document::Fingerprint;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::evidence::{Drift, Evidence, Finding};
use crate::domain::journal::Entry;
use crate::domain::report;
use crate::domain::verdict::breaker::{Sentinels, Void};

async fn catalogue() -> (tempfile::TempDir, Catalogue) {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::open(&Catalogue::path_in(dir.path())).await.unwrap();
    (dir, catalogue)
}

fn night(n: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + n * 86_400).unwrap()
}

fn link() -> Address {
    Address::parse("https://a.example/x").unwrap()
}

fn visit(n: i64) -> Entry {
    Entry::Visit {
        night: night(n),
        link: link(),
        evidence: Evidence {
            at: night(n),
            status: Some(200),
            ended_at: None,
            compared_by: None,
            seen: None,
            finding: Finding::Healthy { drift: Drift::Same, moved_to: None },
            notes: Vec::new(),
        },
    }
}

/// The first capture of a link, with these bytes.
fn capture(n: i64, bytes: &[u8]) -> Entry {
    let sha256 = Digest::of(bytes);
    let kept = Box::new(StoredCapture {
        capture: Capture {
            link: link(),
            document: link(),
            sha256,
            sha1: String::new(),
            bytes: 1,
            media_type: String::new(),
            captured_at: night(n) + jiff::SignedDuration::from_mins(5),
            why: CaptureReason::First,
            head: None,
            content_disposition: None,
            chain: vec![link()],
            shortfall: None,
        },
        text: Fingerprint { version: 1, digest: sha256 },
        title: None,
        words: 9,
        pages: None,
        validators: None,
        is_baseline: true,
        requisites: Vec::new(),
        rendering: None,
        citation: None,
    });
    Entry::Capture { kept, heads: None }
}

/// The compiler does not notice a new file in the folder by itself.
#[test]
fn every_migration_of_the_folder_is_compiled_in() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/world/catalogue/migrations");
    let mut named: Vec<i64> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.split_once('_').unwrap().0.parse().unwrap())
        .collect();
    named.sort_unstable();
    let embedded: Vec<i64> = schema::MIGRATIONS.iter().map(|migration| migration.version).collect();
    assert_eq!(named, embedded, "touch src/world/catalogue/schema.rs and build again");
}

#[tokio::test]
async fn applying_an_entry_twice_changes_nothing() {
    let (_dir, catalogue) = catalogue().await;
    let link = Address::parse("https://a.example/x").unwrap();
    for n in [1, 2] {
        let entries = [Entry::Night { started: night(n) }, visit(n)];
        catalogue.apply(&entries).await.unwrap();
        catalogue.apply(&entries).await.unwrap();
    }
    assert_eq!(catalogue.visits(&link).await.unwrap().len(), 2);
    assert_eq!(catalogue.links().await.unwrap(), [link]);
}

#[tokio::test]
async fn captures_of_a_void_night_are_neither_compared_nor_shown() {
    let (_dir, catalogue) = catalogue().await;
    let sentinels = Some(Sentinels { asked: 3, failed: 3 });
    let void = Some(Void { failed: 0, links: 1, hosts: 0, sentinels });
    let nights = [(1, b"firewall".as_slice(), void), (2, b"work", None), (3, b"portal", void)];
    for (n, bytes, void) in nights {
        let end = Entry::Finished { night: night(n), at: night(n), void };
        let entries = [Entry::Night { started: night(n) }, capture(n, bytes), visit(n), end];
        catalogue.apply(&entries).await.unwrap();
        let LinkRecord { history, voids, .. } = catalogue.link_record(&link()).await.unwrap().unwrap();
        assert_eq!(
            (history.evidence.len(), voids.len()),
            [(0, 1), (1, 0), (1, 1)][usize::try_from(n).unwrap() - 1]
        );
        let known = (n > 1).then(|| Digest::of(b"work"));
        assert_eq!(history.last.map(|kept| kept.capture.sha256), known, "after night {n}");
        assert_ne!(history.baseline.map(|kept| kept.capture.sha256), Some(Digest::of(b"firewall")));
        assert_eq!(catalogue.captures(&link()).await.unwrap().len(), usize::from(n > 1));
    }
}

/// The second decision was made under a clock that was behind.
#[tokio::test]
async fn of_two_decisions_the_later_one_in_the_journal_counts() {
    let (_dir, catalogue) = catalogue().await;
    let course: crate::domain::course::CourseId = "c".parse().unwrap();
    let decided = |at: Timestamp, choice: Choice| Entry::Decided {
        at,
        course: course.clone(),
        link: link(),
        decision: Some(Decision { choice, about: Gist::Restricted, at, by: None, decider: None, note: None }),
    };
    let older = decided(night(2), Choice::NotBroken);
    let newer = decided(night(1), Choice::Snoozed(Until::Day("2027-02-01".parse().unwrap())));
    let both = [older, newer];
    for _ in ["at first", "after a restart"] {
        catalogue.apply(&both).await.unwrap();
        let standing = catalogue.decisions(&course).await.unwrap();
        assert_eq!(standing[&link()].decision.at, night(1));
    }
}

#[tokio::test]
async fn a_night_without_an_end_is_found_again() {
    let (_dir, catalogue) = catalogue().await;
    catalogue.apply(&[Entry::Night { started: night(1) }, visit(1)]).await.unwrap();
    let unfinished = catalogue.unfinished(night(0)).await.unwrap().unwrap();
    assert_eq!(unfinished.started, night(1));
    assert_eq!(catalogue.visited(unfinished.id).await.unwrap().len(), 1);
    assert!(catalogue.unfinished(night(2)).await.unwrap().is_none(), "too long ago");
    let end = Entry::Finished { night: night(1), at: night(1), void: None };
    catalogue.apply(&[end]).await.unwrap();
    assert!(catalogue.unfinished(night(0)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_night_with_a_report_is_over_without_a_recorded_end() {
    let (_dir, catalogue) = catalogue().await;
    let course: crate::domain::course::CourseId = "c".parse().unwrap();
    let begun = LastNight { at: night(1), is_over: false };
    catalogue.set_last_nights(std::slice::from_ref(&course), begun).await.unwrap();
    catalogue.apply(&[Entry::Night { started: night(1) }]).await.unwrap();
    for statement in
        ["INSERT INTO course VALUES ('c', 'A course')", "INSERT INTO report SELECT 'c', id, '{}' FROM night"]
    {
        sqlx::query(statement).execute(&catalogue.pool).await.unwrap();
    }
    assert!(!catalogue.last_nights().await.unwrap()[&course].is_over, "it has not ended");
    catalogue.apply(&[Entry::Finished { night: night(1), at: night(1), void: None }]).await.unwrap();
    assert!(catalogue.last_nights().await.unwrap()[&course].is_over);
    let next = LastNight { at: night(2), is_over: false };
    catalogue.set_last_nights(std::slice::from_ref(&course), next).await.unwrap();
    assert!(!catalogue.last_nights().await.unwrap()[&course].is_over, "that was the night before");
}

/// Every night reads this for every link, so it must not sort all nights.
#[tokio::test]
async fn the_history_of_a_link_is_read_without_sorting_all_nights() {
    let (_dir, catalogue) = catalogue().await;
    let plan = sqlx::query(sqlx::AssertSqlSafe(format!(
        "EXPLAIN QUERY PLAN SELECT {} FROM link",
        links::REMEMBERED
    )))
    .bind(100)
    .fetch_all(&catalogue.pool)
    .await
    .unwrap();
    let steps: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
    assert!(steps.iter().any(|step| step.contains("SEARCH visit USING")), "{steps:?}");
    assert!(!steps.iter().any(|step| step.contains("FOR ORDER BY")), "{steps:?}");
}

#[tokio::test]
async fn only_the_newest_report_keeps_its_patch() {
    let (_dir, catalogue) = catalogue().await;
    let course: crate::domain::course::CourseId = "c".parse().unwrap();
    sqlx::query("INSERT INTO course VALUES ('c', 'A course')").execute(&catalogue.pool).await.unwrap();
    let mut report: report::CourseReport = serde_json::from_value(serde_json::json!({
        "course": "c", "title": "A course", "time_zone": "UTC", "today": "2027-01-15",
        "started": night(1), "finished": night(1), "is_first": false, "void": null, "items": [],
        "defects": [], "page_trouble": null, "copies_kept": 0, "requests": 0, "bytes": 0
    }))
    .unwrap();
    report.facts.patch = Some(report::PagePatch { diff: Some("--- a/x\n".to_owned()), spots: Vec::new() });
    for n in 1..=3 {
        catalogue.apply(&[Entry::Night { started: night(n) }]).await.unwrap();
        let record = NightRecord {
            night: catalogue.night(night(n)).await.unwrap(),
            finished: night(n),
            void: None,
            verdicts: Vec::new(),
            events: Vec::new(),
            reports: std::slice::from_ref(&report),
            outbox: OutboxChanges::default(),
            lapsed: Vec::new(),
            requests: 0,
            bytes: 0,
        };
        // A night that was interrupted at its end stores its report again.
        catalogue.finish_night(&record).await.unwrap();
        catalogue.finish_night(&record).await.unwrap();
    }
    let last: report::CourseReport = catalogue.last_report(&course).await.unwrap().unwrap();
    assert_eq!(last.facts.patch, report.facts.patch);
    let reports: Vec<String> = sqlx::query_scalar("SELECT report FROM report ORDER BY night")
        .fetch_all(&catalogue.pool)
        .await
        .unwrap();
    let kept: Vec<report::CourseReport> =
        reports.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(
        kept.iter().map(|night| night.facts.patch.is_some()).collect::<Vec<_>>(),
        [false, false, true]
    );
    report.facts.patch = None;
    assert_eq!(kept[0], report, "the rest is unchanged");
}

#[tokio::test]
async fn an_email_of_another_version_stops_neither_nights_nor_emails() {
    let (_dir, catalogue) = catalogue().await;
    let (course, reader): (crate::domain::course::CourseId, crate::domain::course::EmailAddress) =
        ("c".parse().unwrap(), "i@school.test".parse().unwrap());
    sqlx::query("INSERT INTO course VALUES ('c', 'A course')").execute(&catalogue.pool).await.unwrap();
    catalogue.apply(&[Entry::Night { started: night(1) }]).await.unwrap();
    let row = catalogue.night(night(1)).await.unwrap().id;
    sqlx::query(
        "INSERT INTO letter (course, recipient, night, first_night, occasion, state, queued_at, content, next_try) \
         VALUES ('c', 'i@school.test', $1, $2, '\"digest\"', 'waiting', $3, '{}', $4)",
    )
    .bind(row)
    .bind(row)
    .bind(night(1).to_string())
    .bind(night(1).to_string())
    .execute(&catalogue.pool)
    .await
    .unwrap();
    let with = catalogue
        .email_history(&course, &crate::domain::course::Recipient::Email(reader.clone()))
        .await
        .unwrap();
    let [id] = with.unreadable.as_slice() else { panic!("{with:?}") };
    assert!(with.undelivered.is_empty());
    assert!(matches!(catalogue.queued_email(*id).await, Err(Error::Value(_))));
    catalogue.drop_email(*id, night(2)).await.unwrap();
    assert!(catalogue.queued_email(*id).await.unwrap().is_none());
    assert_eq!(catalogue.outbox().await.unwrap().waiting, 0);
}

#[tokio::test]
async fn a_catalogue_of_an_earlier_version_is_copied_before_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let path = Catalogue::path_in(dir.path());
    let (last, earlier) = schema::MIGRATIONS.migrations.split_last().unwrap();
    let before = earlier.last().unwrap().version;
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let pool = SqlitePoolOptions::new().connect_with(options).await.unwrap();
    let old =
        sqlx::migrate::Migrator { migrations: earlier.to_vec().into(), ..sqlx::migrate::Migrator::DEFAULT };
    old.run(&pool).await.unwrap();
    sqlx::query("INSERT INTO course VALUES ('c', 'A course')").execute(&pool).await.unwrap();
    pool.close().await;

    let as_it_is = Catalogue::open_as_it_is(&path).await;
    assert!(matches!(as_it_is, Err(Error::Older { .. })), "reading it changes nothing");
    let catalogue = Catalogue::open(&path).await.unwrap();
    assert_eq!(catalogue.schema().await.unwrap(), last.version);
    Catalogue::open_as_it_is(&path).await.unwrap().close().await;
    let none = dir.path().join("none");
    assert!(matches!(Catalogue::open_as_it_is(&none).await, Err(Error::Unusable { .. })) && !none.exists());
    assert_eq!(catalogue.courses().await.unwrap().len(), 1);
    catalogue.close().await;
    let copy = dir.path().join(format!("catalogue.sqlite3.before-{before}"));
    let pool =
        SqlitePoolOptions::new().connect_with(SqliteConnectOptions::new().filename(&copy)).await.unwrap();
    let version: i64 =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&pool).await.unwrap();
    assert_eq!(version, before);
    let courses: i64 = sqlx::query_scalar("SELECT count(*) FROM course").fetch_one(&pool).await.unwrap();
    assert_eq!(courses, 1);
    pool.close().await;

    // Once it is migrated, no further copy is made.
    std::fs::remove_file(&copy).unwrap();
    Catalogue::open(&path).await.unwrap().close().await;
    assert!(!copy.exists());
}

#[tokio::test]
async fn bodies_that_a_takedown_removed_are_not_expected_in_the_archive() {
    let (_dir, catalogue) = catalogue().await;
    catalogue.apply(&[Entry::Night { started: night(1) }, capture(1, b"one")]).await.unwrap();
    assert_eq!(catalogue.expected_bodies().await.unwrap(), [Digest::of(b"one")]);
    let link = Address::parse("https://a.example/x").unwrap();
    let reason = "asked".to_owned();
    let down = Entry::TakenDown { at: night(2), link, reason, by: None, removed: vec![Digest::of(b"one")] };
    catalogue.apply(&[down]).await.unwrap();
    assert!(catalogue.expected_bodies().await.unwrap().is_empty());
    catalogue.apply(&[capture(3, b"two")]).await.unwrap();
    assert_eq!(catalogue.expected_bodies().await.unwrap(), [Digest::of(b"two")], "it was kept again later");
}

#[tokio::test]
async fn an_accepted_version_is_in_the_history_with_its_person() {
    let (_dir, catalogue) = catalogue().await;
    let course: crate::domain::course::CourseId = "c".parse().unwrap();
    let acceptance =
        Acceptance { course: course.clone(), by: None, decider: Some(Decider::Person("Ann".to_owned())) };
    let accepted = |at: Timestamp, acceptance: Option<Acceptance>| Entry::Accepted {
        at,
        link: link(),
        sha256: Digest::of(b"new"),
        acceptance,
    };
    let entries = [accepted(night(1), Some(acceptance.clone())), accepted(night(2), None)];
    for _ in ["at first", "after a restart"] {
        catalogue.apply(&entries).await.unwrap();
        let history = catalogue.decision_history(&course, 10).await.unwrap();
        let choices: Vec<_> = history.into_iter().map(|past| past.choice).collect();
        assert_eq!(choices, [PastChoice::VersionAccepted(acceptance.clone())]);
    }
}
