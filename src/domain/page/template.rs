//! Placeholders that a site generator must fill: Liquid, Hugo and Quarto.
//!
//! Values that are known without the generator are inserted. Every other placeholder
//! becomes one character that no address and no text keeps, so that no address with braces
//! is requested.

mod fill;
mod filter;
mod include;
mod liquid;
mod value;

pub(super) use fill::{Known, fill};

use std::ops::Range;

use memchr::memchr;

use super::text::{PLACEHOLDER, squeezed};

/// The longest placeholder; longer text between braces is something else.
const BYTES_AT_MOST: usize = 2000;

/// The content between the braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placeholder<'a> {
    /// `{{ site.baseurl }}`
    Output(&'a str),
    /// `{% link notes.md %}`
    Tag(&'a str),
    /// `{{< youtube id >}}`
    Shortcode(&'a str),
}

/// Where a part of the text comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct FilledPiece {
    pub(super) text: usize,
    pub(super) source: usize,
    /// Copied from the source, not the value of a placeholder.
    pub(super) is_copy: bool,
}

/// A source without its placeholders.
#[derive(Clone, Debug, Default)]
pub(super) struct Filled {
    pub(super) text: String,
    /// In the order of the text.
    pieces: Vec<FilledPiece>,
    /// The positions in the source of placeholders that could not be filled.
    pub(super) unknown: Vec<usize>,
    /// The fields of the page's head that stand in the text now.
    pub(super) used: Vec<String>,
}

impl Filled {
    /// The byte of the source from which a byte of the text comes.
    pub(super) fn source(&self, at: usize) -> usize {
        let Some(piece) = self.pieces.partition_point(|piece| piece.text <= at).checked_sub(1) else {
            return at;
        };
        let piece = self.pieces[piece];
        if piece.is_copy { piece.source + (at - piece.text) } else { piece.source }
    }
}

impl Filled {
    fn copy(&mut self, source: &str, range: Range<usize>) {
        self.pieces.push(FilledPiece { text: self.text.len(), source: range.start, is_copy: true });
        self.text.push_str(&source[range]);
    }

    /// Appends what stands in the place of a placeholder.
    fn value(&mut self, value: &str, source: usize) {
        self.pieces.push(FilledPiece { text: self.text.len(), source, is_copy: false });
        self.text.push_str(value);
    }

    pub(super) fn pieces(&self) -> impl Iterator<Item = FilledPiece> {
        self.pieces.iter().copied()
    }
}

/// Whether a text may have placeholders at all.
pub(super) fn may_have(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// The placeholder at a position, and its end.
fn placeholder_at(source: &str, start: usize) -> Option<(Placeholder<'_>, usize)> {
    let rest = &source[start..];
    let (open, close) = [("{{<", ">}}"), ("{{%", "%}}"), ("{{", "}}"), ("{%", "%}")]
        .into_iter()
        .find(|(open, _)| rest.starts_with(open))?;
    let inner_start = start + open.len();
    let length = length_before(&source.as_bytes()[inner_start..], close.as_bytes())?;
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

/// The bytes before the closing braces, if no other placeholder begins before them.
fn length_before(rest: &[u8], close: &[u8]) -> Option<usize> {
    let found = (0..rest.len().min(BYTES_AT_MOST))
        .find(|at| rest[*at..].starts_with(close) || matches!(rest[*at..], [b'{', b'{' | b'%', ..]))?;
    rest[found..].starts_with(close).then_some(found)
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
    if inner.starts_with("figure ") {
        return Some(figure(inner));
    }
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

/// A picture of Hugo, which may be a link.
fn figure(inner: &str) -> String {
    let given = |wanted: &str| {
        let found = parameters(inner).into_iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.trim_matches(['"', '\'', '`']))
    };
    let Some(link) = given("link") else { return String::new() };
    let mut html = String::from("<a href=\"");
    super::source_map::escape(link, &mut html);
    html.push_str("\"><img alt=\"");
    super::source_map::escape(given("alt").unwrap_or_default(), &mut html);
    html.push_str("\"></a>");
    html
}

/// Named parameters, with the quotation marks of their values: `a="b" c=d`.
fn parameters(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('=') {
        let name = before.split_whitespace().next_back().unwrap_or_default();
        let behind = behind.trim_start();
        let end = match behind.chars().next() {
            Some(quote @ ('"' | '\'' | '`')) => behind[1..].find(quote).map_or(behind.len(), |at| at + 2),
            _ => behind.find(char::is_whitespace).unwrap_or(behind.len()),
        };
        let (value, after) = behind.split_at(end);
        found.push((name, value));
        rest = after;
    }
    found
}

/// Whether an address contains a part that a generator or script must fill.
pub(super) fn is_unresolved(written: &str) -> bool {
    // Most addresses have none of the characters with which a sign begins.
    let may_be = |byte: &u8| matches!(byte, b'{' | b'$' | b'<' | b'%' | 0xee);
    written.as_bytes().iter().any(may_be)
        && (written.contains(PLACEHOLDER)
            || ["{{", "{%", "${", "<%", "%7B%7B", "%EE%80%80", "{:"]
                .iter()
                .any(|sign| written.contains(sign)))
}

pub(super) fn without_placeholders(text: String) -> String {
    // Most texts do not even have the first byte of a placeholder.
    let may_have = memchr(0xee, text.as_bytes()).is_some();
    if may_have && text.contains(PLACEHOLDER) { squeezed(&text.replace(PLACEHOLDER, " ")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, known: &Known) -> (String, usize) {
        let filled = fill(text, &[], known);
        (filled.text.replace(PLACEHOLDER, "?"), filled.unknown.len())
    }

    #[test]
    fn placeholders_are_found_and_other_braces_left() {
        let filled = |text: &str| filled(text, &Known::default());
        assert_eq!(filled("[a]({{ site.baseurl }}/a.pdf)"), ("[a](?/a.pdf)".to_owned(), 1));
        assert_eq!(filled("{% for l in site.data.x %}a{% endfor %}"), ("?a?".to_owned(), 2));
        assert_eq!(filled("the set $\\{{x_i}\\}$"), ("the set $\\{{x_i}\\}$".to_owned(), 0));
        assert_eq!(filled("{{< ref \"a.md\" >}}"), ("?".to_owned(), 1));
        assert!(filled("{{< youtube abcdefghijk >}}").0.contains("embed/abcdefghijk"));
        assert_eq!(filled("a{% comment %} {{ x.y }} {% endcomment %}b"), ("ab".to_owned(), 0));
        assert_eq!(filled("a{% raw %}{{ x.y }}{% endraw %}b"), ("a{{ x.y }}b".to_owned(), 0));
    }

    fn site(page: &str) -> Known<'_> {
        Known { head: super::super::site::head(page).unwrap(), ..Known::default() }
    }

    #[test]
    fn a_list_of_the_head_is_written_out() {
        let known = site(
            "---\nreadings:\n- {title: A, url: 'https://a.example/', day: 2026-09-08}\n- {title: B, url: 'https://b.example/'}\n---\n",
        );
        let one = "{% for r in page.readings %}[{{ r.title }}]({{ r.url }}) {% endfor %}";
        assert_eq!(filled(one, &known), ("[A](https://a.example/) [B](https://b.example/) ".to_owned(), 0));
        let two = "{% for r in page.readings limit: 1 %}{% if r.day %}{{ r.day | date: '%b %-d' }}{% else %}-{% endif %}{% endfor %}";
        assert_eq!(filled(two, &known), ("Sep 8".to_owned(), 0));
        let three = "{% assign all = page.readings | where: 'title', 'B' %}{% for r in all %}{{ forloop.index }}{{ r.url | upcase }}{% endfor %}";
        assert_eq!(filled(three, &known), ("1HTTPS://B.EXAMPLE/".to_owned(), 0));
        let four = "{% for r in page.readings %}{% unless r.day %}{{ r.title }}{% endunless %}{% endfor %}{{ page.readings.size }}";
        assert_eq!(filled(four, &known), ("B2".to_owned(), 0));
        let lines = "{% for r in page.readings %}\n[{{ r.title }}]({{ r.url }})\n{% endfor %}";
        let filled = fill(lines, &[], &known);
        for (at, _) in filled.text.match_indices('[') {
            assert_eq!(filled.source(at), lines.find('[').unwrap());
        }
        assert_eq!(filled.used, ["readings"]);
    }

    #[test]
    fn one_case_is_chosen_and_texts_are_captured() {
        let known = site("---\nkind: team\nurl: https://a.example/\n---\n");
        let case =
            "{% case page.kind %}{% when 'solo' %}A{% when 'pair', 'team' %}B{% else %}C{% endcase %}d";
        assert_eq!(filled(case, &known), ("Bd".to_owned(), 0));
        assert_eq!(filled(&case.replace("'team'", "'x'"), &known), ("Cd".to_owned(), 0));
        let capture = "{% capture a %}{{ page.url }}x{% endcapture %}[b]({{ a }})";
        assert_eq!(filled(capture, &known), ("[b](https://a.example/x)".to_owned(), 0));
        assert_eq!(
            filled("{{< figure src=\"a.png\" link=\"b.pdf\" alt='c' >}}", &known).0,
            "<a href=\"b.pdf\"><img alt=\"c\"></a>"
        );
    }

    #[test]
    fn what_only_the_generator_knows_is_left_open() {
        let known = site("---\ntitle: A\n---\n");
        for text in [
            "{{ page.url | x }}",
            "{% include a.html %}",
            "{% case page.x %}",
            "{% capture x %}{{ site.time }}{% endcapture %}",
            "{{ site.time | date: '%Y' }}",
            "{{ page.title | unheard_of }}",
            "{% for p in site.pages %}",
        ] {
            assert_eq!(filled(text, &known).1, 1, "{text}");
        }
    }

    #[test]
    fn loops_within_loops_end() {
        let rows = "- 1\n".repeat(1000);
        let page = format!("---\nx:\n{rows}---\n");
        let text = "{% for a in page.x %}{% for b in page.x %}{% for c in page.x %}x{% endfor %}{% endfor %}{% endfor %}";
        assert!(fill(text, &[], &site(&page)).text.len() < 4_000_000);
        let unclosed = "{% for a in page.x %}".repeat(2000);
        assert!(fill(&unclosed, &[], &site(&page)).unknown.len() <= 2000);
    }

    #[test]
    fn positions_after_a_placeholder_are_those_of_the_source() {
        let source = "{{ a.b }}\n{{ c.d }} x";
        let filled = fill(source, &[], &Known::default());
        let at = filled.text.find('x').unwrap();
        assert_eq!(filled.source(at), source.find('x').unwrap());
    }
}
