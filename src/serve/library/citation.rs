//! How to cite a copy.

use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::report::figures::full_date;
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student::CopyCitation;
use crate::serve::library::Library;
use crate::serve::library::course::LinkView;

/// Cites a copy by its own title, or by `name` from the course page if it has none.
pub(in crate::serve) fn citation(
    library: &Library,
    link: &LinkView,
    kept: &StoredCapture,
    name: &str,
) -> CopyCitation {
    let own = kept.title.as_deref().map(visible).filter(|own| !own.is_empty());
    let copied = link.course.local_date(kept.capture.captured_at);
    CopyCitation::new(
        own.as_deref().unwrap_or(name),
        &library.public_address(link, &kept.capture.link),
        &full_date(copied),
    )
}
