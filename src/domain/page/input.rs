//! A course page as it was received, with what reading it needs.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    MOST_LINKS, Markup, Page, PageContext, Site, SiteFiles, UnreadFormat, markup_of, read, without_stray_nuls,
};
use crate::domain::address::Address;
use crate::domain::course::Term;
use crate::domain::link::KindRule;

/// The format of a page is recognised by its first characters.
const HEAD_CHARS: usize = 4096;

/// What reading a page needs beside its text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PageInput {
    pub content_type: Option<String>,
    /// Its path or file name.
    pub name: String,
    /// Where the page is published, or its file.
    pub base: Option<Address>,
    pub term: Option<Term>,
    /// The day of reading.
    pub today: Date,
    pub kinds: Vec<KindRule>,
    /// The files of the site generator around a page file.
    pub site: Option<SiteFiles>,
}

impl PageInput {
    /// Reads the page from its decoded text.
    ///
    /// # Errors
    ///
    /// The format of the file, if it cannot be a course page.
    pub fn read(&self, text: String) -> Result<Page, UnreadFormat> {
        let media_type =
            self.content_type.as_deref().and_then(|value| value.split(';').next()).map(str::trim);
        let text = without_stray_nuls(text);
        let head: String = text.chars().take(HEAD_CHARS).collect();
        let head = (!head.contains('\0')).then_some(head.as_str());
        let markup = markup_of(media_type, &self.name, head)?;
        Ok(self.read_as(&text, markup))
    }

    /// Reads a page that was converted to HTML.
    pub fn read_html(&self, html: &str) -> Page {
        self.read_as(html, Markup::Html)
    }

    fn read_as(&self, text: &str, markup: Markup) -> Page {
        let site = self.site.as_ref().and_then(Site::of);
        let context = PageContext {
            base: self.base.as_ref(),
            term: self.term,
            today: self.today,
            kinds: &self.kinds,
            site: site.as_ref(),
        };
        read(text, markup, &context).bounded(MOST_LINKS)
    }
}
