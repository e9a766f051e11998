//! Writers that count and hash the bytes that pass.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt as _;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::domain::capture::{Digest, base32};

/// Counts and hashes what it passes on.
#[derive(Debug)]
pub(super) struct HashingWriter<W> {
    pub(super) out: W,
    pub(super) bytes: u64,
    sha256: Sha256,
}

impl<W> HashingWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, bytes: 0, sha256: Sha256::new() }
    }

    pub(super) fn sha256(&self) -> Digest {
        Digest::from_bytes(self.sha256.clone().finalize().into())
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        let (passed, _) = bytes.split_at(written);
        self.sha256.update(passed);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The SHA-1 of a block, as records have it.
pub(super) fn sha1_of(block: &mut impl Read) -> io::Result<String> {
    let mut hasher = Sha1Writer(Sha1::new());
    io::copy(block, &mut hasher)?;
    Ok(format!("sha1:{}", base32(&hasher.0.finalize())))
}

struct Sha1Writer(Sha1);

impl Write for Sha1Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a file from its start, whatever its position is.
#[derive(Debug)]
pub(super) struct FromStart<'a> {
    file: &'a File,
    at: u64,
}

impl<'a> FromStart<'a> {
    pub(super) fn new(file: &'a File) -> Self {
        Self { file, at: 0 }
    }
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
