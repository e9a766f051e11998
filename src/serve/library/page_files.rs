//! A web page and its requisites as files of a static site, where no header can keep their
//! scripts from running.

use crate::domain::capture::KeptRequisite;
use crate::domain::evidence::link_history::StoredCapture;
use crate::serve::error::Error;
use crate::serve::library::Library;
use crate::serve::library::page_view::{self, CapturePage, PageKind, requisite_file};

/// The bytes from which the kind of a requisite is detected.
const HEAD: usize = 1024;
/// A page loads only files of its site, and runs nothing.
const POLICY: &str = "<!doctype html><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" \
    content=\"default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; \
    media-src 'self' data:; frame-src 'self'; form-action 'none'; base-uri 'none'\">\n";
/// Files with these endings run nothing, also if they are opened by themselves. Drawings are
/// left out, because they may.
const HARMLESS: &[&str] = &["css", "vtt", "png", "jpg", "gif", "webp", "woff", "woff2", "bin"];

/// A page whose requisites have these paths from it: `files` and the name of each.
/// `None` if it cannot be rewritten.
pub(in crate::serve) fn page(
    library: &Library,
    kept: &StoredCapture,
    bytes: &[u8],
    files: &'static str,
) -> Option<String> {
    let capture = &kept.capture;
    // What is not written is shown as missing.
    let requisites = kept.requisites.iter().filter(|it| is_written(&requisite_file(it))).cloned().collect();
    let kept = StoredCapture { requisites, ..kept.clone() };
    let context = CapturePage::of_file(library, String::new(), &kept, files);
    let page = context.render(PageKind::Html, bytes, &capture.document, &capture.media_type)?;
    Some(format!("{POLICY}{}", page.text))
}

fn is_written(name: &str) -> bool {
    name.ends_with(".html") || is_harmless(name)
}

fn is_harmless(name: &str) -> bool {
    HARMLESS.iter().any(|ending| name.ends_with(&format!(".{ending}")))
}

/// The name and the bytes of a requisite; `None` if it is missing, or may run something.
pub(in crate::serve) fn requisite(
    library: &Library,
    kept: &StoredCapture,
    requisite: &KeptRequisite,
) -> Result<Option<(String, Vec<u8>)>, Error> {
    let Some((bytes, _)) = page_view::read(library, requisite)? else { return Ok(None) };
    let name = requisite_file(requisite);
    let head = bytes.get(..HEAD).unwrap_or(&bytes);
    let context = CapturePage::of_file(library, String::new(), kept, "");
    let render = |kind| context.render(kind, &bytes, &requisite.address, &requisite.media_type);
    let written = match page_view::kind(head, &requisite.media_type, &requisite.address) {
        Some(PageKind::Html) if name.ends_with(".html") => {
            render(PageKind::Html).map(|page| format!("{POLICY}{}", page.text).into_bytes())
        }
        Some(PageKind::Sheet) => render(PageKind::Sheet).map(|sheet| sheet.text.into_bytes()),
        _ if is_harmless(&name) => Some(bytes),
        _ => None,
    };
    Ok(written.map(|bytes| (name, bytes)))
}
