//! The blobs of an archive in a bucket. What is read of them is kept as files for a while.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use super::bucket_archive::BucketArchive;
use super::verified::open_regular;
use super::{Archive, Error, blob_inside, failed};
use crate::domain::capture::Digest;
use crate::world::clock::Clock;
use crate::world::disk;
use crate::world::spool::SpooledBody;

impl Archive {
    /// Stores spooled bodies in the bucket, several at once. Equal bytes are stored once. An
    /// altered blob moves to quarantine first.
    pub(super) fn store_in(&self, bucket: &BucketArchive, bodies: &[SpooledBody]) -> Result<(), Error> {
        let bodies: BTreeMap<_, _> = bodies.iter().map(|it| (it.body.sha256, it.path().to_owned())).collect();
        let sound = self.sound_among(bucket, bodies.keys().copied())?;
        let new = bodies.into_iter().filter(|(digest, _)| !sound.contains(digest)).collect();
        bucket.put_blobs(new)
    }

    /// Those blobs whose bytes in the bucket have their digest. An altered one moves to
    /// quarantine.
    pub(super) fn sound_among(
        &self,
        bucket: &BucketArchive,
        digests: impl IntoIterator<Item = Digest>,
    ) -> Result<HashSet<Digest>, Error> {
        let mut sound = HashSet::new();
        for (digest, found) in bucket.bucket.hash_blobs(digests)? {
            match found {
                Some(hashed) if hashed == digest => _ = sound.insert(digest),
                Some(_) if bucket.is_sound_after_all(digest)? => _ = sound.insert(digest),
                Some(_) => _ = self.quarantine_altered(digest)?,
                None => bucket.is_gone(digest, false),
            }
        }
        bucket.are_stored(sound.iter().copied());
        Ok(sound)
    }

    /// Reads a blob of the bucket into a file of the working directory and opens that.
    pub(super) fn fetch_blob(&self, bucket: &BucketArchive, digest: Digest) -> Result<File, Error> {
        let path = self.path_of(digest);
        let cannot = |source| failed("keep", &path, source);
        let download = || -> Result<_, Error> {
            let file = tempfile::NamedTempFile::new_in(self.dir().join("tmp")).map_err(cannot)?;
            let to = file.as_file().try_clone().map_err(cannot)?;
            let Some(read) = bucket.bucket.download(&blob_inside(digest), to)? else {
                bucket.is_gone(digest, false);
                return Err(Error::Missing(digest));
            };
            Ok((file, read))
        };
        let (mut file, mut read) = download()?;
        if read.digest != digest {
            // The bytes may have changed on their way.
            (file, read) = download()?;
        }
        if read.digest != digest {
            return Err(Error::Altered { digest, moved_to: self.quarantine_altered(digest).ok() });
        }
        let keep = || -> io::Result<File> {
            file.as_file().set_permissions(Permissions::from_mode(0o444))?;
            disk::private_dir(path.parent().unwrap_or(self.dir()))?;
            file.persist(&path).map_err(|error| error.error)?;
            open_regular(&path)
        };
        let opened = keep().map_err(cannot)?;
        self.cached(bucket, read.bytes)?;
        Ok(opened)
    }

    fn cached(&self, bucket: &BucketArchive, bytes: u64) -> Result<(), Error> {
        let seconds = u64::try_from(Clock::system().now().as_second()).unwrap_or(0);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        bucket.cache.add(bytes, &self.dir().join("blobs"), now)
    }

    fn quarantine_altered(&self, digest: Digest) -> Result<String, Error> {
        self.quarantine(&self.path_of(digest), &digest.to_string(), Clock::system().now())
    }

    /// Removes the file of a blob that was read.
    pub(super) fn forget_file(&self, digest: Digest) -> Result<(), Error> {
        let path = self.path_of(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &path, error)),
            _ => Ok(()),
        }
    }
}
