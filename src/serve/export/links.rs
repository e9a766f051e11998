//! A directory of links to the current copies of a course, under the names that the copies
//! have as downloads.

use std::path::PathBuf;

use crate::domain::address::Address;
use crate::domain::course::CourseId;
use crate::domain::filename;
use crate::serve::auth::visitor::Visitor;
use crate::serve::library::Library;
use crate::serve::library::blob;
use crate::serve::library::course::LinkView;
use crate::world::link_farm::{self, LinkFarm};

/// What was linked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinksSummary {
    pub courses: usize,
    pub copies: usize,
    /// Old links that were removed.
    pub removed: usize,
    /// The addresses of copies whose file is missing or altered.
    pub unreadable: Vec<Address>,
    /// Names that another file has.
    pub taken: Vec<PathBuf>,
}

/// Links the current copies of one course, or of all, as `COURSE/NAME`, and removes older
/// links of these courses.
///
/// # Errors
///
/// The catalogue or the archive cannot be read, or the directory cannot be written.
pub async fn links(
    library: &Library,
    course: Option<&CourseId>,
    farm: &mut LinkFarm,
) -> anyhow::Result<LinksSummary> {
    let mut summary = LinksSummary::default();
    for view in library.courses().await? {
        if course.is_some_and(|wanted| *wanted != view.night.course) {
            continue;
        }
        for link in view.links(&Visitor::anonymous()) {
            match one(library, &link, farm).await {
                Ok(NamedCopy::Linked(_)) => summary.copies += 1,
                Ok(NamedCopy::Unreadable) => summary.unreadable.push(link.facts().link.clone()),
                Ok(NamedCopy::None) => {}
                Err(error) => match error.downcast_ref() {
                    Some(link_farm::Error::Taken(path)) => summary.taken.push(path.clone()),
                    _ => return Err(error),
                },
            }
        }
        summary.courses += 1;
        summary.removed += farm.remove_others(view.night.course.as_str())?;
    }
    Ok(summary)
}

/// Links the current copy of one link of any course; `None` if no course has it with a copy.
///
/// # Errors
///
/// As for [`links`].
pub async fn link_to(
    library: &Library,
    address: &Address,
    farm: &mut LinkFarm,
) -> anyhow::Result<Option<PathBuf>> {
    for view in library.courses().await? {
        let Some(link) = view.link(&Visitor::anonymous(), address) else { continue };
        if let NamedCopy::Linked(path) = one(library, &link, farm).await? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The result for one link.
enum NamedCopy {
    Linked(PathBuf),
    /// The link has no copy.
    None,
    Unreadable,
}

async fn one(library: &Library, link: &LinkView, farm: &mut LinkFarm) -> anyhow::Result<NamedCopy> {
    let Some(kept) = library.current_capture(link).await? else { return Ok(NamedCopy::None) };
    let Ok(opened) = blob::open(library, link, &kept.capture, kept.title.as_deref()).await? else {
        return Ok(NamedCopy::Unreadable);
    };
    let course = link.course.night.course.as_str();
    let mut name = opened.delivery.name.clone();
    let mut number = 1;
    while farm.has_made(course, &name) {
        number += 1;
        name = filename::numbered(&opened.delivery.name, number);
    }
    let Some(file) = library.archive.readable_file(kept.capture.sha256)? else {
        return Ok(NamedCopy::Unreadable);
    };
    Ok(NamedCopy::Linked(farm.set(course, &name, &file)?))
}
