//! Org files: headings by stars, items, tables and links in double brackets.

use super::{Line, Lists, item_mark, lines, with_addresses};
use crate::domain::page::source_map::{Made, escape};

pub(in crate::domain::page) fn made(source: &str) -> Made {
    let mut made = Made::new(source);
    let mut lists = Lists::default();
    let mut block: Option<String> = None;
    let mut is_drawer = false;
    let mut is_table = false;
    for line in lines(source) {
        let text = line.text.trim();
        let lower = text.to_ascii_lowercase();
        if let Some(name) = &block {
            if lower.starts_with(&format!("#+end_{name}")) {
                block = None;
            }
            continue;
        }
        if let Some(name) = lower.strip_prefix("#+begin_").and_then(|rest| rest.split(' ').next()) {
            if matches!(name, "src" | "example" | "comment" | "export") {
                block = Some(name.to_owned());
            }
            continue;
        }
        if is_table && !text.starts_with('|') {
            made.markup("</table>", line.start);
            is_table = false;
        }
        is_drawer =
            if is_drawer { lower != ":end:" } else { lower == ":properties:" || lower == ":logbook:" };
        if is_drawer || lower == ":end:" {
            continue;
        }
        if let Some(title) = lower.strip_prefix("#+title:").map(|rest| &text[text.len() - rest.len()..]) {
            let mut escaped = String::new();
            escape(title.trim(), &mut escaped);
            made.markup(&format!("<title>{escaped}</title>"), line.start);
        } else if text.starts_with("#+") || text == "#" || text.starts_with("# ") {
        } else if text.starts_with('|') {
            if !is_table {
                lists.end(&mut made, 0, line.start);
                made.markup("<table>", line.start);
                is_table = true;
            }
            row(&mut made, line);
        } else {
            plain_line(&mut made, &mut lists, line);
        }
    }
    if is_table {
        made.markup("</table>", source.len());
    }
    lists.end(&mut made, 0, source.len());
    made
}

fn plain_line(made: &mut Made, lists: &mut Lists, line: Line) {
    let stars = line.text.len() - line.text.trim_start_matches('*').len();
    if stars > 0 && line.text[stars..].starts_with(' ') {
        lists.end(made, 0, line.start);
        let level = stars.min(6);
        made.markup(&format!("<h{level}>"), line.start);
        inline(made, heading(&line.text[stars..]), line.start + stars);
        made.markup(&format!("</h{level}>"), line.start);
    } else if let Some(length) = item_mark(line.text).filter(|_| !line.text.starts_with('*')) {
        lists.item(made, line.indent(), line.start);
        inline(made, &line.text[length..], line.start + length);
    } else if line.is_blank() {
        made.markup("\n", line.start);
    } else {
        lists.end(made, line.indent(), line.start);
        let is_free = lists.open.is_empty();
        made.markup(if is_free { "<p>" } else { " " }, line.start);
        inline(made, line.text, line.start);
        made.markup(if is_free { "</p>" } else { "" }, line.start);
    }
}

/// A heading without its keyword and tags.
fn heading(text: &str) -> &str {
    let text = text.trim();
    let text = ["TODO ", "DONE ", "NEXT "].iter().find_map(|state| text.strip_prefix(state)).unwrap_or(text);
    match text.rsplit_once(' ') {
        Some((before, tags)) if tags.len() > 2 && tags.starts_with(':') && tags.ends_with(':') => {
            before.trim_end()
        }
        _ => text,
    }
}

fn row(made: &mut Made, line: Line) {
    if line.text.trim().starts_with("|-") {
        return;
    }
    made.markup("<tr>", line.start);
    let mut at = line.start + line.indent() + 1;
    // A cell separator may be within the address of a link.
    for cell in line.text.trim().trim_matches('|').split('|') {
        made.markup("<td>", at);
        inline(made, cell, at);
        made.markup("</td>", at);
        at += cell.len() + 1;
    }
    made.markup("</tr>", line.start);
}

/// Text with its links: `[[address][words]]`, `[[address]]` and bare ones.
fn inline(made: &mut Made, text: &str, start: usize) {
    let mut from = 0;
    while let Some(at) = text[from..].find("[[").map(|at| from + at) {
        let Some(end) = text[at..].find("]]").map(|end| at + end) else { break };
        dated(made, &text[from..at], start + from);
        let inner = &text[at + 2..end];
        let (address, words) = inner.split_once("][").unwrap_or((inner, inner));
        let address = address.strip_prefix("file:").unwrap_or(address);
        // Without a scheme, a path or a file name it is the name of a heading.
        let is_address = address.contains("://") || address.contains('/') || address.contains('.');
        if is_address {
            made.link(address, words, start + at)
        } else {
            made.text(words, start + at)
        }
        from = end + 2;
    }
    dated(made, &text[from..], start + from);
}

/// A text with its timestamps in parentheses, as for dates in other formats.
fn dated(made: &mut Made, text: &str, start: usize) {
    let is_stamp =
        |inner: &str| inner.get(..10).is_some_and(|day| day.chars().all(|c| c.is_ascii_digit() || c == '-'));
    match text.split_once('<') {
        Some((before, rest)) if is_stamp(rest) && rest.contains('>') => {
            let (stamp, behind) = rest.split_once('>').unwrap_or((rest, ""));
            with_addresses(made, before, start);
            made.text(&format!("({})", &stamp[..10]), start + before.len());
            dated(made, behind, start + text.len() - behind.len());
        }
        _ => with_addresses(made, text, start),
    }
}
