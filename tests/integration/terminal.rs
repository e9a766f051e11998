//! What a terminal shows: colours, widths, the wait, and readable names of copies.

use std::fs;
use std::process::Stdio;

use tokio::process::Command;

use crate::engines::only_on_sqlite_and_directory;
use crate::fetch::site::Reply;
use crate::harness::{Harness, PROGRAM, article, page_of};

const LONG: &str =
    "http://notes.test/a-very-long-address-of-a-reading/that-has-many-parts/and-does-not-end/soon.html";
const CJK: &str = "\u{6df1}\u{5ea6}\u{5b66}\u{4e60}\u{4e0e}\u{751f}\u{6210}\u{6a21}\u{578b}";

/// Two nights of a course with a dead link, a long address and a long title.
async fn harness() -> Harness {
    let harness =
        Harness::start(["course.test", "notes.test"], |_, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(
                &page_of(&["http://notes.test/a.html", LONG, "http://notes.test/gone.html"])
                    .replace(&format!(">The reading at {LONG}"), &format!(">{}", CJK.repeat(8))),
            ),
            ("notes.test", target) if target == "/a.html" || LONG.ends_with(target) && target.len() > 1 => {
                Reply::page(&article(&format!("The reading at http://notes.test{target}")))
            }
            _ => Reply::not_found(),
        })
        .await;
    let title = format!("{} {}", CJK.repeat(5), "A long title ".repeat(5));
    harness
        .configure(&format!("[[course]]\nid = \"c\"\ntitle = \"{title}\"\npage = \"http://course.test/\"\n"));
    assert_eq!(harness.check(1).await.code, 0);
    assert_eq!(harness.check(2).await.code, 0);
    harness
}

/// What a command prints with these variables, on a pipe.
async fn printed(harness: &Harness, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .arg("--config")
        .arg(harness.dir.path().join("onreserve.toml"))
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn colours_are_for_terminals() {
    let harness = harness().await;
    let check = ["check", "--now", "2026-09-17T02:30:00Z"];
    for command in [&["status"][..], &["report"], &["verify"], &["doctor", "--offline"], &check] {
        let forced = printed(&harness, command, &[("CLICOLOR_FORCE", "1")]).await;
        assert!(forced.contains("\u{1b}["), "{command:?}: {forced}");
        for variables in [&[][..], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]] {
            let plain = printed(&harness, command, variables).await;
            assert!(!plain.is_empty() && !plain.contains('\u{1b}'), "{command:?}: {plain}");
        }
        let empty = printed(&harness, command, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")]).await;
        assert!(empty.contains("\u{1b}["), "{command:?}: an empty NO_COLOR counts as none");
    }
    let json = printed(&harness, &["status", "--format", "json"], &[("CLICOLOR_FORCE", "1")]).await;
    assert!(!json.contains('\u{1b}'), "{json}");
    let painted = printed(&harness, &["status"], &[("CLICOLOR_FORCE", "1")]).await;
    assert!(painted.contains("\u{1b}[31mdead\u{1b}[0m"), "{painted}");
}

/// The columns of a line, with two for each of the wide characters that these tests use.
fn columns(line: &str) -> usize {
    line.chars().map(|c| if u32::from(c) >= 0x2E80 { 2 } else { 1 }).sum()
}

#[tokio::test]
async fn lists_fit_80_columns_and_only_addresses_and_paths_are_longer() {
    let harness = harness().await;
    for command in [
        &["status"][..],
        &["report"],
        &["history", "soon.html"],
        &["explain", "soon.html"],
        &["explain", "gone.html"],
        &["plan"],
        &["verify"],
        &["doctor", "--offline"],
    ] {
        let text = printed(&harness, command, &[]).await;
        for line in text.lines().filter(|line| columns(line) > 80) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let is_alone = words.len() == 1 && (line.contains("://") || line.contains('/'));
            assert!(is_alone, "{command:?}: {line}");
        }
    }
}

#[tokio::test]
async fn copies_have_readable_names() {
    only_on_sqlite_and_directory!("the files of a bucket do not stay in a directory to which links lead");
    let harness = harness().await;
    let (code, path) = harness.run(&["open", "notes.test/a.html"]).await;
    assert_eq!(code, 0, "{path}");
    assert!(path.trim().ends_with("/archive/by-course/c/a.html"), "{path}");
    assert!(fs::read_to_string(path.trim()).unwrap().contains("/a.html 1:"));
    let farm = harness.dir.path().join("farm");
    let (code, text) = harness.run(&["export", "links", farm.to_str().unwrap()]).await;
    assert!(code == 0 && text.contains("1 course, 2 copies"), "{text}");
    fs::write(farm.join("c/mine.txt"), "mine").unwrap();
    fs::rename(farm.join("c/a.html"), farm.join("c/of-an-older-name.html")).unwrap();
    let (code, text) = harness.run(&["export", "links", farm.to_str().unwrap()]).await;
    assert!(code == 0 && text.contains("1 old link removed"), "{text}");
    let mut names: Vec<_> =
        fs::read_dir(farm.join("c")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a.html", "mine.txt", "soon.html"]);
    assert!(fs::read_to_string(farm.join("c/soon.html")).unwrap().contains("soon.html 1:"));
    assert_eq!(harness.run(&["verify"]).await.0, 0, "links are no damage");
}

/// On a terminal, by the program `script`.
#[expect(clippy::print_stderr, reason = "a skipped test must be visible")]
#[tokio::test]
async fn a_check_on_a_terminal_explains_its_wait() {
    let links: Vec<String> = (0..6).map(|link| format!("http://notes.test/{link}.html")).collect();
    let harness = Harness::start(["course.test", "notes.test"], move |_, seen| match &*seen.target {
        "/" => Reply::page(&page_of(&links.iter().map(String::as_str).collect::<Vec<_>>())),
        "/robots.txt" => Reply::not_found(),
        target => Reply::page(&article(target)),
    })
    .await;
    let path = harness.one_course();
    let check = format!("'{PROGRAM}' check --config '{}' --delay 2s", path.display());
    // The first links suffice: the wait is shown before the first visit ends.
    let output = Command::new("timeout")
        .args(["--signal=INT", "6", "script", "--quiet", "--command", &check, "/dev/null"])
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    if shown.is_empty() {
        eprintln!("NOT TESTED: a check on a terminal; it takes the program `script`");
        return;
    }
    assert!(shown.contains("notes.test: 1 request per 2 s, 6 left, about 12 s"), "{shown}");
}
