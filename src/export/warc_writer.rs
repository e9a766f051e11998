//! Writes captures as WARC records: a response or a resource, what a page needs as
//! resources, and a metadata record. A body that was written before becomes a revisit record.
//!
//! The requests and the redirects are in `exchange_records`.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Write};

use flate2::{Compression, GzBuilder};
use jiff::Timestamp;

use super::hashed::{FromStart, HashingWriter, sha1_of};
use super::selection::ExportedArchive;
use crate::domain::address::Address;
use crate::domain::capture::{Capture, Digest, KeptRequisite, Rendering};
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::warc::exchange_heads::{self, KeptHeads};
use crate::domain::warc::http_head;
use crate::domain::warc::index::{IndexEntry, RecordPlace};
use crate::domain::warc::record::{self, IDENTICAL_PAYLOAD, RecordHead, RecordId, RecordKind};
use crate::world::archive::{self, Archive};

pub(super) const HTTP_RESPONSE: &str = "application/http;msgtype=response";
const FIELDS: &str = "application/warc-fields";
/// The longest text of heads that is read.
const HEAD_BYTES: u64 = 4 << 20;

/// The file of a capture is missing or altered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MissingBody;

/// A WARC file that is being written.
pub(super) struct WarcWriter<'a, W> {
    pub(super) out: HashingWriter<W>,
    archive: &'a Archive,
    filename: String,
    warcinfo: RecordId,
    records: usize,
    /// The first response with a body.
    first: HashMap<Digest, FirstRecord>,
    /// The requisites that were written.
    requisites: HashSet<(Address, Digest)>,
    /// The lines of the index, in the order of the records.
    pub(super) index: Vec<String>,
}

struct FirstRecord {
    id: RecordId,
    target: Address,
    at: Timestamp,
}

/// What the index says of a payload.
pub(super) struct Indexed<'a> {
    pub(super) mime: &'a str,
    pub(super) status: u16,
    pub(super) digest: &'a str,
}

/// A response record, before its block.
struct ResponseBlock<'a> {
    capture: &'a Capture,
    http_head: String,
    body: &'a File,
}

impl<'a, W: Write> WarcWriter<'a, W> {
    /// Begins a file with its warcinfo record.
    pub(super) fn begin(
        out: HashingWriter<W>,
        filename: &str,
        from: ExportedArchive<'a>,
    ) -> io::Result<Self> {
        let warcinfo = RecordId::of(&["warcinfo", filename, &from.now.to_string()]);
        let mut writer = Self {
            out,
            archive: from.archive,
            filename: filename.to_owned(),
            warcinfo: warcinfo.clone(),
            records: 0,
            first: HashMap::new(),
            requisites: HashSet::new(),
            index: Vec::new(),
        };
        let block = record::fields(&[
            ("software", concat!("onreserve/", env!("CARGO_PKG_VERSION")).to_owned()),
            ("format", "WARC File Format 1.1".to_owned()),
            (
                "conformsTo",
                "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/".to_owned(),
            ),
            (
                "description",
                "Bodies are without content encodings; X-Archive-Orig- headers are those of the encoded body."
                    .to_owned(),
            ),
        ]);
        let head = RecordHead {
            kind: RecordKind::Warcinfo,
            id: warcinfo,
            at: from.now,
            target: None,
            content_type: FIELDS.to_owned(),
            fields: vec![("WARC-Filename", filename.to_owned())],
        };
        writer.record(&head, &mut block.as_bytes(), block.len() as u64)?;
        Ok(writer)
    }

    pub(super) fn records(&self) -> usize {
        self.records
    }

    /// Writes a capture, with the requisites that were not written before. `in_journal` are its
    /// heads, unless they are a blob or not known.
    pub(super) fn capture(
        &mut self,
        kept: &StoredCapture,
        in_journal: Option<&str>,
    ) -> anyhow::Result<Result<(), MissingBody>> {
        let capture = &kept.capture;
        let Some(body) = self.blob(capture.sha256)? else { return Ok(Err(MissingBody)) };
        let in_blob = self.heads_in_blob(capture)?;
        let id = match in_journal.or(in_blob.as_deref()).map(exchange_heads::parse) {
            Some(heads) if kept.rendering.is_some() => self.rendered(kept, &heads, &body)?,
            Some(heads) => self.exchange(capture, &heads, &body)?,
            None => self.resource(&requisite_of(capture), capture.captured_at, &body)?,
        };
        for requisite in &kept.requisites {
            if self.requisites.insert((requisite.address.clone(), requisite.sha256))
                && let Some(file) = self.blob(requisite.sha256)?
            {
                self.resource(requisite, capture.captured_at, &file)?;
            }
        }
        self.metadata(kept, &id)?;
        Ok(Ok(()))
    }

