//! XLSX: one line per row, each sheet under its name.

use super::{TEXT_BYTES, Work, add_line, relations};
use crate::domain::document::DocumentDefect;
use crate::domain::document::package::Package;
use crate::domain::document::xml::{Xml, XmlEvent};

pub(super) fn read(package: &mut Package, main: &str) -> Result<Work, DocumentDefect> {
    let related = relations::of(package, main)?;
    let of_kind = |kind: &str| related.iter().find(|relation| relation.kind == kind);
    let strings = match of_kind("sharedStrings").map(|relation| package.xml(&relation.target)).transpose()? {
        Some(Some(strings)) => shared_strings(&strings)?,
        Some(None) | None => Vec::new(),
    };
    let sheets = sheets(&package.xml(main)?.ok_or(DocumentDefect::Unreadable)?)?;
    let mut work = Work { pages: u32::try_from(sheets.len()).ok(), ..Work::default() };
    for (name, id) in sheets {
        add_line(&mut work.text, &name);
        let Some(relation) = related.iter().find(|relation| relation.id == id) else { continue };
        if let Some(sheet) = package.xml(&relation.target)? {
            rows(&sheet, &strings, &mut work.text)?;
        }
        work.headings.push(name);
    }
    Ok(work)
}

/// Names and references of the sheets, in their order.
fn sheets(source: &str) -> Result<Vec<(String, String)>, DocumentDefect> {
    let mut sheets = Vec::new();
    let mut xml = Xml::new(source);
    while let Some(event) = xml.next()? {
        match event {
            XmlEvent::Open(tag) if tag.name == "sheet" => {
                let name = tag.attribute("name").unwrap_or_default().to_owned();
                sheets.extend(tag.foreign("id").map(|id| (name, id.to_owned())));
            }
            XmlEvent::Open(_) | XmlEvent::Close(_) | XmlEvent::Text(_) => {}
        }
    }
    Ok(sheets)
}

fn shared_strings(source: &str) -> Result<Vec<String>, DocumentDefect> {
    let mut strings = Vec::new();
    let mut string = String::new();
    let mut is_text = false;
    let mut xml = Xml::new(source);
    while let Some(event) = xml.next()? {
        match event {
            // A phonetic reading is beside the word.
            XmlEvent::Open(tag) if tag.name == "rPh" => xml.skip()?,
            XmlEvent::Open(tag) => is_text = tag.name == "t",
            XmlEvent::Text(text) if is_text => string.push_str(&text),
            XmlEvent::Close(name) if name == "si" => strings.push(std::mem::take(&mut string)),
            XmlEvent::Close(_) => is_text = false,
            XmlEvent::Text(_) => {}
        }
    }
    Ok(strings)
}

fn rows(source: &str, strings: &[String], text: &mut String) -> Result<(), DocumentDefect> {
    let (mut row, mut value) = (String::new(), String::new());
    let (mut kind, mut is_value) = (String::new(), false);
    let mut xml = Xml::new(source);
    while let Some(event) = xml.next()? {
        match event {
            XmlEvent::Open(tag) => match tag.name.as_str() {
                "f" => xml.skip()?,
                "c" => tag.attribute("t").unwrap_or_default().clone_into(&mut kind),
                "v" | "t" => is_value = true,
                _ => {}
            },
            XmlEvent::Text(part) if is_value => value.push_str(&part),
            XmlEvent::Text(_) => {}
            XmlEvent::Close(name) => match name.as_str() {
                "v" | "t" => is_value = false,
                "c" => {
                    row.push_str(&shown(&kind, &std::mem::take(&mut value), strings));
                    row.push(' ');
                }
                "row" => {
                    add_line(text, &std::mem::take(&mut row));
                    if text.len() > TEXT_BYTES {
                        return Err(DocumentDefect::TooCostly);
                    }
                }
                _ => {}
            },
        }
    }
    Ok(())
}

fn shown(kind: &str, value: &str, strings: &[String]) -> String {
    match kind {
        "s" => value.trim().parse().ok().and_then(|n: usize| strings.get(n)).cloned().unwrap_or_default(),
        // Programs write the same number with more or fewer digits.
        "" | "n" => value.trim().parse().map_or(value.to_owned(), |number: f64| rounded(number)),
        _ => value.to_owned(),
    }
}

fn rounded(number: f64) -> String {
    const PLACES: f64 = 1e9;
    let rounded = (number * PLACES).round() / PLACES;
    if rounded.is_finite() { rounded.to_string() } else { number.to_string() }
}
