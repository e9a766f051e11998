//! Finds addresses in Markdown: destinations, definitions, autolinks, raw HTML, and words
//! of the YAML front matter.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Parser, Tag, TagEnd};

use super::address_syntax::AddressSyntax;
use super::{FoundAddress, data_files, html};
use crate::domain::page;

pub(super) fn addresses(text: &str, name: &str) -> Vec<FoundAddress> {
    let head = page::front_matter(text);
    let mut found = match &head {
        Some(head) => data_files::addresses(text, head.data.clone(), name),
        None => Vec::new(),
    };
    let start = head.map_or(0, |head| head.end);
    let body = &text[start..];
    let mut events = Parser::new_ext(body, page::markdown_options()).into_offset_iter();
    // Addresses within a link, an image or code are not links.
    let mut depth = 0_u32;
    // The parser gives one run of text in several pieces.
    let mut run = 0..0;
    for (event, range) in events.by_ref() {
        let range = start + range.start..start + range.end;
        if matches!(event, Event::Text(_)) && depth == 0 {
            run = if run.end == range.start { run.start..range.end } else { range };
            continue;
        }
        found.extend(bare(text, std::mem::take(&mut run)));
        match event {
            Event::Html(_) | Event::InlineHtml(_) => found.extend(html::addresses(text, range)),
            Event::Start(Tag::Link { link_type, dest_url, .. }) => {
                depth += 1;
                match link_type {
                    LinkType::Inline => found.extend(inline(text, range, &dest_url)),
                    LinkType::Autolink => found.extend(autolink(text, range, &dest_url)),
                    _ => {}
                }
            }
            Event::Start(Tag::Image { .. } | Tag::CodeBlock(_)) => depth += 1,
            Event::End(TagEnd::Link | TagEnd::Image | TagEnd::CodeBlock) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found.extend(bare(text, run));
    for (_, definition) in events.reference_definitions().iter() {
        let span = start + definition.span.start..start + definition.span.end;
        let starts = text[span.clone()].match_indices("]:");
        found.extend(
            starts
                .filter_map(|(at, _)| destination(text, span.start + at + 2, span.end))
                .find(|found| found.value == *definition.dest),
        );
    }
    found
}

/// The destination of `[words](destination "title")`: the last one that has the value that
/// the parser read, because the words may contain images with destinations of
/// their own.
fn inline(text: &str, range: Range<usize>, wanted: &str) -> Option<FoundAddress> {
    let starts = text[range.clone()].rmatch_indices("](");
    starts
        .filter_map(|(at, _)| destination(text, range.start + at + 2, range.end))
        .find(|found| found.value == wanted)
}

/// Bare addresses in the text.
fn bare(text: &str, range: Range<usize>) -> Vec<FoundAddress> {
    let start = range.start;
    let with_scheme = page::bare_addresses(&text[range]).into_iter().filter_map(|bare| {
        let range = start + bare.range.start..start + bare.range.end;
        let value = text[range.clone()].to_owned();
        (value == bare.address).then_some(FoundAddress { range, value, syntax: AddressSyntax::Bare })
    });
    with_scheme.collect()
}

fn autolink(text: &str, range: Range<usize>, wanted: &str) -> Option<FoundAddress> {
    let range = range.start + 1..range.end.checked_sub(1)?;
    let value = text.get(range.clone())?.to_owned();
    (value == wanted).then_some(FoundAddress { range, value, syntax: AddressSyntax::Autolink })
}

/// The link destination at a position (`CommonMark` section 6.3).
fn destination(text: &str, from: usize, end: usize) -> Option<FoundAddress> {
    let rest = text.get(from..end)?;
    let start = from + (rest.len() - rest.trim_start().len());
    let rest = &text[start..end];
    let in_angles = rest.starts_with('<');
    let start = start + usize::from(in_angles);
    let rest = &text[start..end];
    let mut open = 0_u32;
    let mut is_escaped = false;
    let mut length = rest.len();
    for (at, c) in rest.char_indices() {
        let ends = match c {
            _ if is_escaped => false,
            '>' => in_angles,
            '(' if !in_angles => {
                open += 1;
                false
            }
            ')' if !in_angles && open == 0 => true,
            ')' if !in_angles => {
                open -= 1;
                false
            }
            c => !in_angles && (c.is_ascii_whitespace() || c.is_ascii_control()),
        };
        is_escaped = c == '\\' && !is_escaped;
        if ends {
            length = at;
            break;
        }
    }
    let range = start..start + length;
    let value = html::decoded(&unescaped(&text[range.clone()]));
    Some(FoundAddress { range, value, syntax: AddressSyntax::Destination { in_angles } })
}

/// Removes the backslashes that escape punctuation.
fn unescaped(raw: &str) -> String {
    let mut plain = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next) if c == '\\' && next.is_ascii_punctuation() => plain.extend(chars.next()),
            _ => plain.push(c),
        }
    }
    plain
}
