//! HTML as a tree with the source position of each start tag.
//!
//! The parser builds the tree (WHATWG HTML section 13.2). `extract` decides what its nodes
//! mean.

mod attributes;
mod nested;
mod positions;
mod tokens;

use std::cell::Cell;

use ego_tree::NodeId;
use html5ever::interface::TokenizerResult;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};
use memchr::{memchr_iter, memchr2_iter};
use scraper::Html;

use self::positions::{ElementPlace, Positions};
use super::node_map::number;

/// Elements are nested no deeper: the parser looks through all open elements at many
/// tags. Browsers stop at 512 as well. Tags that open further ones are passed over;
/// their text and links stay.
const DEPTH_AT_MOST: u32 = 512;
const BYTE_ORDER_MARK: char = '\u{feff}';
/// Tags that are never passed over: links, embeds, headings, and those whose content is
/// not parsed as HTML.
const ALWAYS_OPENED: &[&str] = &[
    "a",
    "area",
    "iframe",
    "embed",
    "object",
    "video",
    "audio",
    "source",
    "track",
    "frame",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "script",
    "style",
    "textarea",
    "title",
    "noscript",
    "noembed",
    "noframes",
    "template",
    "xmp",
    "plaintext",
    "br",
];

/// A parsed page.
#[derive(Debug)]
pub(super) struct Dom {
    pub(super) html: Html,
    /// By the number of the element.
    places: Vec<ElementPlace>,
}

/// A token that begins at a position of the source, and its end.
type TokenAt = Option<(Token, usize)>;

impl Dom {
    pub(super) fn parse(source: &str) -> Self {
        let tags = memchr_iter(b'<', source.as_bytes()).count();
        let bounded = attributes::bounded(source);
        // The pieces share their memory with the whole.
        let whole = StrTendril::from_slice(&bounded);
        nested::parse(&whole, tags).unwrap_or_else(|| Self::with_tokens(&whole, tags, tokens::plain))
    }

    /// Takes the tokens that a function finds, and those of the tokenizer where it finds none.
    fn with_tokens(source: &StrTendril, tags: usize, token: impl Fn(&StrTendril, usize) -> TokenAt) -> Self {
        let builder = TreeBuilder::new(Positions::new(tags), TreeBuilderOpts::default());
        let options = TokenizerOpts { discard_bom: false, ..TokenizerOpts::default() };
        let tokenizer = Tokenizer::new(Tap { builder, is_between_tokens: Cell::new(true) }, options);
        let tap = &tokenizer.sink;
        let input = BufferQueue::default();
        let mut at = if source.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
        while at < source.len() {
            if tap.is_between_tokens.get()
                && let Some((token, end)) = token(source, at)
            {
                tap.builder.sink.token(at);
                let _ = tap.process_token(token, 1);
                at = end;
                continue;
            }
            let end = end_of_piece(source.as_bytes(), at);
            if is_start_tag(source.as_bytes(), at) {
                tap.builder.sink.piece(at);
            }
            tap.is_between_tokens.set(false);
            input.push_back(tokens::part(source, at..end));
            while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
            at = end;
        }
        tokenizer.end();
        tokenizer.sink.builder.sink.into_dom()
    }

    /// The byte of the source at which the start tag of an element begins;
    /// `None` for elements that the parser added.
    pub(super) fn start(&self, element: NodeId) -> Option<usize> {
        self.place(element).map(|place| place.start)
    }

    /// Whether the parser opened the element again, because its end tag was missing or
    /// misplaced. For its author it is the same element.
    pub(super) fn is_reopened(&self, element: NodeId) -> bool {
        self.place(element).is_some_and(|place| place.is_reopened)
    }

    fn place(&self, element: NodeId) -> Option<&ElementPlace> {
        self.places.get(number(element))
    }
}

/// Where a piece for the tokenizer ends: before a start tag, so that its position is known when
/// it is complete, and behind a `>`, because only there can a tag or comment be complete.
fn end_of_piece(source: &[u8], start: usize) -> usize {
    let mut stops = memchr2_iter(b'<', b'>', &source[start..]).map(|at| start + at);
    let end = stops.find_map(|at| match source[at] {
        b'>' => Some(at + 1),
        _ => (at > start && is_start_tag(source, at)).then_some(at),
    });
    end.unwrap_or(source.len())
}

/// Whether the text at a place may be a start tag.
fn is_start_tag(source: &[u8], at: usize) -> bool {
    source[at] == b'<' && source.get(at + 1).is_some_and(u8::is_ascii_alphabetic)
}

/// The positions of the start tags of links, in source order.
pub fn starts_of_links(source: &str) -> Vec<usize> {
    let dom = Dom::parse(source);
    let elements = dom.html.tree.root().descendants().filter_map(scraper::ElementRef::wrap);
    let links = elements.filter(|element| matches!(element.value().name(), "a" | "area"));
    let own = links.filter(|element| !dom.is_reopened(element.id()));
    let mut starts: Vec<usize> = own.filter_map(|element| dom.start(element.id())).collect();
    starts.sort_unstable();
    starts
}

