//! The pictures and drawings of pages without text, for the comparison of scans.

use hayro_interpret::Image;
use hayro_interpret::hayro_syntax::object::Stream;
use hayro_interpret::kurbo::{Affine, BezPath, PathEl, Point};

use super::Sheet;
use crate::domain::capture::Digest;
use crate::domain::document::Contents;

/// The digest of a picture: of the samples if they are only compressed, otherwise of the
/// encoded image.
pub(super) fn digest(image: &Image) -> Option<Digest> {
    match image {
        Image::Stencil(stencil) => of_stream(stencil.stream()),
        Image::Raster(raster) => of_stream(raster.stream()),
    }
}

fn of_stream(stream: &Stream) -> Option<Digest> {
    let samples = stream.decoded_data().unwrap_or_else(|_| stream.raw_data());
    (!samples.is_empty()).then(|| Digest::of(&samples))
}

/// The corners of a drawing, rounded to points, because programs write coordinates with
/// different precision.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    corners: String,
}

impl Drawing {
    /// The part of a drawing that is recorded.
    const BYTES: usize = 256 << 10;

    pub(super) fn add(&mut self, path: &BezPath, placed: Affine) {
        if self.corners.len() > Self::BYTES {
            return;
        }
        for element in path.elements() {
            let (PathEl::MoveTo(to) | PathEl::LineTo(to) | PathEl::QuadTo(_, to) | PathEl::CurveTo(_, _, to)) =
                element
            else {
                continue;
            };
            let Point { x, y } = placed * *to;
            self.corners += &format!("{x:.0},{y:.0} ");
        }
    }

    pub(super) fn digest(&self) -> Option<Digest> {
        (!self.corners.is_empty()).then(|| Digest::of(self.corners.as_bytes()))
    }
}

/// One digest per page; `None` if no page has a picture.
pub(super) fn contents(sheets: &[Sheet]) -> Option<Contents> {
    let page = |sheet: &Sheet| {
        let digests: Vec<String> = sheet.pictures.iter().map(ToString::to_string).collect();
        Digest::of(digests.join(" ").as_bytes())
    };
    let has_pictures = sheets.iter().any(|sheet| !sheet.pictures.is_empty());
    has_pictures.then(|| Contents::Pages(sheets.iter().map(page).collect()))
}
