//! Course pages in Markdown (`CommonMark` with tables), and the raw HTML within.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use scraper::{ElementRef, Html};

use super::anchor::{self, Anchors};
use super::due::{self, Calendar};
use super::outline::{Outline, beginning, squeezed};
use super::{Context, Page, kind, target};
use crate::domain::link::{Kind, Mention, Target};

const ROW_CHARS: usize = 300;

/// The dialect of course pages.
pub fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
}

pub(super) fn read(source: &str, context: &Context) -> Page {
    // Front matter has the title of a page without headings.
    let is_heading = |line: &&str| line.starts_with('#') || line.starts_with("title:");
    let context = &context.in_term_of(source.lines().filter(is_heading));
    let mut walk = Walk::new(source, context);
    for (event, range) in Parser::new_ext(source, options()).into_offset_iter() {
        walk.step(event, range.start);
    }
    walk.flush_block();
    walk.finish()
}

/// A link before its row is complete.
struct Waiting {
    mention: Mention,
}

struct Walk<'a> {
    context: &'a Context<'a>,
    line_starts: Vec<usize>,
    outline: Outline,
    calendar: Calendar,
    anchors: Anchors,
    page: Page,
    heading: Option<(u8, String)>,
    link: Option<(String, u32, String)>,
    /// The text of the block being read, and the links in it.
    block: String,
    waiting: Vec<Waiting>,
    titles: Vec<String>,
    cells: Option<Vec<due::Cell>>,
    rows: due::Rows,
    cell: Option<String>,
    in_table_head: bool,
    is_metadata: bool,
}

impl<'a> Walk<'a> {
    fn new(source: &str, context: &'a Context<'a>) -> Self {
        Self {
            context,
            line_starts: std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect(),
            outline: Outline::default(),
            calendar: Calendar::default(),
            anchors: Anchors::default(),
            page: Page::default(),
            heading: None,
            link: None,
            block: String::new(),
            waiting: Vec::new(),
            titles: Vec::new(),
            cells: None,
            rows: due::Rows::default(),
            cell: None,
            in_table_head: false,
            is_metadata: false,
        }
    }

    fn line(&self, at: usize) -> u32 {
        u32::try_from(self.line_starts.partition_point(|start| *start <= at)).unwrap_or(u32::MAX)
    }

    fn step(&mut self, event: Event, at: usize) {
        match event {
            Event::Start(tag) => self.start(tag, at),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) if !self.is_metadata => self.text(&text),
            Event::SoftBreak | Event::HardBreak => self.text(" "),
            Event::Html(html) | Event::InlineHtml(html) => self.html(&html, at),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((_, heading)) = &mut self.heading {
            heading.push_str(text);
        }
        if let Some((_, _, words)) = &mut self.link {
            words.push_str(text);
        }
        if let Some(cell) = &mut self.cell {
            cell.push_str(text);
        }
        self.block.push_str(text);
    }

