//! A new directory for an exported site. Nothing outside it is written.

#![expect(clippy::disallowed_methods, reason = "exported files are not captures: an export can be repeated")]

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::world::disk;

/// A directory that cannot hold the site, or a file in it that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the directory {} is not empty; name an empty directory, or one that does not exist", .0.display())]
    Taken(PathBuf),
    #[error("`{0}` cannot be a path in an exported site: only letters, digits, `.`, `_` and `-` are allowed")]
    NoPath(String),
    #[error("cannot write {}: {source}; {}", path.display(), disk::advice(source))]
    Io { path: PathBuf, source: io::Error },
}

#[derive(Debug)]
pub struct SiteDir {
    dir: PathBuf,
}

impl SiteDir {
    /// Creates the directory; an existing one must be empty.
    pub fn create(dir: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Io { path: dir.to_owned(), source };
        DirBuilder::new().recursive(true).create(dir).map_err(failed)?;
        if fs::read_dir(dir).map_err(failed)?.next().is_some() {
            return Err(Error::Taken(dir.to_owned()));
        }
        Ok(Self { dir: dir.to_owned() })
    }

    /// Writes a file, in place of an existing one.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.place(path)?;
        fs::write(&path, bytes).map_err(|source| Error::Io { path, source })
    }

    /// Copies a file unless the target exists; returns whether it was copied.
    pub fn copy(&self, path: &str, from: &mut File) -> Result<bool, Error> {
        let path = self.place(path)?;
        let mut copy = || match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut to) => io::copy(from, &mut to).map(|_| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        };
        copy().map_err(|source| Error::Io { path: path.clone(), source })
    }

    /// Only plain names are allowed, so no path leaves the directory.
    fn place(&self, path: &str) -> Result<PathBuf, Error> {
        let is_plain = |name: &str| {
            !name.is_empty()
                && !name.starts_with('.')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        if !path.split('/').all(is_plain) {
            return Err(Error::NoPath(path.to_owned()));
        }
        let path = self.dir.join(path);
        let parent = path.parent().unwrap_or(&self.dir);
        fs::create_dir_all(parent)
            .map_err(|source| Error::Io { path: parent.to_owned(), source })
            .map(|()| path.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_outside_or_over_another_site() {
        let root = tempfile::tempdir().unwrap();
        let site = SiteDir::create(&root.path().join("site")).unwrap();
        site.write("c/dgm/index.html", b"x").unwrap();
        for path in ["../x", "/etc/x", "a//b", "a/./b", "a/.htaccess", "a\\b", "a/\u{e4}", ""] {
            assert!(matches!(site.write(path, b"x"), Err(Error::NoPath(_))), "{path}");
        }
        assert!(matches!(SiteDir::create(&root.path().join("site")), Err(Error::Taken(_))));
    }
}
