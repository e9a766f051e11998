//! The glyphs of a page, each with its characters, position and size.

use std::collections::HashMap;

use hayro_interpret::font::{Glyph as Shown, GlyphRun, PositionedGlyph};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::hayro_syntax::object::{Dict, String as PdfString};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Vec2};
use hayro_interpret::{BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask};

use super::character_collections::CharacterCollections;
use super::image::{self, Drawing};
use crate::domain::capture::Digest;

/// The units of glyph space in one em.
const UNITS_PER_EM: f64 = 1000.0;
/// A page with more glyphs is not read.
const GLYPHS_A_PAGE: usize = 1_000_000;
/// The most pictures of a page that are recorded.
const PICTURES_A_PAGE: usize = 64;
/// The page is divided into squares with this side, in points, to find glyphs at one position.
const SQUARE: f64 = 4.0;
/// The most glyphs of a square that are compared with a new one.
const COMPARED: usize = 32;

/// One or more characters at a position, in reading order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Glyph {
    pub(super) text: String,
    pub(super) at: Point,
    /// The unit vector of the line's direction.
    pub(super) along: Vec2,
    /// Its width along the line, in points.
    pub(super) width: f64,
    /// The height of an em, in points.
    pub(super) size: f64,
}

impl Glyph {
    pub(super) fn end(&self) -> Point {
        self.at + self.along * self.width
    }

    pub(super) fn is_space(&self) -> bool {
        self.text.chars().all(char::is_whitespace)
    }
}

/// The replacement text of a marked span (ISO 32000-1, 14.9.4).
struct Span {
    actual: Option<String>,
    /// The index of its first glyph.
    from: usize,
}

/// A device that draws nothing and records the drawing operations.
pub(super) struct Collector<'r> {
    media: Rect,
    collections: &'r CharacterCollections<'r>,
    glyphs: Vec<Glyph>,
    squares: HashMap<(i64, i64), Vec<usize>>,
    spans: Vec<Span>,
    pictures: Vec<Digest>,
    drawing: Drawing,
    is_too_much: bool,
}

impl<'r> Collector<'r> {
    pub(super) fn new(media: Rect, collections: &'r CharacterCollections<'r>) -> Self {
        Self {
            media,
            collections,
            glyphs: Vec::new(),
            squares: HashMap::new(),
            spans: Vec::new(),
            pictures: Vec::new(),
            drawing: Drawing::default(),
            is_too_much: false,
        }
    }

    /// The glyphs in drawing order, and digests of the pictures; `None` if there are too
    /// many glyphs.
    pub(super) fn finish(mut self) -> Option<(Vec<Glyph>, Vec<Digest>)> {
        while !self.spans.is_empty() {
            self.close_span();
        }
        self.pictures.extend(self.drawing.digest());
        (!self.is_too_much).then_some((self.glyphs, self.pictures))
    }

    fn add(&mut self, glyph: Glyph) {
        if self.glyphs.len() >= GLYPHS_A_PAGE {
            self.is_too_much = true;
            return;
        }
        if !self.media.contains(glyph.at) && !self.media.contains(glyph.end()) {
            return;
        }
        if !glyph.is_space() && self.is_drawn_already(&glyph) {
            return;
        }
        let square = square_of(glyph.at);
        self.squares.entry(square).or_default().push(self.glyphs.len());
        self.glyphs.push(glyph);
    }

    /// Detects bold type made by drawing twice, and filled letters with an outline.
    fn is_drawn_already(&self, glyph: &Glyph) -> bool {
        let (x, y) = square_of(glyph.at);
        let around = (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (x + dx, y + dy)));
        around
            .filter_map(|square| self.squares.get(&square))
            .flat_map(|indices| indices.iter().rev().take(COMPARED))
            .filter_map(|index| self.glyphs.get(*index))
            .any(|other| {
                let apart = other.at - glyph.at;
                let size = other.size.min(glyph.size);
                other.text == glyph.text
                    && apart.dot(glyph.along).abs() < 0.1 * size
                    && apart.cross(glyph.along).abs() < 0.2 * size
            })
    }

    fn close_span(&mut self) {
        let Some(span) = self.spans.pop() else { return };
        let Some(actual) = span.actual else { return };
        // The text of an outer span replaces that of the spans in it.
        if self.spans.iter().any(|outer| outer.actual.is_some()) || span.from >= self.glyphs.len() {
            return;
        }
        let replaced: Vec<Glyph> = self.glyphs.drain(span.from..).collect();
        for indices in self.squares.values_mut() {
            indices.retain(|index| *index < span.from);
        }
        let (Some(first), Some(last)) = (replaced.first(), replaced.last()) else { return };
        if actual.is_empty() {
            return;
        }
        let width = (last.end() - first.at).dot(first.along).max(first.width);
        self.glyphs.push(Glyph { text: readable(&actual), width, ..first.clone() });
    }
}