    fn start(&mut self, tag: Tag, at: usize) {
        match tag {
            Tag::Heading { level, id, .. } => {
                self.flush_block();
                self.anchors.add(id.as_deref());
                self.heading = Some((depth(level), String::new()));
            }
            Tag::Paragraph if self.cells.is_none() && self.block.trim().is_empty() => self.flush_block(),
            Tag::Item | Tag::BlockQuote(_) | Tag::List(_) => self.flush_block(),
            Tag::Table(_) => {
                self.flush_block();
                self.titles.clear();
                self.rows = due::Rows::default();
            }
            Tag::TableHead => {
                self.in_table_head = true;
                self.cells = Some(Vec::new());
            }
            Tag::TableRow => {
                self.flush_block();
                self.cells = Some(Vec::new());
            }
            Tag::TableCell => self.cell = Some(String::new()),
            Tag::Link { dest_url, .. } => {
                self.link = Some((dest_url.into_string(), self.line(at), String::new()))
            }
            Tag::MetadataBlock(_) => self.is_metadata = true,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                if let Some((level, text)) = self.heading.take() {
                    self.flush_block();
                    let text = without_attributes(&text);
                    self.anchors.add_heading(&text);
                    self.calendar.heading(&text, self.context);
                    self.outline.enter(level, &text);
                    if self.page.title.is_none() {
                        self.page.title = Some(squeezed(&text)).filter(|title| !title.is_empty());
                    }
                }
            }
            TagEnd::Link => {
                if let Some((written, line, words)) = self.link.take() {
                    self.mention(written, line, squeezed(&words));
                }
            }
            TagEnd::TableCell => {
                let text = squeezed(&self.cell.take().unwrap_or_default());
                let column = self.cells.as_ref().map_or(0, Vec::len);
                if self.in_table_head {
                    self.titles.push(text.to_lowercase());
                }
                let title = self.titles.get(column).cloned().unwrap_or_default();
                if let Some(cells) = &mut self.cells {
                    cells.push(due::Cell { title, text });
                }
                self.block.push(' ');
            }
            TagEnd::TableHead => {
                self.flush_block();
                self.in_table_head = false;
            }
            TagEnd::Paragraph | TagEnd::Item | TagEnd::TableRow | TagEnd::List(_) => self.flush_block(),
            TagEnd::MetadataBlock(_) => self.is_metadata = false,
            _ => {}
        }
    }

    fn mention(&mut self, written: String, line: u32, words: String) {
        let target = target::resolve(&written, self.context.base, self.context.base);
        self.waiting.push(Waiting {
            mention: Mention {
                written,
                target,
                words,
                headings: self.outline.path(),
                row: String::new(),
                week: None,
                due: None,
                line,
                kind: Kind::Other,
                page: None,
            },
        });
    }

    /// Raw HTML may hold links and places of its own.
    fn html(&mut self, source: &CowStr, at: usize) {
        let fragment = Html::parse_fragment(source);
        for element in fragment.tree.root().descendants().filter_map(ElementRef::wrap) {
            self.anchors.add(element.value().id());
            self.anchors.add(element.value().attr("name"));
            if let (name @ ("a" | "area"), Some(href)) =
                (element.value().name(), element.value().attr("href"))
            {
                let inside = squeezed(&element.text().collect::<String>());
                let line = self.line(at);
                if name == "a" && inside.is_empty() {
                    // An inline tag: its words are the text up to the closing tag.
                    self.link = Some((href.to_owned(), line, String::new()));
                } else {
                    self.mention(href.to_owned(), line, inside);
                }
            }
        }
        if source.trim_start().to_ascii_lowercase().starts_with("</a")
            && let Some((written, line, words)) = self.link.take()
        {
            self.mention(written, line, squeezed(&words));
        }
    }

    /// The block is complete: its links learn their row, and what follows from it.
    fn flush_block(&mut self) {
        let row = beginning(&without_attributes(&std::mem::take(&mut self.block)), ROW_CHARS);
        let when = match self.cells.take() {
            Some(cells) if !cells.is_empty() => self.rows.next(&cells, false, &self.calendar, self.context),
            Some(_) | None => due::of(&[], &row, &self.calendar, self.context),
        };
        for Waiting { mut mention } in std::mem::take(&mut self.waiting) {
            mention.row.clone_from(&row);
            mention.week.clone_from(&when.week);
            mention.due = when.due;
            if let Target::Web { address, .. } = &mention.target {
                mention.kind = kind::of(&kind::Place {
                    address,
                    words: &mention.words,
                    headings: &mention.headings,
                    row: &row,
                    page: self.context.base,
                    rules: self.context.kinds,
                });
            }
            self.page.mentions.push(mention);
        }
    }

    fn finish(mut self) -> Page {
        self.page.defects = anchor::defects(&self.page.mentions, &self.anchors);
        self.page
    }
}

fn depth(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// Attribute lists of kramdown (`{:target="_blank"}`) are no text.
fn without_attributes(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{:") {
        shown.push_str(before);
        match after.split_once('}') {
            Some((_, behind)) => rest = behind,
            None => {
                shown.push_str("{:");
                rest = after;
            }
        }
    }
    shown.push_str(rest);
    shown
}
