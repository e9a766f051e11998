//! Exports as WARC and WACZ, parsed here and, if they are installed, by the programs of
//! other web archives.

mod heads;
mod players;
mod validators;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::fetch::site::Reply;
use crate::harness::{Harness, Night, article, page_of};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0";

/// A page with a picture, compressed by its host; a file at two addresses, one of them behind
/// a redirect; and a file that is taken down.
async fn archived() -> (Harness, Night) {
    let hosts = ["course.test", "notes.test", "files.test"];
    let harness = Harness::start(hosts, |night, seen| match (&*seen.host, &*seen.target) {
        ("course.test", "/") => Reply::page(&page_of(&[
            "http://notes.test/flows",
            "http://files.test/one.txt",
            "http://files.test/two.txt",
            "http://files.test/secret.txt",
        ])),
        ("notes.test", "/flows") => {
            let part = if night < 3 { "" } else { "<p>Another section about samplers and their scores.</p>" };
            let page = article("The reading at http://notes.test/flows");
            let page = page.replace("<main>", &format!("<main><img src=/a.png>{}", part.repeat(40)));
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(page.as_bytes()).unwrap();
            let head = "content-type: text/html; charset=utf-8\ncontent-encoding: gzip";
            Reply::new(200, head, packed.finish().unwrap())
        }
        ("notes.test", "/a.png") => Reply::new(200, "content-type: image/png", PNG),
        ("files.test", "/two.txt") => Reply::new(302, "location: /moved.txt", ""),
        ("files.test", "/one.txt" | "/moved.txt") => {
            Reply::new(200, "content-type: text/plain", "The notes on samplers and scores. ".repeat(30))
        }
        ("files.test", "/secret.txt") => Reply::new(
            200,
            "content-type: text/plain",
            "These notes were taken down by their owner. ".repeat(30),
        ),
        _ => Reply::not_found(),
    })
    .await;
    harness.one_course();
    harness.check(1).await;
    harness.check(2).await;
    let last = harness.check(3).await;
    assert!(last.links().iter().all(|link| link["capture"].is_object()), "{:#} {}", last.json, last.errors);
    let takedown = ["takedown", "files.test/secret.txt", "--reason", "its owner asked", "--yes"];
    assert_eq!(harness.run(&takedown).await.0, 0);
    (harness, last)
}

/// Runs an export; returns its file.
async fn export(harness: &Harness, arguments: &[&str], name: &str) -> PathBuf {
    let path = harness.dir.path().join(name);
    let all = [&["export"], &arguments[..1], &[path.to_str().unwrap()], &arguments[1..]].concat();
    let (code, output) = harness.run(&all).await;
    assert_eq!(code, 0, "{output}");
    path
}

struct Record {
    fields: BTreeMap<String, String>,
    block: Vec<u8>,
    offset: usize,
    length: usize,
}

impl Record {
    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// The payload of a resource is its block.
    fn payload_digest(&self) -> &str {
        let of_block = if self.field("WARC-Type") == "resource" { "WARC-Block-Digest" } else { "" };
        self.fields.get("WARC-Payload-Digest").map_or_else(|| self.field(of_block), String::as_str)
    }

    /// The body of the HTTP message in the block.
    fn body(&self) -> &[u8] {
        let end = self.block.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        &self.block[end + 4..]
    }

    fn http_head(&self) -> String {
        String::from_utf8_lossy(&self.block[..self.block.len() - self.body().len()]).into_owned()
    }
}

fn sha1(bytes: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: Vec<String> = Sha1::digest(bytes).iter().map(|byte| format!("{byte:08b}")).collect();
    let bits = bits.concat();
    let digits = bits.as_bytes().chunks(5).map(|five| {
        let five = std::str::from_utf8(five).unwrap();
        char::from(alphabet[usize::from_str_radix(five, 2).unwrap()])
    });
    format!("sha1:{}", digits.collect::<String>())
}

