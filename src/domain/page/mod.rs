//! Reads a course page: from its bytes to mentions and defects. Reading never fails.

mod anchor;
mod autolink;
mod calendar;
mod dom;
mod embed;
mod extract;
mod format;
mod front_matter;
mod input;
mod kind;
mod markdown;
mod markdown_dialects;
mod node_map;
mod outline;
mod script;
mod site;
mod sniff;
mod source_map;
mod table;
mod target;
mod template;
mod text;
mod timing;
mod yaml;

use std::ops::Range;
use std::path::Path;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use autolink::find as bare_addresses;
pub use dom::starts_of_links;
pub(in crate::domain) use extract::notes::REFERENCE as NOTE_REFERENCE;
pub use front_matter::{FrontMatter, HeadLanguage, of as front_matter};
pub use input::PageInput;
pub use markdown::options as markdown_options;
pub use site::{HEAD_BYTES, Site, SiteFileUse, SiteFiles};
pub use sniff::{UnreadFormat, markup_of, without_stray_nuls};

use self::extract::Dialect;
use self::source_map::{Made, SourceMap};
use self::template::Known;
use crate::domain::address::Address;
use crate::domain::course::Term;
use crate::domain::link::{KindRule, Mention, Target};

/// A course page as it was read on one night.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    pub title: Option<String>,
    /// In source order; a link that is on the page twice is here twice.
    pub mentions: Vec<Mention>,
    pub defects: Vec<LinkDefect>,
    /// Parts of the page that are not read, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub omissions: Vec<Omission>,
}

/// A mistake that the page's author can correct, found without a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkDefect {
    /// A link without an address.
    EmptyLink { words: String, line: u32 },
    /// Not a valid web address.
    Malformed { words: String, written: String, line: u32, why: String },
    /// A link to a place in the page that is not there.
    BrokenAnchor { words: String, anchor: String, line: u32 },
    /// A link to a file beside the page that is not there.
    MissingFile { words: String, written: String, line: u32 },
}

/// Why links of a page may be missing, although the page has no mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Omission {
    /// A site generator must fill these lines first.
    Template { lines: Vec<u32> },
    /// A script makes links.
    MadeByScript,
    /// It shows other pages in frames.
    Framed,
    /// The data does not have the format of the file name.
    NotData,
    /// The page has more links than are checked.
    TooManyLinks { read: u32, found: u32 },
}

impl Page {
    /// Removes the links to files that are not there, and returns them.
    pub fn without_missing_files(mut self, is_there: impl Fn(&Path) -> bool) -> Self {
        for mention in &mut self.mentions {
            let Some(path) = mention.address().and_then(Address::file_path) else { continue };
            if !is_there(&path) {
                mention.target = Target::Malformed("there is no such file".to_owned());
                self.defects.push(LinkDefect::MissingFile {
                    words: mention.words.clone(),
                    written: mention.written.clone(),
                    line: mention.line,
                });
            }
        }
        self
    }

    /// Without the links that are more than are checked.
    fn bounded(mut self, most: usize) -> Self {
        let found = self.mentions.len().max(self.defects.len());
        if found > most {
            self.mentions.truncate(most);
            self.defects.truncate(most);
            let count = |links| u32::try_from(links).unwrap_or(u32::MAX);
            self.omissions.push(Omission::TooManyLinks { read: count(most), found: count(found) });
        }
        self
    }

    fn note_template(&mut self, line: u32) {
        let known = self.omissions.iter_mut().find_map(|note| match note {
            Omission::Template { lines } => Some(lines),
            Omission::MadeByScript | Omission::Framed | Omission::NotData | Omission::TooManyLinks { .. } => {
                None
            }
        });
        match known {
            Some(lines) if lines.contains(&line) => {}
            Some(lines) => {
                lines.push(line);
                lines.sort_unstable();
            }
            None => self.omissions.push(Omission::Template { lines: vec![line] }),
        }
    }
}

/// The language of the page's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Markup {
    Html,
    Markdown,
    ReStructuredText,
    Org,
    Latex,
    Bibtex,
    /// YAML, which includes JSON.
    Data,
    Csv,
    Notebook,
}

/// The data that reading needs beside the text.
#[derive(Clone, Debug)]
pub struct PageContext<'a> {
    /// The address at which the page is published. Relative links are resolved against it.
    pub base: Option<&'a Address>,
    /// Determines the year of dates without one.
    pub term: Option<Term>,
    /// The day of reading, which determines the year if there is no term.
    pub today: Date,
    pub kinds: &'a [KindRule],
    /// What the files of the page's checkout say of its placeholders.
    pub site: Option<&'a Site>,
}

/// The most links of one page that are checked. A course page has a few hundred.
const MOST_LINKS: usize = 20_000;

