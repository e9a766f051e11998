//! DOCX as a course page: styles say the headings, fields and relations the links.

use std::collections::HashMap;

use super::relations;
use super::word_table::{Merge, NextCell, Table};
use crate::domain::document::DocumentDefect;
use crate::domain::document::package::Package;
use crate::domain::document::page_block::{Block, BlockKind};
use crate::domain::document::xml::{Tag, Xml, XmlEvent};

pub(super) fn read(package: &mut Package, main: &str) -> Result<String, DocumentDefect> {
    let parts = relations::of(package, main)?;
    let levels = match parts.iter().find(|part| part.kind == "styles") {
        Some(styles) => levels(&package.xml(&styles.target)?.unwrap_or_default())?,
        None => HashMap::new(),
    };
    let mut page = WordPage { levels, ..WordPage::default() };
    page.part(package, main)?;
    for notes in parts.iter().filter(|part| matches!(part.kind.as_str(), "footnotes" | "endnotes")) {
        page.part(package, &notes.target)?;
    }
    Ok(page.html)
}

/// The level of each style that is a heading.
fn levels(source: &str) -> Result<HashMap<String, u8>, DocumentDefect> {
    let mut levels = HashMap::new();
    let mut style = String::new();
    let mut xml = Xml::new(source);
    while let Some(event) = xml.next()? {
        let XmlEvent::Open(tag) = event else { continue };
        let value = tag.attribute("val").unwrap_or_default();
        match tag.name.as_str() {
            "style" => tag.attribute("styleId").unwrap_or_default().clone_into(&mut style),
            "name" => {
                let name = value.to_lowercase();
                let level = match name.strip_prefix("heading ") {
                    Some(number) => number.parse().ok(),
                    None => (name == "title").then_some(1),
                };
                if let Some(level) = level.filter(|level| (1..=6).contains(level)) {
                    levels.insert(style.clone(), level);
                }
            }
            "outlineLvl" => {
                if let Some(level) = value.parse().ok().filter(|level: &u8| *level < 6) {
                    levels.insert(style.clone(), level + 1);
                }
            }
            _ => {}
        }
    }
    Ok(levels)
}

/// What the text at a place is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum TextKind {
    /// Space between elements.
    #[default]
    None,
    Shown,
    /// The instruction of a field.
    Instruction,
}

#[derive(Default)]
struct WordPage {
    html: String,
    links: HashMap<String, String>,
    levels: HashMap<String, u8>,
    /// A text box stands within a paragraph and has paragraphs of its own.
    blocks: Vec<Block>,
    /// The instructions of the fields around a place, and whether each is a link.
    fields: Vec<(String, bool)>,
    text_kind: TextKind,
    is_head_row: bool,
    /// The tables around a place.
    tables: Vec<Table>,
    /// A cell whose tag is written with its first paragraph.
    next_cell: Option<NextCell>,
    /// The properties of a paragraph, not those of a run.
    is_in_paragraph_properties: bool,
    is_bold: bool,
}

impl WordPage {
    fn part(&mut self, package: &mut Package, name: &str) -> Result<(), DocumentDefect> {
        self.links = relations::external(package, name)?;
        let source = package.xml(name)?.unwrap_or_default();
        let mut xml = Xml::new(&source);
        while let Some(event) = xml.next()? {
            match event {
                XmlEvent::Open(tag) if matches!(tag.name.as_str(), "Fallback" | "del" | "moveFrom") => {
                    xml.skip()?
                }
                XmlEvent::Open(tag) => self.open(&tag),
                XmlEvent::Text(text) => self.text(&text),
                XmlEvent::Close(name) => self.close(&name),
            }
        }
        Ok(())
    }

    fn open(&mut self, tag: &Tag) {
        let value = tag.attribute("val").unwrap_or_default();
        match tag.name.as_str() {
            "p" => {
                self.begin_cell();
                self.blocks.push(Block::default());
            }
            "t" => self.text_kind = TextKind::Shown,
            "instrText" => self.text_kind = TextKind::Instruction,
            "pPr" => self.is_in_paragraph_properties = true,
            "r" => self.is_bold = false,
            "footnote" | "endnote" => {
                let id = tag.attribute("id").unwrap_or_default();
                self.html.push_str(&format!("<div id=\"{}\">", note_id(&tag.name, id)));
            }
            "tbl" => {
                self.tables.push(Table::default());
                self.html.push_str("<table>\n");
            }
            "tr" => {
                self.is_head_row = false;
                if let Some(table) = self.tables.last_mut() {
                    table.begin_row();
                }
                self.html.push_str("<tr>");
            }
            "tblHeader" => self.is_head_row = !matches!(value, "0" | "false" | "off"),
            "tc" => self.next_cell = Some(NextCell::default()),
            "gridSpan" => self.cell(|cell| cell.columns = value.parse().ok()),
            "vMerge" => {
                let merge = if value == "restart" { Merge::Begins } else { Merge::Continues };
                self.cell(|cell| cell.merge = Some(merge));
            }
            "fldSimple" => {
                let address = link_of(tag.attribute("instr").unwrap_or_default());
                self.fields.push((String::new(), address.is_some()));
                self.open_link(address);
            }
            "fldChar" => self.field(tag.attribute("fldCharType").unwrap_or_default()),
            "hyperlink" => {
                let target = tag.foreign("id").and_then(|id| self.links.get(id)).cloned();
                let anchor = tag.attribute("anchor").map(|anchor| format!("#{anchor}"));
                self.open_link(target.or(anchor));
            }
            "bookmarkStart" => {
                let name = tag.attribute("name").unwrap_or_default();
                let name = html_escape::encode_double_quoted_attribute(name);
                self.html.push_str(&format!("<a id=\"{name}\"></a>"));
            }
            _ => self.in_block(tag, value),
        }
    }