fn sha256(bytes: &[u8]) -> String {
    let digits: Vec<String> = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// Parses a WARC file, record by record, and checks its framing and its digests.
fn records(file: &[u8]) -> Vec<Record> {
    let (mut records, mut offset) = (Vec::new(), 0);
    while offset < file.len() {
        let rest = &file[offset..];
        let mut member = GzDecoder::new(rest);
        let mut text = Vec::new();
        member.read_to_end(&mut text).unwrap();
        let length = rest.len() - member.into_inner().len();
        let end = text.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&text[..end]).unwrap();
        let mut lines = head.split("\r\n");
        assert_eq!(lines.next(), Some("WARC/1.1"));
        let fields: BTreeMap<String, String> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let bytes: usize = fields["Content-Length"].parse().unwrap();
        assert_eq!(&text[end + 4 + bytes..], b"\r\n\r\n", "{head}");
        let record = Record { fields, block: text[end + 4..end + 4 + bytes].to_vec(), offset, length };
        if let Some(digest) = record.fields.get("WARC-Block-Digest") {
            assert_eq!(*digest, sha1(&record.block), "{head}");
        }
        if record.field("WARC-Type") == "response" {
            assert_eq!(record.field("WARC-Payload-Digest"), sha1(record.body()), "{head}");
        }
        offset += length;
        records.push(record);
    }
    records
}

fn kinds(records: &[Record]) -> Vec<(&str, &str)> {
    records.iter().map(|it| (it.field("WARC-Type"), it.field("WARC-Target-URI"))).collect()
}

#[tokio::test]
async fn a_warc_has_every_capture_with_true_heads_and_digests() {
    let (harness, last) = archived().await;
    let file = std::fs::read(export(&harness, &["warc", "--course", "c"], "c.warc.gz").await).unwrap();
    let records = records(&file);
    let expected = [
        ("warcinfo", ""),
        ("response", "http://files.test/one.txt"),
        ("request", "http://files.test/one.txt"),
        ("metadata", "http://files.test/one.txt"),
        ("response", "http://files.test/two.txt"),
        ("request", "http://files.test/two.txt"),
        ("revisit", "http://files.test/moved.txt"),
        ("request", "http://files.test/moved.txt"),
        ("metadata", "http://files.test/moved.txt"),
        ("response", "http://notes.test/flows"),
        ("request", "http://notes.test/flows"),
        ("resource", "http://notes.test/a.png"),
        ("metadata", "http://notes.test/flows"),
        ("response", "http://notes.test/flows"),
        ("request", "http://notes.test/flows"),
        ("metadata", "http://notes.test/flows"),
    ];
    assert_eq!(kinds(&records), expected);
    let page = &records[13];
    let head = page.http_head().to_lowercase();
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    assert!(
        head.contains("x-archive-orig-content-encoding: gzip") && !head.contains("\ncontent-encoding"),
        "{head}"
    );
    assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", page.body().len())), "{head}");
    assert_eq!(sha256(page.body()), last.link("/flows")["capture"]["sha256"].as_str().unwrap());
    assert_eq!(records[11].block, PNG);
    let revisit = &records[6];
    assert_eq!(revisit.field("WARC-Refers-To"), records[1].field("WARC-Record-ID"));
    assert_eq!(revisit.field("WARC-Payload-Digest"), records[1].field("WARC-Payload-Digest"));
    assert!(revisit.body().is_empty());
    let redirect = &records[4];
    let head = redirect.http_head();
    assert!(head.starts_with("HTTP/1.1 302 \r\n") && head.contains("location: /moved.txt\r\n"), "{head}");
    assert_eq!((redirect.body(), redirect.field("WARC-Truncated")), (&b""[..], ""));
    requests_are_as_sent(&harness, &records);
    let metadata = String::from_utf8_lossy(&records[8].block).into_owned();
    assert!(metadata.contains("link: http://files.test/two.txt\r\n"), "{metadata}");
    let ids: std::collections::BTreeSet<_> = records.iter().map(|it| it.field("WARC-Record-ID")).collect();
    assert_eq!(ids.len(), records.len());
    assert!(!String::from_utf8_lossy(&file).contains("secret"));
}

