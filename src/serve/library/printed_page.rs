//! The PDF of a page that a browser showed: its address, its name and its file.

use std::fs::File;

use super::blob;
use super::page_view;
use super::verified_blob;
use crate::domain::capture::KeptRequisite;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::filename;
use crate::domain::report::wording::student;
use crate::serve::error::Error;
use crate::serve::library::Library;
use crate::serve::library::course::LinkView;
use crate::serve::middleware::copies_origin;
use crate::world::archive;

/// The PDF of a capture, if there is one.
pub(in crate::serve) fn of(kept: &StoredCapture) -> Option<&KeptRequisite> {
    kept.rendering.as_ref()?.pdf.as_ref()
}

/// Opens a PDF for an export; `None` if it is missing or altered.
pub(in crate::serve) async fn open(library: &Library, pdf: &KeptRequisite) -> Result<Option<File>, Error> {
    match verified_blob::open(library, pdf.sha256).await {
        Ok(file) => Ok(Some(file)),
        Err(Error::Archive(archive::Error::Missing(_) | archive::Error::Altered { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The address of the PDF of a page that a browser showed, if there is one.
pub(in crate::serve) fn address(library: &Library, link: &LinkView, kept: &StoredCapture) -> Option<String> {
    let pdf = of(kept)?;
    let place = kept.files().position(|file| std::ptr::eq(file, pdf))?;
    let base = &library.settings.base_url;
    if base.is_static() {
        let path = blob::encoded(&name(link, kept));
        return Some(base.at(&format!("/blob/{}/{path}", pdf.sha256)));
    }
    let path = page_view::requisite_path(&kept.capture.id(), place);
    Some(match copies_origin::of_link(&library.settings, link) {
        Some(origin) => origin.absolute(&path),
        None => base.at(&path),
    })
}

/// The name of that PDF.
pub(in crate::serve) fn name(link: &LinkView, kept: &StoredCapture) -> String {
    let words = student::name_of(link.facts());
    filename::best(&filename::Facts {
        disposition: None,
        addresses: &[],
        title: kept.title.as_deref(),
        words: Some(&words),
        ending: Some("pdf"),
    })
}
