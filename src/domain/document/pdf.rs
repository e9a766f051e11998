//! PDF: the text of the pages, without lines that are on every page.
//!
//! Text is read by the positions of its glyphs on the page and not in the order of the
//! drawing operators. So a text typeset by another program reads the same.
//!
//! The interpreter is a library and bodies are hostile: the caller limits time and
//! memory, and handles a panic.

mod accent;
mod course_page;
mod field;
mod glyph;
mod line;
mod image;
mod character_collections;
mod running_heads;
mod text_string;
mod title;

use hayro_interpret::hayro_syntax::page::Page;
use hayro_interpret::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro_interpret::kurbo::{Affine, Rect};
use hayro_interpret::{Context, InterpreterCache, InterpreterSettings, interpret_page};

use self::character_collections::CharacterCollections;
use self::glyph::{Collector, Glyph};
use self::line::TextLine;
use super::text::one_line;
use super::{Citation, Document, DocumentDefect, Format};
use crate::domain::capture::Digest;

/// A trailer is within this many bytes of the end (ISO 32000-1, implementation note 18, with room for junk).
const END_WITHIN: usize = 2048;
/// The most pages that are read.
const PAGES_READ: usize = 3000;
const TEXT_BYTES: usize = 32 << 20;

pub(super) fn read(bytes: &[u8]) -> Document {
    let bare = Document::bare(Format::Pdf);
    if is_cut_short(bytes) {
        return bare.with_defect(DocumentDefect::Truncated);
    }
    let pdf = match Pdf::new(bytes.to_vec()) {
        Ok(pdf) => pdf,
        Err(LoadPdfError::Decryption(
            DecryptionError::PasswordProtected | DecryptionError::UnsupportedAlgorithm,
        )) => {
            return bare.with_defect(DocumentDefect::Locked);
        }
        Err(LoadPdfError::Decryption(_) | LoadPdfError::Invalid) => {
            return bare.with_defect(DocumentDefect::Unreadable);
        }
    };
    let pages = pdf.pages();
    if pages.is_empty() {
        return bare.with_defect(DocumentDefect::Unreadable);
    }
    let Some(sheets) = sheets(&pdf) else { return bare.with_defect(DocumentDefect::TooCostly) };
    let metadata = pdf.metadata();
    let text = joined(&running_heads::without(&sheets));
    let first = sheets.first().map(Sheet::text);
    let has_text = text.contains(|c: char| !c.is_whitespace());
    Document {
        title: title::of(metadata.title.as_deref(), sheets.first()),
        citation: Citation {
            arxiv: first.as_deref().and_then(arxiv_stamp),
            authors: metadata.author.as_deref().map_or_else(Vec::new, authors),
            ..Citation::default()
        },
        pages: u32::try_from(pages.len()).ok(),
        contents: if has_text { None } else { image::contents(&sheets) },
        text,
        ..bare
    }
}

/// The authors in the file's metadata, which separates them in several ways.
fn authors(author: &[u8]) -> Vec<String> {
    let text = one_line(&text_string::decode(author));
    let separators: &[&str] = if text.contains(';') { &[";"] } else { &[" and ", ","] };
    let mut names = vec![text.as_str()];
    for separator in separators {
        names = names.iter().flat_map(|name| name.split(separator)).collect();
    }
    names.into_iter().map(str::trim).filter(|name| name.contains(' ')).map(str::to_owned).collect()
}

/// The file as HTML; `None` for one that cannot be read.
pub(super) fn course_page(bytes: &[u8]) -> Option<String> {
    course_page::read(&Pdf::new(bytes.to_vec()).ok()?)
}

/// The glyphs of each page; `None` for a page with too many.
fn glyphs_of_pages(pdf: &Pdf) -> Vec<Option<Vec<Glyph>>> {
    let cache = InterpreterCache::new();
    let collections = CharacterCollections::new(pdf);
    pdf.pages()
        .iter()
        .take(PAGES_READ)
        .map(|page| glyphs(page, pdf, &cache, &collections).map(|(glyphs, _)| glyphs))
        .collect()
}

/// The contents of one page.
struct Sheet {
    lines: Vec<TextLine>,
    height: f64,
    pictures: Vec<Digest>,
}

