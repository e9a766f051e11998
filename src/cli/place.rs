//! Where a command finds the archive, and opens it beside whoever runs on it.

use std::path::PathBuf;

use anyhow::bail;

use super::Place;
use crate::config::{self, Settings};
use crate::domain::address::{Address, LinkId};
use crate::domain::course::CourseId;
use crate::world::archive::{self, Archive};
use crate::world::catalogue::Catalogue;

/// Without a configuration the archive is here.
pub(super) const DEFAULT_ARCHIVE: &str = "archive";

/// An archive with its catalogue.
pub(super) struct Shelf {
    pub(super) archive: Archive,
    pub(super) catalogue: Catalogue,
}

impl Place {
    pub(super) fn settings(&self) -> anyhow::Result<Option<Settings>> {
        Ok(self.config.as_ref().map(|path| config::read(path)).transpose()?)
    }

    pub(super) fn archive_dir(&self) -> anyhow::Result<PathBuf> {
        Ok(match (&self.config, &self.archive) {
            (Some(config), _) => config::archive_of(config)?,
            (None, Some(dir)) => dir.clone(),
            (None, None) => PathBuf::from(DEFAULT_ARCHIVE),
        })
    }

    pub(super) async fn open(&self) -> anyhow::Result<Shelf> {
        let dir = self.archive_dir()?;
        if !archive::is_there(&dir)? {
            bail!(
                "{} is no archive yet; run `onreserve check` first, or name another with --archive",
                dir.display()
            );
        }
        let archive = Archive::open_shared(&dir)?;
        let catalogue = Catalogue::open_as_it_is(&Catalogue::path_in(&dir)).await?;
        Ok(Shelf { archive, catalogue })
    }

    /// The same, to write beside a service that may run.
    pub(super) async fn open_to_write(&self) -> anyhow::Result<Shelf> {
        let opened = self.open().await?;
        opened.archive.check_owner()?;
        Ok(opened)
    }
}

impl Shelf {
    /// The course that is meant: the one named, or the only one there is.
    pub(super) async fn course(&self, named: Option<&CourseId>) -> anyhow::Result<(CourseId, String)> {
        let courses = self.catalogue.courses().await?;
        let known = || courses.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>().join(", ");
        match (named, courses.as_slice()) {
            (_, []) => bail!("the archive knows no course yet; run `onreserve check` first"),
            (Some(named), _) => match courses.iter().find(|(id, _)| id == named) {
                Some(course) => Ok(course.clone()),
                None => bail!("the archive has no course `{named}`; it has {}", known()),
            },
            (None, [only]) => Ok(only.clone()),
            (None, _) => bail!("the archive has several courses; name one of {}", known()),
        }
    }

    /// The link that is meant: by its address, its id, or a part of its address that only one has.
    pub(super) async fn link(&self, text: &str) -> anyhow::Result<Address> {
        let links = self.catalogue.links().await?;
        let exact = Address::parse(text).ok();
        let id: Option<LinkId> = text.parse().ok();
        if let Some(link) =
            links.iter().find(|link| Some(*link) == exact.as_ref() || id == Some(LinkId::of(link)))
        {
            return Ok(link.clone());
        }
        let matching: Vec<&Address> = links.iter().filter(|link| link.as_str().contains(text)).collect();
        match matching.as_slice() {
            [only] => Ok((*only).clone()),
            [] => bail!("no link like `{text}` was ever checked; `onreserve status` lists them"),
            several => {
                let few: Vec<&str> = several.iter().take(5).map(|link| link.as_str()).collect();
                bail!("{} links are like `{text}`; say more of it:\n  {}", several.len(), few.join("\n  "))
            }
        }
    }
}
