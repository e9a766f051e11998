//! A link to a copy, with its type and size, as pages show it.

use crate::domain::capture::Capture;
use crate::domain::report::wording::student;
use crate::serve::base_url::BaseUrl;
use crate::serve::library::course::LinkView;

#[derive(Clone, Debug)]
pub(in crate::serve) struct CopyLink {
    pub href: String,
    /// "PDF, 10 pages, 219 KB".
    pub measure: String,
}

impl CopyLink {
    /// The page of the current copy of a link.
    pub(in crate::serve) fn of(base: &BaseUrl, link: &LinkView) -> Option<Self> {
        let copy = link.copy()?;
        Some(Self { href: base.copy(&copy.id()), measure: measure(copy, link.facts().copy_pages) })
    }
}

/// The type, pages and size of a copy.
pub(in crate::serve) fn measure(copy: &Capture, pages: Option<u32>) -> String {
    student::measure(student::media(&copy.media_type, &copy.document), copy, pages)
}
