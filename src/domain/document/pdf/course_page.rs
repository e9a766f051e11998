//! A PDF as a course page: its lines, the larger ones as headings, with the links
//! that its annotations lay over them.

use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::hayro_syntax::object::{Array, Dict, Name, Rect as PdfRect, String as PdfString};
use hayro_interpret::hayro_syntax::page::Page;
use hayro_interpret::kurbo::{Affine, Rect};

use super::glyph::Glyph;
use super::line::{self, TextLine};
use super::{PAGES_READ, TEXT_BYTES, text_string};
use crate::domain::document::page_block::{Block, BlockKind};

const LINKS_A_PAGE: usize = 5000;
/// A line in a size this much larger than most of the text is a heading.
const HEADING_RATIO: f64 = 1.12;
/// A longer line is no heading.
const HEADING_CHARS: usize = 120;
/// Sizes that differ by less are one.
const ONE_SIZE: f64 = 0.5;
const LEVELS_AT_MOST: u8 = 6;

/// A link over a part of a page.
struct Area {
    rect: Rect,
    address: String,
}

/// A line with the links over it.
struct LinkedLine {
    line: TextLine,
    /// The address and the words of each link.
    links: Vec<(String, String)>,
}

pub(in crate::domain::document) fn read(pdf: &Pdf) -> Option<String> {
    let mut found = Vec::new();
    let mut bytes = 0;
    let glyphs = super::glyphs_of_pages(pdf);
    for (page, glyphs) in pdf.pages().iter().take(PAGES_READ).zip(glyphs) {
        let glyphs = glyphs?;
        let areas = areas(page);
        let linked: Vec<(&Glyph, Option<usize>)> = glyphs
            .iter()
            .map(|glyph| {
                let middle = glyph.at + glyph.along * (glyph.width / 2.0);
                let above = hayro_interpret::kurbo::Point::new(middle.x, middle.y + glyph.size * 0.25);
                (glyph, areas.iter().position(|area| area.rect.contains(above)))
            })
            .collect();
        for line in line::lines(&glyphs) {
            bytes += line.text.len();
            let links = links_on(&line, &linked, &areas);
            found.push(LinkedLine { line, links });
        }
        if bytes > TEXT_BYTES {
            return None;
        }
    }
    Some(written(found))
}

/// The links of a page.
fn areas(page: &Page) -> Vec<Area> {
    let upright = Affine::new(page.initial_transform(false).as_coeffs());
    let Some(annotations) = page.raw().get::<Array<'_>>(b"Annots") else { return Vec::new() };
    let found = annotations.iter::<Dict<'_>>().take(LINKS_A_PAGE).filter_map(|link| {
        let is_link = link.get::<Name<'_>>(b"Subtype").is_some_and(|name| name.as_ref() == b"Link");
        let address = link.get::<Dict<'_>>(b"A").filter(|_| is_link)?.get::<PdfString<'_>>(b"URI")?;
        let rect = link.get::<PdfRect>(b"Rect")?;
        let rect = Rect::new(rect.x0, rect.y0, rect.x1, rect.y1).abs();
        Some(Area {
            rect: upright.transform_rect_bbox(rect),
            address: text_string::decode(address.as_bytes()).trim().to_owned(),
        })
    });
    found.collect()
}

/// The links over a line, from left to right.
fn links_on(line: &TextLine, glyphs: &[(&Glyph, Option<usize>)], areas: &[Area]) -> Vec<(String, String)> {
    let is_on = |glyph: &Glyph| (glyph.at.y - line.y).abs() < 0.5 * line.size.max(glyph.size);
    let mut links: Vec<(String, String)> = Vec::new();
    for (number, area) in areas.iter().enumerate() {
        if line.y < area.rect.y0 - line.size || line.y > area.rect.y1 {
            continue;
        }
        let own: Vec<Glyph> = glyphs
            .iter()
            .filter(|(glyph, over)| *over == Some(number) && is_on(glyph))
            .map(|(glyph, _)| (*glyph).clone())
            .collect();
        let words = line::lines(&own).into_iter().map(|line| line.text).collect::<Vec<_>>().join(" ");
        if !words.is_empty() && line.text.contains(&words) {
            links.push((area.address.clone(), words));
        }
    }
    links
}

fn written(lines: Vec<LinkedLine>) -> String {
    let mut sizes: Vec<f64> = lines.iter().map(|line| line.line.size).collect();
    sizes.sort_by(f64::total_cmp);
    let body = sizes.get(sizes.len() / 2).copied().unwrap_or_default();
    let mut larger: Vec<f64> = sizes.into_iter().filter(|size| *size > body * HEADING_RATIO).collect();
    larger.reverse();
    larger.dedup_by(|a, b| (*a - *b).abs() < ONE_SIZE);
    let mut html = String::new();
    let mut open: Option<Block> = None;
    for LinkedLine { line, links } in lines {
        let rank = larger.iter().position(|size| (line.size - size).abs() < ONE_SIZE);
        let level = rank.and_then(|rank| u8::try_from(rank + 1).ok()).map(|level| level.min(LEVELS_AT_MOST));
        let mut block = block_of(&line.text, links);
        if let Some(level) = level.filter(|_| line.text.chars().count() <= HEADING_CHARS) {
            block.kind = BlockKind::Heading(level);
        }
        match &mut open {
            Some(before) if before.is_continued_by(&block) => before.go_on(block),
            _ => {
                if let Some(before) = open.replace(block) {
                    before.write(&mut html);
                }
            }
        }
    }
    if let Some(last) = open {
        last.write(&mut html);
    }
    html
}

fn block_of(text: &str, links: Vec<(String, String)>) -> Block {
    let mut block = Block::default();
    let mut rest = text;
    let mut found: Vec<(usize, String, String)> = links
        .into_iter()
        .filter_map(|(address, words)| text.find(&words).map(|at| (at, address, words)))
        .collect();
    found.sort_by_key(|(at, ..)| *at);
    for (_, address, words) in found {
        let Some((before, behind)) = rest.split_once(&words) else { continue };
        block.text(before);
        block.open_link(&address);
        block.text(&words);
        block.close_link();
        rest = behind;
    }
    block.text(rest);
    block
}
