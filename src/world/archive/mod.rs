//! The files of the captures and the journal. `archive/README.md` documents the format.
//!
//! Blobs are written once and never changed; only a takedown removes them. The journal
//! is append-only. `night::capture_select` decides which bodies are stored.

#![expect(clippy::disallowed_methods, reason = "this module is the archive")]

mod backup;
mod blob_cache;
mod blobs;
mod bucket;
mod bucket_archive;
mod bucket_blobs;
mod bucket_files;
mod bucket_journal;
mod catalogue_files;
mod fixity;
mod hashing;
mod journal;
mod journal_forks;
mod journal_head;
mod journal_reader;
mod journal_restore;
mod place;
mod shared_journal;
mod signing_key;
mod stream;
mod synced_names;
mod removal;
mod space;
mod verified;

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use self::blobs::SyncPace;
use self::bucket_archive::BucketArchive;
pub use backup::{BackupTotals, RestoredBlobs};
pub use bucket::{BucketAddress, BucketCredentials, BucketError, BucketSettings, HeadPlace};
pub use bucket_files::exists;
pub use fixity::{DamagedBlob, FixityResults};
pub use hashing::all_cores;
pub use journal_reader::JournalReader;
pub use place::ArchivePlace;
pub use shared_journal::LaterLines;
pub use stream::stream;

use self::synced_names::SyncedNames;
use self::verified::VerifiedBlobs;
use crate::domain::capture::Digest;
use crate::world::disk::{self, StorageStep, private_dir};
use crate::world::read_only::is_read_only;
use crate::world::spool::Spool;

/// The version of the layout and of the journal's lines.
const FORMAT: u32 = 1;

/// The description of the format, which is in each archive.
const README: &str = include_str!("../../../archive/README.md");

/// The directories of an archive.
const PARTS: [&str; 5] = ["blobs/sha256", "captures", "audit", "quarantine", "tmp"];

/// An archive that cannot be used, or not for this purpose.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot write to the archive {}: {source}; {}; or name another directory with --archive", dir.display(), disk::advice(source))]
    NotWritable { dir: PathBuf, source: io::Error },
    #[error(
        "a newer version of onreserve wrote the archive {place} (format {found}; this version reads up to {FORMAT}); install the newer version"
    )]
    Newer { place: String, found: String },
    #[error("the archive of {} is in the bucket {bucket}; give the configuration that names it with --config, with `store = \"{bucket}\"` in [archive]", dir.display())]
    InBucket { dir: PathBuf, bucket: String },
    #[error("{} has an archive of its own, so it cannot be the working directory of the bucket {bucket}; move it away, then run `onreserve restore` with it to copy it to the bucket", dir.display())]
    NotInBucket { dir: PathBuf, bucket: String },
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error("the archive {} belongs to user {owner}, who could not change files that root writes there; run this as that user, for example `runuser -u onreserve -- onreserve …`", dir.display())]
    OtherOwner { dir: PathBuf, owner: u32 },
    #[error(
        "the disk of the archive is full: no copy is lost, but no new one can be stored; free some space and run this again"
    )]
    Full(#[source] io::Error),
    #[error("the archive has no blob {0}; run `onreserve verify` to list all missing copies")]
    Missing(Digest),
    #[error("the bytes of the blob {digest} have changed{}; restore it from a backup, or the next night fetches the document again", quarantine_place(moved_to.as_deref()))]
    Altered { digest: Digest, moved_to: Option<String> },
    #[error("cannot {doing} {} in the archive: {source}; {}", path.display(), disk::advice(source))]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

/// Creates the directory of an archive, so that it can be locked before it is opened.
pub fn make_dir(dir: &Path) -> Result<(), Error> {
    private_dir(dir).map_err(|source| Error::NotWritable { dir: dir.to_owned(), source })
}

/// Whether the directory holds an archive.
pub fn is_there(dir: &Path) -> Result<bool, Error> {
    let path = dir.join("FORMAT");
    match fs::metadata(&path) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(false)
        }
        Err(source) => Err(Error::Io { doing: "look at", path, source }),
    }
}

