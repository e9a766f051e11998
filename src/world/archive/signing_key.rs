//! The key that signs the links of emails, if none is configured: created once and stored here.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;

use super::{Archive, Error, failed};
use crate::domain::action_token::SigningKey;
use crate::domain::capture::Digest;
use crate::world::disk::{self, StorageStep};

const NAME: &str = "signing-key";
const BYTES: usize = 32;

impl Archive {
    /// The key of the archive; it is created at the first use.
    ///
    /// If it is lost, the links in emails that are already sent stop working.
    pub fn signing_key(&self) -> Result<SigningKey, Error> {
        let path = self.dir().join(NAME);
        if !path.exists() {
            self.make_key().map_err(|source| failed("make", &path, source))?;
        }
        // Emails that are sent depend on it, so a power cut must not remove it.
        self.sync_name(&path, StorageStep::KeyDirSync).map_err(|source| failed("sync", &path, source))?;
        let text = fs::read_to_string(&path).map_err(|source| failed("read", &path, source))?;
        let unsound = |error| Error::Io { doing: "use", path: path.clone(), source: io::Error::other(error) };
        SigningKey::parse(&text).map_err(unsound)
    }

    /// Copies the key, if there is one.
    pub(super) fn copy_key_to(&self, target: &Self) -> Result<(), Error> {
        let path = self.dir().join(NAME);
        let copy = || match fs::read(&path) {
            Ok(key) => target.replace_private(NAME, &key),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        copy().map_err(|source| failed("copy", &path, source))
    }

    /// Creates the key atomically, readable only by the owner. If two processes create
    /// one, the first wins.
    fn make_key(&self) -> io::Result<()> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let text = Digest::from_bytes(bytes).to_string();
        // Temporary files are readable only by their owner.
        let file = tempfile::NamedTempFile::new_in(self.dir().join("tmp"))?;
        disk::write(file.as_file(), file.path(), format!("{text}\n").as_bytes(), StorageStep::KeyWrite)?;
        file.as_file().set_permissions(Permissions::from_mode(0o600))?;
        disk::sync(file.as_file(), file.path(), StorageStep::KeySync)?;
        disk::link(file.path(), &self.dir().join(NAME), StorageStep::KeyLink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copied_key_is_readable_only_by_the_owner() {
        let (dir, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (archive, copy) = (Archive::open(dir.path()).unwrap(), Archive::open(to.path()).unwrap());
        archive.copy_to(&copy, jiff::Timestamp::UNIX_EPOCH).unwrap();
        assert!(!to.path().join(NAME).exists(), "there is none to copy");
        let key = archive.signing_key().unwrap();
        archive.copy_to(&copy, jiff::Timestamp::UNIX_EPOCH).unwrap();
        assert!(copy.signing_key().unwrap() == key);
        assert_eq!(fs::metadata(to.path().join(NAME)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_is_made_once_and_readable_only_by_the_owner() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(dir.path()).unwrap();
        let key = archive.signing_key().unwrap();
        assert!(archive.signing_key().unwrap() == key, "made once");
        let mode = fs::metadata(dir.path().join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let other = tempfile::tempdir().unwrap();
        assert!(Archive::open(other.path()).unwrap().signing_key().unwrap() != key);
    }
}
