//! The archive directory, its quotas, and the place of its catalogue.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Error, catalogue, credential, invalid, recovering_parse, text_of};
use crate::domain::policy::quota::StorageQuotas;
use crate::world::catalogue::{CatalogueLocation, PostgresUrl};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ArchiveKeys {
    pub dir: PathBuf,
    quota_mib: Option<u64>,
    course_quota_mib: Option<u64>,
    link_quota_mib: Option<u64>,
}

impl Default for ArchiveKeys {
    fn default() -> Self {
        Self { dir: PathBuf::from("archive"), quota_mib: None, course_quota_mib: None, link_quota_mib: None }
    }
}

impl ArchiveKeys {
    pub(super) fn quotas(&self) -> StorageQuotas {
        let bytes = |mib: Option<u64>| mib.map(|mib| mib.saturating_mul(1 << 20));
        StorageQuotas {
            archive: bytes(self.quota_mib),
            course: bytes(self.course_quota_mib),
            link: bytes(self.link_quota_mib),
        }
    }
}

pub(super) fn location(database: Option<PostgresUrl>, archive: &Path) -> CatalogueLocation {
    database.map_or_else(|| CatalogueLocation::in_archive(archive), CatalogueLocation::Postgres)
}

/// The archive directory and the catalogue. Nothing else of the file is checked, so that
/// commands on an archive run without the other secrets that only the service can read.
#[expect(clippy::expect_used, reason = "a file without errors has a value")]
pub fn archive_of(path: &Path) -> Result<(PathBuf, CatalogueLocation), Error> {
    #[derive(Deserialize)]
    struct OnlyArchiveKeys {
        #[serde(default)]
        archive: ArchiveKeys,
        #[serde(default)]
        catalogue: catalogue::CatalogueKeys,
    }
    let (keys, _, errors) = recovering_parse::parse::<OnlyArchiveKeys>(path.to_owned(), text_of(path)?);
    match errors.into_iter().next() {
        Some((_, first)) => Err(first),
        None => {
            let keys = keys.expect("a file without errors has a value");
            let database = catalogue::database(&keys.catalogue, credential::environment)
                .map_err(|wrong| invalid(path, None, wrong.what))?;
            let catalogue = location(database, &keys.archive.dir);
            Ok((keys.archive.dir, catalogue))
        }
    }
}
