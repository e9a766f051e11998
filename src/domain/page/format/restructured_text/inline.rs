//! The text of a paragraph, title or cell with its links.

use super::super::with_addresses;
use super::TextReader;
use crate::domain::page::NOTE_REFERENCE;

impl TextReader {
    /// Text with its links: `` `words <address>`_ ``, `` `name`_ ``, `name_` and bare ones.
    pub(super) fn inline(&mut self, text: &str, place: &dyn Fn(usize) -> usize) {
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
                None if text[end + 1..].starts_with("__") => (inner, self.references.next_anonymous()),
                None => (inner, self.references.target(inner)),
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
            let address = name.and_then(|name| self.references.target(name.trim_start_matches('(')));
            if let (Some(name), Some(address)) = (name, address) {
                self.bare(&text[from..at], place(start + from));
                self.made.link(&address, name.trim_start_matches('('), place(start + at));
                from = at + word.len();
            }
        }
        self.bare(&text[from..], place(start + from));
    }

    /// A text without names: substitutions `|name|`, which may be links, and addresses.
    fn bare(&mut self, text: &str, start: usize) {
        let mut from = 0;
        while let Some((open, close)) = between_bars(&text[from..]).map(|(a, b)| (from + a, from + b)) {
            let name = &text[open + 1..close];
            let Some(shown) = self.references.substitution(name) else {
                self.plain_text(&text[from..close], start + from);
                from = close;
                continue;
            };
            self.plain_text(&text[from..open], start + from);
            let rest = &text[close + 1..];
            let address = rest.starts_with('_').then(|| self.references.target(name)).flatten();
            match address {
                Some(address) => self.made.link(&address, &shown, start + open),
                None => self.made.text(&shown, start + open),
            }
            from = text.len() - rest.trim_start_matches('_').len();
        }
        self.plain_text(&text[from..], start + from);
    }

    /// A text without substitutions: references to footnotes `[1]_`, and addresses.
    fn plain_text(&mut self, text: &str, start: usize) {
        let mut from = 0;
        while let Some(end) = text[from..].find("]_").map(|end| from + end) {
            let open = text[from..end].rfind('[').map_or(end, |open| from + open);
            with_addresses(&mut self.made, &text[from..open].replace("**", ""), start + from);
            if open < end {
                let mark = format!("<sup {NOTE_REFERENCE}=\"{}\"></sup>", note_id(&text[open + 1..end]));
                self.made.markup(&mark, start + open);
            }
            from = end + 2;
        }
        with_addresses(&mut self.made, &text[from..].replace("**", ""), start + from);
    }
}

/// The id of a note in the HTML.
pub(super) fn note_id(name: &str) -> String {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("note-{name}")
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace().map(|word| (word.as_ptr().addr() - text.as_ptr().addr(), word))
}

/// The positions of two bars around a name.
fn between_bars(text: &str) -> Option<(usize, usize)> {
    let open = text.find('|')?;
    let close = open + 1 + text[open + 1..].find('|')?;
    Some((open, close))
}