    fn cell(&mut self, set: impl FnOnce(&mut NextCell)) {
        if let Some(cell) = &mut self.next_cell {
            set(cell);
        }
    }

    fn in_block(&mut self, tag: &Tag, value: &str) {
        let level = self.levels.get(value).copied();
        let is_of_run = !self.is_in_paragraph_properties;
        let Some(block) = self.blocks.last_mut() else { return };
        match tag.name.as_str() {
            "pStyle" => {
                if let Some(level) = level {
                    block.kind = BlockKind::Heading(level);
                }
            }
            "numPr" if block.kind == BlockKind::Paragraph => block.kind = BlockKind::Item,
            "b" if is_of_run => self.is_bold = !matches!(value, "0" | "false" | "off"),
            "rStyle" if is_of_run => self.is_bold |= value == "Strong",
            "footnoteReference" | "endnoteReference" => {
                let kind = tag.name.trim_end_matches("Reference");
                block.note(note_id(kind, tag.attribute("id").unwrap_or_default()));
            }
            "tab" => block.text(" "),
            "br" | "cr" => block.line_break(),
            "noBreakHyphen" => block.text("-"),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        match self.text_kind {
            TextKind::Instruction => {
                if let Some((instruction, _)) = self.fields.last_mut() {
                    instruction.push_str(text);
                }
            }
            TextKind::Shown => {
                if let Some(block) = self.blocks.last_mut() {
                    block.run(text, self.is_bold);
                }
            }
            TextKind::None => {}
        }
    }

    fn field(&mut self, step: &str) {
        match step {
            "begin" => self.fields.push((String::new(), false)),
            "separate" => {
                let address = self.fields.last().and_then(|(instruction, _)| link_of(instruction));
                if let Some((_, is_link)) = self.fields.last_mut() {
                    *is_link = address.is_some();
                }
                self.open_link(address);
            }
            "end" => self.end_field(),
            _ => {}
        }
    }

    fn end_field(&mut self) {
        if self.fields.pop().is_some_and(|(_, is_link)| is_link) {
            self.close_link();
        }
    }

    fn open_link(&mut self, address: Option<String>) {
        if let (Some(block), Some(address)) = (self.blocks.last_mut(), address) {
            block.open_link(&address);
        }
    }

    fn close_link(&mut self) {
        if let Some(block) = self.blocks.last_mut() {
            block.close_link();
        }
    }

    fn begin_cell(&mut self) {
        let name = if self.is_head_row { "th" } else { "td" };
        if let (Some(cell), Some(table)) = (self.next_cell.take(), self.tables.last_mut()) {
            table.begin(&cell, name, &mut self.html);
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "t" | "instrText" => self.text_kind = TextKind::None,
            "hyperlink" => self.close_link(),
            "fldSimple" => self.end_field(),
            "p" => {
                if let Some(block) = self.blocks.pop() {
                    block.write(&mut self.html);
                }
            }
            "pPr" => self.is_in_paragraph_properties = false,
            "footnote" | "endnote" => self.html.push_str("</div>\n"),
            "tr" => self.html.push_str("</tr>\n"),
            "tbl" => {
                self.tables.pop();
                self.html.push_str("</table>\n");
            }
            _ => {}
        }
    }
}

/// The id of a note in the HTML.
fn note_id(kind: &str, id: &str) -> String {
    let id: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{kind}-{id}")
}

/// The address of a field's instruction: `HYPERLINK "https://…" \l "place"`.
fn link_of(instruction: &str) -> Option<String> {
    let rest = instruction.trim().strip_prefix("HYPERLINK")?;
    let mut parts = rest.split('"');
    let before = parts.next()?;
    let first = parts.next()?;
    if before.contains("\\l") {
        return Some(format!("#{first}"));
    }
    let place = parts.next().filter(|between| between.contains("\\l")).and_then(|_| parts.next());
    Some(place.map_or_else(|| first.to_owned(), |place| format!("{first}#{place}")))
}