    /// A response, with its request and the redirects on the way if they are known.
    fn exchange(&mut self, capture: &Capture, heads: &KeptHeads<'_>, body: &File) -> io::Result<RecordId> {
        self.redirects(capture, &heads.requests)?;
        let http_head = http_head::of_decoded_body(heads.response, capture.bytes);
        let status = http_head::status(heads.response).unwrap_or(200);
        let id = self.response(&ResponseBlock { capture, http_head, body }, status)?;
        self.last_request(capture, &heads.requests, &id)?;
        Ok(id)
    }

    /// A page as a browser showed it, which is the resource that players find; the page as it was
    /// received; and the PDF.
    fn rendered(
        &mut self,
        kept: &StoredCapture,
        heads: &KeptHeads<'_>,
        body: &File,
    ) -> anyhow::Result<RecordId> {
        let capture = &kept.capture;
        let Some(Rendering { source, pdf }) = kept.rendering.as_deref() else {
            return Ok(self.resource(&requisite_of(capture), capture.captured_at, body)?);
        };
        if let Some(received) = self.blob(source.sha256)? {
            let capture = Capture {
                sha256: source.sha256,
                sha1: String::new(),
                bytes: source.bytes,
                media_type: source.media_type.clone(),
                ..capture.clone()
            };
            self.exchange(&capture, heads, &received)?;
            // It is at the same address, and has no text.
            self.index.pop();
        }
        let id = self.resource(&requisite_of(capture), capture.captured_at, body)?;
        if let Some(pdf) = pdf
            && let Some(file) = self.blob(pdf.sha256)?
        {
            self.conversion(pdf, capture.captured_at, &file, &id)?;
        }
        Ok(id)
    }

    /// Another form of the body of a record.
    fn conversion(
        &mut self,
        of: &KeptRequisite,
        at: Timestamp,
        body: &File,
        from: &RecordId,
    ) -> io::Result<()> {
        let digest = sha1_of(&mut FromStart::new(body))?;
        let head = RecordHead {
            kind: RecordKind::Conversion,
            id: self.id_of(RecordKind::Conversion, &of.address, at, of.sha256),
            at,
            target: Some(of.address.clone()),
            content_type: of.media_type.clone(),
            fields: vec![("WARC-Refers-To", from.to_string()), ("WARC-Block-Digest", digest)],
        };
        self.record(&head, &mut FromStart::new(body), of.bytes)?;
        Ok(())
    }

    /// A response, or a revisit if its body was written before.
    fn response(&mut self, response: &ResponseBlock<'_>, status: u16) -> io::Result<RecordId> {
        let ResponseBlock { capture, http_head, body } = response;
        let payload = match capture.sha1.as_str() {
            "" => sha1_of(&mut FromStart::new(body))?,
            known => format!("sha1:{known}"),
        };
        let at = capture.captured_at;
        let mut fields = vec![("WARC-Payload-Digest", payload.clone())];
        let earlier = self.first.get(&capture.sha256);
        if let Some(FirstRecord { id, target, at }) = earlier {
            fields.extend([
                ("WARC-Profile", IDENTICAL_PAYLOAD.to_owned()),
                ("WARC-Refers-To", id.to_string()),
                ("WARC-Refers-To-Target-URI", target.to_string()),
                ("WARC-Refers-To-Date", record::date(*at)),
            ]);
        }
        let (kind, mime, body_bytes) = match earlier {
            Some(_) => (RecordKind::Revisit, "warc/revisit", 0),
            None => (RecordKind::Response, capture.media_type.as_str(), capture.bytes),
        };
        let block = || http_head.as_bytes().chain(FromStart::new(body).take(body_bytes));
        fields.push(("WARC-Block-Digest", sha1_of(&mut block())?));
        let id = self.id_of(kind, &capture.document, at, capture.sha256);
        let head = RecordHead {
            kind,
            id: id.clone(),
            at,
            target: Some(capture.document.clone()),
            content_type: HTTP_RESPONSE.to_owned(),
            fields,
        };
        let place = self.record(&head, &mut block(), http_head.len() as u64 + body_bytes)?;
        self.add_to_index(&head, place, &Indexed { mime: essence(mime), status, digest: &payload });
        if kind == RecordKind::Response {
            let first = FirstRecord { id: id.clone(), target: capture.document.clone(), at };
            self.first.insert(capture.sha256, first);
        }
        Ok(id)
    }

