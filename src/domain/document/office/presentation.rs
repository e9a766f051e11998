//! PPTX: one line per slide, with its notes and the descriptions of its pictures.

use super::{Work, add_line, relations};
use crate::domain::document::DocumentDefect;
use crate::domain::document::package::Package;
use crate::domain::document::xml::{Tag, Xml, XmlEvent};

const SLIDES_READ: usize = 3000;

pub(super) fn read(package: &mut Package, main: &str) -> Result<Work, DocumentDefect> {
    let related = relations::of(package, main)?;
    let order = slide_ids(&package.xml(main)?.ok_or(DocumentDefect::Unreadable)?)?;
    let mut work = Work { pages: u32::try_from(order.len()).ok(), ..Work::default() };
    for id in order.iter().take(SLIDES_READ) {
        let Some(slide) = related.iter().find(|relation| relation.id == *id) else { continue };
        let Some(source) = package.xml(&slide.target)? else { continue };
        let mut shown = slide_of(&source)?;
        for beside in relations::of(package, &slide.target)? {
            if matches!(beside.kind.as_str(), "notesSlide" | "diagramData")
                && let Some(notes) = package.xml(&beside.target)?
            {
                shown.text.push_str(&slide_of(&notes)?.text);
            }
        }
        if work.title.is_none() {
            work.title = shown.title.clone().or_else(|| shown.text.lines().next().map(str::to_owned));
        }
        work.headings.extend(shown.title);
        work.text.push_str(&shown.text.split_whitespace().collect::<Vec<_>>().join(" "));
        work.text.push('\n');
    }
    Ok(work)
}

fn slide_ids(source: &str) -> Result<Vec<String>, DocumentDefect> {
    let mut ids = Vec::new();
    let mut xml = Xml::new(source);
    while let Some(event) = xml.next()? {
        match event {
            XmlEvent::Open(tag) if tag.name == "sldId" => ids.extend(tag.foreign("id").map(str::to_owned)),
            XmlEvent::Open(_) | XmlEvent::Close(_) | XmlEvent::Text(_) => {}
        }
    }
    Ok(ids)
}

#[derive(Default)]
struct Slide {
    title: Option<String>,
    /// One line per paragraph.
    text: String,
}

fn slide_of(source: &str) -> Result<Slide, DocumentDefect> {
    let mut slide = Slide::default();
    let mut paragraph = String::new();
    let (mut is_text, mut is_title) = (false, false);
    let mut xml = Xml::new(source);
    while let Some(event) = xml.next()? {
        match event {
            XmlEvent::Open(tag) => match tag.name.as_str() {
                "Fallback" => xml.skip()?,
                "fld" if is_volatile(&tag) => xml.skip()?,
                // Date, footer and number belong to the template.
                "ph" if matches!(tag.attribute("type"), Some("sldNum" | "dt" | "ftr" | "hdr" | "sldImg")) => {
                    xml.leave("sp")?;
                }
                "ph" => is_title = matches!(tag.attribute("type"), Some("title" | "ctrTitle")),
                "sp" => is_title = false,
                "cNvPr" => add_line(&mut slide.text, tag.attribute("descr").unwrap_or_default()),
                "br" | "tab" => paragraph.push(' '),
                "t" => is_text = true,
                _ => {}
            },
            XmlEvent::Text(text) if is_text => paragraph.push_str(&text),
            XmlEvent::Close(name) if name == "t" => is_text = false,
            XmlEvent::Close(name) if name == "p" => {
                if is_title && slide.title.is_none() && !paragraph.trim().is_empty() {
                    slide.title = Some(paragraph.trim().to_owned());
                }
                add_line(&mut slide.text, &std::mem::take(&mut paragraph));
            }
            XmlEvent::Close(_) | XmlEvent::Text(_) => {}
        }
    }
    Ok(slide)
}

fn is_volatile(field: &Tag) -> bool {
    let kind = field.attribute("type").unwrap_or_default();
    kind == "slidenum" || kind.starts_with("datetime")
}
