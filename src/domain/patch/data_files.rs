//! Addresses in YAML, JSON, TOML, CSV and templates.

use std::ops::Range;

use super::address_syntax::AddressSyntax;
use super::{FoundAddress, html};

pub(super) fn addresses(text: &str, within: Range<usize>, name: &str) -> Vec<FoundAddress> {
    let is_table = name.ends_with(".csv") || name.ends_with(".tsv");
    let lower = text[within.clone()].to_ascii_lowercase();
    let starts = lower.match_indices("http").map(|(at, _)| at);
    let starts =
        starts.filter(|at| ["http://", "https://"].iter().any(|scheme| lower[*at..].starts_with(scheme)));
    let mut end = 0;
    let mut found = Vec::new();
    for at in starts {
        let start = within.start + at;
        let before = text[..start].chars().next_back();
        if start < end || before.is_some_and(continues_an_address) {
            continue;
        }
        let Some(length) = length(&text[start..within.end], before, is_table) else { continue };
        end = start + length;
        let raw = &text[start..end];
        let value = if raw.contains("&amp;") { html::decoded(raw) } else { raw.to_owned() };
        found.push(FoundAddress { range: start..end, value, syntax: AddressSyntax::Word(before) });
    }
    found
}

/// A character before `http` that makes it part of a longer word.
fn continues_an_address(c: char) -> bool {
    c.is_alphanumeric() || "/:=%-_.+?&#~@$!*;\\".contains(c)
}

/// The length of the address; `None` if it continues with characters that no address has.
fn length(rest: &str, before: Option<char>, is_table: bool) -> Option<usize> {
    let is_quoted = matches!(before, Some('"' | '\''));
    let (mut round, mut square, mut curly) = (0_u32, 0_u32, 0_u32);
    let mut length = rest.len();
    for (at, c) in rest.char_indices() {
        let ends = match c {
            // A template or an escape, whose value is unknown.
            '{' if rest[at..].starts_with("{{") || rest[at..].starts_with("{%") => return None,
            '\\' | '^' => return None,
            c if c.is_whitespace() || c.is_control() => true,
            '"' | '<' | '>' | '`' | '|' => true,
            '\'' => before == Some('\''),
            ',' | ';' => is_table,
            '(' => opened(&mut round),
            '[' => opened(&mut square),
            '{' => opened(&mut curly),
            ')' => !is_quoted && closes(&mut round),
            ']' => !is_quoted && closes(&mut square),
            '}' => !is_quoted && closes(&mut curly),
            _ => false,
        };
        if ends {
            length = at;
            break;
        }
    }
    let word = &rest[..length];
    // Punctuation that ends a sentence is not part of the address.
    Some(if is_quoted { word.len() } else { word.trim_end_matches(['.', ',', ';', ':', '!', '?']).len() })
}

fn opened(depth: &mut u32) -> bool {
    *depth += 1;
    false
}

fn closes(depth: &mut u32) -> bool {
    let is_unopened = *depth == 0;
    *depth = depth.saturating_sub(1);
    is_unopened
}
