//! Directives, comments and definitions: blocks of code and raw text are skipped, the
//! content of others is read.

use super::super::Line;
use super::TextReader;
use super::references::anonymous_target;

/// Directives whose content is no text of the page.
const UNREAD: &[&str] =
    &["code", "code-block", "sourcecode", "raw", "math", "literalinclude", "toctree", "highlight"];

/// Whether a line begins a directive, a comment or a definition.
pub(super) fn is_explicit(line: &str) -> bool {
    line.trim_start().starts_with(".. ") || anonymous_target(line.trim()).is_some()
}

/// The name of a footnote or citation that begins with `.. [1]` or `.. [#name]`, and the
/// position of its text.
pub(super) fn note_mark(line: &str) -> Option<(&str, usize)> {
    let rest = line.trim_start();
    let (name, text) = rest.strip_prefix(".. [")?.split_once("] ")?;
    Some((name, line.len() - text.len()))
}

impl TextReader {
    /// Reads a directive, comment or definition; returns the position after what belongs to it.
    pub(super) fn explicit(&mut self, lines: &[Line], at: usize) -> usize {
        let line = lines[at];
        let text = line.text.trim();
        let directive = text.strip_prefix(".. ").and_then(|rest| rest.split_once("::"));
        let (name, argument) = directive.unwrap_or_default();
        let is_inner = |next: &Line| next.is_blank() || next.indent() > line.indent();
        let is_option = |next: &Line| is_inner(next) && next.text.trim_start().starts_with(':');
        let count = |belongs: &dyn Fn(&Line) -> bool| {
            lines[at + 1..].iter().position(|next| !belongs(next)).map_or(lines.len(), |end| at + 1 + end)
        };
        let options = &lines[at + 1..count(&is_option)];
        match name {
            "image" | "figure" => self.image(argument.trim(), options),
            "csv-table" => {
                let end = count(&is_inner);
                let head = option(options, "header");
                let rows: Vec<Line> = lines[at + 1 + options.len()..end]
                    .iter()
                    .filter(|row| !row.is_blank())
                    .copied()
                    .collect();
                self.lists.end(&mut self.made, line.indent(), line.start);
                self.csv_table(head, &rows);
                return end;
            }
            _ => {}
        }
        let is_read = directive.is_some() && !UNREAD.contains(&name);
        if is_read { at + 1 + options.len() } else { count(&is_inner) }
    }

    /// A picture may be a link.
    fn image(&mut self, file: &str, options: &[Line]) {
        let Some((target, start)) = option(options, "target") else { return };
        let words = option(options, "alt").map_or(file, |(words, _)| words);
        let address =
            target.strip_suffix('_').and_then(|name| self.references.target(name.trim_matches('`')));
        let address = address.unwrap_or_else(|| target.to_owned());
        self.made.markup("<p>", start);
        self.made.link(&address, words, start);
        self.made.markup("</p>", start);
    }
}

/// The value of an option, and its position.
fn option<'a>(options: &[Line<'a>], name: &str) -> Option<(&'a str, usize)> {
    options.iter().find_map(|line| {
        let text = line.text.trim_start();
        let value = text.strip_prefix(':')?.strip_prefix(name)?.strip_prefix(':')?.trim();
        Some((value, line.start + line.text.len() - text.len() + name.len() + 2))
    })
}
