//! Replaces addresses in the sources of a page: which bytes change, and the diff.
//!
//! Only the bytes of an address change, and only if the source contains it as a separate
//! address: never inside a longer one, a comment or a script. Files are read and written
//! elsewhere.

mod diff;
mod html;
mod markdown;
mod data_files;
mod address_syntax;

use std::collections::HashSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::page::{self, Markup};
use address_syntax::AddressSyntax;

pub use diff::unified;

/// One address to replace, and its replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressChange {
    pub from: Address,
    pub to: Address,
    /// Whether fragments are kept: the same document at a new address has the same anchors.
    pub keeps_fragment: bool,
}

/// A source file of the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSourceFile {
    /// Its path from the root of all sources, with `/`.
    pub name: String,
    pub text: String,
    /// The base address of its relative links, if known.
    pub base: Option<Address>,
}

/// The place of an address in a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLocation {
    pub name: String,
    /// From 1.
    pub line: u32,
}

/// A source with its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditedFile {
    pub name: String,
    pub before: String,
    pub after: String,
}

/// The changes to all sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatchPlan {
    pub files: Vec<EditedFile>,
    /// The places of each change, in the order of the changes; empty if a template makes the address.
    pub spots: Vec<Vec<SourceLocation>>,
}

/// An address found in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FoundAddress {
    /// Its byte range, with the fragment and without quotation marks.
    range: Range<usize>,
    /// The address that a parser of the language reads from them.
    value: String,
    syntax: AddressSyntax,
}

/// The language of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Html,
    Markdown,
    /// YAML, JSON, TOML, CSV and templates, where addresses are plain words.
    Data,
}

/// Finds the addresses in the sources and plans their replacement.
///
/// `links` are the addresses that the course links to. None of them is taken for a variant
/// of another.
pub fn plan(fixes: &[AddressChange], links: &HashSet<Address>, sources: &[PageSourceFile]) -> PatchPlan {
    let mut plan = PatchPlan { files: Vec::new(), spots: vec![Vec::new(); fixes.len()] };
    for source in sources {
        let mut after = String::with_capacity(source.text.len());
        let mut copied = 0;
        for found in addresses(source) {
            let Some(at) = fitting(&found, fixes, links, source.base.as_ref()) else { continue };
            let Some((range, written)) = edit(source, &found, &fixes[at]) else { continue };
            after.push_str(&source.text[copied..range.start]);
            after.push_str(&written);
            copied = range.end;
            plan.spots[at]
                .push(SourceLocation { name: source.name.clone(), line: line(&source.text, range.start) });
        }
        if copied > 0 {
            after.push_str(&source.text[copied..]);
            plan.files.push(EditedFile { name: source.name.clone(), before: source.text.clone(), after });
        }
    }
    plan
}

/// The addresses of a source in order, without overlaps.
fn addresses(source: &PageSourceFile) -> Vec<FoundAddress> {
    let mut found = match language(source) {
        Language::Html => {
            let body = page::front_matter(&source.text).map_or(0, |head| head.end);
            let mut found = data_files::addresses(&source.text, 0..body, &source.name);
            found.extend(html::addresses(&source.text, body..source.text.len()));
            found
        }
        Language::Markdown => markdown::addresses(&source.text, &source.name),
        Language::Data => data_files::addresses(&source.text, 0..source.text.len(), &source.name),
    };
    found.sort_by_key(|found| found.range.start);
    let mut end = 0;
    found.retain(|found| {
        let is_apart = found.range.start >= end && !found.range.is_empty();
        if is_apart {
            end = found.range.end;
        }
        is_apart
    });
    found
}

fn language(source: &PageSourceFile) -> Language {
    let name = source.name.to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if ends(&[".yml", ".yaml", ".json", ".toml", ".csv", ".tsv", ".txt", ".bib"]) {
        return Language::Data;
    }
    let mut end = source.text.len().min(4096);
    while !source.text.is_char_boundary(end) {
        end -= 1;
    }
    match page::markup_of(None, &name, Some(&source.text[..end])) {
        Ok(Markup::Html) => Language::Html,
        Ok(Markup::Markdown) => Language::Markdown,
        Ok(_) | Err(_) => Language::Data,
    }
}

/// The change that concerns an address.
fn fitting(
    found: &FoundAddress,
    fixes: &[AddressChange],
    links: &HashSet<Address>,
    base: Option<&Address>,
) -> Option<usize> {
    let address = resolved(&found.value, base)?;
    let exact = fixes.iter().position(|fix| fix.from == address);
    let variant = || {
        let key = address_syntax::key(&address);
        let is_other = links.contains(&address);
        fixes.iter().position(|fix| !is_other && address_syntax::key(&fix.from) == key)
    };
    exact.or_else(variant)
}

fn resolved(value: &str, base: Option<&Address>) -> Option<Address> {
    match base {
        Some(base) => base.join(value).ok(),
        None => Address::parse(value).ok(),
    }
}

/// The bytes to replace and their replacement; `None` if a parser would not read the result as intended.
fn edit(
    source: &PageSourceFile,
    found: &FoundAddress,
    fix: &AddressChange,
) -> Option<(Range<usize>, String)> {
    let raw = &source.text[found.range.clone()];
    // The `#` of a character reference does not start a fragment.
    let fragment = raw.match_indices('#').map(|(at, _)| at).find(|at| !raw[..*at].ends_with('&'));
    let kept = fragment.filter(|_| fix.keeps_fragment);
    let end = kept.map_or(found.range.end, |at| found.range.start + at);
    let written = address_syntax::written(&fix.to, found.syntax, raw);
    let range = found.range.start..end;
    let reads_well = reads_as(source, found, &range, &written, &fix.to);
    reads_well.then_some((range, written))
}

/// Whether the changed source has the new address in the place of the old one.
fn reads_as(
    source: &PageSourceFile,
    found: &FoundAddress,
    range: &Range<usize>,
    written: &str,
    to: &Address,
) -> bool {
    let text = format!("{}{written}{}", &source.text[..range.start], &source.text[range.end..]);
    let changed = PageSourceFile { text, name: source.name.clone(), base: source.base.clone() };
    let at = found.range.start;
    addresses(&changed).iter().any(|now| {
        now.range.start == at
            && resolved(&now.value, source.base.as_ref())
                .is_some_and(|address| address_syntax::decoded(&address) == address_syntax::decoded(to))
    })
}

fn line(text: &str, at: usize) -> u32 {
    let newlines = text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(newlines + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
