//! A damaged archive: what is detected, what is reported, and what stays unchanged.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan as _};
use onreserve::domain::capture::Digest;
use tokio::process::Command;

use crate::engines::{self, only_on_sqlite_and_directory};
use crate::fetch::site::Reply;
use crate::harness::{Harness, article, page_of};

async fn archived() -> Harness {
    let harness =
        Harness::start(["course.test", "notes.test"], |_, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&["http://notes.test/a", "http://notes.test/b"])),
            ("notes.test", target @ ("/a" | "/b")) => {
                Reply::page(&article(&format!("The reading at http://notes.test{target}")))
            }
            _ => Reply::not_found(),
        })
        .await;
    harness.one_course();
    assert_eq!(harness.check(1).await.code, 0);
    harness
}

/// The path of the copy of a link within the archive.
async fn copy_of(harness: &Harness, link: &str) -> String {
    let (code, path) = harness.run(&["open", link]).await;
    assert_eq!(code, 0, "{path}");
    let path = fs::canonicalize(path.trim()).unwrap();
    engines::inside(&harness.archive(), &path).to_owned()
}

fn journal(harness: &Harness) -> PathBuf {
    harness.archive().join("captures/2026/09/14.jsonl")
}

/// All files of the archive without temporary ones, with their bytes.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    ["blobs", "captures", "quarantine"].into_iter().flat_map(|part| engines::files(dir, part)).collect()
}

#[tokio::test]
async fn the_archive_can_be_checked_without_this_program() {
    let harness = archived().await;
    let (_copied, dir) = engines::as_directory(&harness.archive());
    let checked = Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
        .current_dir(&dir)
        .status()
        .await
        .unwrap();
    assert!(checked.success());
    let copy = harness.archive().join(copy_of(&harness, "notes.test/a").await);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o444);
    let readme = fs::read_to_string(dir.join("README.md")).unwrap();
    assert_eq!(readme, include_str!("../../archive/README.md"));
}

#[tokio::test]
async fn altered_bytes_are_quarantined_and_fetched_again() {
    for damage in [&b"quite another text"[..], b""] {
        let harness = archived().await;
        let copy = copy_of(&harness, "notes.test/a").await;
        let good = engines::read_file(&harness.archive(), &copy);
        engines::overwrite_file(&harness.archive(), &copy, damage);
        let (code, printed) = harness.run(&["verify"]).await;
        assert_eq!(code, 1, "{printed}");
        assert!(printed.contains("damaged") && printed.contains("backup"), "{printed}");
        let aside = engines::files(&harness.archive(), "quarantine");
        assert_eq!(aside.into_values().collect::<Vec<_>>(), [damage]);
        let (code, printed) = harness.run(&["open", "notes.test/a"]).await;
        assert_eq!(code, 1, "{printed}");
        let night = harness.check(2).await;
        assert_eq!(night.states(), ["ok", "ok"]);
        let again = engines::read_file(&harness.archive(), &copy);
        assert_eq!(again, good, "the link still gives it, so it is kept again");
        assert_eq!(harness.run(&["verify"]).await.0, 0);
    }
}

