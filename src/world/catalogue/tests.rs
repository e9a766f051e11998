use jiff::Timestamp;

use super::database::{query, query_scalar};
use super::each_engine::{in_sqlite, new_database, on_each_engine};
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
            is_listed: false,
            listed_version: None,
        },
        by: None,
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
    on_each_engine(async |catalogue| {
        let link = Address::parse("https://a.example/x").unwrap();
        for n in [1, 2] {
            let entries = [Entry::Night { started: night(n) }, visit(n)];
            catalogue.apply(&entries).await.unwrap();
            catalogue.apply(&entries).await.unwrap();
        }
        assert_eq!(catalogue.visits(&link).await.unwrap().len(), 2);
        assert_eq!(catalogue.links().await.unwrap(), [link]);
    })
    .await;
}

#[tokio::test]
async fn captures_of_a_void_night_are_neither_compared_nor_shown() {
    on_each_engine(async |catalogue| {
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
    })
    .await;
}

/// The second decision was made under a clock that was behind.
#[tokio::test]
async fn of_two_decisions_the_later_one_in_the_journal_counts() {
    on_each_engine(async |catalogue| {
        let course: crate::domain::course::CourseId = "c".parse().unwrap();
        let decided = |at: Timestamp, choice: Choice| Entry::Decided {
            at,
            course: course.clone(),
            link: link(),
            decision: Some(Decision {
                choice,
                about: Gist::Restricted,
                at,
                by: None,
                decider: None,
                note: None,
            }),
        };
        let older = decided(night(2), Choice::NotBroken);
        let newer = decided(night(1), Choice::Snoozed(Until::Day("2027-02-01".parse().unwrap())));
        let both = [older, newer];
        for _ in ["at first", "after a restart"] {
            catalogue.apply(&both).await.unwrap();
            let standing = catalogue.decisions(&course).await.unwrap();
            assert_eq!(standing[&link()].decision.at, night(1));
        }
    })
    .await;
}

