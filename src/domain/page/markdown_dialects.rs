//! Constructs of Markdown dialects that `CommonMark` reads as code or as one paragraph:
//! blocks of `MkDocs`, directives of `MyST`, tables of pandoc. Each is rewritten to a
//! construct of `CommonMark` of the same length, so that positions stay as they are.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

mod tables;

/// The indentation of the content of a block.
const CONTENT_INDENT: usize = 4;

/// Directives of `MyST` with Markdown in them. The others hold code, data or options.
const DIRECTIVES: &[&str] = &[
    "admonition",
    "aside",
    "attention",
    "card",
    "caution",
    "container",
    "danger",
    "details",
    "div",
    "dropdown",
    "epigraph",
    "error",
    "exercise",
    "grid",
    "grid-item",
    "grid-item-card",
    "hint",
    "important",
    "list-table",
    "margin",
    "note",
    "proof",
    "seealso",
    "sidebar",
    "solution",
    "tab-item",
    "tab-set",
    "table",
    "tip",
    "topic",
    "warning",
];

/// The text with these constructs rewritten. It has as many bytes and the same lines.
pub(super) fn in_common_form(text: &str) -> Cow<'_, str> {
    let has = |sign: &&str| memmem::find(text.as_bytes(), sign.as_bytes()).is_some();
    if !["\n===", "!!!", "???", ":::", "{", "---", "+--"].iter().any(has) {
        return Cow::Borrowed(text);
    }
    let lines = lines(text);
    let mut form = CommonForm { text, lines: &lines, changes: Vec::new(), fences: Vec::new() };
    let mut at = 0;
    while at < lines.len() {
        at = form.step(at);
    }
    let mut changed = text.to_owned();
    for (range, new) in form.changes {
        debug_assert_eq!(range.len(), new.len(), "positions stay as they are");
        changed.replace_range(range, &new);
    }
    Cow::Owned(changed)
}

/// The ranges of the lines, without their ends.
fn lines(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        lines.push(start..start + line.trim_end_matches(['\r', '\n']).len());
        start += line.len();
    }
    lines
}

/// An open fence: its signs, and whether its content is text.
struct Fence<'a> {
    signs: &'a str,
    is_text: bool,
}

struct CommonForm<'a> {
    text: &'a str,
    lines: &'a [Range<usize>],
    /// In the order of the text.
    changes: Vec<(Range<usize>, String)>,
    fences: Vec<Fence<'a>>,
}

impl<'a> CommonForm<'a> {
    /// Reads the line at a position and the lines that belong to it; returns the next position.
    fn step(&mut self, at: usize) -> usize {
        let range = self.lines[at].clone();
        let line = &self.text[range.clone()];
        let trimmed = line.trim_start();
        if let Some(signs) = fence(trimmed) {
            self.fence(range, trimmed, signs);
            return at + 1;
        }
        if self.fences.last().is_some_and(|fence| !fence.is_text) {
            return at + 1;
        }
        if trimmed.starts_with(":::") {
            let signs = trimmed.len() - trimmed.trim_start_matches(':').len();
            let start = range.end - trimmed.len();
            self.blank(start, signs + directive(&trimmed[signs..]));
            return at + 1;
        }
        if let Some(mark) = block_mark(trimmed).filter(|_| self.has_content(at, line.len() - trimmed.len())) {
            self.changes.push((range.end - trimmed.len()..range.end, as_item(trimmed, mark)));
            return at + 1;
        }
        match tables::at(self.text, &self.lines[at..]) {
            Some(table) => {
                self.changes.extend(table.changes);
                at + table.lines
            }
            None => at + 1,
        }
    }

    /// A line that begins or ends a fence. Those around text are left out.
    fn fence(&mut self, range: Range<usize>, trimmed: &str, signs: &'a str) {
        let info = &trimmed[signs.len()..];
        let is_end =
            info.trim().is_empty() && self.fences.last().is_some_and(|open| signs.starts_with(open.signs));
        let is_text = match self.fences.last() {
            Some(open) if is_end => {
                let is_text = open.is_text;
                self.fences.pop();
                is_text
            }
            Some(open) if !open.is_text => return,
            _ => {
                let is_text = directive(info) > 0;
                self.fences.push(Fence { signs, is_text });
                is_text
            }
        };
        if is_text {
            let start = range.end - trimmed.len();
            let length = signs.len() + if is_end { 0 } else { directive(info) };
            self.blank(start, length);
        }
    }

    fn blank(&mut self, start: usize, length: usize) {
        self.changes.push((start..start + length, " ".repeat(length)));
    }

    /// Whether the next line with text is indented as content of a block.
    fn has_content(&self, at: usize, indent: usize) -> bool {
        let next = self.lines[at + 1..].iter().map(|range| &self.text[range.clone()]);
        let mut next = next.filter(|line| !line.trim().is_empty());
        next.next()
            .is_some_and(|line| line.len() - line.trim_start_matches(' ').len() >= indent + CONTENT_INDENT)
    }
}

/// The signs of a line that begins or ends a fence.
fn fence(trimmed: &str) -> Option<&str> {
    let sign = trimmed.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
    let length = trimmed.len() - trimmed.trim_start_matches(sign).len();
    let is_inline = sign == '`' && trimmed[length..].contains('`') && !trimmed[length..].starts_with('{');
    (length >= 3 && !is_inline).then(|| &trimmed[..length])
}

/// The length of a directive with text, such as `{note}` or ` {.callout}`.
fn directive(info: &str) -> usize {
    let inner = info.trim_start();
    let Some((name, _)) = inner.strip_prefix('{').and_then(|rest| rest.split_once('}')) else { return 0 };
    let is_text = name.starts_with(['.', '#'])
        || name.starts_with("prf:")
        || DIRECTIVES.contains(&name.split_whitespace().next().unwrap_or_default());
    if is_text { info.len() - inner.len() + name.len() + 2 } else { 0 }
}

/// The length of the mark of a block with indented content: `!!!`, `???+`, `===`.
fn block_mark(trimmed: &str) -> Option<usize> {
    let mark = trimmed.split(' ').next()?;
    let is_mark = matches!(mark, "!!!" | "???" | "???+" | "===" | "===!" | "===+");
    (is_mark && trimmed.len() > mark.len()).then_some(mark.len())
}

/// The line as an item of a list, whose content is indented as far.
fn as_item(trimmed: &str, mark: usize) -> String {
    let title = &trimmed[mark + 1..];
    let room = trimmed.len() - CONTENT_INDENT - title.len();
    format!("*   {title}{}", " ".repeat(room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_with_indented_content_become_items() {
        let text = "=== \"Monday\"\n\n    [a](b)\n\n???+ tip\n    c\n\n=== no content\n";
        let expected = "*   \"Monday\"\n\n    [a](b)\n\n*   tip \n    c\n\n=== no content\n";
        assert_eq!(in_common_form(text), expected);
    }

    #[test]
    fn directives_with_text_are_opened_and_code_stays_code() {
        let text = "```{note}\n[a](b)\n```\n:::{tip} T\nx\n:::\n";
        assert_eq!(in_common_form(text), "         \n[a](b)\n   \n         T\nx\n   \n");
        let code = "```{python}\n[a](b)\n=== x\n    y\n```\n";
        assert_eq!(in_common_form(code), code);
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in ["A\n===\n\nB\n---\n", "{{ x }}\n", "```\n:::\n```\n", "a --- b\n- - -\n"] {
            assert_eq!(in_common_form(text), text);
        }
    }
}
