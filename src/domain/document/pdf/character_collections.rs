//! Characters of composite fonts without a map to Unicode.
//!
//! Their codes are those of a character collection of Adobe's registry, which has a map
//! to Unicode for each collection (ISO 32000-1, 9.10.2).

use std::cell::OnceCell;
use std::collections::HashMap;

use hayro_interpret::font::{Glyph, PositionedGlyph};
use hayro_interpret::hayro_cmap::{BfString, CMap, CMapName, CidFamily, load_embedded};
use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::hayro_syntax::object::{Array, Dict, Name, Object, Stream, String as PdfString};

/// The maps of one font: from codes to character ids, and from these to Unicode.
struct Maps {
    to_number: CMap,
    to_unicode: CMap,
}

/// The composite fonts of a file by name, looked up when a glyph needs them.
pub(super) struct CharacterCollections<'a> {
    pdf: &'a Pdf,
    fonts: OnceCell<HashMap<String, Maps>>,
}

impl<'a> CharacterCollections<'a> {
    pub(super) fn new(pdf: &'a Pdf) -> Self {
        Self { pdf, fonts: OnceCell::new() }
    }

    /// The text of a glyph whose font has no map; empty if it is not known.
    pub(super) fn text_of(&self, glyph: &PositionedGlyph) -> String {
        let Glyph::Outline(outline) = &**glyph else { return String::new() };
        let name = outline.font_data().and_then(|data| data.postscript_name);
        let fonts = self.fonts.get_or_init(|| fonts(self.pdf));
        name.and_then(|name| fonts.get(&name))
            .and_then(|maps| maps.unicode(outline.char_code()))
            .unwrap_or_default()
    }
}

impl Maps {
    fn unicode(&self, code: u32) -> Option<String> {
        let bytes = if code > 0xff { 2 } else { 1 };
        let number = (bytes..=4).find_map(|bytes| self.to_number.lookup_cid_code(code, bytes))?;
        self.to_unicode.lookup_bf_string(number).map(|text| match text {
            BfString::Char(c) => c.to_string(),
            BfString::String(text) => text,
        })
    }
}

fn fonts(pdf: &Pdf) -> HashMap<String, Maps> {
    pdf.objects()
        .into_iter()
        .filter_map(|object| match object {
            Object::Dict(font) => named_maps(&font),
            _ => None,
        })
        .collect()
}

fn named_maps(font: &Dict) -> Option<(String, Maps)> {
    let is = |key: &[u8], value: &[u8]| font.get::<Name<'_>>(key).is_some_and(|name| name.as_ref() == value);
    if !is(b"Type", b"Font") || !is(b"Subtype", b"Type0") {
        return None;
    }
    let name = font.get::<Name<'_>>(b"BaseFont")?.as_str().to_owned();
    let name = match name.split_once('+') {
        Some((prefix, rest)) if prefix.len() == 6 => rest.to_owned(),
        _ => name,
    };
    let descendant = font.get::<Array<'_>>(b"DescendantFonts")?.iter::<Dict<'_>>().next()?;
    let system = descendant.get::<Dict<'_>>(b"CIDSystemInfo")?;
    let (registry, ordering) =
        (system.get::<PdfString<'_>>(b"Registry")?, system.get::<PdfString<'_>>(b"Ordering")?);
    let family = CidFamily::from_registry_ordering(registry.as_bytes(), ordering.as_bytes());
    let to_unicode = CMap::parse(load_embedded(family.ucs2_cmap()?)?, load_embedded)?;
    let to_number = match font.get::<Object<'_>>(b"Encoding")? {
        Object::Name(name) => named_map(name.as_ref())?,
        Object::Stream(stream) => stream_map(&stream)?,
        _ => return None,
    };
    Some((name, Maps { to_number, to_unicode }))
}

fn named_map(name: &[u8]) -> Option<CMap> {
    match CMapName::from_bytes(name) {
        CMapName::IdentityH => Some(CMap::identity_h()),
        CMapName::IdentityV => Some(CMap::identity_v()),
        name => CMap::parse(load_embedded(name)?, load_embedded),
    }
}

fn stream_map(stream: &Stream) -> Option<CMap> {
    CMap::parse(&stream.decoded_data().ok()?, load_embedded)
}
