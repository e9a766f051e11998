//! Reads bytes as a document: its format by content, title, text and identifiers.
//!
//! Readers are pure functions over bytes. They may be slow or panic on hostile input,
//! so `world::reader` runs them in child processes.

mod archive;
mod citation;
mod course_page;
pub mod difference;
mod epub;
mod essence;
mod gzip;
pub mod html;
mod markup;
mod media;
mod notebook;
mod office;
mod package;
mod page_block;
pub mod passage;
mod pdf;
mod remainder;
mod svg;
pub mod text;
mod title;
pub(in crate::domain) mod xml;

use std::ops::ControlFlow;

pub use citation::Citation;
pub use course_page::course_page;
use remainder::DigestedText;
pub use remainder::Remainder;
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::capture::Digest;

/// The format of a body, by its content. The headers have the claimed format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Html,
    Pdf,
    Notebook,
    /// Slides: PPTX, ODP.
    Presentation,
    /// DOCX, ODT.
    WordProcessing,
    /// XLSX, ODS.
    Spreadsheet,
    /// EPUB.
    Ebook,
    /// ZIP, tar.
    Archive,
    Text,
    Image,
    Audio,
    Video,
    Empty,
    Other,
}

impl Format {
    /// A file that people make and publish, not a page of a site.
    pub fn is_file(self) -> bool {
        match self {
            Self::Pdf
            | Self::Notebook
            | Self::Presentation
            | Self::WordProcessing
            | Self::Spreadsheet
            | Self::Ebook
            | Self::Archive => true,
            Self::Html | Self::Text | Self::Image | Self::Audio | Self::Video | Self::Empty | Self::Other => {
                false
            }
        }
    }

    /// Each line of the text is a page.
    pub fn has_page_lines(self) -> bool {
        matches!(self, Self::Pdf | Self::Presentation)
    }
}

/// A body as a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    pub format: Format,
    pub title: Option<String>,
    /// The text of the work: the main part of a page, the pages of a PDF without running
    /// lines, the slides of a deck with their notes, the cell sources of a notebook. Each
    /// line is a page if the format has pages, otherwise a block (paragraph, item, row).
    /// It is not folded, and it ends after [`TEXT_BYTES`].
    pub text: String,
    /// Set if the text is longer than the part that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remainder: Option<Remainder>,
    pub headings: Vec<String>,
    /// Pages of a PDF, slides of a deck, cells of a notebook, sheets, chapters.
    pub pages: Option<u32>,
    /// The bibliographic data on a landing page.
    pub citation: Citation,
    /// Set for HTML only.
    pub html: Option<Html>,
    /// What is compared if there is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<Contents>,
    /// Why the body is not a complete file of its format.
    pub defect: Option<DocumentDefect>,
}

/// The arXiv id without its version, because all versions are one work.
pub fn unversioned(id: &str) -> &str {
    let is_version = |n: &str| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit());
    id.rsplit_once('v').filter(|(_, n)| is_version(n)).map_or(id, |(id, _)| id)
}

/// The contents of a document without text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contents {
    /// The drawings of each page, in order: a scan.
    Pages(Vec<Digest>),
    /// The members of an archive, in the order of their names.
    Members(Vec<Member>),
    /// The bytes themselves, without the times and names that programs write beside
    /// the content of pictures and PostScript.
    Bytes(Digest),
}

impl Contents {
    /// Equal for equal contents, with any names of members.
    fn summary(&self) -> String {
        match self {
            Self::Pages(pages) => pages.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            Self::Members(members) => {
                let mut parts: Vec<String> = members
                    .iter()
                    .map(|member| format!("{}:{:08x}", member.bytes, member.checksum))
                    .collect();
                parts.sort_unstable();
                parts.join(" ")
            }
            Self::Bytes(digest) => digest.to_string(),
        }
    }
}

/// One file in an archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member {
    pub name: String,
    /// Bytes, unpacked.
    pub bytes: u64,
    /// The CRC-32 of the unpacked bytes, as stored in the archive.
    pub checksum: u32,
}

