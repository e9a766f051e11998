//! The rules, for any tree of sources.

use std::collections::BTreeMap;
use std::fmt;

use super::circles::circles;
use super::names::Names;
use super::source::Source;
use super::uses::{self, Uses};

/// The order of a night; a stage may use only those before it.
const STAGES: &[&str] = &[
    "address",
    "link",
    "course",
    "action_token",
    "schedule",
    "nbformat",
    "page",
    "patch",
    "capture",
    "warc",
    "policy",
    "visit",
    "document",
    "bibliography",
    "replay",
    "filename",
    "evidence",
    "verdict",
    "decision",
    "replacement",
    "journal",
    "report",
    "syndication",
];
/// World modules that other world modules may use: time, durable files, bodies that are being
/// received, whether a disk can be written, and requests to addresses of the operator.
const SHARED_BY_THE_WORLD: &[&str] = &["clock", "disk", "operator_http", "read_only", "spool"];
/// World modules that meet in `recording`: lines and rows are written together, and the lock on the
/// captures is a file or a row.
const RECORDED: &[&str] = &["archive", "catalogue", "clock", "lock", "machine"];
const LINES_AT_MOST: usize = 400;
const NAMELESS: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "types", "manager", "service", "misc"];

/// A tree: its sources, and the uses between them.
pub(super) struct Tree {
    sources: Vec<Source>,
    uses: Uses,
}

/// Files that use each other.
pub(super) struct Circle {
    pub(super) files: Vec<String>,
    /// The uses between these files.
    uses: Vec<String>,
}

/// A type name that is public in one place and defined in several.
pub(super) struct DuplicateType {
    pub(super) name: String,
    files: Vec<String>,
}

impl Tree {
    pub(super) fn new(sources: Vec<Source>) -> Self {
        let uses = uses::between(&sources, &Names::of(&sources));
        Self { sources, uses }
    }

    /// The uses of a higher floor, a later stage or a module on the same floor.
    pub(super) fn above(&self) -> Vec<String> {
        let wrong = self.uses.iter().filter_map(|((from, to), names)| {
            let (from, to) = (&self.sources[*from], &self.sources[*to]);
            let why = objection(&from.module, &to.module)?;
            Some(format!("{} uses {}: {why}", from.path, names.join(", ")))
        });
        wrong.collect()
    }

    pub(super) fn circles(&self) -> Vec<Circle> {
        let path = |file: usize| self.sources[file].path.clone();
        let described = circles(self.sources.len(), &self.uses).into_iter().map(|files| {
            let inside =
                self.uses.iter().filter(|((from, to), _)| files.contains(from) && files.contains(to));
            let uses = inside.map(|((from, to), names)| {
                format!("  {} uses of {}: {}", path(*from), path(*to), names.join(", "))
            });
            Circle { uses: uses.collect(), files: files.iter().map(|file| path(*file)).collect() }
        });
        described.collect()
    }

    /// `Error` is exempt: the error of a module, used as `archive::Error`.
    pub(super) fn duplicate_types(&self) -> Vec<DuplicateType> {
        let mut defined: BTreeMap<String, (bool, Vec<String>)> = BTreeMap::new();
        for source in &self.sources {
            for (name, is_public) in types(&source.items.items) {
                let (any_public, files) = defined.entry(name).or_default();
                *any_public |= is_public;
                files.push(source.path.clone());
            }
        }
        let several = defined
            .into_iter()
            .filter(|(name, (any_public, files))| *any_public && files.len() > 1 && name != "Error");
        several.map(|(name, (_, files))| DuplicateType { name, files }).collect()
    }

    pub(super) fn shapeless(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for Source { path, module, text, .. } in &self.sources {
            let lines = production(text).lines().count();
            if lines > LINES_AT_MOST {
                wrong.push(format!("{path}: {lines} lines, {LINES_AT_MOST} at most"));
            }
            if let Some(name) = module.iter().find(|name| NAMELESS.contains(&name.as_str())) {
                wrong.push(format!("{path}: `{name}` does not name a subject"));
            }
            if !text.starts_with("//!") {
                wrong.push(format!("{path}: the module comment is missing"));
            }
        }
        wrong
    }

    pub(super) fn test_aware(&self) -> Vec<String> {
        let aware = self.sources.iter().filter(|source| production(&source.text).contains("cfg!(test)"));
        aware.map(|source| format!("{} behaves differently under test", source.path)).collect()
    }
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "circle of {}:\n{}", self.files.join(", "), self.uses.join("\n"))
    }
}

impl fmt::Display for DuplicateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is defined in {}", self.name, self.files.join(", "))
    }
}

/// The types of a file and of its inline modules, and whether each is public, at least
/// within a part of the crate.
fn types(items: &[syn::Item]) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for item in items {
        let (name, visibility) = match item {
            syn::Item::Struct(item) => (&item.ident, &item.vis),
            syn::Item::Enum(item) => (&item.ident, &item.vis),
            syn::Item::Type(item) => (&item.ident, &item.vis),
            syn::Item::Trait(item) => (&item.ident, &item.vis),
            syn::Item::Union(item) => (&item.ident, &item.vis),
            syn::Item::Mod(item) => {
                found.extend(item.content.iter().flat_map(|(_, items)| types(items)));
                continue;
            }
            _ => continue,
        };
        found.push((name.to_string(), !matches!(visibility, syn::Visibility::Inherited)));
    }
    found
}

/// Why `from` may not use `to`, if it may not.
fn objection(from: &[String], to: &[String]) -> Option<String> {
    let (from_floor, to_floor) = (floor(from)?, floor(to)?);
    if to_floor > from_floor {
        return Some(format!("{} is a floor above", to.join("::")));
    }
    let (from_top, to_top) = (from.first()?, to.first()?);
    if from_floor == 2 && to_floor == 2 && from_top != to_top {
        return Some(format!("{from_top} and {to_top} meet in the catalogue"));
    }
    let (from_part, to_part) = (from.get(1)?, to.get(1)?);
    match (from_top.as_str(), to_top.as_str()) {
        ("domain", "domain") => {
            let place = |part: &str| STAGES.iter().position(|stage| *stage == part);
            (place(to_part) > place(from_part)).then(|| format!("stage {to_part} comes after {from_part}"))
        }
        ("world", "world") if from_part == "recording" => (to_part != "recording"
            && !RECORDED.contains(&to_part.as_str()))
        .then(|| format!("world::{from_part} and world::{to_part} meet in a run")),
        ("world", "world") => (from_part != to_part && !SHARED_BY_THE_WORLD.contains(&to_part.as_str()))
            .then(|| format!("world::{from_part} and world::{to_part} meet in a run")),
        _ => None,
    }
}

fn floor(module: &[String]) -> Option<u8> {
    Some(match module.first()?.as_str() {
        "domain" => 0,
        "world" => 1,
        "night" | "outbox" | "serve" | "export" => 2,
        "config" | "daemon" | "demo" | "cli" | "main" => 3,
        _ => return None,
    })
}

/// The part of a file before its tests.
fn production(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}
