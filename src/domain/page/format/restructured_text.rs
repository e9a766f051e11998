//! reStructuredText: sections by their underlines, items, tables of characters, and
//! links with their targets.

use std::collections::HashMap;

use super::{Line, Lists, item_mark, lines, with_addresses};
use crate::domain::page::source_map::Made;

/// Characters that underline a title.
const UNDERLINES: &str = "=-~^\"'`#*+.:_!$%&,;<>@|?/\\";

pub(in crate::domain::page) fn made(source: &str) -> Made {
    let lines = lines(source);
    let mut reader = TextReader {
        made: Made::new(source),
        lists: Lists::default(),
        targets: targets(&lines),
        levels: Vec::new(),
    };
    let mut at = 0;
    while at < lines.len() {
        at = reader.step(&lines, at);
    }
    reader.lists.end(&mut reader.made, 0, source.len());
    reader.made
}

/// `.. _name: address`, by name in lower case.
fn targets(lines: &[Line]) -> HashMap<String, String> {
    let mut targets = HashMap::new();
    for line in lines {
        let Some(rest) = line.text.trim().strip_prefix(".. _") else { continue };
        let (name, address) = match rest.strip_prefix('`').and_then(|rest| rest.split_once("`:")) {
            Some(found) => found,
            None => match rest.split_once(": ") {
                Some(found) => found,
                None => continue,
            },
        };
        targets.insert(name.trim().to_lowercase(), address.trim().to_owned());
    }
    targets
}

struct TextReader {
    made: Made,
    lists: Lists,
    targets: HashMap<String, String>,
    /// The underlines in the order of their first use.
    levels: Vec<TitleStyle>,
}

impl TextReader {
    /// Reads the line at a position and the lines that belong to it; returns the next position.
    fn step(&mut self, lines: &[Line], at: usize) -> usize {
        let line = lines[at];
        if let Some((style, title)) = title(lines, at) {
            self.heading(lines[title], style);
            return title + 2;
        }
        if line.text.trim_start().starts_with(".. ") {
            return Self::explicit(lines, at);
        }
        if is_border(line.text) {
            return self.table(lines, at);
        }
        if let Some(length) = item_mark(line.text) {
            self.lists.item(&mut self.made, line.indent(), line.start);
            return self.text(lines, at, length);
        }
        if line.is_blank() {
            self.made.markup("\n", line.start);
            return at + 1;
        }
        self.lists.end(&mut self.made, line.indent(), line.start);
        let is_free = self.lists.open.is_empty();
        self.made.markup(if is_free { "<p>" } else { " " }, line.start);
        let next = self.text(lines, at, 0);
        self.made.markup(if is_free { "</p>" } else { "" }, line.start);
        next
    }

    /// A paragraph may continue over several lines, and a link with it.
    fn text(&mut self, lines: &[Line], at: usize, from: usize) -> usize {
        let mut next = at + 1;
        while next < lines.len()
            && !lines[next].is_blank()
            && item_mark(lines[next].text).is_none()
            && title(lines, next).is_none()
        {
            next += 1;
        }
        let mut text = String::new();
        let mut starts = Vec::new();
        for (number, line) in lines[at..next].iter().enumerate() {
            let skipped = if number == 0 { from } else { line.indent() };
            starts.push((text.len(), line.start + skipped));
            text.push_str(line.text[skipped..].trim_end());
            text.push(' ');
        }
        self.inline(&text, &|offset| {
            let line = starts.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
            starts.get(line).map_or(0, |(start, place)| place + (offset - start))
        });
        next
    }

    fn heading(&mut self, line: Line, style: TitleStyle) {
        self.lists.end(&mut self.made, 0, line.start);
        let known = self.levels.iter().position(|level| *level == style);
        let level = known.unwrap_or_else(|| {
            self.levels.push(style);
            self.levels.len() - 1
        });
        let level = (level + 1).min(6);
        self.made.markup(&format!("<h{level}>"), line.start);
        self.inline(line.text.trim(), &|offset| line.start + offset);
        self.made.markup(&format!("</h{level}>"), line.start);
    }

