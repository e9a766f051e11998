//! The files that hold the captures; the truth. `archive/README.md` documents the format.
//!
//! Blobs are written once and never changed, and removed only when their owner
//! asks for it; the journal is only appended to.
//! What is worth keeping is decided elsewhere.

#![expect(clippy::disallowed_methods, reason = "this module is the archive")]

mod backup;
mod catalogue_files;
mod fixity;
mod journal;
mod signing_key;
mod stream;
mod removal;
mod space;

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

pub use backup::BackupTotals;
pub use fixity::{DamagedBlob, FixityResults};
pub use stream::stream;

use crate::domain::capture::Digest;
use crate::world::spool::{Spool, SpooledBody};

/// The version of the layout and of the journal's lines.
const FORMAT: u32 = 1;

/// An archive that cannot be used, or not for this.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot write to the archive {}: {source}; make it writable, or name another with --archive", dir.display())]
    NotWritable { dir: PathBuf, source: io::Error },
    #[error("the archive {} was written by a newer version (format {found}, this program knows {FORMAT}); use that version", dir.display())]
    Newer { dir: PathBuf, found: String },
    #[error("the archive {} belongs to user {owner}, who could not go on with what root writes there; run this as that user, such as `runuser -u onreserve -- onreserve …`", dir.display())]
    OtherOwner { dir: PathBuf, owner: u32 },
    #[error(
        "the disk of the archive is full: nothing was lost, but nothing new can be kept; make room and run again"
    )]
    Full(#[source] io::Error),
    #[error("the archive has no blob {0}; `onreserve verify` tells what else is missing")]
    Missing(Digest),
    #[error("the journal {} cannot be read at line {line}: {source}; restore the file from a backup", path.display())]
    MalformedJournal { path: PathBuf, line: u64, source: serde_json::Error },
    #[error("archive: cannot {doing} {}: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

/// Makes the directory of an archive, so that it can be locked before it is opened.
pub fn make_dir(dir: &Path) -> Result<(), Error> {
    private_dir(dir).map_err(|source| Error::NotWritable { dir: dir.to_owned(), source })
}

/// Whether there is an archive at this place.
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

/// Whether an archive can be written at this place, or made there; nothing is left behind.
pub fn check_writable(dir: &Path) -> Result<(), Error> {
    let not_writable = |source| Error::NotWritable { dir: dir.to_owned(), source };
    // The last ancestor of a relative path is empty, and means the working directory.
    let named = |dir| if dir == Path::new("") { Path::new(".") } else { dir };
    let there = dir.ancestors().map(named).find(|dir| dir.exists()).unwrap_or(dir);
    tempfile::tempfile_in(there).map_err(not_writable)?;
    if is_there(dir)? {
        Archive::open_shared(dir)?;
        // Where bodies arrive; a directory of another user lets nobody else in.
        tempfile::tempfile_in(dir.join("tmp")).map_err(not_writable)?;
    }
    Ok(())
}

/// An archive directory, opened.
#[derive(Clone, Debug)]
pub struct Archive {
    dir: PathBuf,
}

impl Archive {
    /// Opens an archive, making it where there is none.
    ///
    /// Bodies that were on their way in when an earlier run ended are removed;
    /// the caller must be the sole instance.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let archive = Self { dir: dir.to_owned() };
        archive.prepare().map_err(|source| Error::NotWritable { dir: dir.to_owned(), source })?;
        archive.check_format()?;
        Ok(archive)
    }

    /// Opens an archive beside whoever runs on it: to read it, and to append to
    /// its journal. Whoever removes copies holds their custody meanwhile.
    pub fn open_shared(dir: &Path) -> Result<Self, Error> {
        let archive = Self { dir: dir.to_owned() };
        archive.check_format()?;
        Ok(archive)
    }

    /// Whether its owner can go on with what we write. Root may write everywhere,
    /// and what it makes is its own.
    pub fn check_owner(&self) -> Result<(), Error> {
        let there = fs::metadata(&self.dir).map_err(|source| failed("look at", &self.dir, source))?;
        if rustix::process::geteuid().is_root() && there.uid() != 0 {
            return Err(Error::OtherOwner { dir: self.dir.clone(), owner: there.uid() });
        }
        Ok(())
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where bodies wait on their way in.
    pub fn spool(&self) -> Spool {
        Spool::new(self.dir.join("tmp"))
    }

    /// Where the blob of this digest is, if it is.
    pub fn path_of(&self, digest: Digest) -> PathBuf {
        let name = digest.to_string();
        self.dir.join("blobs/sha256").join(&name[..2]).join(&name[2..4]).join(&name)
    }

    pub fn open_blob(&self, digest: Digest) -> Result<File, Error> {
        let path = self.path_of(digest);
        File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::Missing(digest),
            _ => Error::Io { doing: "open", path, source },
        })
    }

    /// Takes a spooled body in. Whoever comes second with the same bytes loses quietly.
    ///
    /// Once this returns, the bytes survive a crash under their name.
    pub fn store(&self, spooled: SpooledBody) -> Result<Digest, Error> {
        let digest = spooled.body.sha256;
        let target = self.path_of(digest);
        if target.exists() {
            return Ok(digest);
        }
        self.publish(&spooled, &target).map_err(|source| failed("keep", &target, source))?;
        Ok(digest)
    }

    /// Keeps bytes that are in memory: response heads, course pages.
    pub fn store_bytes(&self, bytes: &[u8]) -> Result<Digest, Error> {
        let digest = Digest::of(bytes);
        let path = self.path_of(digest);
        if path.exists() {
            return Ok(digest);
        }
        let spooled = self.spool().start().and_then(|mut incoming| {
            incoming.write(bytes)?;
            incoming.finish()
        });
        self.store(spooled.map_err(|source| failed("keep", &path, source))?)
    }

    fn publish(&self, spooled: &SpooledBody, target: &Path) -> io::Result<()> {
        spooled.file().set_permissions(Permissions::from_mode(0o444))?;
        spooled.file().sync_all()?;
        let parent = target.parent().unwrap_or(&self.dir);
        let is_new = !parent.exists();
        private_dir(parent)?;
        match fs::hard_link(spooled.path(), target) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        if is_new { self.sync_dirs_up_from(parent) } else { sync_dir(parent) }
    }

    /// A new directory survives a crash only once those above it know its name.
    fn sync_dirs_up_from(&self, dir: &Path) -> io::Result<()> {
        dir.ancestors().take_while(|dir| *dir != self.dir).try_for_each(sync_dir)
    }

    fn prepare(&self) -> io::Result<()> {
        for part in ["blobs/sha256", "captures", "audit", "quarantine", "tmp"] {
            private_dir(&self.dir.join(part))?;
        }
        for entry in fs::read_dir(self.dir.join("tmp"))? {
            fs::remove_file(entry?.path())?;
        }
        self.write_once("README.md", include_str!("../../../archive/README.md"))?;
        self.write_once("FORMAT", &format!("{FORMAT}\n"))?;
        // A directory may exist and still refuse files.
        tempfile::tempfile_in(self.dir.join("tmp"))?;
        Ok(())
    }

    fn write_once(&self, name: &str, text: &str) -> io::Result<()> {
        if self.dir.join(name).exists() {
            return Ok(());
        }
        self.replace(name, text.as_bytes())
    }

    /// Gives a file new content so that a reader sees the old or the new, never half.
    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.replace_for(name, content, 0o644)
    }

    /// The same, readable by us alone.
    fn replace_private(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.replace_for(name, content, 0o600)
    }

    fn replace_for(&self, name: &str, content: &[u8], mode: u32) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(self.dir.join("tmp"))?;
        file.write_all(content)?;
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
        file.as_file().sync_all()?;
        file.persist(self.dir.join(name)).map_err(|error| error.error)?;
        sync_dir(&self.dir)
    }

    fn check_format(&self) -> Result<(), Error> {
        let path = self.dir.join("FORMAT");
        let found = fs::read_to_string(&path).map_err(|source| Error::Io { doing: "read", path, source })?;
        match found.trim().parse::<u32>() {
            Ok(version) if version <= FORMAT => Ok(()),
            _ => Err(Error::Newer { dir: self.dir.clone(), found: found.trim().to_owned() }),
        }
    }
}

/// A full disk is told apart: it is the one failure an operator mends at once.
fn failed(doing: &'static str, path: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full(source),
        _ => Error::Io { doing, path: path.to_owned(), source },
    }
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

fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o750).create(path)
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
