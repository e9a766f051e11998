//! `onreserve export wacz`: a WARC file with its index and the list of its pages in one ZIP
//! (WACZ 1.1.1). Replay programs read it over HTTP, part by part.

use std::io::{Seek, Write};

use jiff::Timestamp;
use serde_json::{Value, json};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::hashed::HashingWriter;
use super::selection::{ExportSelection, ExportSummary, ExportedArchive};
use super::warc::write_captures;
use super::warc_writer::WarcWriter;
use crate::domain::capture::Digest;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::warc::record;

const WARC: &str = "data.warc.gz";

/// A capture that is listed as a page.
struct ListedPage {
    id: String,
    url: String,
    ts: Timestamp,
    title: String,
    bytes: u64,
    sha256: Digest,
}

/// A file of the package.
struct PackageFile {
    path: String,
    sha256: Digest,
    bytes: u64,
}

/// Writes the selected captures as a package with this title.
///
/// # Errors
///
/// As for [`warc`](super::warc()).
pub async fn wacz<W: Write + Seek>(
    selection: &ExportSelection,
    title: &str,
    out: W,
    from: ExportedArchive<'_>,
) -> anyhow::Result<(ExportSummary, W)> {
    let mut zip = ZipWriter::new(out);
    let mut summary = ExportSummary::default();
    let mut pages: Vec<ListedPage> = Vec::new();
    zip.start_file(format!("archive/{WARC}"), options(CompressionMethod::Stored))?;
    let mut writer = WarcWriter::begin(HashingWriter::new(&mut zip), WARC, from)?;
    write_captures(selection, from, &mut writer, &mut summary, |kept| pages.push(listed(kept))).await?;
    let mut files = vec![file(&format!("archive/{WARC}"), &writer.out)];
    let mut index = writer.index;
    index.sort_unstable();
    zip.start_file("indexes/index.cdxj", options(CompressionMethod::Deflated))?;
    let mut hashed = HashingWriter::new(&mut zip);
    for line in &index {
        writeln!(hashed, "{line}")?;
    }
    files.push(file("indexes/index.cdxj", &hashed));
    zip.start_file("pages/pages.jsonl", options(CompressionMethod::Deflated))?;
    let mut hashed = HashingWriter::new(&mut zip);
    let format = json!({ "format": "json-pages-1.0", "id": "pages", "title": "All pages", "hasText": true });
    writeln!(hashed, "{format}")?;
    for page in &pages {
        let text = from.catalogue.text(page.sha256).await?.unwrap_or_default();
        let text: Vec<&str> = text.iter().map(|passage| passage.text.as_str()).collect();
        writeln!(hashed, "{}", page.line(&text.join("\n")))?;
    }
    files.push(file("pages/pages.jsonl", &hashed));
    let package = datapackage(title, from.now, &files).to_string();
    zip.start_file("datapackage.json", options(CompressionMethod::Deflated))?;
    zip.write_all(package.as_bytes())?;
    let digest = json!({ "path": "datapackage.json", "hash": hash(Digest::of(package.as_bytes())) });
    zip.start_file("datapackage-digest.json", options(CompressionMethod::Deflated))?;
    zip.write_all(digest.to_string().as_bytes())?;
    Ok((summary, zip.finish()?))
}

/// A WARC is stored as it is, so that its records can be read without the rest. Sizes above
/// 4 GiB are allowed for.
fn options(method: CompressionMethod) -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(method).large_file(true)
}

fn listed(kept: &StoredCapture) -> ListedPage {
    let capture = &kept.capture;
    ListedPage {
        id: capture.id().to_string(),
        url: capture.document.to_string(),
        ts: capture.captured_at,
        title: kept.title.clone().unwrap_or_else(|| capture.link.to_string()),
        bytes: capture.bytes,
        sha256: capture.sha256,
    }
}

impl ListedPage {
    fn line(&self, text: &str) -> Value {
        json!({
            "id": self.id,
            "url": self.url,
            "ts": record::date(self.ts),
            "title": self.title,
            "size": self.bytes,
            "text": text,
        })
    }
}

fn file<W>(path: &str, written: &HashingWriter<W>) -> PackageFile {
    PackageFile { path: path.to_owned(), sha256: written.sha256(), bytes: written.bytes }
}

fn datapackage(title: &str, created: Timestamp, files: &[PackageFile]) -> Value {
    let resources: Vec<Value> = files
        .iter()
        .map(|file| {
            let name = file.path.rsplit('/').next().unwrap_or(&file.path);
            json!({ "name": name, "path": file.path, "hash": hash(file.sha256), "bytes": file.bytes })
        })
        .collect();
    json!({
        "profile": "data-package",
        "wacz_version": "1.1.1",
        "title": title,
        "created": record::date(created),
        "software": concat!("onreserve ", env!("CARGO_PKG_VERSION")),
        "resources": resources,
    })
}

fn hash(digest: Digest) -> String {
    format!("sha256:{digest}")
}
