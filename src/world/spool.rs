//! The spool: response bodies are written to the archive's `tmp`, and hashed at the same time.
//!
//! A spooled body is a file that is deleted when it is dropped, unless the archive
//! stores it. If the disk of the archive is full, the body is in the directory for
//! temporary files, so that the link is checked; the archive cannot store it then.

use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::domain::capture::{Digest, base32};
use crate::domain::visit::Body;
use crate::world::disk::{self, StorageStep};

/// A directory for bodies that are not stored yet.
#[derive(Clone, Debug)]
pub struct Spool {
    dir: PathBuf,
}

/// A body being written.
#[derive(Debug)]
pub struct SpoolWriter {
    dir: PathBuf,
    file: NamedTempFile,
    is_beside: bool,
    sha256: Sha256,
    sha1: Sha1,
    bytes: u64,
}

/// A complete body in a file of its own.
#[derive(Debug)]
pub struct SpooledBody {
    file: NamedTempFile,
    is_beside: bool,
    pub body: Body,
}

impl Spool {
    /// `dir` must exist and be on the file system of the archive.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    pub fn start(&self) -> io::Result<SpoolWriter> {
        let (file, is_beside) = match new_file().tempfile_in(&self.dir) {
            Err(error) if is_full(&error) => (new_file().tempfile()?, true),
            file => (file?, false),
        };
        let dir = self.dir.clone();
        Ok(SpoolWriter { dir, file, is_beside, sha256: Sha256::new(), sha1: Sha1::new(), bytes: 0 })
    }
}

impl SpoolWriter {
    pub fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        match disk::write(self.file.as_file(), self.file.path(), chunk, StorageStep::SpoolWrite) {
            Err(error) if is_full(&error) && !self.is_beside => self.write_elsewhere(chunk)?,
            written => written?,
        }
        self.sha256.update(chunk);
        self.sha1.update(chunk);
        self.bytes += chunk.len() as u64;
        Ok(())
    }

    /// Goes on in another file: there may be space again, or space on another disk.
    fn write_elsewhere(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.file = match self.copied(new_file().tempfile_in(&self.dir), chunk) {
            Err(error) if is_full(&error) => {
                self.is_beside = true;
                self.copied(new_file().tempfile(), chunk)?
            }
            file => file?,
        };
        Ok(())
    }

    /// A file with the bytes so far and a chunk.
    fn copied(&self, file: io::Result<NamedTempFile>, chunk: &[u8]) -> io::Result<NamedTempFile> {
        let mut file = file?;
        let mut written = self.file.as_file();
        written.rewind()?;
        io::copy(&mut written.take(self.bytes), &mut file)?;
        disk::write(file.as_file(), file.path(), chunk, StorageStep::SpoolWrite)?;
        Ok(file)
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn finish(self) -> io::Result<SpooledBody> {
        let body = Body {
            sha256: Digest::from_bytes(self.sha256.finalize().into()),
            sha1: base32(&self.sha1.finalize()),
            bytes: self.bytes,
        };
        Ok(SpooledBody { file: self.file, is_beside: self.is_beside, body })
    }
}

impl SpooledBody {
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    pub fn file(&self) -> &std::fs::File {
        self.file.as_file()
    }

    /// The body as text, at most so many bytes of it.
    pub fn text(&self, most: u64) -> io::Result<String> {
        let (mut file, mut bytes) = (self.file(), Vec::new());
        file.rewind()?;
        file.take(most).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The body is not on the disk of the archive, which was full.
    pub fn is_beside(&self) -> bool {
        self.is_beside
    }
}

fn new_file() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("body-");
    builder
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_hashed_as_it_passes() {
        let dir = tempfile::tempdir().unwrap();
        let mut incoming = Spool::new(dir.path().to_owned()).start().unwrap();
        incoming.write(b"ab").unwrap();
        incoming.write(b"c").unwrap();
        let spooled = incoming.finish().unwrap();
        assert_eq!(spooled.body.bytes, 3);
        assert_eq!(
            spooled.body.sha256.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(spooled.body.sha1, "VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5");
        assert_eq!((spooled.text(9).unwrap(), spooled.text(2).unwrap()), ("abc".to_owned(), "ab".to_owned()));
        let path = spooled.path().to_owned();
        drop(spooled);
        assert!(!path.exists());
    }
}
