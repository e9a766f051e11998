//! The course page: bytes in, mentions and defects out. Reading never fails.

mod anchor;
mod due;
mod html;
mod kind;
mod line;
mod markdown;
mod outline;
mod season;
mod target;

pub use line::starts_of_anchors;
pub use markdown::options as markdown_options;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::course::Term;
use crate::domain::link::{KindRule, Mention};

/// A course page as it was read on one night.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    pub title: Option<String>,
    /// In the order of the source; a link that stands twice is there twice.
    pub mentions: Vec<Mention>,
    pub defects: Vec<Defect>,
}

/// Something the page's author can mend, seen without any request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// A link without an address.
    EmptyLink { words: String, line: u32 },
    /// An address that cannot be one.
    Malformed { words: String, written: String, line: u32, why: String },
    /// A link to a place in the page that is not there.
    BrokenAnchor { words: String, anchor: String, line: u32 },
}

/// In which language the page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Markup {
    Html,
    Markdown,
}

/// What reading needs to know beside the text.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Where the page is published: relative links are resolved against it.
    pub base: Option<&'a Address>,
    /// Gives the year to dates written without one.
    pub term: Option<Term>,
    /// The day of reading; gives the year where there is no term.
    pub today: Date,
    pub kinds: &'a [KindRule],
}

impl Context<'_> {
    /// The same, with the term that the page names where none is configured.
    fn in_term_of<'b>(&self, headings: impl Iterator<Item = &'b str>) -> Self {
        Self { term: self.term.or_else(|| season::named_in(headings)), ..self.clone() }
    }
}

/// A page with fewer links than this may halve without anything being wrong.
const LINKS_OF_A_REAL_PAGE: usize = 10;

/// Reads a page. What cannot be read as a link is a defect, never an error.
pub fn read(text: &str, markup: Markup, context: &Context) -> Page {
    match markup {
        Markup::Html => html::read(text, context),
        Markup::Markdown => markdown::read(text, context),
    }
}

/// Which markup a body is in; `None` for what is no page at all.
///
/// `name` is its path or file name, `head` its first few kilobytes.
pub fn markup_of(media_type: Option<&str>, name: &str, head: &[u8]) -> Option<Markup> {
    let name = name.to_ascii_lowercase();
    let is_binary = head.starts_with(b"%PDF-") || head.contains(&0);
    if is_binary {
        return None;
    }
    if [".md", ".markdown", ".qmd", ".rmd"].iter().any(|extension| name.ends_with(extension)) {
        return Some(Markup::Markdown);
    }
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let looks_like_html =
        ["<!doctype html", "<html", "<body", "<head", "<a ", "<div", "<ul", "<table", "<p>"]
            .iter()
            .any(|tag| text.contains(tag));
    match media_type {
        Some("text/markdown" | "text/x-markdown") => Some(Markup::Markdown),
        Some("text/html" | "application/xhtml+xml") => Some(Markup::Html),
        Some("text/plain") | None => {
            let is_named = [".html", ".htm", ".xhtml"].iter().any(|extension| name.ends_with(extension));
            Some(if is_named || (looks_like_html && !text.contains("](")) {
                Markup::Html
            } else {
                Markup::Markdown
            })
        }
        Some(_) => looks_like_html.then_some(Markup::Html),
    }
}

/// Whether so many links are gone at once that the page itself must be broken.
pub fn shrunken(before: usize, after: usize) -> bool {
    (before > 0 && after == 0) || (before >= LINKS_OF_A_REAL_PAGE && after * 2 <= before)
}

#[cfg(test)]
mod tests;
