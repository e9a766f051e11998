//! The rules of the tree: who may name whom, how long files may be, what they may be called.

use std::fs;
use std::path::{Path, PathBuf};

/// The order of a night; a stage may use only those before it.
const STAGES: &[&str] = &[
    "address",
    "link",
    "course",
    "ticket",
    "schedule",
    "page",
    "patch",
    "capture",
    "policy",
    "visit",
    "document",
    "replay",
    "filename",
    "evidence",
    "verdict",
    "decision",
    "replacement",
    "journal",
    "report",
];
/// World modules that other world modules may use: time, and bytes on their way in.
const SHARED_BY_THE_WORLD: &[&str] = &["clock", "spool"];
const LINES_AT_MOST: usize = 400;
const NAMELESS: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "types", "manager", "service", "misc"];

#[test]
fn every_module_names_only_floors_below_it() {
    let mut wrong = Vec::new();
    for file in sources() {
        for (number, line) in production(&file.text).lines().enumerate() {
            for named in named_modules(line) {
                if let Some(why) = objection(&file.module, &named) {
                    wrong.push(format!("{}:{}: {why}", file.path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_short_and_named_for_their_subject() {
    let mut wrong = Vec::new();
    for file in sources() {
        let lines = production(&file.text).lines().count();
        if lines > LINES_AT_MOST {
            wrong.push(format!("{}: {lines} lines, {LINES_AT_MOST} at most", file.path.display()));
        }
        if let Some(name) = file.module.iter().find(|name| NAMELESS.contains(&name.as_str())) {
            wrong.push(format!("{}: `{name}` says nothing", file.path.display()));
        }
        if !file.text.starts_with("//!") && !file.path.ends_with("tests.rs") {
            wrong.push(format!("{}: no header says what lives here", file.path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn production_code_does_not_know_that_it_is_tested() {
    for file in sources() {
        let text = production(&file.text);
        assert!(!text.contains("cfg!(test)"), "{} behaves differently under test", file.path.display());
    }
}

/// Why `from` may not name `to`, if it may not.
fn objection(from: &[String], to: &[String]) -> Option<String> {
    let (from_floor, to_floor) = (floor(from)?, floor(to)?);
    if to_floor > from_floor {
        return Some(format!("{} names {}, which is a floor above", from.join("::"), to.join("::")));
    }
    let (from_part, to_part) = (from.get(1)?, to.get(1)?);
    match (from.first()?.as_str(), to.first()?.as_str()) {
        ("domain", "domain") => {
            let place = |part: &str| STAGES.iter().position(|stage| *stage == part);
            (place(to_part) > place(from_part))
                .then(|| format!("stage {from_part} names {to_part}, which comes after it"))
        }
        ("world", "world") => (from_part != to_part && !SHARED_BY_THE_WORLD.contains(&to_part.as_str()))
            .then(|| format!("world::{from_part} names world::{to_part}; they meet in a run")),
        _ => None,
    }
    .or_else(|| {
        let (from_top, to_top) = (from.first()?, to.first()?);
        (from_floor == 2 && to_floor == 2 && from_top != to_top)
            .then(|| format!("{from_top} names {to_top}; they meet in the catalogue"))
    })
}

fn floor(module: &[String]) -> Option<u8> {
    Some(match module.first()?.as_str() {
        "domain" => 0,
        "world" => 1,
        "night" | "outbox" | "serve" => 2,
        "config" | "daemon" | "demo" | "cli" | "main" => 3,
        _ => return None,
    })
}

/// The modules a line names as `crate::a::b` or `use crate::{…}` (first two parts).
fn named_modules(line: &str) -> Vec<Vec<String>> {
    let code = line.split("//").next().unwrap_or_default();
    code.match_indices("crate::")
        .map(|(at, name)| {
            code[at + name.len()..]
                .split("::")
                .take(2)
                .map(|part| part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
                .collect::<Vec<String>>()
        })
        .filter(|parts| parts.first().is_some_and(|part| !part.is_empty()))
        .collect()
}

struct Source {
    path: PathBuf,
    module: Vec<String>,
    text: String,
}

/// The part of a file before its tests.
fn production(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files
        .into_iter()
        .filter(|path| !path.ends_with("tests.rs"))
        .map(|path| {
            let inside = path.strip_prefix(&root).unwrap().with_extension("");
            let module = inside
                .iter()
                .map(|part| part.to_str().unwrap().to_owned())
                .filter(|part| part != "mod")
                .collect();
            Source { text: fs::read_to_string(&path).unwrap(), module, path }
        })
        .collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
