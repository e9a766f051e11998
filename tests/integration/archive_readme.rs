//! The commands in the archive's `README.md`, run word for word in a fresh archive.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::engines;
use crate::fetch::site::Reply;
use crate::harness::{Harness, article, page_of};

const PAGE: &str = "https://example.org/page";
const PAPER: &str = "https://example.org/paper.pdf";
const SHEET: &str = "h1 { color: teal }";

/// The journal of a directory, and of a bucket that is copied down.
const JOURNALS: [&str; 2] = ["captures/*/*/*.jsonl", "captures/*/*/*/*.jsonl"];

/// Runs a command of the archive's own README; the addresses of its examples are replaced.
fn run(command: &str, archive: &Path) -> String {
    let command = command.replace(PAGE, "http://notes.test/flows").replace(PAPER, "http://notes.test/a.txt");
    let journal = JOURNALS[usize::from(engines::is_on_others())];
    let command = command.replace(JOURNALS[0], journal);
    let output = Command::new("sh").args(["-c", &command]).current_dir(archive).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {text}");
    text.into_owned()
}

#[tokio::test]
async fn the_commands_of_the_readme_find_copies_and_requisites() {
    let harness =
        Harness::start(["course.test", "notes.test"], |_, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => {
                Reply::page(&page_of(&["http://notes.test/flows", "http://notes.test/a.txt"]))
            }
            ("notes.test", "/flows") => {
                Reply::page(&article("Flows").replace("<main>", "<link rel=stylesheet href=/main.css><main>"))
            }
            ("notes.test", "/main.css") => Reply::new(200, "content-type: text/css", SHEET),
            ("notes.test", "/a.txt") => Reply::new(200, "content-type: text/plain", "The notes. ".repeat(60)),
            _ => Reply::not_found(),
        })
        .await;
    harness.one_course();
    harness.check(1).await;
    let (_copied, archive) = engines::as_directory(&harness.archive());
    let readme = std::fs::read_to_string(archive.join("README.md")).unwrap();
    assert!(readme.contains(&format!("In a copy of a bucket write `{}`", JOURNALS[1])));
    let commands: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    let [verify, copies, requisites] = commands[..] else { panic!("{commands:#?}") };
    assert_eq!(run(verify, &archive), "");
    let line: Value = serde_json::from_str(&run(copies, &archive)).unwrap();
    assert_eq!(line["link"], "http://notes.test/a.txt");
    let found = run(requisites, &archive);
    let (blob, address) = found.trim_end().split_once(' ').unwrap();
    assert_eq!(address, "http://notes.test/main.css");
    assert_eq!(std::fs::read_to_string(archive.join(blob)).unwrap(), SHEET);
}
