//! DOCX: the paragraphs of the body and of the notes, with all tracked changes
//! accepted.

use super::{Work, add_line, relations};
use crate::domain::document::DocumentDefect;
use crate::domain::document::package::Package;
use crate::domain::document::xml::{Xml, XmlEvent};

pub(super) fn read(package: &mut Package, main: &str) -> Result<Work, DocumentDefect> {
    let mut work = Work::default();
    body(&package.xml(main)?.ok_or(DocumentDefect::Unreadable)?, &mut work)?;
    for beside in relations::of(package, main)? {
        if matches!(beside.kind.as_str(), "footnotes" | "endnotes")
            && let Some(notes) = package.xml(&beside.target)?
        {
            body(&notes, &mut work)?;
        }
    }
    work.title = work.headings.first().cloned().or_else(|| work.text.lines().next().map(str::to_owned));
    Ok(work)
}

/// A field, from its beginning to its end.
#[derive(Default)]
struct Field {
    instruction: String,
    /// Between the instruction and the end: the result of the field.
    is_result: bool,
}

#[derive(Default)]
struct ParagraphState {
    paragraph: String,
    is_heading: bool,
    is_text: bool,
    is_instruction: bool,
    fields: Vec<Field>,
}

fn body(source: &str, work: &mut Work) -> Result<(), DocumentDefect> {
    let mut state = ParagraphState::default();
    let mut xml = Xml::new(source);
    while let Some(event) = xml.next()? {
        match event {
            XmlEvent::Open(tag) => match tag.name.as_str() {
                "Fallback" | "del" | "moveFrom" | "delText" => xml.skip()?,
                "fldSimple" if is_volatile(tag.attribute("instr").unwrap_or_default()) => xml.skip()?,
                "fldChar" => state.field(tag.attribute("fldCharType").unwrap_or_default()),
                "instrText" => state.is_instruction = true,
                "pStyle" => state.is_heading = is_heading(tag.attribute("val").unwrap_or_default()),
                "docPr" => add_line(&mut work.text, tag.attribute("descr").unwrap_or_default()),
                "tab" | "br" | "cr" => state.paragraph.push(' '),
                "noBreakHyphen" => state.paragraph.push('-'),
                "t" => state.is_text = true,
                _ => {}
            },
            XmlEvent::Text(text) => state.text(&text),
            XmlEvent::Close(name) => match name.as_str() {
                "t" => state.is_text = false,
                "instrText" => state.is_instruction = false,
                "p" => state.end_paragraph(work),
                "tc" => state.paragraph.push(' '),
                _ => {}
            },
        }
    }
    Ok(())
}

impl ParagraphState {
    fn text(&mut self, text: &str) {
        if self.is_instruction {
            if let Some(field) = self.fields.last_mut() {
                field.instruction.push_str(text);
            }
        } else if self.is_text {
            let is_kept = !self.fields.iter().any(|field| field.is_result && is_volatile(&field.instruction));
            if is_kept {
                self.paragraph.push_str(text);
            }
        }
    }

    fn field(&mut self, step: &str) {
        match step {
            "begin" => self.fields.push(Field::default()),
            "separate" => {
                if let Some(field) = self.fields.last_mut() {
                    field.is_result = true;
                }
            }
            "end" => {
                self.fields.pop();
            }
            _ => {}
        }
    }

    fn end_paragraph(&mut self, work: &mut Work) {
        let paragraph = std::mem::take(&mut self.paragraph);
        if std::mem::take(&mut self.is_heading) && !paragraph.trim().is_empty() {
            work.headings.push(paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        add_line(&mut work.text, &paragraph);
    }
}

fn is_heading(style: &str) -> bool {
    ["Title", "Heading", "berschrift", "Titre", "Titel"].iter().any(|name| style.contains(name))
}

/// Page numbers and dates change each time the file is saved.
fn is_volatile(instruction: &str) -> bool {
    const VOLATILE: &[&str] =
        &["PAGE", "PAGEREF", "NUMPAGES", "DATE", "TIME", "SAVEDATE", "PRINTDATE", "FILENAME", "SECTIONPAGES"];
    instruction.split_whitespace().next().is_some_and(|name| VOLATILE.contains(&name.to_uppercase().as_str()))
}