/// Facts of web pages only.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Html {
    /// The documents that the page is about, the best first (`citation_pdf_url` and others).
    pub documents: Vec<Address>,
    /// The target of a meta refresh, or of a script that does nothing else.
    pub sends_to: Option<Address>,
    /// The words shown anywhere on the page, navigation included.
    pub words_shown: u32,
    /// `id` and `name` values, for fragments.
    pub anchors: Vec<String>,
    /// The page has a form with a password field.
    pub asks_password: bool,
    /// The page has an application root that a script fills.
    pub is_shell: bool,
    /// The page has its closing tag.
    pub has_end: bool,
    /// `robots` says `noarchive`.
    pub noarchive: bool,
    /// The first 64 KiB of the decoded source, for signatures outside the text.
    pub source: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentDefect {
    /// The body begins like the format but lacks its end (`%%EOF`, the closing brace).
    Truncated,
    /// The reader cannot parse it.
    Unreadable,
    /// Reading takes more time or memory than the limits allow.
    TooCostly,
    /// It needs a password.
    Locked,
    /// A few words of a server in place of the file.
    ErrorText,
    /// A pointer of Git Large File Storage in place of the file.
    LfsPointer,
    /// The server compressed it twice but declares one compression, so browsers show nothing.
    DoublyCompressed,
}

/// A digest of the text of a work. Equal fingerprints of one version mean equal text.
///
/// The version is that of the text extraction. A new extraction gives old captures new
/// fingerprints, so only equal versions may be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    pub version: u32,
    pub digest: Digest,
}

/// The version of the text extraction. Raise it with every change that may give an
/// unchanged body another text.
pub const EXTRACTION: u32 = 5;

/// The longest text that is kept in memory, in bytes. A reader who needs the rest opens
/// the document.
pub const TEXT_BYTES: usize = 4 << 20;
/// The most headings that are kept.
const HEADINGS: usize = 20_000;

/// The first bytes of markup that show whether it is a drawing.
const MARKUP: usize = 1024;

/// The data that a reader needs beside the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentContext {
    /// The address of the body, which resolves its relative addresses.
    pub address: Address,
    /// `Content-Type` as sent, for its charset.
    pub content_type: Option<String>,
}

impl DocumentContext {
    pub fn new(address: Address, content_type: Option<&str>) -> Self {
        Self { address, content_type: content_type.map(str::to_owned) }
    }
}

/// The format of a body by its first kilobyte. A notebook is recognised only by reading it.
pub fn format_by_head(head: &[u8]) -> Format {
    media::sniff(head)
}

/// The lengths of the beginning and of the end of a body for `has_own_end`.
pub const END_BYTES: usize = 4096;

/// Whether a page or a PDF is complete, by its first and last bytes.
pub fn has_own_end(head: &[u8], tail: &[u8]) -> bool {
    match media::sniff(head) {
        Format::Html => html::has_end(&String::from_utf8_lossy(tail)),
        Format::Pdf => !pdf::is_cut_short(tail),
        _ => false,
    }
}

/// Reads a body in the format of its content, not in its claimed format. The title is one
/// line of at most 200 characters in every format.
pub fn read(bytes: &[u8], context: &DocumentContext) -> Document {
    let document = match gzip::unwrapped(bytes, context) {
        Some(document) => document,
        None => by_content(bytes, context),
    };
    let title = document.title.as_deref().map(title::one_line).filter(|title| !title.is_empty());
    let document = Document { title, ..document };
    let is_compared_by_bytes = document.text.trim().is_empty()
        && document.contents.is_none()
        && !matches!(document.format, Format::Html | Format::Empty);
    if is_compared_by_bytes {
        return Document { contents: Some(Contents::Bytes(essence::digest(bytes))), ..document };
    }
    document.shortened(TEXT_BYTES)
}

