//! ZIP packages, the container of office files, books and archives, unpacked within
//! limits.

use std::io::{Cursor, Read as _};

use super::{DocumentDefect, Member};

/// A package with more members is not read.
const MEMBERS: usize = 100_000;
/// The most bytes that are unpacked from one package; media stay packed.
const UNPACKED: u64 = 96 << 20;
/// The end record is within this many bytes of the end (APPNOTE 4.3.16: a comment is at most 64 KiB).
const END_WITHIN: usize = (64 << 10) + 22;

pub(super) struct Package<'b> {
    archive: zip::ZipArchive<Cursor<&'b [u8]>>,
    budget: u64,
}

impl<'b> Package<'b> {
    /// Opens a package. The error is the reason why it cannot be opened.
    pub(super) fn open(bytes: &'b [u8]) -> Result<Self, DocumentDefect> {
        let tail = &bytes[bytes.len().saturating_sub(END_WITHIN)..];
        if !tail.windows(4).any(|window| window == b"PK\x05\x06") {
            return Err(DocumentDefect::Truncated);
        }
        let archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| DocumentDefect::Unreadable)?;
        if archive.len() > MEMBERS {
            return Err(DocumentDefect::TooCostly);
        }
        Ok(Self { archive, budget: UNPACKED })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(name).is_some()
    }

    /// The unpacked bytes of a member; `None` if there is no such member.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>, DocumentDefect> {
        let Some(index) = self.archive.index_for_name(name) else { return Ok(None) };
        let member = self.archive.by_index(index).map_err(|error| match error {
            zip::result::ZipError::UnsupportedArchive(zip::result::ZipError::PASSWORD_REQUIRED) => {
                DocumentDefect::Locked
            }
            _ => DocumentDefect::Unreadable,
        })?;
        let mut bytes = Vec::new();
        // The declared size of a member is not trusted.
        member.take(self.budget + 1).read_to_end(&mut bytes).map_err(|_| DocumentDefect::Unreadable)?;
        let size = u64::try_from(bytes.len()).map_err(|_| DocumentDefect::TooCostly)?;
        self.budget = self.budget.checked_sub(size).ok_or(DocumentDefect::TooCostly)?;
        Ok(Some(bytes))
    }

    /// A member as XML.
    pub(super) fn xml(&mut self, name: &str) -> Result<Option<String>, DocumentDefect> {
        Ok(self.part(name)?.map(|bytes| super::xml::decode(&bytes)))
    }

    /// Every file in the package, by name, without folders.
    pub(super) fn members(&mut self) -> Result<Vec<Member>, DocumentDefect> {
        let mut members = Vec::new();
        for index in 0..self.archive.len() {
            let member = self.archive.by_index_raw(index).map_err(|_| DocumentDefect::Unreadable)?;
            if member.is_file() {
                members.push(Member {
                    name: String::from_utf8_lossy(member.name_raw()).into_owned(),
                    bytes: member.size(),
                    checksum: member.crc32(),
                });
            }
        }
        members.sort_unstable();
        Ok(members)
    }
}