#[tokio::test]
async fn a_month_of_scrubs_verifies_everything_and_finds_altered_bytes() {
    let harness = archived().await;
    let copy = copy_of(&harness, "notes.test/a").await;
    engines::overwrite_file(&harness.archive(), &copy, b"quite another text");
    let blobs = engines::files(&harness.archive(), "blobs").len();
    let archive = engines::open_archive(&harness.archive());
    let first: Timestamp = "2026-10-01T02:30:00Z".parse().unwrap();
    let mut last: HashMap<Digest, Timestamp> = HashMap::new();
    let mut altered = Vec::new();
    for night in 0..30 {
        let now = first + (24 * night).hours();
        let fixity = archive.scrub(now, &last, || false).unwrap();
        let is_share = fixity.sound.len() + fixity.damaged.len() < blobs;
        // A store is asked for several at once.
        assert!(night > 0 || is_share != engines::is_on_others(), "a share of them");
        altered.extend(fixity.damaged.into_iter().map(|damage| damage.name));
        last.extend(fixity.sound.into_iter().map(|digest| (digest, now)));
    }
    assert_eq!(altered, [copy.rsplit('/').next().unwrap()]);
    assert_eq!(last.len(), blobs - 1);
    assert!(archive.scrub(first, &last, || true).unwrap().sound.is_empty(), "it ends early");
    let audit: Vec<u8> = engines::files(&harness.archive(), "audit").into_values().flatten().collect();
    let audit = String::from_utf8(audit).unwrap();
    assert_eq!(audit.matches("\"verified\":").count(), 31, "{audit}");
}

#[tokio::test]
async fn a_missing_blob_is_reported() {
    let harness = archived().await;
    let copy = copy_of(&harness, "notes.test/a").await;
    engines::remove_file(&harness.archive(), &copy);
    let (code, printed) = harness.run(&["verify"]).await;
    assert_eq!(code, 1, "{printed}");
    assert!(printed.contains("missing"), "{printed}");
    assert_eq!(harness.check(2).await.states(), ["ok", "ok"]);
    assert_eq!(harness.run(&["verify"]).await.0, 0);
}

#[tokio::test]
async fn a_crash_within_a_line_loses_only_that_line() {
    only_on_sqlite_and_directory!("the journal of a bucket is written in whole objects");
    let harness = archived().await;
    let whole = fs::read(journal(&harness)).unwrap();
    for is_crash in [true, false] {
        let harness = if is_crash { &harness } else { &archived().await };
        fs::write(journal(harness), &whole[..whole.len() - 20]).unwrap();
        if is_crash {
            // The head is written after the line.
            fs::remove_file(harness.archive().join("journal-head")).unwrap();
        }
        assert_eq!(harness.check(2).await.states(), ["ok", "ok"]);
        let (code, printed) = harness.run(&["rebuild"]).await;
        assert_eq!(code, i32::from(!is_crash), "{printed}");
        assert_eq!(
            printed.contains("1 line is missing before line 1 of captures/2026/09/15.jsonl"),
            !is_crash,
            "{printed}"
        );
        assert_eq!(harness.check(3).await.states(), ["ok", "ok"]);
    }
}

#[tokio::test]
async fn a_damaged_journal_is_named() {
    only_on_sqlite_and_directory!("the journal of a bucket is mended from the working directory");
    let harness = archived().await;
    let whole = fs::read_to_string(journal(&harness)).unwrap();
    fs::write(journal(&harness), whole.replacen('{', "(", 1)).unwrap();
    let before = contents(&harness.archive());
    let history = harness.run(&["history", "notes.test/a"]).await;
    let (code, printed) = harness.run(&["rebuild"]).await;
    assert_eq!(code, 1);
    assert!(printed.contains("line 1 of captures/2026/09/14.jsonl has changed"), "{printed}");
    assert_eq!(contents(&harness.archive()), before, "nothing was changed");
    assert_eq!(harness.run(&["history", "notes.test/a"]).await, history, "the rest is used");
    let (code, printed) = harness.run(&["verify"]).await;
    assert!(code == 1 && printed.contains("line 1 of captures/2026/09/14.jsonl has changed"), "{printed}");
    assert_eq!(harness.check(2).await.states(), ["ok", "ok"]);
    let takedown = ["takedown", "notes.test/b", "--reason", "asked", "--yes"];
    assert_eq!(harness.run(&takedown).await.0, 0);
}