fn by_content(bytes: &[u8], context: &DocumentContext) -> Document {
    match media::sniff(bytes) {
        Format::Html => html::read(bytes, context),
        Format::Pdf => pdf::read(bytes),
        Format::Text => notebook::read(bytes, context).unwrap_or_else(|| markup::read(bytes, context)),
        Format::Archive if archive::is_tar(bytes) => archive::read_tar(bytes),
        Format::Archive => packaged(bytes, context),
        Format::Image if media::is_drawing(bytes.get(..MARKUP).unwrap_or(bytes)) => svg::read(bytes, context),
        Format::Other if media::is_encrypted_office(bytes) => {
            Document::bare(Format::Other).with_defect(DocumentDefect::Locked)
        }
        format @ (Format::Notebook
        | Format::Presentation
        | Format::WordProcessing
        | Format::Spreadsheet
        | Format::Ebook
        | Format::Image
        | Format::Audio
        | Format::Video
        | Format::Empty
        | Format::Other) => Document::bare(format),
    }
}

/// The contents of a ZIP file: an office file, a book, or files.
fn packaged(bytes: &[u8], context: &DocumentContext) -> Document {
    match package::Package::open(bytes) {
        Ok(mut package) => office::read(&mut package)
            .or_else(|| epub::read(&mut package, context))
            .unwrap_or_else(|| archive::read(&mut package)),
        Err(defect) => Document::bare(Format::Archive).with_defect(defect),
    }
}

impl Document {
    /// A document of which only the format is known.
    pub fn bare(format: Format) -> Self {
        Self {
            format,
            title: None,
            text: String::new(),
            remainder: None,
            headings: Vec::new(),
            pages: None,
            citation: Citation::default(),
            html: None,
            contents: None,
            defect: None,
        }
    }

    pub fn with_defect(self, defect: DocumentDefect) -> Self {
        Self { defect: Some(defect), ..self }
    }

    /// Keeps at most this many bytes of the text, and of the remainder what comparing needs.
    pub fn shortened(mut self, most: usize) -> Self {
        self.headings.truncate(HEADINGS);
        if let Some((kept, remainder)) = Remainder::split(&self.text, most) {
            self.remainder = Some(remainder);
            self.text.truncate(kept);
            self.text.shrink_to_fit();
        }
        self
    }

    /// The fingerprint of the folded text. Without text, that of the number of pages and
    /// the other contents.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint_and_words().0
    }

    /// Both from one pass over the text.
    pub fn fingerprint_and_words(&self) -> (Fingerprint, u32) {
        let text = self.remainder.as_ref().map_or_else(|| DigestedText::of(&self.text), Remainder::whole);
        let digest = if text.words == 0 {
            let contents = self.contents.as_ref().map(Contents::summary).unwrap_or_default();
            Digest::of(format!("{:?} {:?} {contents}", self.format, self.pages).as_bytes())
        } else {
            text.digest
        };
        (Fingerprint { version: EXTRACTION, digest }, text.words)
    }

    /// Whether the text is a Git LFS pointer.
    pub fn is_pointer(&self) -> bool {
        const START: &str = "version https://git-lfs.github.com/spec/";
        self.format == Format::Text && self.text.trim_start().starts_with(START)
    }

    /// The number of words of the text, without volatile ones.
    pub fn words(&self) -> u32 {
        if let Some(remainder) = &self.remainder {
            return remainder.whole().words;
        }
        let mut words = 0_u32;
        text::each_word(&self.text, |_| words = words.saturating_add(1));
        words
    }

    /// Whether the text has at least so many words. It costs less than to count them.
    pub fn has_words(&self, least: u32) -> bool {
        if let Some(remainder) = &self.remainder {
            return remainder.whole().words >= least;
        }
        let mut missing = least;
        let counted = text::each_word_until(&self.text, |_| {
            missing = missing.saturating_sub(1);
            if missing == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        least == 0 || counted.is_break()
    }
}

#[cfg(test)]
mod tests;
