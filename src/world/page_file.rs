//! Files that the user names: course pages are read up to a limit; new files never replace old ones.

#![expect(clippy::disallowed_methods, reason = "this module reads and writes page files")]

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::domain::address::Address;
use crate::world::disk;

/// A larger file is not read as a course page.
pub const MAX_BYTES: u64 = 16 << 20;

/// A page file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read the course page {}: {source}; {}", path.display(), disk::advice_or(source, "correct `page` in the course's configuration"))]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the course page {} is larger than {} MiB; name the page itself in the course's configuration", path.display(), MAX_BYTES >> 20)]
    TooLarge { path: PathBuf },
    #[error("{} exists already; remove it first, or give another name", path.display())]
    Taken { path: PathBuf },
    #[error("cannot write {}: {source}; {}", path.display(), disk::advice(source))]
    Unwritable { path: PathBuf, source: std::io::Error },
}

pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

/// The address of a page file, from which the files beside it are found.
pub fn address(path: &Path) -> Option<Address> {
    std::fs::canonicalize(path).ok().and_then(|path| Address::of_file(&path))
}

/// Whether a file exists at this path, not behind a symbolic link.
pub fn is_beside(path: &Path) -> bool {
    std::fs::canonicalize(path).is_ok_and(|real| real == path && real.is_file())
}

/// Writes a file that must not exist yet.
pub fn write_new(path: &Path, text: &str) -> Result<(), Error> {
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|source| {
        let path = path.to_owned();
        if source.kind() == std::io::ErrorKind::AlreadyExists {
            Error::Taken { path }
        } else {
            Error::Unwritable { path, source }
        }
    })
}
