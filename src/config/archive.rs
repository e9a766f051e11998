//! Where the archive and its catalogue are, and how much it may hold.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::catalogue::WrongKey;
use super::{Error, catalogue, credential, invalid, recovering_parse, text_of};
use crate::domain::policy::quota::StorageQuotas;
use crate::world::archive::{ArchivePlace, BucketCredentials, BucketSettings, HeadPlace};
use crate::world::catalogue::{CatalogueLocation, PostgresUrl};

/// The systemd credential of the store.
const CREDENTIAL: &str = "archive-credentials";

/// How much of a bucket is kept in the working directory: the copies that students read.
const CACHE_MIB: u64 = 2048;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ArchiveKeys {
    pub dir: PathBuf,
    quota_mib: Option<u64>,
    course_quota_mib: Option<u64>,
    link_quota_mib: Option<u64>,
    store: Option<String>,
    endpoint: Option<String>,
    region: Option<String>,
    credentials_file: Option<PathBuf>,
    cache_mib: Option<u64>,
}

impl Default for ArchiveKeys {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("archive"),
            quota_mib: None,
            course_quota_mib: None,
            link_quota_mib: None,
            store: None,
            endpoint: None,
            region: None,
            credentials_file: None,
            cache_mib: None,
        }
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

    /// The bucket of the archive, with its credentials; `None` for an archive in a directory.
    pub(super) fn bucket(
        &self,
        has_database: bool,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<BucketSettings>, WrongKey> {
        let Some(store) = &self.store else { return self.no_bucket() };
        let wrong = |key, what: String| WrongKey { key, what: format!("[archive] {key}: {what}") };
        let address = store.parse().map_err(|error| wrong("store", format!("{error}")))?;
        if let Some(endpoint) = &self.endpoint
            && !(endpoint.starts_with("https://") || endpoint.starts_with("http://"))
        {
            let what = format!("`{endpoint}` is no address of a store; write https://HOST");
            return Err(wrong("endpoint", what));
        }
        let credentials = credential::file(self.credentials_file.as_deref(), CREDENTIAL, environment);
        let credentials = credentials.map(|file| {
            let refused = |what: String| wrong("credentials_file", what);
            let text = credential::read(&file).map_err(refused)?;
            let parsed = text.parse::<BucketCredentials>();
            parsed.map_err(|error| refused(format!("{} cannot be used: {error}", file.display())))
        });
        Ok(Some(BucketSettings {
            address,
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            credentials: credentials.transpose()?,
            cache_bytes: self.cache_mib.unwrap_or(CACHE_MIB).saturating_mul(1 << 20),
            journal_head: if has_database { HeadPlace::Catalogue } else { HeadPlace::WorkingDirectory },
        }))
    }

    fn no_bucket(&self) -> Result<Option<BucketSettings>, WrongKey> {
        let keys = [
            ("endpoint", self.endpoint.is_some()),
            ("region", self.region.is_some()),
            ("credentials_file", self.credentials_file.is_some()),
            ("cache_mib", self.cache_mib.is_some()),
        ];
        match keys.iter().find(|(_, is_given)| *is_given) {
            Some((key, _)) => {
                let what = format!("[archive] {key}: there is no store to which it belongs; add one");
                Err(WrongKey { key, what })
            }
            None => Ok(None),
        }
    }
}

pub(super) fn location(database: Option<PostgresUrl>, archive: &Path) -> CatalogueLocation {
    database.map_or_else(|| CatalogueLocation::in_archive(archive), CatalogueLocation::Postgres)
}

/// The archive and the catalogue. Nothing else of the file is checked, so that
/// commands on an archive run without the other secrets that only the service can read.
#[expect(clippy::expect_used, reason = "a file without errors has a value")]
pub fn archive_of(path: &Path) -> Result<(ArchivePlace, CatalogueLocation), Error> {
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
            let bucket = keys.archive.bucket(database.is_some(), credential::environment);
            let catalogue = location(database, &keys.archive.dir);
            let bucket = bucket.map_err(|wrong| invalid(path, None, wrong.what))?;
            Ok((ArchivePlace { dir: keys.archive.dir, bucket }, catalogue))
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes the file that is read")]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<BucketSettings>, String> {
        let keys: ArchiveKeys = toml::from_str(text).unwrap();
        keys.bucket(false, |_| None).map_err(|wrong| format!("{}: {}", wrong.key, wrong.what))
    }

    #[test]
    fn an_archive_is_a_directory_unless_a_store_is_named() {
        assert_eq!(read("dir = \"a\""), Ok(None));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("credentials");
        std::fs::write(&file, "[default]\naws_access_key_id = A\naws_secret_access_key = B\n").unwrap();
        let named = format!("store = \"s3://b/p\"\ncredentials_file = \"{}\"", file.display());
        let settings = read(&named).unwrap().unwrap();
        assert_eq!(settings.address.to_string(), "s3://b/p");
        assert_eq!(settings.cache_bytes, 2 << 30);
        assert!(settings.credentials.is_some());
        for (text, error) in [
            ("store = \"b\"", "write s3://BUCKET"),
            ("region = \"eu\"", "no store"),
            ("store = \"s3://b\"\nendpoint = \"minio:9000\"", "write https://"),
            ("store = \"s3://b\"\ncredentials_file = \"/none\"", "/none"),
        ] {
            assert!(read(text).unwrap_err().contains(error), "{text}");
        }
        std::fs::write(&file, "[default]\n").unwrap();
        assert!(read(&named).unwrap_err().contains("aws_access_key_id"));
    }
}
