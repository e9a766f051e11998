//! A directory of symbolic links with readable names, which lead to files of the archive.
//!
//! It can be made again at any time. Only links to blobs of an archive are replaced or
//! removed; all other files stay.

#![expect(clippy::disallowed_methods, reason = "a link to a copy is not a copy: it can be made again")]

use std::collections::HashSet;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use crate::world::disk;

/// A directory or a link that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} exists and is not a link to a copy; move it away, or name another directory", .0.display())]
    Taken(PathBuf),
    #[error("cannot write {}: {source}; {}", path.display(), disk::advice(source))]
    Io { path: PathBuf, source: io::Error },
}

/// The links of an archive, in a directory for each course.
#[derive(Debug)]
pub struct LinkFarm {
    dir: PathBuf,
    /// Within the archive, links are relative, so that the archive can be moved.
    archive: PathBuf,
    is_inside: bool,
    made: HashSet<PathBuf>,
}

impl LinkFarm {
    /// Creates the directory if it does not exist.
    pub fn create(dir: &Path, archive: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Io { path: dir.to_owned(), source };
        DirBuilder::new().recursive(true).create(dir).map_err(failed)?;
        let archive = archive.canonicalize().map_err(failed)?;
        let is_inside = dir.canonicalize().map_err(failed)?.starts_with(&archive);
        Ok(Self { dir: dir.to_owned(), archive, is_inside, made: HashSet::new() })
    }

    /// Whether this farm has given the name to another file of the course.
    pub fn has_made(&self, course: &str, name: &str) -> bool {
        self.made.contains(&self.dir.join(course).join(name))
    }

    /// Gives a file of the archive a name, in place of an older link with that name.
    /// Returns the path of the link. Both names are single parts of a path.
    pub fn set(&mut self, course: &str, name: &str, file: &Path) -> Result<PathBuf, Error> {
        let path = self.dir.join(course).join(name);
        let failed = |source| Error::Io { path: path.clone(), source };
        let target = self.target(course, file).map_err(failed)?;
        fs::create_dir_all(self.dir.join(course)).map_err(failed)?;
        match fs::symlink_metadata(&path) {
            Ok(_) if fs::read_link(&path).is_ok_and(|found| found == target) => {}
            Ok(_) if !is_link_to_blob(&path) => return Err(Error::Taken(path)),
            Ok(_) => {
                let new = self.dir.join(course).join(format!(".{}.new", std::process::id()));
                symlink(&target, &new).and_then(|()| fs::rename(&new, &path)).map_err(failed)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                symlink(&target, &path).map_err(failed)?;
            }
            Err(source) => return Err(failed(source)),
        }
        self.made.insert(path.clone());
        Ok(path)
    }

    /// Removes the links of a course to other copies. Returns their number.
    pub fn remove_others(&self, course: &str) -> Result<usize, Error> {
        let dir = self.dir.join(course);
        let failed = |source| Error::Io { path: dir.clone(), source };
        let mut removed = 0;
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if !self.made.contains(&path) && is_link_to_blob(&path) {
                fs::remove_file(&path).map_err(|source| Error::Io { path, source })?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn target(&self, course: &str, file: &Path) -> io::Result<PathBuf> {
        let file = file.canonicalize()?;
        if !self.is_inside {
            return Ok(file);
        }
        fs::create_dir_all(self.dir.join(course))?;
        let from = self.dir.join(course).canonicalize()?;
        let depth = from.strip_prefix(&self.archive).map_or(0, |below| below.components().count());
        let up: PathBuf = std::iter::repeat_n(Component::ParentDir, depth).collect();
        Ok(up.join(file.strip_prefix(&self.archive).unwrap_or(&file)))
    }
}

/// Whether a path is a symbolic link that leads to `blobs/sha256/ab/cd/<64 hex>`.
fn is_link_to_blob(path: &Path) -> bool {
    let Ok(target) = fs::read_link(path) else { return false };
    let parts: Vec<&str> = target.iter().filter_map(|part| part.to_str()).collect();
    match parts.as_slice() {
        [.., "blobs", "sha256", first, second, name] => {
            name.len() == 64
                && name.bytes().all(|byte| byte.is_ascii_hexdigit())
                && name.starts_with(&format!("{first}{second}"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(archive: &Path, digit: char) -> PathBuf {
        let name = digit.to_string().repeat(64);
        let dir = archive.join("blobs/sha256").join(&name[..2]).join(&name[2..4]);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(&name), "body").unwrap();
        dir.join(name)
    }

    #[test]
    fn links_are_made_again_and_other_files_stay() {
        let root = tempfile::tempdir().unwrap();
        let (first, second) = (blob(root.path(), 'a'), blob(root.path(), 'b'));
        for dir in [root.path().join("by-course"), tempfile::tempdir().unwrap().keep()] {
            let farm = || LinkFarm::create(&dir, root.path()).unwrap();
            let mut old = farm();
            let path = old.set("dgm", "flows.pdf", &first).unwrap();
            old.set("dgm", "old.pdf", &first).unwrap();
            fs::write(dir.join("dgm/notes.txt"), "mine").unwrap();
            symlink("/etc/hostname", dir.join("dgm/other")).unwrap();
            let mut new = farm();
            assert_eq!(new.set("dgm", "flows.pdf", &second).unwrap(), path);
            assert_eq!(path.canonicalize().unwrap(), second.canonicalize().unwrap());
            assert_eq!(fs::read_link(&path).unwrap().is_relative(), dir.starts_with(root.path()));
            assert!(matches!(new.set("dgm", "notes.txt", &first), Err(Error::Taken(_))));
            assert!(matches!(new.set("dgm", "other", &first), Err(Error::Taken(_))));
            assert_eq!((new.remove_others("dgm").unwrap(), new.remove_others("none").unwrap()), (1, 0));
            let mut left: Vec<_> =
                fs::read_dir(dir.join("dgm")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            left.sort();
            assert_eq!(left, ["flows.pdf", "notes.txt", "other"]);
        }
    }
}
