//! The bucket of an archive, and what this process knows of it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::blob_cache::BlobCache;
use super::bucket::{Bucket, BucketSettings, HeadPlace};
use super::{Error, blob_inside, digest_in_name};
use crate::domain::capture::Digest;

/// The bucket of an archive, with what this process knows of it.
#[derive(Debug)]
pub(super) struct BucketArchive {
    pub(super) bucket: Bucket,
    pub(super) cache: BlobCache,
    pub(super) journal_head: HeadPlace,
    listed: Mutex<Option<ListedBlobs>>,
}

/// The blobs of a bucket, and what this process changed since they were listed.
#[derive(Debug)]
struct ListedBlobs {
    stored: HashSet<Digest>,
    quarantined: u64,
}

impl BucketArchive {
    pub(super) fn new(settings: &BucketSettings) -> Result<Self, Error> {
        Ok(Self {
            bucket: Bucket::new(settings)?,
            cache: BlobCache::new(settings.cache_bytes),
            journal_head: settings.journal_head,
            listed: Mutex::default(),
        })
    }

    /// Lists the blobs again.
    pub(super) fn list_again(&self) -> Result<(), Error> {
        let digests = |part| -> Result<Vec<Digest>, Error> {
            let listed = self.bucket.list(part)?;
            Ok(listed.iter().filter_map(|object| digest_in_name(object.inside.as_ref())).collect())
        };
        let stored = digests("blobs/sha256")?.into_iter().collect();
        let quarantined = digests("quarantine")?.len() as u64;
        *self.lock() = Some(ListedBlobs { stored, quarantined });
        Ok(())
    }

    /// Stores files as the blobs with these digests.
    pub(super) fn put_blobs(&self, blobs: Vec<(Digest, PathBuf)>) -> Result<(), Error> {
        let digests: Vec<Digest> = blobs.iter().map(|(digest, _)| *digest).collect();
        self.bucket.put_blobs(blobs)?;
        self.are_stored(digests);
        Ok(())
    }

    /// Writes a line of the audit log as an object of its own: objects cannot be appended to.
    pub(super) fn audit(&self, at: Timestamp, line: &serde_json::Value) -> Result<(), Error> {
        let text = format!("{line}\n");
        let digest = Digest::of(text.as_bytes()).to_string();
        let time = at.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m/%dT%H%M%S");
        // Two lines of one second have two names, and a line that is written again has one.
        Ok(self.bucket.put(&format!("audit/{time}-{}.jsonl", &digest[..16]), text.into_bytes())?)
    }

    pub(super) fn is_stored(&self, digest: Digest) -> Result<bool, Error> {
        let is_listed = self.with_listed(|listed| listed.stored.contains(&digest))?;
        if is_listed || self.journal_head == HeadPlace::WorkingDirectory {
            return Ok(is_listed);
        }
        // Another process may have stored it.
        let is_there = self.bucket.has(&blob_inside(digest))?;
        if is_there {
            self.are_stored([digest]);
        }
        Ok(is_there)
    }

    /// The number of blobs in quarantine; `None` before the blobs were listed.
    pub(super) fn quarantined(&self) -> Option<u64> {
        self.lock().as_ref().map(|listed| listed.quarantined)
    }

    fn with_listed<T>(&self, read: impl FnOnce(&ListedBlobs) -> T) -> Result<T, Error> {
        loop {
            if let Some(listed) = &*self.lock() {
                return Ok(read(listed));
            }
            self.list_again()?;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<ListedBlobs>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn are_stored(&self, digests: impl IntoIterator<Item = Digest>) {
        if let Some(listed) = &mut *self.lock() {
            listed.stored.extend(digests);
        }
    }

    /// Reads a blob again that had other bytes: they may have changed on their way. Returns whether
    /// they have their digest this time.
    pub(super) fn is_sound_after_all(&self, digest: Digest) -> Result<bool, Error> {
        Ok(self.bucket.hash(&super::blob_inside(digest))? == Some(digest))
    }

    /// The blob is not there any more. It may have gone to quarantine.
    pub(super) fn is_gone(&self, digest: Digest, is_quarantined: bool) {
        if let Some(listed) = &mut *self.lock() {
            listed.stored.remove(&digest);
            listed.quarantined += u64::from(is_quarantined);
        }
    }
}