    /// Directives and comments: a block of code or raw text is skipped, the content of
    /// others is read.
    fn explicit(lines: &[Line], at: usize) -> usize {
        let line = lines[at];
        let text = line.text.trim();
        let name = text.strip_prefix(".. ").and_then(|rest| rest.split_once("::")).map(|(name, _)| name);
        let is_read = name.is_some_and(|name| {
            !matches!(
                name,
                "code"
                    | "code-block"
                    | "sourcecode"
                    | "raw"
                    | "math"
                    | "literalinclude"
                    | "toctree"
                    | "highlight"
            )
        });
        let is_inner = |next: &Line| next.is_blank() || next.indent() > line.indent();
        let is_option = |next: &Line| is_inner(next) && next.text.trim_start().starts_with(':');
        let belongs = |next: &Line| if is_read { is_option(next) } else { is_inner(next) };
        lines[at + 1..].iter().position(|next| !belongs(next)).map_or(lines.len(), |end| at + 1 + end)
    }

    /// Rows between borders of characters; cells are below each other.
    fn table(&mut self, lines: &[Line], at: usize) -> usize {
        let columns = columns(lines[at].text);
        let is_grid = lines[at].text.trim_start().starts_with('+');
        self.lists.end(&mut self.made, 0, lines[at].start);
        self.made.markup("<table>", lines[at].start);
        let mut next = at + 1;
        let mut row: Vec<Line> = Vec::new();
        while next < lines.len() && !lines[next].is_blank() {
            let line = lines[next];
            let begins = !is_grid
                && columns.first().is_some_and(|(start, end)| {
                    line.text
                        .get(*start..(*end).min(line.text.len()))
                        .is_some_and(|cell| !cell.trim().is_empty())
                });
            if is_border(line.text) || begins {
                self.row(&row, &columns);
                row.clear();
            }
            if !is_border(line.text) {
                row.push(line);
            }
            next += 1;
        }
        self.row(&row, &columns);
        self.made.markup("</table>", lines[at].start);
        next
    }

    fn row(&mut self, row: &[Line], columns: &[(usize, usize)]) {
        let Some(first) = row.first() else { return };
        self.made.markup("<tr>", first.start);
        let last = columns.len().saturating_sub(1);
        for (number, (start, end)) in columns.iter().enumerate() {
            self.made.markup("<td>", first.start);
            let mut text = String::new();
            let mut starts = Vec::new();
            for line in row {
                let end = if number == last && !line.text.ends_with('|') {
                    line.text.len()
                } else {
                    (*end).min(line.text.len())
                };
                let Some(cell) = line.text.get((*start).min(end)..end) else { continue };
                starts.push((text.len(), line.start + start));
                text.push_str(cell.trim_end());
                text.push(' ');
            }
            self.inline(&text, &|offset| {
                let line = starts.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
                starts.get(line).map_or(0, |(start, place)| place + (offset - start))
            });
            self.made.markup("</td>", first.start);
        }
        self.made.markup("</tr>", first.start);
    }

