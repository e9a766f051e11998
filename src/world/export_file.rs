//! One exported file. It gets its name when it is complete, and replaces no other file.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::world::disk;

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} exists already; name another file", .0.display())]
    Taken(PathBuf),
    #[error("cannot write {}: {source}; {}", path.display(), disk::advice(source))]
    Io { path: PathBuf, source: io::Error },
}

/// A file that is being written, without a name yet.
#[derive(Debug)]
pub struct ExportFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl ExportFile {
    /// Begins a file that will have this path.
    ///
    /// # Errors
    ///
    /// The path is taken, or its directory cannot be written.
    pub fn create(path: &Path) -> Result<Self, Error> {
        if path.symlink_metadata().is_ok() {
            return Err(Error::Taken(path.to_owned()));
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let file = NamedTempFile::new_in(parent.unwrap_or(Path::new(".")))
            .map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Gives the file its name, once its bytes are on the disk.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create).
    pub fn finish(self) -> Result<(), Error> {
        let Self { file, path } = self;
        let named = file
            .as_file()
            .sync_all()
            .and_then(|()| file.persist_noclobber(&path).map(drop).map_err(|error| error.error));
        match named {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Error::Taken(path)),
            Err(source) => Err(Error::Io { path, source }),
        }
    }
}

impl Write for ExportFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

impl Seek for ExportFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.as_file_mut().seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_name_when_it_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.warc.gz");
        let mut file = ExportFile::create(&path).unwrap();
        file.write_all(b"x").unwrap();
        assert!(!path.exists());
        file.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"x");
        assert!(matches!(ExportFile::create(&path), Err(Error::Taken(_))));
    }
}