impl Sheet {
    fn text(&self) -> String {
        self.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }
}

/// The pages in order; `None` if their text is too long to read.
fn sheets(pdf: &Pdf) -> Option<Vec<Sheet>> {
    let cache = InterpreterCache::new();
    let collections = CharacterCollections::new(pdf);
    let mut sheets = Vec::new();
    let mut total = 0;
    for page in pdf.pages().iter().take(PAGES_READ) {
        let sheet = sheet(page, pdf, &cache, &collections)?;
        total += sheet.lines.iter().map(|line| line.text.len()).sum::<usize>();
        if total > TEXT_BYTES {
            return None;
        }
        sheets.push(sheet);
    }
    Some(sheets)
}

fn sheet<'a>(
    page: &Page<'a>,
    pdf: &'a Pdf,
    cache: &InterpreterCache<'a>,
    collections: &CharacterCollections,
) -> Option<Sheet> {
    let (glyphs, pictures) = glyphs(page, pdf, cache, collections)?;
    let mut lines = line::lines(&glyphs);
    lines.extend(field::values(page).into_iter().map(TextLine::beside));
    let (_, height) = page.render_dimensions();
    Some(Sheet { lines, height: f64::from(height), pictures })
}

/// The glyphs and the pictures of a page.
fn glyphs<'a>(
    page: &Page<'a>,
    pdf: &'a Pdf,
    cache: &InterpreterCache<'a>,
    collections: &CharacterCollections,
) -> Option<(Vec<Glyph>, Vec<Digest>)> {
    let upright = Affine::new(page.initial_transform(false).as_coeffs());
    let media = page.media_box();
    let media = upright.transform_rect_bbox(Rect::new(media.x0, media.y0, media.x1, media.y1));
    let mut collector = Collector::new(media, collections);
    let mut context = Context::new(upright, media, cache, pdf.xref(), InterpreterSettings::default());
    interpret_page(page, &mut context, &mut collector);
    let (mut glyphs, pictures) = collector.finish()?;
    accent::combine(&mut glyphs);
    Some((glyphs, pictures))
}

/// The file lacks its end: the trailer is missing, or the file is shorter than its own
/// length field.
pub(super) fn is_cut_short(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(END_WITHIN)..];
    let has = |part: &[u8], mark: &[u8]| part.windows(mark.len()).any(|window| window == mark);
    if declared_length(bytes).is_some_and(|length| length > bytes.len()) {
        return true;
    }
    if has(tail, b"%%EOF") {
        return false;
    }
    // Bytes that a server appends contain no objects.
    bytes.windows(5).rposition(|window| window == b"%%EOF").is_none_or(|end| has(&bytes[end..], b" obj"))
}

/// The length that the header of a linearized file gives (ISO 32000-1, Annex F).
fn declared_length(bytes: &[u8]) -> Option<usize> {
    let head = &bytes[..bytes.len().min(1024)];
    let text = String::from_utf8_lossy(head);
    let (_, rest) = text.split_once("/Linearized")?;
    let (dictionary, _) = rest.split_once(">>")?;
    let (_, length) = dictionary.split_once("/L ")?;
    length.trim_start().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn arxiv_stamp(first_page: &str) -> Option<String> {
    let at = first_page.find("arXiv:")?;
    let id: String = first_page[at + 6..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "./-".contains(*c))
        .collect();
    (id.len() >= 9).then_some(id)
}

/// Joins lines, and removes hyphenation at their ends; one page per line.
fn joined(pages: &[Vec<&str>]) -> String {
    let mut text = String::new();
    for page in pages {
        let from = text.len();
        for line in page {
            match text[from..].strip_suffix(['-', '\u{2010}', '\u{ad}']) {
                Some(stem) if stem.ends_with(char::is_alphanumeric) => {
                    let is_one_word =
                        stem.ends_with(char::is_alphabetic) && line.starts_with(char::is_lowercase);
                    if is_one_word || text.ends_with('\u{ad}') {
                        text.pop();
                    }
                }
                _ if text.len() > from => text.push(' '),
                _ => {}
            }
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}