/// Passes the tokens to the tree.
struct Tap {
    builder: TreeBuilder<NodeId, Positions>,
    /// The tokenizer has completed a token and not begun another, and reads markup.
    is_between_tokens: Cell<bool>,
}

impl TokenSink for Tap {
    type Handle = NodeId;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<NodeId> {
        let positions = &self.builder.sink;
        let name = match &token {
            Token::TagToken(Tag { kind: TagKind::StartTag, name, .. }) => Some(name.clone()),
            _ => None,
        };
        if !matches!(token, Token::ParseError(_)) {
            positions.is_pending.set(false);
        }
        // These end with a `>`, and with it the piece that the tokenizer reads.
        if matches!(token, Token::TagToken(_) | Token::CommentToken(_) | Token::DoctypeToken(_)) {
            self.is_between_tokens.set(true);
        }
        match &token {
            Token::TagToken(tag) if tag.kind == TagKind::EndTag => positions.leave(),
            Token::TagToken(tag) if positions.is_too_deep(&tag.name) => return TokenSinkResult::Continue,
            _ => {}
        }
        *positions.tag.borrow_mut() = name;
        let result = self.builder.process_token(token, line);
        if matches!(result, TokenSinkResult::RawData(_) | TokenSinkResult::Plaintext) {
            self.is_between_tokens.set(false);
        }
        result
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use scraper::ElementRef;

    use super::*;

    fn starts(source: &str, name: &str) -> Vec<usize> {
        let dom = Dom::parse(source);
        let elements = dom.html.tree.root().descendants().filter_map(ElementRef::wrap);
        elements
            .filter(|element| element.value().name() == name && !dom.is_reopened(element.id()))
            .filter_map(|element| dom.start(element.id()))
            .collect()
    }

    #[test]
    fn a_start_tag_is_found_where_it_begins() {
        let source =
            "<p>a < b <A\n title='x < y <z>' href=1>c</a><!-- <a> --><script>'<a>'</script><a href=2>";
        let expected: Vec<usize> = vec![source.find("<A").unwrap(), source.rfind("<a href").unwrap()];
        assert_eq!(starts(source, "a"), expected);
        assert_eq!(starts("<noscript><a></noscript>\n<a>", "a"), [25]);
    }

    #[test]
    fn deep_nesting_is_cut_and_its_links_stay() {
        let deep = |tag: &str| format!("{}<a href=1>x</a>", tag.repeat(20_000));
        for tag in ["<div>", "<ul><li>", "<table><tr><td>", "<b id=x><i>", "<blockquote><p>"] {
            let source = format!("{}<p>Text</p></div></ul></table> <ul><li><a href=2>y</a>", deep(tag));
            assert_eq!(starts(&source, "a").len(), 2, "{tag}");
        }
        let source = format!("{}{} <section><a href=2>y</a>", deep("<div>"), "</div>".repeat(20_000));
        assert_eq!(starts(&source, "section").len(), 1);
    }

    #[test]
    fn reopened_elements_are_known() {
        let source = "<div><a href=1>one<p>two</div><p>three";
        let dom = Dom::parse(source);
        let links = dom.html.tree.root().descendants().filter_map(ElementRef::wrap);
        let links: Vec<_> = links.filter(|element| element.value().name() == "a").collect();
        assert!(links.len() > 1);
        assert_eq!(starts(source, "a"), [5]);
    }

    /// The tree, and where the start tag of each element is, if it has one of its own.
    fn tree_and_places(dom: &Dom) -> (&ego_tree::Tree<scraper::Node>, Vec<Option<usize>>) {
        let elements = dom.html.tree.nodes().filter_map(ElementRef::wrap).map(|element| element.id());
        let place = |id| dom.start(id).filter(|_| !dom.is_reopened(id));
        (&dom.html.tree, elements.map(place).collect())
    }

    const PIECES: &[&str] = &[
        "<p>",
        "</p>",
        "<a href=\"x\">",
        "<a href='a.pdf' title=\"b > c\">",
        "</a>",
        "<a href=x>",
        "<A HREF='y'>",
        "<a href=\"?a=1&amp;b=2\">",
        "<li>",
        "</li>",
        "<ul class=\"a\"\n id=\"b\">",
        "</ul>",
        "<table>",
        "<tr>",
        "<td colspan=\"2\">",
        "</td>",
        "</table>",
        "<b>",
        "</b>",
        "<i >",
        "</i\n>",
        "<br/>",
        "<img alt=\"\" src=\"i\"/>",
        "<input disabled>",
        "<input disabled class=\"a\">",
        "<option a  = \"b\">",
        "<p class=\"a\" class=\"b\">",
        "<script>",
        "</script>",
        "<style>",
        "</style>",
        "<title>",
        "</title>",
        "<textarea>",
        "</textarea>",
        "<xmp>",
        "</xmp>",
        "<iframe>",
        "</iframe>",
        "<noscript>",
        "</noscript>",
        "<plaintext>",
        "<template>",
        "</template>",
        "<svg>",
        "<title/>",
        "<![CDATA[",
        "]]>",
        "</svg>",
        "<math>",
        "</math>",
        "<select>",
        "</select>",
        "<frameset>",
        "<!--",
        "-->",
        "--!>",
        "<!doctype html>",
        "<!x>",
        "<?x>",
        "</ >",
        "<h1>",
        "</h1>",
        "<pre>",
        "</pre>",
        "<o:p>",
        "<x-y data-z=\"1\">",
        "<meta charset=\"utf-8\">",
        "<body>",
        "</body>",
        "</html>",
        "<head>",
        "</head>",
        "<",
        ">",
        "/",
        "=",
        "\"",
        "'",
        "&",
        "&lt;",
        "&amp",
        "&#65;",
        ";",
        " ",
        "\n",
        "\r\n",
        "\r",
        "\0",
        "\u{feff}",
        "text",
        "a < b",
        "ä 日",
        "<a",
        " href=",
        "--",
        "<form>",
        "<button>",
        "</button>",
        "<col>",
        "<caption>",
        "<hr>",
        "<dd>",
    ];

    /// What stands around the text before it, or behind it.
    const NESTED: &[(&str, &str)] = &[
        ("<p>", "</p>"),
        ("<p>x ", " y</p>\n"),
        ("<h2 id=\"a\">", "</h2>"),
        ("<ul>\n<li>", "</li>\n</ul>\n"),
        ("<ul><li>", "</li><li><p>z</p></li></ul>"),
        ("<ol start=\"2\"><li>", "</li></ol>"),
        ("<li>", "</li>"),
        ("<dl><dt>a</dt><dd>", "</dd></dl>"),
        ("<blockquote>\n", "</blockquote>"),
        ("<div>", "</div>"),
        ("<a href=\"a?b=1&amp;c\">", "</a>"),
        ("<em>", "</em>"),
        ("<strong>", "</strong>"),
        ("<b>", "</b>"),
        ("<code>", "</code>"),
        ("<pre>", "</pre>"),
        ("<pre><code>\n", "</code></pre>"),
        ("<sup data-note=\"1\">", "</sup>"),
        ("<table><thead><tr><th>a</th></tr></thead><tbody>\n<tr><td>", "</td></tr>\n</tbody></table>\n"),
        ("<table>", "</table>"),
        ("<table><tr><td>", "</td></tr></table>"),
        ("<tbody>", "</tbody>"),
        ("<td>", "</td>"),
        ("<tr>", "</tr>"),
        ("<span>", "</span>"),
        ("<del>", "</del>"),
        ("text &lt; &quot; & &#x27;\n", ""),
        ("<br />", ""),
        ("<hr />\n", ""),
        ("<img src=\"a\" alt=\"\" />", ""),
        ("<p>more</p>", ""),
        ("\n", ""),
        (" ", ""),
        ("<h3>t</h3><ul>\n<li><a href=\"x\">y</a></li>\n</ul>", ""),
    ];

    proptest! {
        /// Tokens that are found without the tokenizer change nothing.
        #[test]
        fn plain_tokens_are_those_of_the_tokenizer(
            pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)
        ) {
            let source = pieces.concat();
            let whole = StrTendril::from_slice(&source);
            let dom = Dom::with_tokens(&whole, 0, tokens::plain);
            let other = Dom::with_tokens(&whole, 0, |_, _| None);
            prop_assert_eq!(&dom.html.tree, &other.html.tree, "{:?}", source);
            // The tokenizer completes a character reference within the tag behind it.
            if !source.contains('&') {
                prop_assert_eq!(tree_and_places(&dom), tree_and_places(&other), "{:?}", source);
            }
            // The tokenizer drops a byte order mark behind a script as well.
            if source.rfind(BYTE_ORDER_MARK).is_none_or(|at| at == 0) {
                prop_assert_eq!(&dom.html.tree, &Html::parse_document(&source).tree, "{:?}", source);
            }
        }

        /// So is the tree of a source that is properly nested.
        #[test]
        fn properly_nested_sources_have_the_tree_of_the_parser(
            pieces in prop::collection::vec(prop::sample::select(NESTED), 1..12),
            mistake in prop::option::weighted(0.2, (any::<prop::sample::Index>(), prop::sample::select(PIECES))),
        ) {
            let mut source = pieces.iter().fold(String::new(), |inner, (open, close)| match *close {
                "" => inner + open,
                close => format!("{open}{inner}{close}"),
            });
            if let Some((at, piece)) = mistake {
                let places: Vec<usize> = source.match_indices('<').map(|(at, _)| at).collect();
                if !places.is_empty() {
                    source.insert_str(*at.get(&places), piece);
                }
            }
            let whole = StrTendril::from_slice(&source);
            if let Some(dom) = nested::parse(&whole, 0) {
                let other = Dom::with_tokens(&whole, 0, |_, _| None);
                prop_assert_eq!(tree_and_places(&dom), tree_and_places(&other), "{:?}", source);
            }
        }
    }
}
