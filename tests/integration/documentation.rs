//! The documentation agrees with the program: the reference is made from it, each state and
//! each reason is explained, and links between the pages lead somewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use onreserve::domain::evidence::Reason;
use onreserve::domain::report::wording;
use onreserve::domain::verdict::StateName;

use crate::harness::PROGRAM;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compares a page with what the program prints. With `INSTA_UPDATE=always` it writes the page.
fn assert_made_by_the_program(name: &str) {
    let output = Command::new(PROGRAM).args(["manual", "--reference", name]).output().unwrap();
    let made = String::from_utf8(output.stdout).unwrap();
    let page = root().join("docs/reference").join(format!("{name}.md"));
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&page, &made).unwrap();
    }
    assert!(
        text(&page) == made,
        "{} differs from the program; run INSTA_UPDATE=always cargo test --test integration documentation",
        page.display()
    );
}

#[test]
fn the_reference_of_the_configuration_is_made_by_the_program() {
    assert_made_by_the_program("configuration");
}

#[test]
fn the_reference_of_the_commands_is_made_by_the_program() {
    assert_made_by_the_program("commands");
}

/// All reasons, from the message of the reader for an unknown one.
fn reasons() -> Vec<Reason> {
    let unknown = serde_json::from_str::<Reason>("\"?\"").unwrap_err().to_string();
    let (_, known) = unknown.split_once("expected one of ").unwrap();
    let names = known.split('`').skip(1).step_by(2);
    names.map(|name| serde_json::from_str(&format!("\"{name}\"")).unwrap()).collect()
}

#[test]
fn every_state_and_every_reason_is_explained() {
    let page = text(&root().join("docs/verdicts.md"));
    let rows: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" |"))
        .map(|(first, _)| first)
        .collect();
    for state in StateName::ALL {
        assert!(rows.contains(format!("`{}`", state.as_str()).as_str()), "{state:?}");
    }
    let reasons = reasons();
    assert!(reasons.len() > 40);
    for reason in reasons {
        assert!(rows.contains(wording::reason(reason, None).as_str()), "{reason:?}");
    }
}

fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    let mut left = vec![root().join("docs")];
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages
}

/// The addresses in `[words](address)` and `![words](address)`.
fn links(page: &str) -> Vec<&str> {
    let is_code = |line: &&str| line.starts_with("    ");
    let lines = page.lines().filter(|line| !is_code(line));
    lines
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split_once(')'))
        .map(|(address, _)| address)
        .collect()
}

/// The anchors that GitHub and mdBook give to the headings of a page.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn links_between_the_pages_lead_somewhere() {
    let mut wrong = Vec::new();
    for page in pages() {
        let content = text(&page);
        for link in links(&content) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            let is_there = target.exists() && (anchor.is_empty() || anchors(&text(&target)).contains(anchor));
            if !is_there {
                wrong.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_is_in_the_summary_and_leaves_the_book_by_no_link() {
    let docs = root().join("docs");
    let summary = text(&docs.join("SUMMARY.md"));
    let listed: BTreeSet<PathBuf> = links(&summary).into_iter().map(|link| docs.join(link)).collect();
    for page in pages().into_iter().filter(|page| page.starts_with(&docs) && !page.ends_with("SUMMARY.md")) {
        assert!(listed.contains(&page), "SUMMARY.md does not list {}", page.display());
        for link in links(&text(&page)).into_iter().filter(|link| !link.contains("://")) {
            let depth = page.strip_prefix(&docs).unwrap().components().count() - 1;
            assert!(link.matches("../").count() <= depth, "{}: {link} is not in the book", page.display());
        }
    }
}

/// A tag can be moved to another commit; a commit cannot.
#[test]
fn every_action_of_a_workflow_is_pinned_to_a_commit() {
    let files =
        [".github/workflows/ci.yml", ".github/workflows/release.yml", ".github/actions/check/action.yml"];
    for file in files {
        let content = text(&root().join(file));
        let uses =
            content.lines().filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("uses: "));
        let uses: Vec<&str> = uses.collect();
        assert!(!uses.is_empty(), "{file}");
        for action in uses {
            let commit = action.split_once('@').map_or("", |(_, rest)| rest.split(' ').next().unwrap());
            let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_commit, "{file}: {action}");
        }
    }
}
