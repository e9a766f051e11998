//! Files beside a course page that is read from disk, as responses like those of a server.
//!
//! The page reader decides which files belong to a page. Here a file must be where its
//! address says, and not behind a symbolic link.

use std::io::{self, Read as _};
use std::path::Path;

use jiff::Timestamp;

use super::Fetched;
use crate::domain::address::Address;
use crate::domain::visit::{Exchange, ExchangeEnd, Headers, Hop};
use crate::world::spool::Spool;

/// A larger file is not a reading.
const MAX_BYTES: u64 = 256 << 20;

/// Media types by file name extension, for formats that the bytes alone do not show.
const MEDIA_TYPES: &[(&str, &str)] = &[
    ("html", "text/html"),
    ("htm", "text/html"),
    ("md", "text/markdown"),
    ("txt", "text/plain"),
    ("pdf", "application/pdf"),
    ("ipynb", "application/x-ipynb+json"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("mp4", "video/mp4"),
];

/// The file as an exchange; a missing file is a 404.
pub(super) fn read(path: &Path, address: &Address, started: Timestamp, spool: &Spool) -> io::Result<Fetched> {
    let opened = std::fs::canonicalize(path).ok().filter(|real| real == path && real.is_file());
    let file = opened.and_then(|real| std::fs::File::open(real).ok());
    let (status, headers) = match &file {
        Some(_) => (200, media_type(path)),
        None => (404, Vec::new()),
    };
    let mut writer = spool.start()?;
    if let Some(file) = file {
        let mut rest = file.take(MAX_BYTES);
        let mut chunk = vec![0; 64 << 10];
        loop {
            let length = rest.read(&mut chunk)?;
            if length == 0 {
                break;
            }
            writer.write(&chunk[..length])?;
        }
    }
    let body = writer.finish()?;
    let exchange = Exchange {
        asked: address.clone(),
        started,
        millis: 0,
        hops: vec![Hop {
            address: address.clone(),
            status,
            headers: Headers(headers),
            sent: Headers::default(),
        }],
        ending: ExchangeEnd::Answered(body.body.clone()),
        cut_at: None,
    };
    Ok(Fetched { exchange, body: Some(body) })
}

fn media_type(path: &Path) -> Vec<(String, String)> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let known = ending.and_then(|ending| MEDIA_TYPES.iter().find(|(name, _)| *name == ending));
    known.map(|(_, media)| ("content-type".to_owned(), (*media).to_owned())).into_iter().collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests create the files")]

    use super::*;

    #[test]
    fn a_file_is_served_and_a_symbolic_link_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let dir = std::fs::canonicalize(dir.path()).unwrap();
        std::fs::write(dir.join("a.md"), "notes").unwrap();
        std::os::unix::fs::symlink("/etc/hostname", dir.join("out.md")).unwrap();
        let spool = Spool::new(dir.clone());
        let status = |name: &str| {
            let path = dir.join(name);
            let address = Address::of_file(&path).unwrap();
            read(&path, &address, Timestamp::UNIX_EPOCH, &spool).unwrap().exchange.status()
        };
        assert_eq!((status("a.md"), status("b.md"), status("out.md")), (Some(200), Some(404), Some(404)));
    }
}