fn square_of(point: Point) -> (i64, i64) {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "positions far off the page are not used, and the cast saturates"
    )]
    let square = ((point.x / SQUARE).floor() as i64, (point.y / SQUARE).floor() as i64);
    (square.0.clamp(-(1 << 40), 1 << 40), square.1.clamp(-(1 << 40), 1 << 40))
}

/// Replaces ligatures and presentation forms, and removes control characters.
fn readable(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let mut readable = String::new();
    for c in text.chars() {
        match c {
            '\u{fb00}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' => readable.extend(std::iter::once(c).nfkc()),
            // Private-use characters have no general meaning.
            '\u{fffd}' | '\u{fffe}' | '\u{ffff}' | '\u{feff}' => {}
            '\u{e000}'..='\u{f8ff}' => {}
            c if c.is_control() && !c.is_whitespace() => {}
            '\n' | '\r' | '\t' | '\u{a0}' | '\u{2028}' => readable.push(' '),
            c => readable.push(c),
        }
    }
    readable
}

/// The images of a unit to the right, a unit up, and the origin.
fn axes(placed: Affine) -> (Vec2, Vec2, Point) {
    let [right_x, right_y, up_x, up_y, ..] = placed.as_coeffs();
    (Vec2::new(right_x, right_y), Vec2::new(up_x, up_y), placed.translation().to_point())
}

/// The horizontal scaling of the glyphs of a run. A substitute for a font that is not
/// embedded is scaled glyph by glyph to the declared widths. Then the factor is
/// ignored.
fn stretch(run: &[PositionedGlyph], page: Affine) -> Option<f64> {
    let factor = |glyph: &PositionedGlyph| {
        let (across, up, _) = axes(page * glyph.transform());
        let factor = across.hypot() / up.hypot();
        factor.is_finite().then_some(factor)
    };
    let first = factor(run.first()?)?;
    let is_even = run.iter().all(|glyph| factor(glyph).is_some_and(|it| (it / first - 1.0).abs() < 0.01));
    let is_embedded = matches!(&**run.first()?, Shown::Outline(outline) if outline.font_data().is_some());
    (is_even && (run.len() > 1 || is_embedded)).then_some(first)
}

impl<'a> Device<'a> for Collector<'_> {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        let stretch = stretch(run.glyphs(), props.transform).unwrap_or(1.0);
        let is_vertical = run.writing_mode() == WritingMode::Vertical;
        for glyph in run.glyphs() {
            let placed = props.transform * glyph.transform();
            let (across, up, at) = axes(placed);
            let em = up.hypot() * UNITS_PER_EM;
            let (width, unicode) = match &**glyph {
                Shown::Outline(outline) => (outline.advance_width(), outline.as_unicode()),
                Shown::Type3(program) => (program.advance_width(), program.as_unicode()),
            };
            let text = match unicode {
                Some(BfString::Char(c)) => c.to_string(),
                Some(BfString::String(text)) => text,
                None => self.collections.text_of(glyph),
            };
            let text = readable(&text);
            let (along, width) = if is_vertical {
                (-up, em)
            } else {
                (across, f64::from(width.unwrap_or(500.0)) / UNITS_PER_EM * em * stretch)
            };
            let is_placed = [at.x, at.y, em, width].iter().all(|it| it.is_finite()) && em > 0.0;
            if text.is_empty() || !is_placed || along.hypot2() == 0.0 {
                continue;
            }
            self.add(Glyph { text, at, along: along.normalize(), width, size: em });
        }
    }

    fn draw_image(&mut self, image: Image<'a, '_>, _: ImageDrawProps<'a>) {
        if self.pictures.len() < PICTURES_A_PAGE {
            self.pictures.extend(image::digest(&image));
        }
    }

    fn begin_marked_content(&mut self, _: &[u8], properties: Option<&Dict<'_>>) {
        let actual = properties.and_then(|properties| properties.get::<PdfString<'_>>(b"ActualText"));
        let actual = actual.map(|text| super::text_string::decode(text.as_bytes()));
        self.spans.push(Span { actual, from: self.glyphs.len() });
    }

    fn end_marked_content(&mut self) {
        self.close_span();
    }

    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, _: &DrawMode) {
        self.drawing.add(path, props.transform);
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