#[tokio::test]
async fn a_night_without_an_end_is_found_again() {
    on_each_engine(async |catalogue| {
        catalogue.apply(&[Entry::Night { started: night(1) }, visit(1)]).await.unwrap();
        let unfinished = catalogue.unfinished(night(0)).await.unwrap().unwrap();
        assert_eq!(unfinished.started, night(1));
        assert_eq!(catalogue.visited(unfinished.id).await.unwrap().len(), 1);
        assert!(catalogue.unfinished(night(2)).await.unwrap().is_none(), "too long ago");
        let end = Entry::Finished { night: night(1), at: night(1), void: None };
        catalogue.apply(&[end]).await.unwrap();
        assert!(catalogue.unfinished(night(0)).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_night_with_a_report_is_over_without_a_recorded_end() {
    on_each_engine(async |catalogue| {
        let course: crate::domain::course::CourseId = "c".parse().unwrap();
        let begun = LastNight { at: night(1), is_over: false };
        catalogue.set_last_nights(std::slice::from_ref(&course), begun).await.unwrap();
        catalogue.apply(&[Entry::Night { started: night(1) }]).await.unwrap();
        for statement in [
            "INSERT INTO course VALUES ('c', 'A course')",
            "INSERT INTO report SELECT 'c', id, '{}' FROM night",
        ] {
            query(statement).execute(&catalogue.pool).await.unwrap();
        }
        assert!(!catalogue.last_nights().await.unwrap()[&course].is_over, "it has not ended");
        catalogue.apply(&[Entry::Finished { night: night(1), at: night(1), void: None }]).await.unwrap();
        assert!(catalogue.last_nights().await.unwrap()[&course].is_over);
        let next = LastNight { at: night(2), is_over: false };
        catalogue.set_last_nights(std::slice::from_ref(&course), next).await.unwrap();
        assert!(!catalogue.last_nights().await.unwrap()[&course].is_over, "that was the night before");
    })
    .await;
}

/// Every night reads this for every link, so it must not sort all nights.
#[tokio::test]
async fn the_history_of_a_link_is_read_without_sorting_all_nights() {
    let (_dir, catalogue) = in_sqlite().await;
    for (remembered, table) in
        [(remembered_visits::LAST_VISITS, "visit"), (remembered_visits::LAST_RUNS, "visit_run")]
    {
        // $1 or $3 is the limit.
        let plan = format!("EXPLAIN QUERY PLAN SELECT {remembered} FROM link").replace("$3", "$1");
        let plan = query(sqlx::AssertSqlSafe(plan)).bind(100_i64).fetch_all(&catalogue.pool).await.unwrap();
        let steps: Vec<String> = plan.iter().map(|row| row.get(3)).collect();
        let search = format!("SEARCH {table} USING");
        assert!(steps.iter().any(|step| step.contains(&search)), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("FOR ORDER BY")), "{steps:?}");
    }
}

#[tokio::test]
async fn only_the_newest_report_keeps_its_patch() {
    on_each_engine(async |catalogue| {
        let course: crate::domain::course::CourseId = "c".parse().unwrap();
        query("INSERT INTO course VALUES ('c', 'A course')").execute(&catalogue.pool).await.unwrap();
        let mut report: report::CourseReport = serde_json::from_value(serde_json::json!({
            "course": "c", "title": "A course", "time_zone": "UTC", "today": "2027-01-15",
            "started": night(1), "finished": night(1), "is_first": false, "void": null, "items": [],
            "defects": [], "page_trouble": null, "copies_kept": 0, "requests": 0, "bytes": 0
        }))
        .unwrap();
        report.facts.patch =
            Some(report::PagePatch { diff: Some("--- a/x\n".to_owned()), spots: Vec::new() });
        for n in 1..=3 {
            catalogue.apply(&[Entry::Night { started: night(n) }]).await.unwrap();
            let record = NightRecord {
                night: catalogue.night(night(n)).await.unwrap(),
                server: None,
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
        let reports: Vec<String> = query_scalar("SELECT report FROM report ORDER BY night")
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
    })
    .await;
}

#[tokio::test]
async fn an_email_of_another_version_stops_neither_nights_nor_emails() {
    on_each_engine(async |catalogue| {
    let (course, reader): (crate::domain::course::CourseId, crate::domain::course::EmailAddress) =
        ("c".parse().unwrap(), "i@school.test".parse().unwrap());
    query("INSERT INTO course VALUES ('c', 'A course')").execute(&catalogue.pool).await.unwrap();
    catalogue.apply(&[Entry::Night { started: night(1) }]).await.unwrap();
    let row = catalogue.night(night(1)).await.unwrap().id;
    query(
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
}).await;
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
    on_each_engine(async |catalogue| {
        catalogue.apply(&[Entry::Night { started: night(1) }, capture(1, b"one")]).await.unwrap();
        assert_eq!(catalogue.expected_bodies().await.unwrap(), [Digest::of(b"one")]);
        let link = Address::parse("https://a.example/x").unwrap();
        let reason = "asked".to_owned();
        let down =
            Entry::TakenDown { at: night(2), link, reason, by: None, removed: vec![Digest::of(b"one")] };
        catalogue.apply(&[down]).await.unwrap();
        assert!(catalogue.expected_bodies().await.unwrap().is_empty());
        catalogue.apply(&[capture(3, b"two")]).await.unwrap();
        assert_eq!(
            catalogue.expected_bodies().await.unwrap(),
            [Digest::of(b"two")],
            "it was kept again later"
        );
    })
    .await;
}

#[tokio::test]
async fn an_accepted_version_is_in_the_history_with_its_person() {
    on_each_engine(async |catalogue| {
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
    })
    .await;
}

/// Every table with all kinds of values is the same after two moves.
#[tokio::test]
async fn a_catalogue_that_is_moved_and_moved_back_is_the_same() {
    let (_dir, original) = in_sqlite().await;
    let Some(location) = new_database().await else { return };
    let server = Catalogue::open_at(&location).await.unwrap();
    assert!(server.is_empty().await.unwrap());
    for statement in FILLED {
        query(*statement).execute(&original.pool).await.unwrap();
    }
    // More rows than are copied at once.
    let many: Vec<String> = (0..250).map(|n| format!("https://many.example/{n}")).collect();
    query("INSERT INTO link (address) SELECT value FROM json_each($1)")
        .bind(serde_json::to_string(&many).unwrap())
        .execute(&original.pool)
        .await
        .unwrap();
    let passages = vec![
        crate::domain::document::passage::Passage {
            page: Some(1),
            text: "Flows of \u{7528} na\u{ef}ve".to_owned(),
        },
        crate::domain::document::passage::Passage { page: None, text: "It's \"quoted\" \\ text".to_owned() },
    ];
    let text = DocumentText { sha256: Digest::of(b"text"), passages };
    original.enter_text(&text).await.unwrap();
    query("UPDATE document_text SET extraction = 1").execute(&original.pool).await.unwrap();

    server.take_all_from(&original).await.unwrap();
    server.take_all_from(&original).await.unwrap();
    assert!(!server.is_empty().await.unwrap());
    let (_other, back) = in_sqlite().await;
    back.take_all_from(&server).await.unwrap();
    for table in copying::table_names() {
        let dump = async |catalogue: &Catalogue| {
            let select = sqlx::AssertSqlSafe(format!("SELECT * FROM {table} ORDER BY 1, 2"));
            let Pool::Sqlite(pool) = &catalogue.pool else { panic!("a file is compared") };
            let rows = sqlx::query(select).fetch_all(pool).await.unwrap();
            let cell = |row: &sqlx::sqlite::SqliteRow, at: usize| {
                sqlx::Row::get_unchecked::<Option<String>, _>(row, at)
            };
            let row = |row| (0..sqlx::Row::len(row)).map(|at| cell(row, at)).collect::<Vec<_>>();
            rows.iter().map(row).collect::<Vec<_>>()
        };
        let (before, after) = (dump(&original).await, dump(&back).await);
        assert!(!before.is_empty(), "the test fills {table}");
        assert_eq!(before, after, "{table}");
    }
    for catalogue in [&server, &back] {
        assert_eq!(catalogue.text(text.sha256).await.unwrap().as_ref(), Some(&text.passages));
        assert_eq!(catalogue.search("naive", &[text.sha256], 9).await.unwrap().len(), 1);
    }
    let extraction: i64 =
        query_scalar("SELECT extraction FROM document_text").fetch_one(&back.pool).await.unwrap();
    assert_eq!(extraction, 1);

    // New rows have new numbers.
    server.apply(&[Entry::Night { started: night(9) }, visit(9)]).await.unwrap();
    assert!(server.night(night(9)).await.unwrap().id > 10);
}

const FILLED: &[&str] = &[
    "INSERT INTO night VALUES (3, '2026-09-14T02:30:00.000000Z', '2026-09-14T03:00:00.000000Z', NULL, 5, 6, FALSE), \
     (10, '2026-09-15T02:30:00.000000Z', NULL, '{\"failed\": 1}', 0, 0, TRUE)",
    "INSERT INTO link VALUES (2, 'https://a.example/x'), (5, 'https://b.example/\u{e9}')",
    "INSERT INTO visit VALUES (2, 3, '{\"a\": \"\\u0000\"}', NULL, 0), (5, 10, '{}', 'machine', 3), (2, 10, '[]', NULL, 0)",
    "INSERT INTO visit_run VALUES (2, 3, 10, 'A+/', '{\"a\": \"\\u0000\"}')",
    "INSERT INTO capture (id, link, sha256, captured_at, kept, night, is_removed) \
     VALUES (4, 2, 'ab', '2026', '{\"title\": \"\\u0000\", \"text\": {\"digest\": \"d\"}}', 3, TRUE), (9, 5, 'cd', '2026', '{\"title\": \"\\\\u0000\"}', NULL, FALSE)",
    "INSERT INTO baseline VALUES (2, 4, '2026')",
    "INSERT INTO verdict VALUES (2, '{}')",
    "INSERT INTO course VALUES ('b', 'A course'), ('a', 'Another \"course\"')",
    "INSERT INTO reading VALUES ('b', '\"x\"', '2026', 'ab', '{}'), ('a', '\"y\"', '2026', 'cd', '{}')",
    "INSERT INTO event VALUES (3, 'b', 3, 2, '{}')",
    "INSERT INTO report VALUES ('b', 3, '{\"patch\":null}'), ('a', 10, '{}')",
    "INSERT INTO letter VALUES (1, 'b', 'i@school.test', 3, 3, '\"digest\"', 'waiting', '2026', '{}', 2, '2027', 3, NULL, '450')",
    "INSERT INTO course_night VALUES ('b', '2026', TRUE)",
    "INSERT INTO decision (id, course, link, at, decision, lapsed) VALUES (8, 'b', 2, '2026', NULL, TRUE)",
    "INSERT INTO stopped VALUES ('b', 'i@school.test', '2026')",
    "INSERT INTO takedown VALUES (1, 2, '2026', NULL)",
    "INSERT INTO session VALUES ('t', 'f', 'b', 'staff', 'p', '2026', '2027', NULL, 'Ann')",
    "INSERT INTO replacement VALUES (2, '2026', NULL)",
    "INSERT INTO fixity (sha256, verified_at, is_sound, loss) VALUES ('ab', '2026', FALSE, 'missing'), ('cd', '2026', TRUE, NULL)",
    "INSERT INTO removal VALUES ('ab', TRUE)",
    "INSERT INTO feed_token VALUES ('t', 'b', 'x', '2026', '2027')",
    "INSERT INTO service_request VALUES (1, NULL, '2026', '2026', NULL, 'why')",
    "INSERT INTO decision_history (id, course, link, at, decision, acceptance) VALUES (1, 'b', 2, '2026', '{}', NULL)",
];

#[tokio::test]
async fn the_engines_have_the_same_version() {
    let newest =
        |migrator: &sqlx::migrate::Migrator| migrator.iter().map(|migration| migration.version).max();
    assert_eq!(newest(&schema::MIGRATIONS), newest(&postgres::MIGRATIONS));
    let Some(location) = new_database().await else { return };
    let as_it_is = Catalogue::open_at_as_it_is(&location).await;
    assert!(matches!(as_it_is, Err(Error::Older { .. })), "reading it changes nothing");
    let catalogue = Catalogue::open_at(&location).await.unwrap();
    assert_eq!(Some(catalogue.schema().await.unwrap()), newest(&postgres::MIGRATIONS));
    Catalogue::open_at_as_it_is(&location).await.unwrap().close().await;
    query("INSERT INTO catalogue_version VALUES (999)").execute(&catalogue.pool).await.unwrap();
    let newer = Catalogue::open_at(&location).await.unwrap_err().to_string();
    assert!(newer.contains("install the newer version"), "{newer}");
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_reported_with_advice() {
    let Some(CatalogueLocation::Postgres(url)) = new_database().await else { return };
    let error = async |url: &str| {
        let location = CatalogueLocation::Postgres(url.parse().unwrap());
        Catalogue::open_at(&location).await.unwrap_err().to_string()
    };
    let socket = url.socket();
    let missing = error(&format!("postgres://onreserve:secret@localhost/none?host={socket}")).await;
    assert!(missing.contains("create the database") && !missing.contains("secret"), "{missing}");
    let stranger = error(&format!("postgres://stranger@localhost/test0?host={socket}")).await;
    assert!(stranger.contains("correct the user or the password"), "{stranger}");
    let away = error("postgres://onreserve:secret@127.0.0.1:9/none").await;
    assert!(away.contains("can be reached") && !away.contains("secret"), "{away}");
}
