//! Office files: Office Open XML (ECMA-376) and `OpenDocument` (ISO/IEC 26300).

mod opendocument;
mod presentation;
mod relations;
mod sheet;
mod text_page;
mod word;
mod word_page;
mod word_table;

use super::package::Package;
use super::xml::{Broken, Xml, XmlEvent};
use super::{Contents, Document, DocumentDefect, Format, title};

/// A longer text is not read.
const TEXT_BYTES: usize = 32 << 20;

/// The result of one of the readers below.
#[derive(Debug, Default)]
struct Work {
    /// Each line is a page if the format has pages, otherwise a block.
    text: String,
    /// The first heading or the title of the first slide.
    title: Option<String>,
    headings: Vec<String>,
    pages: Option<u32>,
}

/// Reads an office file; `None` if the package is not one.
pub(super) fn read(package: &mut Package) -> Option<Document> {
    let format = match format(package) {
        Ok(format) => format?,
        Err(defect) => return Some(Document::bare(Format::Archive).with_defect(defect)),
    };
    Some(work(package, &format).unwrap_or_else(|defect| {
        let contents = package.members().ok().map(Contents::Members);
        Document { contents, ..Document::bare(format.kind()) }.with_defect(defect)
    }))
}

/// A text document as HTML; `None` for another package, or one that cannot be read.
pub(super) fn course_page(package: &mut Package) -> Option<String> {
    match format(package).ok()?? {
        OfficeFile::Word(main) => word_page::read(package, &main).ok(),
        OfficeFile::OpenDocument(Format::WordProcessing) => text_page::read(package).ok(),
        OfficeFile::OpenDocument(_) | OfficeFile::Presentation(_) | OfficeFile::Sheet(_) => None,
    }
}

/// The kind of an office file, and the part that contains the work.
enum OfficeFile {
    Presentation(String),
    Word(String),
    Sheet(String),
    OpenDocument(Format),
}

impl OfficeFile {
    fn kind(&self) -> Format {
        match self {
            Self::Presentation(_) => Format::Presentation,
            Self::Word(_) => Format::WordProcessing,
            Self::Sheet(_) => Format::Spreadsheet,
            Self::OpenDocument(format) => *format,
        }
    }
}

fn format(package: &mut Package) -> Result<Option<OfficeFile>, DocumentDefect> {
    if package.has("[Content_Types].xml") {
        let Some(main) = relations::main_part(package)? else { return Ok(None) };
        let Some(source) = package.xml(&main)? else { return Ok(None) };
        return Ok(match root(&source).as_deref() {
            Some("presentation") => Some(OfficeFile::Presentation(main)),
            Some("document") => Some(OfficeFile::Word(main)),
            Some("workbook") => Some(OfficeFile::Sheet(main)),
            _ => None,
        });
    }
    if !package.has("content.xml") {
        return Ok(None);
    }
    let Some(kind) = package.part("mimetype")? else { return Ok(None) };
    let kind = String::from_utf8_lossy(&kind);
    Ok(kind.trim().strip_prefix("application/vnd.oasis.opendocument.").map(|kind| {
        OfficeFile::OpenDocument(match kind {
            kind if kind.starts_with("presentation") => Format::Presentation,
            kind if kind.starts_with("spreadsheet") => Format::Spreadsheet,
            _ => Format::WordProcessing,
        })
    }))
}

/// The name of the first element.
fn root(source: &str) -> Option<String> {
    let mut xml = Xml::new(source);
    while let Ok(Some(event)) = xml.next() {
        if let XmlEvent::Open(tag) = event {
            return Some(tag.name);
        }
    }
    None
}

fn work(package: &mut Package, kind: &OfficeFile) -> Result<Document, DocumentDefect> {
    let work = match kind {
        OfficeFile::Presentation(main) => presentation::read(package, main)?,
        OfficeFile::Word(main) => word::read(package, main)?,
        OfficeFile::Sheet(main) => sheet::read(package, main)?,
        OfficeFile::OpenDocument(format) => opendocument::read(package, *format)?,
    };
    if work.text.len() > TEXT_BYTES {
        return Err(DocumentDefect::TooCostly);
    }
    let about = match kind {
        OfficeFile::OpenDocument(_) => package.xml("meta.xml")?,
        OfficeFile::Presentation(_) | OfficeFile::Word(_) | OfficeFile::Sheet(_) => {
            package.xml("docProps/core.xml")?
        }
    };
    let own = about.and_then(|about| element(&about, "title")).and_then(|title| title::own(&title));
    let has_text = work.text.contains(|c: char| !c.is_whitespace());
    Ok(Document {
        title: own.or_else(|| work.title.as_deref().and_then(title::own)),
        headings: work.headings,
        pages: work.pages,
        contents: if has_text { None } else { Some(Contents::Members(media(package)?)) },
        text: work.text,
        ..Document::bare(kind.kind())
    })
}

/// The pictures and films of a file without text.
fn media(package: &mut Package) -> Result<Vec<super::Member>, DocumentDefect> {
    let mut members = package.members()?;
    members.retain(|member| member.name.contains("media/") || member.name.starts_with("Pictures/"));
    Ok(members)
}

/// The text of the first element with this name.
fn element(source: &str, name: &str) -> Option<String> {
    let mut xml = Xml::new(source);
    let mut text: Option<String> = None;
    while let Ok(Some(event)) = xml.next() {
        match event {
            XmlEvent::Open(tag) if tag.name == name => text = Some(String::new()),
            XmlEvent::Text(part) => {
                if let Some(text) = &mut text {
                    text.push_str(&part);
                }
            }
            XmlEvent::Close(closed) if closed == name => return text,
            XmlEvent::Open(_) | XmlEvent::Close(_) => {}
        }
    }
    None
}

impl From<Broken> for DocumentDefect {
    fn from(_: Broken) -> Self {
        Self::Unreadable
    }
}

/// Adds a block of text as a line.
fn add_line(text: &mut String, line: &str) {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if !line.is_empty() {
        text.push_str(&line);
        text.push('\n');
    }
}

#[cfg(test)]
mod tests;
