//! Archives: the names, sizes and checksums of their members. The members are not read.

use flate2::Crc;

use super::package::Package;
use super::{Contents, Document, DocumentDefect, Format, Member};

/// The size of a header, and the unit to which files are padded (POSIX.1, ustar).
const BLOCK: usize = 512;
const MEMBERS: usize = 100_000;

/// The members of a ZIP archive.
pub(super) fn read(package: &mut Package) -> Document {
    match package.members() {
        Ok(members) => of(members),
        Err(defect) => Document::bare(Format::Archive).with_defect(defect),
    }
}

/// The members of a tape archive.
pub(super) fn read_tar(bytes: &[u8]) -> Document {
    match tar_members(bytes) {
        Ok(members) => of(members),
        Err(defect) => Document::bare(Format::Archive).with_defect(defect),
    }
}

pub(super) fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

fn of(members: Vec<Member>) -> Document {
    Document { contents: Some(Contents::Members(members)), ..Document::bare(Format::Archive) }
}

fn tar_members(bytes: &[u8]) -> Result<Vec<Member>, DocumentDefect> {
    let mut members = Vec::new();
    let mut long_name = None;
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            members.sort_unstable();
            return Ok(members);
        }
        let size = octal(&header[124..136]).ok_or(DocumentDefect::Unreadable)?;
        let from = at + BLOCK;
        let body = bytes.get(from..from.saturating_add(size)).ok_or(DocumentDefect::Truncated)?;
        match header[156] {
            b'L' => long_name = Some(text(body)),
            b'0' | 0 => {
                let mut checksum = Crc::new();
                checksum.update(body);
                members.push(Member {
                    name: long_name.take().unwrap_or_else(|| name(header)),
                    bytes: u64::try_from(size).map_err(|_| DocumentDefect::Unreadable)?,
                    checksum: checksum.sum(),
                });
            }
            _ => long_name = None,
        }
        if members.len() > MEMBERS {
            return Err(DocumentDefect::TooCostly);
        }
        at = from + size.div_ceil(BLOCK) * BLOCK;
    }
    // Two empty blocks end an archive; without them it is incomplete.
    Err(DocumentDefect::Truncated)
}

fn name(header: &[u8]) -> String {
    let (name, prefix) = (text(&header[..100]), text(&header[345..500]));
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn octal(bytes: &[u8]) -> Option<usize> {
    let digits = text(bytes);
    usize::from_str_radix(digits.trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, body) in files {
            let mut header = [0; BLOCK];
            header[..name.len()].copy_from_slice(name.as_bytes());
            header[124..135].copy_from_slice(format!("{:011o}", body.len()).as_bytes());
            header[156] = b'0';
            header[257..262].copy_from_slice(b"ustar");
            bytes.extend(header);
            bytes.extend(*body);
            bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        }
        bytes.resize(bytes.len() + 2 * BLOCK, 0);
        bytes
    }

    #[test]
    fn a_tape_archive_is_the_list_of_its_files() {
        let bytes = tar(&[("b.txt", b"123456789"), ("a.txt", b"")]);
        let Some(Contents::Members(members)) = read_tar(&bytes).contents else { panic!("no members") };
        let listed: Vec<_> = members.iter().map(|it| (it.name.as_str(), it.bytes, it.checksum)).collect();
        assert_eq!(listed, [("a.txt", 0, 0), ("b.txt", 9, 0xcbf4_3926)]);
        assert_eq!(read_tar(&bytes[..bytes.len() - 1025]).defect, Some(DocumentDefect::Truncated));
    }
}