#[tokio::test]
async fn a_lost_catalogue_is_rebuilt_from_the_journal() {
    let harness = archived().await;
    harness.check(2).await;
    let (_, before) = harness.run(&["status"]).await;
    let (_, history) = harness.run(&["history", "notes.test/a"]).await;
    engines::lose_catalogue(&harness.archive());
    let (code, printed) = harness.run(&["rebuild"]).await;
    assert_eq!(code, 0, "{printed}");
    assert_eq!(harness.run(&["history", "notes.test/a"]).await.1, history);
    let blobs = || engines::files(&harness.archive(), "blobs");
    let kept = blobs();
    let night = harness.check(3).await;
    assert_eq!(night.states(), ["ok", "ok"]);
    assert_eq!(blobs(), kept, "only the journal of the new day is new");
    let (_, after) = harness.run(&["status"]).await;
    let states = |printed: &str| printed.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(states(&after), states(&before));
}

#[tokio::test]
async fn a_catalogue_of_a_newer_version_is_refused() {
    let harness = archived().await;
    let statement = if engines::is_on_others() {
        "INSERT INTO catalogue_version VALUES (999)"
    } else {
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (999, 'later', 1, x'00', 0)"
    };
    engines::query::<i64>(&harness.archive(), statement).await;
    let night = harness.check(2).await;
    assert_eq!(night.code, 78, "{}", night.errors);
    assert!(night.errors.contains("newer version"), "{}", night.errors);
}

#[tokio::test]
async fn a_file_that_is_not_a_catalogue_is_named() {
    only_on_sqlite_and_directory!("a database has no file");
    let harness = archived().await;
    for name in ["catalogue.sqlite3-wal", "catalogue.sqlite3-shm"] {
        let _ = fs::remove_file(harness.archive().join(name));
    }
    fs::write(harness.archive().join("catalogue.sqlite3"), "not a database, by far").unwrap();
    let night = harness.check(2).await;
    assert_eq!(night.code, 1, "{}", night.errors);
    assert!(night.errors.contains("rebuild"), "{}", night.errors);
    assert_eq!(harness.run(&["rebuild"]).await.0, 0);
    assert_eq!(harness.check(2).await.states(), ["ok", "ok"]);
}

/// Two tasks of one process write at the same time, on a day whose last line a crash cut off.
#[test]
fn lines_of_two_writers_are_complete_and_separate() {
    use onreserve::domain::journal::Entry;
    use onreserve::world::archive::Archive;

    const WRITERS: i64 = 4;
    const LINES: i64 = 40;
    only_on_sqlite_and_directory!("the journal of a bucket is written in whole objects");
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path()).unwrap();
    let at = jiff::Timestamp::from_second(1_800_000_000).unwrap();
    let night = |n: i64| Entry::Night { started: jiff::Timestamp::from_second(n).unwrap() };
    archive.append(at, &[night(-1)]).unwrap();
    let journal = dir.path().join(at.strftime("captures/%Y/%m/%d.jsonl").to_string());
    let mut torn = fs::read(&journal).unwrap();
    torn.extend_from_slice(br#"{"kind":"night","sta"#);
    fs::write(&journal, &torn).unwrap();
    std::thread::scope(|threads| {
        for writer in 0..WRITERS {
            let archive = archive.clone();
            threads.spawn(move || {
                for line in 0..LINES {
                    let pair = [night(writer * 1000 + line), night(writer * 1000 + 500 + line)];
                    archive.append(at, &pair).unwrap();
                }
            });
        }
    });
    let read: Vec<Entry> = archive.entries().collect::<Result<_, _>>().unwrap();
    assert_eq!(i64::try_from(read.len()).unwrap(), 1 + WRITERS * LINES * 2);
    for pair in read[1..].chunks(2) {
        let [Entry::Night { started: one }, Entry::Night { started: other }] = pair else {
            panic!("{pair:?}")
        };
        assert_eq!(
            other.as_second() - one.as_second(),
            500,
            "lines that are appended together stay together"
        );
    }
    assert!(fs::read(&journal).unwrap().starts_with(&torn), "earlier lines are not changed");
}
