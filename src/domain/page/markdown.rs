//! Converts Markdown to HTML with source positions: `CommonMark` with tables, footnotes,
//! definition lists and bare addresses, without attribute lists.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd, TextMergeWithOffset};

use super::autolink;
use super::extract::notes;
use super::markdown_dialects;
use super::source_map::Made;
use super::template::{self, Filled, Known};

/// The Markdown extensions of course pages, except front matter, which is in `front_matter`.
pub fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_DEFINITION_LIST
}

/// Fills the placeholders of a text, if it has any.
pub(super) fn fill(body: &str, known: &Known) -> Option<Filled> {
    template::may_have(body).then(|| template::fill(body, &code(body), known))
}

/// Appends the HTML of a page whose front matter ends at `start`; returns the
/// placeholders that were not filled.
pub(super) fn body(source: &str, start: usize, filled: Option<&Filled>, made: &mut Made) -> Vec<usize> {
    let text = filled.map_or(&source[start..], |filled| &filled.text);
    render(text, made, |at| start + filled.map_or(at, |filled| filled.source(at)));
    let unknown = filled.map(|filled| filled.unknown.as_slice()).unwrap_or_default();
    unknown.iter().map(|at| start + at).collect()
}

/// The HTML of a text within another format.
pub(super) fn fragment(text: &str) -> String {
    let text = &*markdown_dialects::in_common_form(text);
    let mut made = Made::new(text);
    render(text, &mut made, |at| at);
    made.html
}

/// The ranges of code in a text.
fn code(text: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        if matches!(event, Event::Code(_) | Event::Start(Tag::CodeBlock(_))) {
            ranges.push(range);
        }
    }
    ranges
}

/// Appends the HTML of a text.
pub(super) fn render(text: &str, made: &mut Made, origin: impl Fn(usize) -> usize) {
    let mut parsed = TextMergeWithOffset::new(Parser::new_ext(text, options()).into_offset_iter());
    let mut expand = Expand::default();
    let events = std::iter::from_fn(|| {
        while expand.done.is_empty() {
            let (event, range) = parsed.next()?;
            expand.push(event, range);
        }
        expand.done.pop_front()
    });
    let html = RefCell::new(std::mem::take(&mut made.html));
    let mut pieces = Vec::new();
    let written = pulldown_cmark::html::write_html_fmt(
        HtmlWriter { html: &html },
        events.map(|(event, range)| {
            if may_have_start_tag(&event) {
                let is_copy = matches!(event, Event::Html(_) | Event::InlineHtml(_));
                pieces.push((html.borrow().len(), origin(range.start), is_copy));
            }
            event
        }),
    );
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
    made.html = html.into_inner();
    for (at, source, is_copy) in pieces {
        made.piece(at, source, is_copy);
    }
}

/// Whether an event is written with a start tag, the source of which is asked for.
fn may_have_start_tag(event: &Event) -> bool {
    let is_without = matches!(
        event,
        Event::Text(_)
            | Event::SoftBreak
            | Event::End(TagEnd::Link | TagEnd::Item | TagEnd::Paragraph | TagEnd::Heading(_))
    );
    !is_without
}

/// The text between two events.
struct HtmlWriter<'a> {
    html: &'a RefCell<String>,
}

impl fmt::Write for HtmlWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.html.borrow_mut().push_str(text);
        Ok(())
    }
}

/// The events of a page, with constructs that `CommonMark` lacks removed or added.
#[derive(Default)]
struct Expand<'a> {
    /// In the order of the page, until they are written.
    done: VecDeque<(Event<'a>, Range<usize>)>,
    /// Addresses within a link, image or code are not links.
    depth: usize,
    /// Within a link in HTML.
    is_in_anchor: bool,
    /// The event before was the end of a link or image.
    is_after_link: bool,
}

impl<'a> Expand<'a> {
    fn push(&mut self, event: Event<'a>, range: Range<usize>) {
        let was_after_link = std::mem::take(&mut self.is_after_link);
        match &event {
            Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::CodeBlock(_)) => self.depth += 1,
            Event::End(TagEnd::Link | TagEnd::Image) => {
                self.depth = self.depth.saturating_sub(1);
                self.is_after_link = true;
            }
            Event::End(TagEnd::CodeBlock) => self.depth = self.depth.saturating_sub(1),
            Event::InlineHtml(html) | Event::Html(html) => {
                let tag = html.trim_start().to_ascii_lowercase();
                self.is_in_anchor = tag.starts_with("<a ") || (self.is_in_anchor && !tag.contains("</a"));
                let event = match &event {
                    Event::InlineHtml(html) => Event::InlineHtml(component(html)),
                    _ => Event::Html(component(html)),
                };
                self.done.push_back((event, range));
                return;
            }
            Event::FootnoteReference(name) => {
                let name = html_escape::encode_double_quoted_attribute(name);
                let mark = format!("<sup {}=\"{name}\"></sup>", notes::REFERENCE);
                self.done.push_back((Event::InlineHtml(mark.into()), range));
                return;
            }
            Event::Text(text)
                if (self.depth == 0 || was_after_link)
                    && (text.contains('{') || autolink::may_be_in(text)) =>
            {
                let text = text.clone();
                self.text(&text, range, was_after_link);
                return;
            }
            _ => {}
        }
        self.done.push_back((event, range));
    }

    /// A text without attribute lists, and with its addresses as links.
    fn text(&mut self, text: &str, range: Range<usize>, is_after_link: bool) {
        let mut plain = String::new();
        let mut rest = text;
        if is_after_link
            && let Some((inner, behind)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'))
            && (inner.starts_with(['.', '#', ':']) || inner.contains('='))
        {
            rest = behind;
        }
        while let Some((before, behind)) = rest.split_once("{:") {
            plain.push_str(before);
            match behind.split_once('}') {
                Some((inner, after)) => {
                    for id in inner.split_whitespace().filter_map(|word| word.strip_prefix('#')) {
                        let place = format!("<a id=\"{}\"></a>", id.replace('"', ""));
                        self.done.push_back((Event::InlineHtml(place.into()), range.clone()));
                    }
                    rest = after;
                }
                None => {
                    plain.push_str("{:");
                    rest = behind;
                    break;
                }
            }
        }
        plain.push_str(rest);
        if self.is_in_anchor || self.depth > 0 {
            self.done.push_back((Event::Text(plain.into()), range));
            return;
        }
        let mut from = 0;
        for bare in autolink::find(&plain) {
            let at = (range.start + bare.range.start).min(range.end);
            self.done
                .push_back((Event::Text(plain[from..bare.range.start].to_owned().into()), range.clone()));
            let tag = Tag::Link {
                link_type: LinkType::Autolink,
                dest_url: bare.address.into(),
                title: CowStr::Borrowed(""),
                id: CowStr::Borrowed(""),
            };
            self.done.push_back((Event::Start(tag), at..range.end));
            self.done.push_back((Event::Text(plain[bare.range.clone()].to_owned().into()), at..range.end));
            self.done.push_back((Event::End(TagEnd::Link), at..range.end));
            from = bare.range.end;
        }
        self.done.push_back((Event::Text(plain[from..].to_owned().into()), range));
    }
}

/// The address of an MDX component is a link: `<Link href="…">`.
fn component<'a>(html: &CowStr<'a>) -> CowStr<'a> {
    if html.contains("<Link ") || html.contains("</Link>") {
        html.replace("<Link ", "<a    ").replace("</Link>", "</a    >").into()
    } else {
        html.clone()
    }
}
