//! `OpenDocument`: texts, presentations and tables in one vocabulary.

use super::{TEXT_BYTES, Work, add_line};
use crate::domain::document::package::Package;
use crate::domain::document::xml::{Xml, XmlEvent};
use crate::domain::document::{DocumentDefect, Format};

/// Elements that change by themselves, are deleted, or are on every page.
const LEFT_OUT: &[&str] = &[
    "tracked-changes",
    "annotation",
    "page-number",
    "page-count",
    "date",
    "time",
    "date-time",
    "header-decl",
    "footer-decl",
    "date-time-decl",
    "forms",
    "table-of-content",
    "scripts",
];

pub(super) fn read(package: &mut Package, format: Format) -> Result<Work, DocumentDefect> {
    let source = package.xml("content.xml")?.ok_or(DocumentDefect::Unreadable)?;
    let mut work = Work::default();
    let mut pages: u32 = 0;
    let mut block = String::new();
    let mut depth = 0_usize;
    let mut page_from = 0;
    let mut xml = Xml::new(&source);
    while let Some(event) = xml.next()? {
        match event {
            XmlEvent::Open(tag) if LEFT_OUT.contains(&tag.name.as_str()) => xml.skip()?,
            XmlEvent::Open(tag) => match tag.name.as_str() {
                "p" | "h" | "title" | "desc" => depth += 1,
                "s" | "tab" | "line-break" => block.push(' '),
                "table" if format == Format::Spreadsheet => {
                    add_line(&mut work.text, tag.attribute("name").unwrap_or_default());
                }
                _ => {}
            },
            XmlEvent::Text(text) if depth > 0 => block.push_str(&text),
            XmlEvent::Text(_) => {}
            XmlEvent::Close(name) => match (name.as_str(), format) {
                ("p" | "h" | "title" | "desc", _) => {
                    depth = depth.saturating_sub(1);
                    // A row of a table is one line, with all its cells.
                    if format == Format::Spreadsheet {
                        block.push(' ');
                    } else {
                        end_block(&name, &mut block, &mut work);
                    }
                }
                ("table-row", Format::Spreadsheet) => add_line(&mut work.text, &std::mem::take(&mut block)),
                ("table", Format::Spreadsheet) => pages += 1,
                ("page", Format::Presentation) => {
                    pages += 1;
                    end_page(&mut work, page_from);
                    page_from = work.text.len();
                }
                _ => {}
            },
        }
        if work.text.len() > TEXT_BYTES {
            return Err(DocumentDefect::TooCostly);
        }
    }
    work.pages = matches!(format, Format::Presentation | Format::Spreadsheet).then_some(pages);
    if format != Format::Spreadsheet && work.title.is_none() {
        work.title = work.headings.first().cloned().or_else(|| work.text.lines().next().map(str::to_owned));
    }
    Ok(work)
}

fn end_block(name: &str, block: &mut String, work: &mut Work) {
    let text = std::mem::take(block);
    if name == "h" && !text.trim().is_empty() {
        work.headings.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    add_line(&mut work.text, &text);
}

/// Joins the blocks of a page into one line.
fn end_page(work: &mut Work, from: usize) {
    let page = work.text.split_off(from);
    if work.title.is_none() {
        work.title = page.lines().next().map(str::to_owned);
    }
    work.text.push_str(&page.split_whitespace().collect::<Vec<_>>().join(" "));
    work.text.push('\n');
}