/// A page with fewer links may lose half of them in an ordinary edit.
const LINKS_OF_A_REAL_PAGE: usize = 10;

/// Reads a page. A link that cannot be read is a defect, never an error.
pub fn read(text: &str, markup: Markup, context: &PageContext) -> Page {
    match markup {
        Markup::Html => read_html(text, context),
        Markup::Markdown => read_markdown(text, context),
        Markup::ReStructuredText => read_made(&format::restructured_text(text), context),
        Markup::Org => read_made(&format::org(text), context),
        Markup::Latex => read_made(&format::latex(text), context),
        Markup::Bibtex => read_made(&format::bibtex(text), context),
        Markup::Csv => read_made(&format::csv(text), context),
        Markup::Data => match format::data(text) {
            Ok(made) => read_made(&made, context),
            Err(yaml::NotData) => Page { omissions: vec![Omission::NotData], ..Page::default() },
        },
        Markup::Notebook => match format::notebook(text) {
            Some(made) => read_made(&made, context),
            None => Page { omissions: vec![Omission::NotData], ..Page::default() },
        },
    }
}

fn read_made(made: &Made, context: &PageContext) -> Page {
    extract::page(&made.html, &made.map, context, Dialect { slugs: true, titled_by_heading: true })
}

fn read_html(text: &str, context: &PageContext) -> Page {
    let map = SourceMap::identity(text);
    if !template::may_have(text) {
        return extract::page(text, &map, context, Dialect::default());
    }
    let filled = template::fill(text, &code_of_html(text), &known(text, context));
    let mut made = Made::new(text);
    made.html.clone_from(&filled.text);
    for piece in filled.pieces() {
        made.piece(piece.text, piece.source, piece.is_copy);
    }
    let mut page = extract::page(&made.html, &made.map, context, Dialect::default());
    // Outside of a generator's site, `{{ }}` in a text is filled by a script or is meant as it stands.
    let is_missing = |at: &&usize| context.site.is_some() || text[**at..].starts_with("{%");
    let missing: Vec<usize> = filled.unknown.iter().filter(is_missing).copied().collect();
    note_unknown(&mut page, &made.map, &missing);
    page
}

fn read_markdown(text: &str, context: &PageContext) -> Page {
    let text = &*markdown_dialects::in_common_form(text);
    let mut made = Made::new(text);
    let head = front_matter(text);
    let start =
        head.as_ref().map_or_else(|| text.len() - text.trim_start_matches('\u{feff}').len(), |head| head.end);
    let known = known(text, context);
    let filled = markdown::fill(&text[start..], &known);
    if let Some(head) = &head {
        // What the page shows of its head is read where it is shown.
        let shown = filled.as_ref().map(|filled| filled.used.as_slice()).unwrap_or_default();
        match head.language {
            HeadLanguage::Yaml => format::data_head(text, head.data.clone(), shown, &mut made),
            HeadLanguage::Toml => format::addresses(text, head.data.clone(), &mut made),
        }
        if let Some(title) = known.head.get("title").and_then(serde_json::Value::as_str) {
            // Generators show the title above the text.
            made.markup("<h1>", head.data.start);
            made.text(title, head.data.start);
            made.markup("</h1>", head.data.start);
        }
    }
    let unknown = markdown::body(text, start, filled.as_ref(), &mut made);
    let dialect = Dialect { slugs: true, titled_by_heading: true };
    let mut page = extract::page(&made.html, &made.map, context, dialect);
    note_unknown(&mut page, &made.map, &unknown);
    page
}

/// What is known of a page's placeholders.
fn known<'a>(text: &str, context: &PageContext<'a>) -> Known<'a> {
    Known { site: context.site, head: site::head(text).unwrap_or_default() }
}

fn note_unknown(page: &mut Page, map: &SourceMap, unknown: &[usize]) {
    for at in unknown {
        page.note_template(map.line_of_source(*at));
    }
}

/// Ranges of HTML with literal text.
fn code_of_html(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut ranges = Vec::new();
    for name in ["script", "style", "pre", "code"] {
        let (open, close) = (format!("<{name}"), format!("</{name}"));
        let mut from = 0;
        while let Some(start) = lower[from..].find(&open).map(|at| from + at) {
            let end = lower[start..].find(&close).map_or(lower.len(), |at| start + at);
            ranges.push(start..end);
            from = end.max(start + open.len());
        }
    }
    ranges.sort_by_key(|range| range.start);
    ranges
}

/// Whether so many links are gone at once that the page is probably broken.
pub fn shrunken(before: usize, after: usize) -> bool {
    (before > 0 && after == 0) || (before >= LINKS_OF_A_REAL_PAGE && after * 2 <= before)
}

#[cfg(test)]
mod tests;
