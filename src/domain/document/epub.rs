//! EPUB: the chapters of a book in the order of its spine (EPUB 3.3, 5.7).

use super::package::Package;
use super::xml::{Xml, XmlEvent};
use super::{Document, DocumentContext, DocumentDefect, Format, html, title};

const TEXT_BYTES: usize = 32 << 20;

/// Reads a book; `None` if the package is not a book.
pub(super) fn read(package: &mut Package, context: &DocumentContext) -> Option<Document> {
    if !package.has("META-INF/container.xml") {
        return None;
    }
    let book = book(package, context);
    Some(book.unwrap_or_else(|defect| Document::bare(Format::Ebook).with_defect(defect)))
}

fn book(package: &mut Package, context: &DocumentContext) -> Result<Document, DocumentDefect> {
    if package.has("META-INF/rights.xml") {
        return Err(DocumentDefect::Locked);
    }
    let container = package.xml("META-INF/container.xml")?.ok_or(DocumentDefect::Unreadable)?;
    let path = root_file(&container)?.ok_or(DocumentDefect::Unreadable)?;
    let outline = outline(&package.xml(&path)?.ok_or(DocumentDefect::Unreadable)?)?;
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let (mut text, mut headings) = (String::new(), Vec::new());
    for chapter in &outline.spine {
        let Some(name) =
            outline.items.iter().find(|(id, _)| id == chapter).map(|(_, href)| part(folder, href))
        else {
            continue;
        };
        let Some(bytes) = package.part(&name)? else { continue };
        let chapter = html::read(&xhtml(&bytes), context);
        text.push_str(chapter.text.trim());
        text.push('\n');
        headings.extend(chapter.headings);
        if text.len() > TEXT_BYTES {
            return Err(DocumentDefect::TooCostly);
        }
    }
    Ok(Document {
        title: outline.title.as_deref().and_then(title::own).or_else(|| headings.first().cloned()),
        text,
        headings,
        pages: u32::try_from(outline.spine.len()).ok(),
        ..Document::bare(Format::Ebook)
    })
}

/// Elements that may close themselves in XHTML but not in HTML.
fn xhtml(bytes: &[u8]) -> Vec<u8> {
    let mut source = super::xml::decode(bytes);
    for name in ["title", "script", "style"] {
        source = source.replace(&format!("<{name}/>"), "").replace(&format!("<{name} />"), "");
    }
    source.into_bytes()
}

fn part(folder: &str, href: &str) -> String {
    let href = percent_encoding::percent_decode_str(href).decode_utf8_lossy();
    let href = href.split_once('#').map_or(&*href, |(href, _)| href);
    if folder.is_empty() { href.to_owned() } else { format!("{folder}/{href}") }
}

fn root_file(container: &str) -> Result<Option<String>, DocumentDefect> {
    let mut xml = Xml::new(container);
    while let Some(event) = xml.next()? {
        if let XmlEvent::Open(tag) = event
            && tag.name == "rootfile"
        {
            return Ok(tag.attribute("full-path").map(str::to_owned));
        }
    }
    Ok(None)
}

#[derive(Default)]
struct BookOutline {
    title: Option<String>,
    /// Ids and addresses of the files.
    items: Vec<(String, String)>,
    /// Ids of the chapters, in order.
    spine: Vec<String>,
}

fn outline(source: &str) -> Result<BookOutline, DocumentDefect> {
    let mut outline = BookOutline::default();
    let mut title: Option<String> = None;
    let mut xml = Xml::new(source);
    while let Some(event) = xml.next()? {
        match event {
            XmlEvent::Open(tag) => match tag.name.as_str() {
                "title" if outline.title.is_none() => title = Some(String::new()),
                "item" => {
                    let item = tag.attribute("id").zip(tag.attribute("href"));
                    outline.items.extend(item.map(|(id, href)| (id.to_owned(), href.to_owned())));
                }
                "itemref" => outline.spine.extend(tag.attribute("idref").map(str::to_owned)),
                _ => {}
            },
            XmlEvent::Text(text) => {
                if let Some(title) = &mut title {
                    title.push_str(&text);
                }
            }
            XmlEvent::Close(name) if name == "title" => outline.title = outline.title.take().or(title.take()),
            XmlEvent::Close(_) => {}
        }
    }
    Ok(outline)
}