    /// A body without a response head.
    fn resource(&mut self, of: &KeptRequisite, at: Timestamp, body: &File) -> io::Result<RecordId> {
        let digest = sha1_of(&mut FromStart::new(body))?;
        let id = self.id_of(RecordKind::Resource, &of.address, at, of.sha256);
        let media_type = Some(of.media_type.as_str()).filter(|it| !it.is_empty());
        let head = RecordHead {
            kind: RecordKind::Resource,
            id: id.clone(),
            at,
            target: Some(of.address.clone()),
            content_type: media_type.unwrap_or("application/octet-stream").to_owned(),
            // The block is the payload.
            fields: vec![("WARC-Block-Digest", digest.clone())],
        };
        let place = self.record(&head, &mut FromStart::new(body), of.bytes)?;
        let mime = essence(&head.content_type);
        self.add_to_index(&head, place, &Indexed { mime, status: 200, digest: &digest });
        Ok(id)
    }

    /// What Onreserve knows of a capture beyond the response.
    fn metadata(&mut self, kept: &StoredCapture, response: &RecordId) -> io::Result<()> {
        let capture = &kept.capture;
        let mut fields = vec![
            ("link", capture.link.to_string()),
            ("sha256", capture.sha256.to_string()),
            ("captureId", capture.id().to_string()),
        ];
        fields.extend(capture.chain.iter().map(|address| ("redirectChain", address.to_string())));
        fields.extend(kept.title.iter().map(|title| ("title", title.clone())));
        fields.extend(capture.shortfall.map(|_| ("shortfall", "landing_page".to_owned())));
        let block = record::fields(&fields);
        let at = capture.captured_at;
        let head = RecordHead {
            kind: RecordKind::Metadata,
            id: RecordId::of(&["metadata", &self.filename, &response.to_string(), capture.link.as_str()]),
            at,
            target: Some(capture.document.clone()),
            content_type: FIELDS.to_owned(),
            fields: vec![
                ("WARC-Concurrent-To", response.to_string()),
                ("WARC-Block-Digest", sha1_of(&mut block.as_bytes())?),
            ],
        };
        self.record(&head, &mut block.as_bytes(), block.len() as u64)?;
        Ok(())
    }

    /// The number of records before it makes the identifier unique in the file.
    pub(super) fn id_of(
        &self,
        kind: RecordKind,
        target: &Address,
        at: Timestamp,
        sha256: Digest,
    ) -> RecordId {
        let parts = [kind.as_str(), target.as_str(), &at.to_string(), &sha256.to_string()];
        RecordId::of(&[&parts[..], &[&self.filename, &self.records.to_string()]].concat())
    }

    /// One record, compressed on its own, so that a reader can begin at any of them.
    pub(super) fn record(
        &mut self,
        head: &RecordHead,
        block: &mut dyn Read,
        bytes: u64,
    ) -> io::Result<RecordPlace> {
        let offset = self.out.bytes;
        let mut head = head.clone();
        if head.kind != RecordKind::Warcinfo {
            head.fields.push(("WARC-Warcinfo-ID", self.warcinfo.to_string()));
        }
        let mut packed = GzBuilder::new().write(&mut self.out, Compression::default());
        packed.write_all(head.to_text(bytes).as_bytes())?;
        let copied = io::copy(block, &mut packed)?;
        if copied != bytes {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a stored body has {copied} bytes in place of {bytes}"),
            ));
        }
        packed.write_all(b"\r\n\r\n")?;
        packed.finish()?;
        self.records += 1;
        Ok(RecordPlace { offset, length: self.out.bytes - offset })
    }

    pub(super) fn add_to_index(&mut self, head: &RecordHead, place: RecordPlace, indexed: &Indexed<'_>) {
        let Some(target) = &head.target else { return };
        let Indexed { mime, status, digest } = *indexed;
        let entry = IndexEntry { target, at: head.at, mime, status, digest, place, filename: &self.filename };
        self.index.push(entry.line());
    }

    /// The file of a blob, unless it is missing or altered.
    fn blob(&self, digest: Digest) -> Result<Option<File>, archive::Error> {
        match self.archive.open_blob(digest) {
            Ok(file) => Ok(Some(file)),
            Err(archive::Error::Missing(_) | archive::Error::Altered { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The head of the response, with the requests and redirects if they are known, of a capture
    /// of an earlier version.
    fn heads_in_blob(&self, capture: &Capture) -> anyhow::Result<Option<String>> {
        let Some(head) = capture.head else { return Ok(None) };
        let Some(file) = self.blob(head)? else { return Ok(None) };
        let mut bytes = Vec::new();
        FromStart::new(&file).take(HEAD_BYTES).read_to_end(&mut bytes)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// The body of a capture without a response head.
fn requisite_of(capture: &Capture) -> KeptRequisite {
    KeptRequisite {
        address: capture.document.clone(),
        sha256: capture.sha256,
        bytes: capture.bytes,
        media_type: capture.media_type.clone(),
    }
}

/// The media type without its parameters.
pub(super) fn essence(media_type: &str) -> &str {
    let essence = media_type.split(';').next().unwrap_or(media_type).trim();
    if essence.is_empty() { "application/octet-stream" } else { essence }
}
