//! PDF: the text of the pages, without what is put on every page.
//!
//! The parser is a stranger's and bodies are strangers': whatever it does to
//! this process is the caller's to survive.

use std::collections::HashMap;

use lopdf::{Document as Pdf, Object, decode_text_string};

use super::{Citation, Defect, Document, Format, text};

/// `%%EOF` must stand within this many bytes of the end (ISO 32000-1, implementation note 18, with room for junk).
const END_WITHIN: usize = 2048;
/// Longer works than this are read no further: no reading list has them.
const PAGES_READ: usize = 3000;
const TEXT_BYTES: usize = 32 << 20;
/// A line on more than half of the pages, where there are at least three, is a running line.
const RUNNING_FROM_PAGES: usize = 3;

pub(super) fn read(bytes: &[u8]) -> Document {
    let bare = Document::bare(Format::Pdf);
    let tail = &bytes[bytes.len().saturating_sub(END_WITHIN)..];
    if !tail.windows(5).any(|window| window == b"%%EOF") {
        return bare.with_defect(Defect::Truncated);
    }
    let Ok(pdf) = Pdf::load_mem(bytes) else {
        return bare.with_defect(Defect::Unreadable);
    };
    let pages = pdf.get_pages();
    if pages.is_empty() {
        return bare.with_defect(Defect::Unreadable);
    }
    let mut texts = Vec::new();
    let mut total = 0;
    for number in pages.keys().take(PAGES_READ) {
        // A page whose text cannot be had (a scan, an odd font) counts as blank.
        let text = pdf.extract_text(&[*number]).unwrap_or_default();
        total += text.len();
        texts.push(text);
        if total > TEXT_BYTES {
            return bare.with_defect(Defect::TooCostly);
        }
    }
    let joined = joined(&without_running_lines(&texts));
    let first: String = texts.first().map(|page| page.chars().take(2000).collect()).unwrap_or_default();
    Document {
        title: info(&pdf, b"Title").or_else(|| first_line(&first)),
        citation: Citation { arxiv: arxiv_stamp(&first), ..Citation::default() },
        pages: u32::try_from(pages.len()).ok(),
        text: joined,
        ..bare
    }
}

/// Drops lines that stand on most pages, and bare page numbers.
fn without_running_lines(pages: &[String]) -> Vec<Vec<&str>> {
    let mut on_pages: HashMap<&str, usize> = HashMap::new();
    for page in pages {
        let mut lines: Vec<&str> = page.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines.sort_unstable();
        lines.dedup();
        for line in lines {
            *on_pages.entry(line).or_default() += 1;
        }
    }
    let is_running = |line: &str| {
        pages.len() >= RUNNING_FROM_PAGES && on_pages.get(line).is_some_and(|count| count * 2 > pages.len())
    };
    let is_number =
        |line: &str| line.len() <= 12 && line.chars().all(|c| c.is_ascii_digit() || " -/of".contains(c));
    pages
        .iter()
        .map(|page| {
            page.lines()
                .map(str::trim)
                .filter(|line| !line.is_empty() && !is_running(line) && !is_number(line) && !is_stamp(line))
                .collect()
        })
        .collect()
}

/// The side stamp of a preprint server carries the day of its last build, a
/// publisher's that of the download.
fn is_stamp(line: &str) -> bool {
    (line.starts_with("arXiv:") && line.len() < 80) || text::is_stamp(&text::folded(line))
}

fn arxiv_stamp(first_page: &str) -> Option<String> {
    let at = first_page.find("arXiv:")?;
    let id: String = first_page[at + 6..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "./-".contains(*c))
        .collect();
    (id.len() >= 9).then_some(id)
}

/// Joins lines, undoing hyphenation at their ends; one page a line.
fn joined(pages: &[Vec<&str>]) -> String {
    let mut text = String::new();
    for page in pages {
        for line in page {
            if let Some(stem) = line.strip_suffix('-').filter(|stem| stem.ends_with(char::is_lowercase)) {
                text.push_str(stem);
            } else {
                text.push_str(line);
                text.push(' ');
            }
        }
        text.push('\n');
    }
    text
}

fn info(pdf: &Pdf, key: &[u8]) -> Option<String> {
    let info = pdf.trailer.get(b"Info").ok()?;
    let (_, info) = pdf.dereference(info).ok()?;
    let Object::Dictionary(info) = info else { return None };
    let (_, value) = pdf.dereference(info.get(key).ok()?).ok()?;
    let title = decode_text_string(value).ok()?;
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    // Titles that word processors make up say nothing.
    let is_made_up =
        title.to_lowercase().starts_with("microsoft ") || title.ends_with(".dvi") || title.ends_with(".tex");
    (title.len() > 3 && !is_made_up && title != "untitled").then_some(title)
}

fn first_line(page: &str) -> Option<String> {
    page.lines()
        .map(str::trim)
        .find(|line| line.chars().filter(|c| c.is_alphabetic()).count() >= 8)
        .map(str::to_owned)
}
