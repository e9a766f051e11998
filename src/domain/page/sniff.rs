//! Detects the language of a page: by its media type, its name and its first bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Markup;

/// A format that is not read as a course page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnreadFormat {
    Pdf,
    WordDocument,
    OpenDocument,
    Presentation,
    Spreadsheet,
    AsciiDoc,
    Typst,
    /// Not text, or an unknown format.
    Other,
}

impl fmt::Display for UnreadFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pdf => "a PDF",
            Self::WordDocument => "a Word document",
            Self::OpenDocument => "an OpenDocument text",
            Self::Presentation => "a presentation",
            Self::Spreadsheet => "a spreadsheet",
            Self::AsciiDoc => "an AsciiDoc file",
            Self::Typst => "a Typst file",
            Self::Other => "neither HTML nor Markdown, nor another format that is read",
        })
    }
}

/// File name extensions and their formats.
const ENDINGS: &[(&str, Result<Markup, UnreadFormat>)] = &[
    (".md", Ok(Markup::Markdown)),
    (".markdown", Ok(Markup::Markdown)),
    (".mdx", Ok(Markup::Markdown)),
    (".mkd", Ok(Markup::Markdown)),
    (".qmd", Ok(Markup::Markdown)),
    (".rmd", Ok(Markup::Markdown)),
    (".rst", Ok(Markup::ReStructuredText)),
    (".rest", Ok(Markup::ReStructuredText)),
    (".org", Ok(Markup::Org)),
    (".tex", Ok(Markup::Latex)),
    (".ltx", Ok(Markup::Latex)),
    (".bib", Ok(Markup::Bibtex)),
    (".yml", Ok(Markup::Data)),
    (".yaml", Ok(Markup::Data)),
    (".json", Ok(Markup::Data)),
    (".csv", Ok(Markup::Csv)),
    (".tsv", Ok(Markup::Csv)),
    (".ipynb", Ok(Markup::Notebook)),
    (".pdf", Err(UnreadFormat::Pdf)),
    (".docx", Err(UnreadFormat::WordDocument)),
    (".doc", Err(UnreadFormat::WordDocument)),
    (".odt", Err(UnreadFormat::OpenDocument)),
    (".pptx", Err(UnreadFormat::Presentation)),
    (".ppt", Err(UnreadFormat::Presentation)),
    (".odp", Err(UnreadFormat::Presentation)),
    (".xlsx", Err(UnreadFormat::Spreadsheet)),
    (".xls", Err(UnreadFormat::Spreadsheet)),
    (".ods", Err(UnreadFormat::Spreadsheet)),
    (".adoc", Err(UnreadFormat::AsciiDoc)),
    (".asciidoc", Err(UnreadFormat::AsciiDoc)),
    (".typ", Err(UnreadFormat::Typst)),
];

/// The markup of a body; the error is its other format.
///
/// `name` is its path or file name. `head` is the text of its first few kilobytes, or
/// `None` if they are not text.
pub fn markup_of(media_type: Option<&str>, name: &str, head: Option<&str>) -> Result<Markup, UnreadFormat> {
    let name = name.to_ascii_lowercase();
    let by_name = ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, markup)| *markup);
    let Some(head) = head.filter(|head| !head.starts_with("%PDF-")) else {
        let unread = by_name.and_then(Result::err);
        return Err(unread.unwrap_or_else(|| unread_media(media_type, head)));
    };
    let text = head.to_ascii_lowercase();
    let is_html = looks_like_html(&text);
    match media_type {
        Some("text/html" | "application/xhtml+xml") => {
            return Ok(by_name.filter(|_| !is_html).and_then(Result::ok).unwrap_or(Markup::Html));
        }
        Some("text/markdown" | "text/x-markdown") => return Ok(Markup::Markdown),
        _ => {}
    }
    if let Some(markup) = by_name {
        return markup;
    }
    match media_type {
        Some("application/json" | "application/yaml" | "text/yaml" | "application/x-yaml") => {
            Ok(Markup::Data)
        }
        Some("application/x-ipynb+json") => Ok(Markup::Notebook),
        Some("text/csv") => Ok(Markup::Csv),
        Some("application/x-tex" | "text/x-tex") => Ok(Markup::Latex),
        Some("text/plain") | None => {
            let is_named = [".html", ".htm", ".xhtml"].iter().any(|ending| name.ends_with(ending));
            Ok(if is_named || (is_html && !text.contains("](")) { Markup::Html } else { Markup::Markdown })
        }
        Some(media) if is_html => {
            debug_assert!(!media.is_empty());
            Ok(Markup::Html)
        }
        Some(_) => Err(unread_media(media_type, Some(head))),
    }
}

/// The text with U+FFFD for each NUL, as in browsers, if it is a text. The bytes of
/// other formats keep their NULs.
pub fn without_stray_nuls(text: String) -> String {
    /// A text has at most one control character in this many characters.
    const STRAY: usize = 20;
    const HEAD_CHARS: usize = 4096;
    if !text.contains('\0') {
        return text;
    }
    let is_control = |c: &char| c.is_ascii_control() && !c.is_ascii_whitespace();
    let controls = text.chars().take(HEAD_CHARS).filter(is_control).count();
    let is_text = controls * STRAY <= text.chars().take(HEAD_CHARS).count();
    if is_text { text.replace('\0', "\u{fffd}") } else { text }
}

fn looks_like_html(text: &str) -> bool {
    ["<!doctype html", "<html", "<body", "<head", "<frameset", "<a ", "<div", "<ul", "<table", "<p>"]
        .iter()
        .any(|tag| text.contains(tag))
}

fn unread_media(media_type: Option<&str>, head: Option<&str>) -> UnreadFormat {
    match media_type {
        _ if head.is_some_and(|head| head.starts_with("%PDF-")) => UnreadFormat::Pdf,
        Some("application/pdf") => UnreadFormat::Pdf,
        Some(media) if media.contains("wordprocessingml") || media == "application/msword" => {
            UnreadFormat::WordDocument
        }
        Some(media) if media.contains("opendocument.text") => UnreadFormat::OpenDocument,
        Some(media) if media.contains("presentation") || media.contains("powerpoint") => {
            UnreadFormat::Presentation
        }
        Some(media) if media.contains("spreadsheet") || media.contains("excel") => UnreadFormat::Spreadsheet,
        Some(_) | None => UnreadFormat::Other,
    }
}