/// Whether the directory holds only what the creation of an archive begins with, as after a crash.
pub fn is_begun(dir: &Path) -> Result<bool, Error> {
    let list = |source| Error::Io { doing: "list", path: dir.to_owned(), source };
    for entry in fs::read_dir(dir).map_err(list)? {
        let entry = entry.map_err(list)?;
        let name = entry.file_name();
        let is_own = PARTS.iter().any(|part| Path::new(part).starts_with(&name));
        let is_file = name == "README.md" || name == ".lock" || name == ".workers";
        let is_empty_part = is_own && (name == "tmp" || files_below(&entry.path())?.is_empty());
        if !is_file && !is_empty_part {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Checks that an archive can be written or created. Leaves no file behind.
pub fn check_writable(place: &ArchivePlace) -> Result<(), Error> {
    let dir = place.dir.as_path();
    let not_writable = |source| Error::NotWritable { dir: dir.to_owned(), source };
    // The last ancestor of a relative path is empty: the working directory.
    let named = |dir| if dir == Path::new("") { Path::new(".") } else { dir };
    let there = dir.ancestors().map(named).find(|dir| dir.exists()).unwrap_or(dir);
    tempfile::tempfile_in(there).map_err(not_writable)?;
    if is_there(dir)? {
        Archive::open_shared(place)?;
        // Response bodies go there; another user's directory refuses files.
        tempfile::tempfile_in(dir.join("tmp")).map_err(not_writable)?;
    }
    place.bucket.as_ref().map_or(Ok(()), |bucket| bucket_files::check_bucket(&BucketArchive::new(bucket)?))
}

/// An archive, opened.
#[derive(Clone, Debug)]
pub struct Archive {
    dir: PathBuf,
    /// `None` if the directory is the archive.
    bucket: Option<Arc<BucketArchive>>,
    verified: Arc<VerifiedBlobs>,
    synced_names: Arc<SyncedNames>,
    sync_pace: Arc<SyncPace>,
    /// The number of the last line that this process has seen in the catalogue.
    last_line: Arc<AtomicU64>,
}

impl Archive {
    /// Opens an archive, or creates it.
    ///
    /// Removes bodies that an interrupted run left in the spool; the caller must be
    /// the sole instance.
    ///
    /// If the store of its bucket is away, the archive opens with what the working directory
    /// has, so that pages and emails go on.
    pub fn open(place: impl Into<ArchivePlace>) -> Result<Self, Error> {
        let archive = Self::at(place.into())?;
        let is_known = is_there(&archive.dir)?;
        let prepared = archive.prepare().and_then(|()| archive.empty_spool());
        prepared.map_err(|source| Error::NotWritable { dir: archive.dir.clone(), source })?;
        archive.check_format()?;
        if let Some(bucket) = &archive.bucket {
            match archive.connect(bucket) {
                Err(Error::Bucket(error)) if is_known && error.is_temporary() => {
                    tracing::error!(%error, "the archive cannot be reached; nights and new decisions wait for it");
                }
                connected => connected?,
            }
        }
        Ok(archive)
    }

    /// Opens or creates an archive in a directory beside workers, whose bodies stay in the spool.
    pub fn open_beside_workers(dir: &Path) -> Result<Self, Error> {
        let archive = Self::at(dir.into())?;
        archive.prepare().map_err(|source| Error::NotWritable { dir: dir.to_owned(), source })?;
        archive.check_format()?;
        Ok(archive)
    }

    /// Opens an archive in a bucket for a process that has a working directory of its own, and
    /// reads nothing of it.
    pub fn open_beside_others(place: &ArchivePlace) -> Result<Self, Error> {
        let archive = Self::at(place.into())?;
        let prepared = archive.prepare().and_then(|()| archive.empty_spool());
        prepared.map_err(|source| Error::NotWritable { dir: archive.dir.clone(), source })?;
        archive.check_format()?;
        if let Some(bucket) = &archive.bucket {
            match bucket_files::make_archive(bucket) {
                Err(Error::Bucket(error)) if error.is_temporary() => {
                    tracing::error!(%error, "the archive cannot be reached; this process waits for it");
                }
                made => made?,
            }
        }
        Ok(archive)
    }

    /// Opens an archive that a service may be using, to read it and to append to its
    /// journal. To remove copies, hold the lock on the captures.
    pub fn open_shared(place: impl Into<ArchivePlace>) -> Result<Self, Error> {
        let place = place.into();
        // A working directory that was lost is made again.
        if place.bucket.is_some() && !is_there(&place.dir)? {
            return Self::open(place);
        }
        let archive = Self::at(place)?;
        archive.check_format()?;
        Ok(archive)
    }

    fn at(place: ArchivePlace) -> Result<Self, Error> {
        let bucket = place.bucket.as_ref().map(BucketArchive::new).transpose()?;
        Ok(Self {
            dir: place.dir,
            bucket: bucket.map(Arc::new),
            verified: Arc::default(),
            synced_names: Arc::default(),
            sync_pace: Arc::default(),
            last_line: Arc::default(),
        })
    }

    /// Checks that the owner of the archive can change what this process writes: files
    /// that root creates belong to root.
    pub fn check_owner(&self) -> Result<(), Error> {
        let there = fs::metadata(&self.dir).map_err(|source| failed("look at", &self.dir, source))?;
        if rustix::process::geteuid().is_root() && there.uid() != 0 {
            return Err(Error::OtherOwner { dir: self.dir.clone(), owner: there.uid() });
        }
        Ok(())
    }

    /// Whether the archive is on a read-only file system.
    pub fn is_read_only(&self) -> bool {
        is_read_only(&self.dir)
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where response bodies are written before they are stored.
    pub fn spool(&self) -> Spool {
        Spool::new(self.dir.join("tmp"))
    }

    /// The place of the blob with this digest for a person to read, whether or not it exists.
    pub fn place_of(&self, digest: Digest) -> String {
        self.place(&self.path_of(digest))
    }

    /// The path of the blob with this digest, whether or not it exists. For an archive in a
    /// bucket, it may exist only if the blob was read lately.
    fn path_of(&self, digest: Digest) -> PathBuf {
        self.dir.join(blob_inside(digest))
    }

    fn prepare(&self) -> io::Result<()> {
        for part in PARTS {
            private_dir(&self.dir.join(part))?;
        }
        match &self.bucket {
            Some(bucket) => self.write_once("FORMAT", &format!("{}\n", bucket.bucket.address()))?,
            None => {
                self.write_once("README.md", README)?;
                self.write_once("FORMAT", &format!("{FORMAT}\n"))?;
            }
        }
        // A directory may exist and still refuse files.
        tempfile::tempfile_in(self.dir.join("tmp"))?;
        // A process that was killed may have given names without a sync.
        disk::sync_dir(&self.dir, StorageStep::FileDirSync)
    }

    fn empty_spool(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.dir.join("tmp"))? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }

    fn write_once(&self, name: &str, text: &str) -> io::Result<()> {
        if self.dir.join(name).exists() {
            return Ok(());
        }
        self.replace(name, text.as_bytes())
    }

    /// Replaces a file atomically: a reader sees the old or the new content.
    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.replace_for(name, content, 0o644)
    }

    /// The same, readable only by the owner.
    fn replace_private(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.replace_for(name, content, 0o600)
    }

    fn replace_for(&self, name: &str, content: &[u8], mode: u32) -> io::Result<()> {
        let (file, to) = (tempfile::NamedTempFile::new_in(self.dir.join("tmp"))?, self.dir.join(name));
        disk::write(file.as_file(), file.path(), content, StorageStep::FileWrite)?;
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
        disk::sync(file.as_file(), file.path(), StorageStep::FileSync)?;
        disk::persist(file, &to, StorageStep::FileRename)?;
        disk::sync_dir(to.parent().unwrap_or(&self.dir), StorageStep::FileDirSync)
    }

    fn check_format(&self) -> Result<(), Error> {
        let path = self.dir.join("FORMAT");
        let found = fs::read_to_string(&path).map_err(|source| Error::Io { doing: "read", path, source })?;
        let (dir, found) = (self.dir.clone(), found.trim());
        match self.bucket.as_ref().map(|bucket| bucket.bucket.address().to_string()) {
            Some(bucket) if found == bucket => Ok(()),
            Some(bucket) if found.parse::<u32>().is_ok() => Err(Error::NotInBucket { dir, bucket }),
            _ if found.starts_with("s3://") => Err(Error::InBucket { dir, bucket: found.to_owned() }),
            _ => check_version(found, &dir.display().to_string()),
        }
    }
}

fn check_version(found: &str, place: &str) -> Result<(), Error> {
    match found.trim().parse::<u32>() {
        Ok(version) if version <= FORMAT => Ok(()),
        _ => Err(Error::Newer { place: place.to_owned(), found: found.trim().to_owned() }),
    }
}

/// `None` for a file that is not a blob.
fn digest_in_name(path: &Path) -> Option<Digest> {
    path.file_name()?.to_str()?.parse().ok()
}

/// The path of a blob within an archive.
fn blob_inside(digest: Digest) -> String {
    let name = digest.to_string();
    format!("blobs/sha256/{}/{}/{name}", &name[..2], &name[2..4])
}

/// A full disk has its own error, because the operator can free space at once. An error of a
/// bucket says all itself.
fn failed(doing: &'static str, path: &Path, source: io::Error) -> Error {
    let source = match source.downcast::<BucketError>() {
        Ok(error) => return Error::Bucket(error),
        Err(source) => source,
    };
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full(source),
        _ => Error::Io { doing, path: path.to_owned(), source },
    }
}

fn quarantine_place(moved_to: Option<&str>) -> String {
    moved_to.map(|place| format!(", so it was moved to {place}")).unwrap_or_default()
}

/// All files below a directory, sorted.
fn files_below(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let mut left = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        let list = |source| Error::Io { doing: "list", path: dir.clone(), source };
        for entry in fs::read_dir(&dir).map_err(list)? {
            let entry = entry.map_err(list)?;
            let is_dir = entry.file_type().map_err(list)?.is_dir();
            if is_dir { left.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found.sort();
    Ok(found)
}

/// The files and directories in a directory.
fn entries_in(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let list = |source| Error::Io { doing: "list", path: dir.to_owned(), source };
    let entries = fs::read_dir(dir).map_err(list)?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(list)).collect()
}

/// Whether a path is a directory itself, not a link to one.
fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|it| it.is_dir())
}

/// Whether a path is a regular file itself, not a link to one.
fn is_regular(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|it| it.is_file())
}
