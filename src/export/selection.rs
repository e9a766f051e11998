//! Which captures an export contains.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::address::Address;
use crate::domain::capture::CaptureId;
use crate::domain::course::CourseId;
use crate::domain::evidence::link_history::StoredCapture;
use crate::world::archive::Archive;
use crate::world::catalogue::Catalogue;

/// A part of the archive. Without any limit it is the whole archive.
#[derive(Clone, Debug, Default)]
pub struct ExportSelection {
    /// The links on the pages of this course.
    pub course: Option<CourseId>,
    pub link: Option<Address>,
    /// The first moment.
    pub from: Option<Timestamp>,
    /// The moment after the last one.
    pub until: Option<Timestamp>,
}

/// The archive that is exported.
#[derive(Clone, Copy, Debug)]
pub struct ExportedArchive<'a> {
    pub archive: &'a Archive,
    pub catalogue: &'a Catalogue,
    /// The time of the export.
    pub now: Timestamp,
}

/// What an export contains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportSummary {
    pub captures: usize,
    pub records: usize,
    /// Captures whose file is missing or altered in the archive; the export lacks them.
    pub unreadable: Vec<CaptureId>,
}

impl ExportSelection {
    /// The links whose captures may be exported, without those that were taken down.
    pub(super) async fn links(&self, catalogue: &Catalogue) -> anyhow::Result<Vec<Address>> {
        let mut links: BTreeSet<Address> = match (&self.link, &self.course) {
            (Some(link), _) => BTreeSet::from([link.clone()]),
            (None, Some(course)) => {
                let readings = catalogue.readings(course).await?;
                let mentions = readings.iter().flat_map(|(_, page)| &page.mentions);
                mentions.filter_map(|mention| mention.address().cloned()).collect()
            }
            (None, None) => catalogue.links().await?.into_iter().collect(),
        };
        for taken_down in catalogue.taken_down().await? {
            links.remove(&taken_down);
        }
        Ok(links.into_iter().collect())
    }

    /// The selected captures of a link, oldest first.
    pub(super) async fn captures(
        &self,
        catalogue: &Catalogue,
        link: &Address,
    ) -> anyhow::Result<Vec<StoredCapture>> {
        let mut captures = catalogue.captures(link).await?;
        captures.retain(|kept| {
            let at = kept.capture.captured_at;
            self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at < until)
        });
        Ok(captures)
    }
}
