//! ODT as a course page.

use crate::domain::document::DocumentDefect;
use crate::domain::document::package::Package;
use crate::domain::document::page_block::{Block, BlockKind};
use crate::domain::document::xml::{Tag, Xml, XmlEvent};

pub(super) fn read(package: &mut Package) -> Result<String, DocumentDefect> {
    let source = package.xml("content.xml")?.ok_or(DocumentDefect::Unreadable)?;
    let mut page = TextPage::default();
    let mut xml = Xml::new(&source);
    while let Some(event) = xml.next()? {
        match event {
            XmlEvent::Open(tag)
                if matches!(
                    tag.name.as_str(),
                    "tracked-changes" | "annotation" | "table-of-content" | "forms" | "scripts"
                ) =>
            {
                xml.skip()?;
            }
            XmlEvent::Open(tag) => page.open(&tag),
            XmlEvent::Text(text) => {
                if let Some(block) = page.blocks.last_mut() {
                    block.text(&text);
                }
            }
            XmlEvent::Close(name) => page.close(&name),
        }
    }
    Ok(page.html)
}

#[derive(Default)]
struct TextPage {
    html: String,
    /// A frame stands within a paragraph and has paragraphs of its own.
    blocks: Vec<Block>,
    lists: usize,
    is_head_row: bool,
}

impl TextPage {
    fn open(&mut self, tag: &Tag) {
        match tag.name.as_str() {
            "h" => {
                let level = tag.attribute("outline-level").and_then(|level| level.parse().ok());
                self.blocks.push(Block::default());
                self.set(BlockKind::Heading(level.unwrap_or(1_u8).clamp(1, 6)));
            }
            "p" => {
                self.blocks.push(Block::default());
                let style = tag.attribute("style-name").unwrap_or_default();
                if style == "Title" {
                    self.set(BlockKind::Heading(1));
                } else if self.lists > 0 {
                    self.set(BlockKind::Item);
                }
            }
            "list" => self.lists += 1,
            "table" => self.html.push_str("<table>\n"),
            "table-header-rows" => self.is_head_row = true,
            "table-row" => self.html.push_str("<tr>"),
            "table-cell" | "covered-table-cell" => self.cell(tag),
            _ => {
                let Some(block) = self.blocks.last_mut() else { return };
                match tag.name.as_str() {
                    "a" => block.open_link(tag.attribute("href").unwrap_or_default()),
                    "s" | "tab" => block.text(" "),
                    "line-break" => block.line_break(),
                    _ => {}
                }
            }
        }
    }

    fn set(&mut self, kind: BlockKind) {
        if let Some(block) = self.blocks.last_mut() {
            block.kind = kind;
        }
    }

    fn cell(&mut self, tag: &Tag) {
        if tag.name == "covered-table-cell" {
            return;
        }
        let span = |name: &str, html_name: &str| {
            let number = tag.attribute(name).and_then(|number| number.parse::<u16>().ok());
            number
                .filter(|number| *number > 1)
                .map(|number| format!(" {html_name}={number}"))
                .unwrap_or_default()
        };
        let name = if self.is_head_row { "th" } else { "td" };
        let (columns, rows) =
            (span("number-columns-spanned", "colspan"), span("number-rows-spanned", "rowspan"));
        self.html.push_str(&format!("<{name}{columns}{rows}>"));
    }

    fn close(&mut self, name: &str) {
        match name {
            "p" | "h" => {
                if let Some(block) = self.blocks.pop() {
                    block.write(&mut self.html);
                }
            }
            "a" => {
                if let Some(block) = self.blocks.last_mut() {
                    block.close_link();
                }
            }
            "list" => self.lists = self.lists.saturating_sub(1),
            "table-header-rows" => self.is_head_row = false,
            "table-row" => self.html.push_str("</tr>\n"),
            "table" => self.html.push_str("</table>\n"),
            _ => {}
        }
    }
}
