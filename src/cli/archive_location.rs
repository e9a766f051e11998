//! Finds and opens the archive that a command works on.
//!
//! Several commands may open it at once, also while the service runs.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;

use super::ArchiveLocation;
use crate::config::{self, Configuration};
use crate::domain::address::{Address, LinkId};
use crate::domain::course::CourseId;
use crate::world::archive::{self, Archive, ArchivePlace};
use crate::world::catalogue::{self, Catalogue, CatalogueLocation};
use crate::world::lock::{LockError, SoleInstance};

/// The archive directory if neither a configuration nor --archive is given.
pub(super) const DEFAULT_ARCHIVE: &str = "archive";

#[derive(Debug, Args)]
pub(super) struct LinkArguments {
    /// The address of the link, its id, or a part of the address that no other link has.
    #[arg(value_name = "URL")]
    pub(super) link: String,
    #[command(flatten)]
    pub(super) location: ArchiveLocation,
}

/// An archive with its catalogue.
pub(super) struct OpenArchive {
    pub(super) archive: Archive,
    pub(super) catalogue: Catalogue,
}

impl ArchiveLocation {
    pub(super) fn settings(&self) -> anyhow::Result<Option<Configuration>> {
        Ok(self.config.as_ref().map(|path| config::read(path)).transpose()?)
    }

    pub(super) fn archive(&self) -> anyhow::Result<ArchivePlace> {
        Ok(self.places()?.0)
    }

    /// Where the catalogue is. An archive that is given by itself has it as a file.
    pub(super) fn catalogue(&self) -> anyhow::Result<CatalogueLocation> {
        Ok(self.places()?.1)
    }

    fn places(&self) -> anyhow::Result<(ArchivePlace, CatalogueLocation)> {
        let dir = match (&self.config, &self.archive) {
            (_, Some(dir)) => dir.clone(),
            (Some(config), None) => return Ok(config::archive_of(config)?),
            (None, None) => PathBuf::from(DEFAULT_ARCHIVE),
        };
        let catalogue = CatalogueLocation::in_archive(&dir);
        Ok((ArchivePlace { dir, bucket: None }, catalogue))
    }

    /// The place of the archive, which must exist.
    pub(super) fn existing(&self) -> anyhow::Result<ArchivePlace> {
        let place = self.archive()?;
        if !archive::exists(&place)? {
            bail!(
                "there is no archive in {}; run `onreserve check` first, or name another directory with --archive",
                place.dir.display()
            );
        }
        Ok(place)
    }

    /// Opens the archive to read it.
    pub(super) async fn open(&self) -> anyhow::Result<OpenArchive> {
        OpenArchive::read(&self.existing()?, &self.catalogue()?).await
    }

    /// Opens the archive to write to it. The service may run at the same time.
    pub(super) async fn open_to_write(&self) -> anyhow::Result<OpenArchive> {
        OpenArchive::write(&self.existing()?, &self.catalogue()?).await
    }
}

impl OpenArchive {
    pub(super) async fn read(place: &ArchivePlace, catalogue: &CatalogueLocation) -> anyhow::Result<Self> {
        let archive = Archive::open_shared(place)?;
        let catalogue = open_catalogue(&place.dir, catalogue).await?;
        Ok(Self { archive, catalogue })
    }

    /// Opens an archive to write to it.
    pub(super) async fn write(place: &ArchivePlace, catalogue: &CatalogueLocation) -> anyhow::Result<Self> {
        let opened = Self::read(place, catalogue).await?;
        if opened.archive.is_read_only() {
            bail!(
                "the file system of {} is read-only; copy the archive to a writable disk to change it",
                place.dir.display()
            );
        }
        opened.archive.check_owner()?;
        Ok(opened)
    }

    /// The named course, or the only one.
    pub(super) async fn course(&self, named: Option<&CourseId>) -> anyhow::Result<(CourseId, String)> {
        let courses = self.catalogue.courses().await?;
        let known = || courses.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>().join(", ");
        match (named, courses.as_slice()) {
            (_, []) => bail!("the archive has no courses yet; run `onreserve check` first"),
            (Some(named), _) => match courses.iter().find(|(id, _)| id == named) {
                Some(course) => Ok(course.clone()),
                None => bail!("the archive has no course `{named}`; its courses are {}", known()),
            },
            (None, [only]) => Ok(only.clone()),
            (None, _) => bail!("the archive has several courses; name one of them: {}", known()),
        }
    }

    /// The link with this address or id, or the only one with this text in its address.
    pub(super) async fn link(&self, text: &str) -> anyhow::Result<Address> {
        if let Ok(exact) = Address::parse(text)
            && self.catalogue.has_link(&exact).await?
        {
            return Ok(exact);
        }
        let links = self.catalogue.links().await?;
        let id: Option<LinkId> = text.parse().ok();
        if let Some(link) = links.iter().find(|link| id == Some(LinkId::of(link))) {
            return Ok(link.clone());
        }
        let matching: Vec<&Address> = links.iter().filter(|link| link.as_str().contains(text)).collect();
        match matching.as_slice() {
            [only] => Ok((*only).clone()),
            [] => bail!("no link has `{text}` in its address; `onreserve status` lists the links"),
            several => {
                let few: Vec<&str> = several.iter().take(5).map(|link| link.as_str()).collect();
                bail!(
                    "{} links have `{text}` in their address; give more of it:\n  {}",
                    several.len(),
                    few.join("\n  ")
                )
            }
        }
    }
}

/// Opens the catalogue of an archive. One of an earlier version is migrated first, unless a
/// service uses it.
pub(super) async fn open_catalogue(dir: &Path, location: &CatalogueLocation) -> anyhow::Result<Catalogue> {
    match Catalogue::open_at_as_it_is(location).await {
        Err(older @ catalogue::Error::Older { .. }) => match SoleInstance::acquire(dir) {
            Ok(_alone) => Ok(Catalogue::open_at(location).await?),
            Err(LockError::InstanceRunning { .. }) => Err(older.into()),
            Err(impossible) => Err(impossible.into()),
        },
        opened => Ok(opened?),
    }
}

/// The error when a command needs a report and the archive has none.
pub(super) fn no_night(course: &CourseId) -> String {
    format!("no night of the course `{course}` is complete yet; run `onreserve check` first")
}