    /// Text with its links: `` `words <address>`_ ``, `` `name`_ ``, `name_` and bare ones.
    fn inline(&mut self, text: &str, place: &dyn Fn(usize) -> usize) {
        let mut from = 0;
        while let Some(at) = text[from..].find('`').map(|at| from + at) {
            if text[at..].starts_with("``") {
                let end = text[at + 2..].find("``").map_or(text.len(), |end| at + 2 + end + 2);
                self.plain(&text[from..at], place, from);
                self.made.text(text[at..end].trim_matches('`'), place(at));
                from = end;
                continue;
            }
            let Some(end) = text[at + 1..].find('`').map(|end| at + 1 + end) else { break };
            let inner = &text[at + 1..end];
            let is_role = text[..at].ends_with(':');
            let is_link = text[end + 1..].starts_with('_');
            let before = if is_role {
                text[from..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric() || ":-".contains(c))
            } else {
                &text[from..at]
            };
            self.plain(before, place, from);
            let (words, address) = match inner
                .rsplit_once('<')
                .map(|(words, rest)| (words.trim(), rest.trim_end_matches('>').trim()))
            {
                Some((words, address)) => (words, Some(address.to_owned())),
                None => (inner, self.targets.get(&inner.to_lowercase()).cloned()),
            };
            let words_or_address =
                |address: &str| if words.is_empty() { address.to_owned() } else { words.to_owned() };
            match address {
                Some(address) if is_link && !address.ends_with('_') => {
                    self.made.link(&address, &words_or_address(&address), place(at))
                }
                Some(address) if is_role && address.contains("://") => {
                    self.made.link(&address, words, place(at))
                }
                Some(address) if is_role && text[..at].ends_with(":download:") => {
                    self.made.link(&address, words, place(at))
                }
                _ => self.made.text(words, place(at)),
            }
            from = end + 1;
            while text[from..].starts_with('_') {
                from += 1;
            }
        }
        self.plain(&text[from..], place, from);
    }

    /// A text without marked links: names followed by an underscore, and addresses.
    fn plain(&mut self, text: &str, place: &dyn Fn(usize) -> usize, start: usize) {
        let mut from = 0;
        for (at, word) in words(text) {
            let name = word.trim_end_matches(['.', ',', ')', ';', ':']).strip_suffix('_');
            let address =
                name.and_then(|name| self.targets.get(&name.trim_start_matches('(').to_lowercase()).cloned());
            if let (Some(name), Some(address)) = (name, address) {
                self.bare(&text[from..at], place(start + from));
                self.made.link(&address, name.trim_start_matches('('), place(start + at));
                from = at + word.len();
            }
        }
        self.bare(&text[from..], place(start + from));
    }

    fn bare(&mut self, text: &str, start: usize) {
        with_addresses(&mut self.made, &text.replace("**", ""), start);
    }
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace().map(|word| (word.as_ptr().addr() - text.as_ptr().addr(), word))
}

/// How a title is underlined, which determines its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TitleStyle {
    sign: char,
    is_overlined: bool,
}

/// A title at this line: its style and the line with its text.
fn title(lines: &[Line], at: usize) -> Option<(TitleStyle, usize)> {
    let underline = |line: &Line, least: usize| {
        let text = line.text.trim_end();
        let sign = text.chars().next().filter(|sign| UNDERLINES.contains(*sign))?;
        (text.chars().all(|c| c == sign) && text.chars().count() >= least.max(2)).then_some(sign)
    };
    let length = |line: &Line| line.text.trim().chars().count();
    let over = underline(&lines[at], 3);
    if let (Some(sign), Some(title), Some(under)) = (over, lines.get(at + 1), lines.get(at + 2))
        && !title.is_blank()
        && underline(under, length(title)) == Some(sign)
        && underline(title, 3).is_none()
    {
        return Some((TitleStyle { sign, is_overlined: true }, at + 1));
    }
    let under = lines.get(at + 1)?;
    let is_title = !lines[at].is_blank() && lines[at].indent() == 0 && over.is_none();
    underline(under, length(&lines[at]))
        .filter(|_| is_title)
        .map(|sign| (TitleStyle { sign, is_overlined: false }, at))
}

/// The border of a table: `+---+---+` or `==== ====`.
fn is_border(text: &str) -> bool {
    let text = text.trim();
    let is_grid =
        text.len() > 2 && text.starts_with('+') && text.chars().all(|c| matches!(c, '+' | '-' | '='));
    let is_simple = text.len() > 3
        && text.contains("= =") | text.contains("=  =")
        && text.chars().all(|c| matches!(c, '=' | ' '));
    is_grid || is_simple
}

/// The beginnings and ends of the columns below a border.
fn columns(border: &str) -> Vec<(usize, usize)> {
    let is_rule = |c: char| matches!(c, '-' | '=');
    let mut columns = Vec::new();
    let mut start = None;
    for (at, c) in border.char_indices().chain([(border.len(), ' ')]) {
        match (is_rule(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                columns.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    columns
}
