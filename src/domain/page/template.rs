//! Placeholders that a site generator must fill: Liquid, Hugo and Quarto.
//!
//! Values that are known without the generator are inserted. Every other placeholder
//! becomes one character that no address and no text keeps, so that no address with braces
//! is requested.

use std::ops::Range;

use super::text::{PLACEHOLDER, squeezed};

/// The longest placeholder; longer text between braces is something else.
const BYTES_AT_MOST: usize = 2000;

/// A source of values for placeholders: the site's own files.
pub(super) trait Values {
    /// The text in place of `{{ … }}`, `{% … %}` or a shortcode.
    fn value(&self, placeholder: &Placeholder) -> Option<String>;
}

/// The content between the braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placeholder<'a> {
    /// `{{ site.baseurl }}`
    Output(&'a str),
    /// `{% link notes.md %}`
    Tag(&'a str),
    /// `{{< youtube id >}}`
    Shortcode(&'a str),
}

/// A source without its placeholders.
#[derive(Clone, Debug, Default)]
pub(super) struct Filled {
    pub(super) text: String,
    /// The positions of parts of the text, here and in the source.
    pieces: Vec<(usize, usize)>,
    /// The positions in the source of placeholders that could not be filled.
    pub(super) unknown: Vec<usize>,
}

impl Filled {
    /// The byte of the source from which a byte of the text comes.
    pub(super) fn source(&self, at: usize) -> usize {
        let Some(piece) = self.pieces.partition_point(|(text, _)| *text <= at).checked_sub(1) else {
            return at;
        };
        let (text, source) = self.pieces[piece];
        source + (at - text)
    }
}

impl Filled {
    /// The positions of parts of the text, here and in the source.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (usize, usize)> {
        self.pieces.iter().copied()
    }
}

/// Whether a text may have placeholders at all.
pub(super) fn may_have(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Fills the placeholders of a text, except those in code.
pub(super) fn fill(source: &str, code: &[Range<usize>], values: &dyn Values) -> Filled {
    let mut filled = Filled { text: String::with_capacity(source.len()), ..Filled::default() };
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = source[at..].find(['{', '\\']).map(|offset| at + offset) {
        if source[found..].starts_with('\\') {
            // An escaped brace is not a placeholder: `\{{x_i}\}` is a formula.
            at = found + 1 + source[found + 1..].chars().next().map_or(0, char::len_utf8);
            continue;
        }
        if let Some(block) = code.iter().find(|block| block.contains(&found)) {
            at = block.end;
            continue;
        }
        let Some((placeholder, end)) = placeholder_at(source, found) else {
            at = found + 1;
            continue;
        };
        filled.copy(source, copied..found);
        match values.value(&placeholder).or_else(|| player(&placeholder)) {
            Some(value) => filled.text.push_str(&value),
            None => {
                filled.text.push(PLACEHOLDER);
                if is_descriptive(&placeholder) {
                    filled.unknown.push(found);
                }
            }
        }
        copied = end;
        at = end;
    }
    filled.copy(source, copied..source.len());
    filled
}

impl Filled {
    fn copy(&mut self, source: &str, range: Range<usize>) {
        self.pieces.push((self.text.len(), range.start));
        self.text.push_str(&source[range]);
    }
}

/// The placeholder at a position, and its end.
fn placeholder_at(source: &str, start: usize) -> Option<(Placeholder<'_>, usize)> {
    let rest = &source[start..];
    let (open, close) = [("{{<", ">}}"), ("{{%", "%}}"), ("{{", "}}"), ("{%", "%}")]
        .into_iter()
        .find(|(open, _)| rest.starts_with(open))?;
    let inner_start = start + open.len();
    let length = source[inner_start..].find(close)?;
    if length > BYTES_AT_MOST {
        return None;
    }
    let inner = source[inner_start..inner_start + length].trim_matches('-').trim();
    let is_line = !inner.contains('\n') || open == "{%";
    if inner.is_empty() || !is_line || source[inner_start..inner_start + length].contains('`') {
        return None;
    }
    let placeholder = match open {
        "{{<" | "{{%" => Placeholder::Shortcode(inner),
        "{%" => Placeholder::Tag(inner),
        _ => Placeholder::Output(inner),
    };
    Some((placeholder, inner_start + length + close.len()))
}

/// Whether this is certainly a placeholder: `{{x}}` may be a formula.
fn is_descriptive(placeholder: &Placeholder) -> bool {
    match placeholder {
        Placeholder::Shortcode(_) => true,
        Placeholder::Tag(inner) => inner.starts_with(|c: char| c.is_ascii_alphabetic()),
        Placeholder::Output(inner) => {
            inner.contains(['.', '|', '"', '\'']) && !inner.contains(['\\', '^', '_', '{', '}', '='])
                || inner.contains(" | ")
        }
    }
}

/// Shortcodes with the same meaning in every generator.
fn player(placeholder: &Placeholder) -> Option<String> {
    let Placeholder::Shortcode(inner) = placeholder else { return None };
    let mut words = inner.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
    let (name, first) = (words.next()?, words.next()?);
    let id = first.strip_prefix("id=").unwrap_or(first).trim_matches(['"', '\'']);
    let address = match name {
        "youtube" => format!("https://www.youtube.com/embed/{id}"),
        "vimeo" => format!("https://player.vimeo.com/video/{id}"),
        "video" => first.to_owned(),
        _ => return None,
    };
    let mut frame = String::from("<iframe src=\"");
    super::source_map::escape(&address, &mut frame);
    frame.push_str("\"></iframe>");
    Some(frame)
}

/// Whether an address contains a part that a generator or script must fill.
pub(super) fn is_unresolved(written: &str) -> bool {
    written.contains(PLACEHOLDER)
        || ["{{", "{%", "${", "<%", "%7B%7B", "%EE%80%80", "{:"].iter().any(|sign| written.contains(sign))
}

pub(super) fn without_placeholders(text: &str) -> String {
    if text.contains(PLACEHOLDER) { squeezed(&text.replace(PLACEHOLDER, " ")) } else { text.to_owned() }
}

/// Knows no values.
pub(super) struct NoValues;

impl Values for NoValues {
    fn value(&self, _: &Placeholder) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_and_other_braces_left() {
        let filled = |text: &str| {
            let filled = fill(text, &[], &NoValues);
            (filled.text.replace(PLACEHOLDER, "?"), filled.unknown.len())
        };
        assert_eq!(filled("[a]({{ site.baseurl }}/a.pdf)"), ("[a](?/a.pdf)".to_owned(), 1));
        assert_eq!(filled("{% for l in site.data.x %}a{% endfor %}"), ("?a?".to_owned(), 2));
        assert_eq!(filled("the set $\\{{x_i}\\}$"), ("the set $\\{{x_i}\\}$".to_owned(), 0));
        assert_eq!(filled("{{< ref \"a.md\" >}}"), ("?".to_owned(), 1));
        assert!(filled("{{< youtube abcdefghijk >}}").0.contains("embed/abcdefghijk"));
    }

    #[test]
    fn positions_after_a_placeholder_are_those_of_the_source() {
        let source = "{{ a.b }}\n{{ c.d }} x";
        let filled = fill(source, &[], &NoValues);
        let at = filled.text.find('x').unwrap();
        assert_eq!(filled.source(at), source.find('x').unwrap());
    }
}
