//! The catalogue in `PostgreSQL` instead of a file: whole nights, the pages, and the commands.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use crate::engines::only_on_sqlite_and_directory;
use crate::fetch::site::Reply;
use crate::harness::{Harness, PROGRAM, article, page_of, run_on, time_of};
use crate::postgres_server::PostgresServer;
use crate::service::Service;

async fn harness() -> Harness {
    Harness::start(["course.test", "notes.test"], |night, seen| match (&*seen.host, &*seen.target) {
        ("course.test", "/") => {
            Reply::page(&page_of(&["http://notes.test/a", "http://notes.test/b", "http://notes.test/gone"]))
        }
        ("notes.test", "/a") => Reply::page(&article("The quixotic reading")),
        ("notes.test", "/b") => Reply::page(&article(&format!("The reading, version {}", night / 2))),
        ("notes.test", "/gone") if night == 1 => Reply::page(&article("Soon gone")),
        ("notes.test", "/gone") => Reply::new(410, "", ""),
        _ => Reply::not_found(),
    })
    .await
}

const COURSE: &str = "[[course]]\nid = \"c\"\ntitle = \"A course\"\npage = \"http://course.test/\"\n";
const PAGES: &str = "[pages]\nlisten = \"127.0.0.1:0\"\n";

/// Writes the configuration with the catalogue in this database.
fn configure(harness: &Harness, url: &str) -> PathBuf {
    harness.configure(&format!("[catalogue]\nurl = \"{url}\"\n{PAGES}{COURSE}"))
}

async fn run(configuration: &Path, arguments: &[&str]) -> (i32, String) {
    let output =
        Command::new(PROGRAM).args(arguments).arg("--config").arg(configuration).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text.into_owned())
}

/// Two nights, with a decision between them.
async fn two_nights(harness: &Harness, configuration: &Path) -> Vec<String> {
    let first = harness.check(1).await;
    assert_eq!(first.states(), ["ok", "ok", "ok"], "{}", first.errors);
    let (code, printed) = run(configuration, &["use-copy", "notes.test/b"]).await;
    assert_eq!(code, 0, "{printed}");
    let second = harness.check(2).await;
    assert_eq!(second.state("/gone"), "failing", "{}", second.errors);
    let mut answers = Vec::new();
    for mut json in [first.json, second.json] {
        // PostgreSQL skips numbers.
        json["run"]["id"].take();
        answers.push(json.to_string());
    }
    for command in
        [&["status"][..], &["report"], &["history", "notes.test/gone"], &["explain", "notes.test/b"]]
    {
        let (code, printed) = run(configuration, command).await;
        assert!(code == 0 || code == 2, "{command:?}: {printed}");
        answers.push(printed);
    }
    answers
}