/// Each request follows its response, and has the head that the host received.
fn requests_are_as_sent(harness: &Harness, records: &[Record]) {
    let sorted = |head: &str| {
        let mut lines: Vec<String> = head.trim_end().lines().map(str::to_lowercase).collect();
        lines[1..].sort_unstable();
        lines
    };
    let received: Vec<Vec<String>> = harness.site.seen().iter().map(|seen| sorted(&seen.head)).collect();
    for pair in records.windows(2).filter(|pair| pair[1].field("WARC-Type") == "request") {
        let [response, request] = pair else { unreachable!() };
        assert_eq!(request.field("WARC-Concurrent-To"), response.field("WARC-Record-ID"));
        assert_eq!(request.field("Content-Type"), "application/http;msgtype=request");
        let sent = sorted(std::str::from_utf8(&request.block).unwrap());
        assert!(received.contains(&sent), "{sent:#?} {received:#?}");
    }
}

#[tokio::test]
async fn an_export_may_be_limited_to_a_link_or_a_time() {
    let (harness, _) = archived().await;
    let of = async |arguments: &[&str], name: &str| {
        let path = export(&harness, &[&["warc"], arguments].concat(), name).await;
        records(&std::fs::read(path).unwrap()).len()
    };
    assert_eq!(of(&["--link", "files.test/two.txt"], "link.warc.gz").await, 6);
    assert_eq!(of(&["--from", "2026-09-15"], "late.warc.gz").await, 5);
    assert_eq!(of(&["--until", "2026-09-13"], "early.warc.gz").await, 1);
    let taken = harness.dir.path().join("late.warc.gz");
    let (code, output) = harness.run(&["export", "warc", taken.to_str().unwrap()]).await;
    assert!(code == 1 && output.contains("exists already"), "{output}");
}

/// The files of a ZIP archive, and whether each is compressed.
fn members(path: &Path) -> BTreeMap<String, (Vec<u8>, bool)> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    (0..zip.len())
        .map(|index| {
            let mut file = zip.by_index(index).unwrap();
            let is_compressed = file.compression() != zip::CompressionMethod::Stored;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            (file.name().unwrap().into_owned(), (bytes, is_compressed))
        })
        .collect()
}

#[tokio::test]
async fn a_wacz_has_the_records_that_its_index_names() {
    let (harness, _) = archived().await;
    let path = export(&harness, &["wacz", "--course", "c"], "c.wacz").await;
    let members = members(&path);
    let (warc, is_compressed) = &members["archive/data.warc.gz"];
    assert!(!is_compressed);
    let records = records(warc);
    let index = String::from_utf8(members["indexes/index.cdxj"].0.clone()).unwrap();
    let lines: Vec<&str> = index.lines().collect();
    assert!(lines.is_sorted());
    assert_eq!(lines.len(), 6);
    for line in lines {
        let (key, json) = line.split_once(" {").unwrap();
        let entry: Value = serde_json::from_str(&format!("{{{json}")).unwrap();
        let at = |name: &str| entry[name].as_str().unwrap().parse::<usize>().unwrap();
        let record = records.iter().find(|it| it.offset == at("offset")).unwrap();
        assert_eq!(record.length, at("length"), "{line}");
        assert_eq!(record.field("WARC-Target-URI"), entry["url"], "{line}");
        assert_eq!(record.payload_digest(), entry["digest"], "{line}");
        assert!(key.starts_with("test,"), "{line}");
    }
    let package: Value = serde_json::from_slice(&members["datapackage.json"].0).unwrap();
    assert_eq!(package["title"], "A course");
    for resource in package["resources"].as_array().unwrap() {
        let (bytes, _) = &members[resource["path"].as_str().unwrap()];
        assert_eq!(resource["hash"], format!("sha256:{}", sha256(bytes)));
        assert_eq!(resource["bytes"], bytes.len());
    }
    let digest: Value = serde_json::from_slice(&members["datapackage-digest.json"].0).unwrap();
    assert_eq!(digest["hash"], format!("sha256:{}", sha256(&members["datapackage.json"].0)));
    let pages = String::from_utf8(members["pages/pages.jsonl"].0.clone()).unwrap();
    assert_eq!(pages.lines().count(), 5);
    assert!(pages.contains("samplers and scores") && pages.contains("json-pages-1.0"), "{pages}");
}
