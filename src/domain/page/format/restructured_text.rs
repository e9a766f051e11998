//! reStructuredText: sections by their underlines, items, tables, and links with their
//! targets.

mod directive;
mod inline;
mod references;
mod table;

use self::references::References;
use self::table::is_border;
use super::{Line, Lists, item_mark, lines};
use crate::domain::page::source_map::Made;

/// Characters that underline a title.
const UNDERLINES: &str = "=-~^\"'`#*+.:_!$%&,;<>@|?/\\";

pub(in crate::domain::page) fn made(source: &str) -> Made {
    let lines = lines(source);
    let mut reader = TextReader {
        made: Made::new(source),
        lists: Lists::default(),
        references: References::of(&lines),
        levels: Vec::new(),
    };
    let mut at = 0;
    while at < lines.len() {
        at = reader.step(&lines, at);
    }
    reader.lists.end(&mut reader.made, 0, source.len());
    reader.made
}

struct TextReader {
    made: Made,
    lists: Lists,
    references: References,
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
        if let Some((name, length)) = directive::note_mark(line.text) {
            self.lists.end(&mut self.made, line.indent(), line.start);
            self.made.markup(&format!("<p id=\"{}\">", inline::note_id(name)), line.start);
            let next = self.text(lines, at, length);
            self.made.markup("</p>", line.start);
            return next;
        }
        if directive::is_explicit(line.text) {
            return self.explicit(lines, at);
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