/// The same text with whole minutes, because each night takes another time.
fn without_seconds(text: &str) -> String {
    let mut parts = text.split("T02:30:");
    let first = parts.next().unwrap().to_owned();
    let is_second = |c: char| c.is_ascii_digit() || c == '.';
    parts.fold(first, |text, part| text + "T02:30" + part.trim_start_matches(is_second))
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_answer_the_same() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(server) = PostgresServer::shared() else { return };
    let mut answers = Vec::new();
    for url in [None, Some(server.database().await)] {
        let harness = harness().await;
        let configuration = match &url {
            None => harness.configure(&format!("{PAGES}{COURSE}")),
            Some(url) => configure(&harness, url),
        };
        let printed = two_nights(&harness, &configuration).await;
        let is_file = harness.archive().join("catalogue.sqlite3").exists();
        assert_eq!(is_file, url.is_none());
        let dir = harness.dir.path().display().to_string();
        let address = harness.site.address.to_string();
        let answer = |text: &String| without_seconds(text).replace(&dir, "DIR").replace(&address, "HOST");
        answers.push(printed.iter().map(answer).collect::<Vec<_>>());
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_on_a_catalogue_work_with_a_database() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(server) = PostgresServer::shared() else { return };
    let harness = harness().await;
    let url = server.database().await;
    let configuration = configure(&harness, &url);
    two_nights(&harness, &configuration).await;
    let (_, before) = run(&configuration, &["status"]).await;

    // The pages and a request of another process.
    let service = Service::start(&harness, &time_of(3).replace("02:30", "14:00"));
    service.says("waiting until").await;
    let (code, printed) = run(&configuration, &["check"]).await;
    assert!(code == 2 && printed.contains("/gone"), "the service finds it dead: {printed}");
    service.stop().await;
    let (code, printed) = run(&configuration, &["verify"]).await;
    assert_eq!(code, 0, "{printed}");
    let (code, printed) = run(&configuration, &["doctor", "--offline"]).await;
    assert!(printed.contains("without damage"), "{code}: {printed}");

    // A backup is an archive of its own, with a file.
    let backup = harness.dir.path().join("backup");
    let (code, printed) = run(&configuration, &["backup", backup.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{printed}");
    let (_, status) = run(&configuration, &["status"]).await;
    assert_eq!(run_on(&backup, &["status"]).await, (0, status.clone()));

    let (code, printed) = run(&configuration, &["rebuild"]).await;
    assert!(code == 0 && printed.contains("Rebuilt the catalogue"), "{printed}");
    assert_eq!(run(&configuration, &["status"]).await.1, status);
    assert_ne!(before, "");
    let (code, printed) =
        run(&configuration, &["takedown", "notes.test/a", "--reason", "asked", "--yes"]).await;
    assert_eq!(code, 0, "{printed}");

    // A restore fills an empty database only.
    let (code, printed) = run(&configuration, &["restore", backup.to_str().unwrap()]).await;
    assert!(code == 1 && printed.contains("is not empty"), "{printed}");
    fs::rename(harness.archive(), harness.dir.path().join("lost")).unwrap();
    let (code, printed) = run(&configuration, &["restore", backup.to_str().unwrap()]).await;
    assert!(code == 1 && printed.contains("has a catalogue already"), "{printed}");
    let other = configure(&harness, &server.database().await);
    let (code, printed) = run(&other, &["restore", backup.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{printed}");
    assert_eq!(run(&other, &["status"]).await.1, status);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_is_moved_to_a_database_and_back() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(server) = PostgresServer::shared() else { return };
    let harness = harness().await;
    let file = harness.configure(&format!("{PAGES}{COURSE}"));
    two_nights(&harness, &file).await;
    let (_, status) = run(&file, &["status"]).await;
    let url = server.database().await;
    let database = configure(&harness, &url);
    let refused = harness.check(3).await;
    assert!(
        refused.code == 1 && refused.errors.contains("run `onreserve migrate --to"),
        "{}",
        refused.errors
    );
    for role in ["scheduler", "worker"] {
        let command = ["serve", "--role", role];
        let serving = run(&database, &command);
        let (code, printed) = tokio::time::timeout(Duration::from_mins(1), serving).await.unwrap();
        assert!(code == 1 && printed.contains("run `onreserve migrate --to"), "{role}: {printed}");
    }

    let (code, printed) = run(&database, &["migrate", "--to", &url]).await;
    assert!(code == 0 && printed.contains("[catalogue]"), "{printed}");
    assert!(!harness.archive().join("catalogue.sqlite3").exists());
    assert_eq!(run(&database, &["status"]).await.1, status);
    let (code, printed) = run(&database, &["migrate", "--to", &url]).await;
    assert!(code == 1 && printed.contains("no catalogue"), "{printed}");
    let third = harness.check(3).await;
    assert_eq!(third.state("/gone"), "dead", "{}", third.errors);
    let (_, status) = run(&database, &["status"]).await;

    let (code, printed) = run(&database, &["migrate", "--to", "sqlite"]).await;
    assert_eq!(code, 0, "{printed}");
    let file = harness.configure(&format!("{PAGES}{COURSE}"));
    assert_eq!(run(&file, &["status"]).await.1, status);
    let (code, printed) = run(&file, &["migrate", "--to", &url]).await;
    assert!(code == 1 && printed.contains("has a catalogue already"), "{printed}");
    assert_eq!(harness.check(4).await.state("/gone"), "dead");
}
