//! The reader process from outside: what a request looks like, and bombs, each of which
//! ends within the limits of time and memory with a reason.

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use onreserve::domain::address::Address;
use onreserve::domain::document::{Document, DocumentContext, DocumentDefect, Format};
use onreserve::world::document_reader::{Reader, TIME_PER_DOCUMENT};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::harness::PROGRAM;

/// Far more than a reader may unpack, and quickly made: zeros and spaces compress well.
const MANY: usize = 160 << 20;

#[tokio::test]
async fn a_request_for_a_document_is_a_path_and_a_context() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("page");
    std::fs::write(&path, "<!doctype html><title>Flows</title><p>Invertible maps").unwrap();
    let mut child = tokio::process::Command::new(PROGRAM)
        .arg("read-documents")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let request =
        json!({"path": path, "context": {"address": "http://a.example/page", "content_type": "text/html"}});
    let mut requests = child.stdin.take().unwrap();
    requests.write_all(format!("{request}\n").as_bytes()).await.unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let answer: Value = serde_json::from_str(&answers.next_line().await.unwrap().unwrap()).unwrap();
    assert_eq!(answer["format"], "html", "{answer}");
    assert_eq!(answer["title"], "Flows", "{answer}");
    assert_eq!(answer["text"].as_str().unwrap().trim(), "Invertible maps", "{answer}");
    drop(requests);
    assert!(child.wait().await.unwrap().success());
}

/// Reads a body within the limits of the reader.
async fn read(dir: &Path, name: &str, body: &[u8]) -> Document {
    let path = dir.join(name);
    std::fs::write(&path, body).unwrap();
    let reader = Reader::new(PathBuf::from(PROGRAM));
    let context = DocumentContext::new(Address::parse("http://a.example/file").unwrap(), None);
    let started = Instant::now();
    let document = reader.read(&path, &context).await.unwrap();
    let taken = started.elapsed();
    // The limit itself, and the time that a loaded machine needs to end a process.
    assert!(taken < TIME_PER_DOCUMENT + Duration::from_secs(20), "{name} took {taken:?}");
    std::fs::remove_file(&path).unwrap();
    document
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let deflated = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1));
    for (name, content) in members {
        zip.start_file(*name, deflated).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A PDF of these objects, counted from 1; the first one is the catalog.
fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.5\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.extend(format!("{} 0 obj\n", number + 1).into_bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let start = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).into_bytes());
    for place in &places {
        file.extend(format!("{place:010} 00000 n \n").into_bytes());
    }
    let end = format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n", places.len() + 1);
    file.extend(end.into_bytes());
    file
}

fn stream(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let mut object = format!("<< {dictionary} /Length {} >>\nstream\n", content.len()).into_bytes();
    object.extend(content);
    object.extend(b"\nendstream");
    object
}

/// A PDF of one page with this content; further objects count from 6.
fn one_page(content: Vec<u8>, resources: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let page = format!(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> {resources} >> >>"
    );
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        page.into_bytes(),
        content,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
    ];
    objects.extend_from_slice(more);
    pdf(&objects)
}

/// A page that draws a form; each of these forms draws the next one ten times, and the
/// last one draws a word: 10^levels words.
fn forms_within_forms(levels: usize) -> Vec<u8> {
    let form = |level: usize| {
        let (content, resources) = if level == levels {
            ("BT /F1 12 Tf (flow) Tj ET".to_owned(), "/Font << /F1 5 0 R >>".to_owned())
        } else {
            ("/X Do ".repeat(10), format!("/XObject << /X {} 0 R >>", 7 + level))
        };
        let dictionary =
            format!("/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << {resources} >>");
        stream(&dictionary, content.as_bytes())
    };
    let forms: Vec<Vec<u8>> = (0..=levels).map(form).collect();
    one_page(stream("", b"/X Do"), "/XObject << /X 6 0 R >>", &forms)
}

const RELATIONS: &[u8] = br#"<Relationships><Relationship Id="r1" Type="http://x/relationships/officeDocument" Target="word/document.xml"/></Relationships>"#;

fn word_file(document: &[u8]) -> Vec<u8> {
    zipped(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", RELATIONS),
        ("word/document.xml", document),
    ])
}

fn assert_ends(document: &Document, allowed: &[Option<DocumentDefect>], name: &str) {
    assert!(allowed.contains(&document.defect), "{name}: {:?} {:?}", document.format, document.defect);
}

const COSTLY: &[Option<DocumentDefect>] =
    &[Some(DocumentDefect::TooCostly), Some(DocumentDefect::Unreadable)];
/// What is read stays within the limits, so it may have been read.
const ANY: &[Option<DocumentDefect>] =
    &[None, Some(DocumentDefect::TooCostly), Some(DocumentDefect::Unreadable)];

#[tokio::test]
async fn packed_bombs_are_too_costly() {
    let dir = tempfile::tempdir().unwrap();
    let spaces = vec![b' '; MANY];
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&spaces).unwrap();
    let twice = deflated(&deflated(&spaces));
    let bodies = [
        ("docx", word_file(&spaces)),
        ("gzip", gzip.finish().unwrap()),
        ("pdf", one_page(stream("/Filter [/FlateDecode /FlateDecode]", &twice), "", &[])),
    ];
    for (name, body) in bodies {
        assert!(body.len() < MANY / 100, "{name} is small");
        let document = read(dir.path(), name, &body).await;
        let allowed = if name == "pdf" { ANY } else { COSTLY };
        assert_ends(&document, allowed, name);
        assert!(document.text.len() < 1 << 20, "{name}");
    }
}

#[tokio::test]
async fn archives_within_archives_stay_packed() {
    let dir = tempfile::tempdir().unwrap();
    let mut body = zipped(&[("zeros", &vec![0; 1 << 20])]);
    for _ in 0..8 {
        body = zipped(&[("a.zip", &body), ("b.zip", &body)]);
    }
    let document = read(dir.path(), "zip", &body).await;
    assert_eq!((document.format, document.defect), (Format::Archive, None));
}

#[tokio::test]
async fn forms_within_forms_end() {
    let dir = tempfile::tempdir().unwrap();
    let small = read(dir.path(), "forms", &forms_within_forms(2)).await;
    assert_eq!(small.defect, None);
    assert!(small.text.contains("flow"));
    // A thousand million words.
    let document = read(dir.path(), "forms", &forms_within_forms(9)).await;
    assert_ends(&document, COSTLY, "forms");
}

#[tokio::test]
async fn pages_beyond_count_and_size_end() {
    let dir = tempfile::tempdir().unwrap();
    let glyphs = b"BT /F1 12 Tf (flowflowflowflowflowflowflowflow) Tj ET\n".repeat(20_000);
    let kids = "3 0 R ".repeat(400_000);
    let many_pages = pdf(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{kids}] /Count 400000 >>").into_bytes(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1e30 1e30] /Contents 4 0 R >>".to_vec(),
        stream("", b"0 0 m 1 1 l S"),
    ]);
    let image = stream(
        "/Type /XObject /Subtype /Image /Width 2000000000 /Height 2000000000 /BitsPerComponent 8 \
         /ColorSpace /DeviceRGB /Filter /FlateDecode",
        &deflated(&vec![0; 1 << 20]),
    );
    let bodies = [
        ("glyphs", one_page(stream("/Filter /FlateDecode", &deflated(&glyphs)), "", &[])),
        ("pages", many_pages),
        ("image", one_page(stream("", b"/I Do"), "/XObject << /I 6 0 R >>", &[image])),
    ];
    for (name, body) in bodies {
        let document = read(dir.path(), name, &body).await;
        assert_ends(&document, ANY, name);
    }
}

#[tokio::test]
async fn nesting_without_end_ends() {
    let dir = tempfile::tempdir().unwrap();
    let deep = 300_000;
    let nested_xml = format!("<w:document>{}", "<w:p><w:r>".repeat(deep));
    let laughs = "<!DOCTYPE d [<!ENTITY a \"flow flow flow\"><!ENTITY b \"&a;&a;&a;&a;\">]><w:document><w:body><w:p>\
                  <w:r><w:t>&b;&b;</w:t></w:r></w:p></w:body></w:document>";
    let nested_pdf = one_page(stream("", "[".repeat(deep).as_bytes()), "", &[]);
    let catalog = format!("<< /Type /Catalog /Pages {}", "[".repeat(deep));
    let bodies = [
        ("html", format!("<!doctype html>{}", "<div><b>".repeat(deep / 10)).into_bytes()),
        ("json", "[".repeat(deep).into_bytes()),
        ("notebook", format!("{{\"cells\":{}", "[{\"source\":".repeat(deep)).into_bytes()),
        ("docx", word_file(nested_xml.as_bytes())),
        ("entities", word_file(laughs.as_bytes())),
        ("pdf", nested_pdf),
        ("catalog", pdf(&[catalog.into_bytes()])),
        ("svg", format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{}", "<g>".repeat(deep)).into_bytes()),
    ];
    for (name, body) in bodies {
        let document = read(dir.path(), name, &body).await;
        assert!(document.text.len() <= body.len(), "{name}");
    }
}

#[tokio::test]
async fn repeated_cells_are_read_once() {
    let dir = tempfile::tempdir().unwrap();
    let sheet = "<office:document-content><office:body><office:spreadsheet><table:table table:name='t'>\
         <table:table-row table:number-rows-repeated='1048576'>\
         <table:table-cell table:number-columns-repeated='16384'><text:p>flow</text:p></table:table-cell>\
         </table:table-row></table:table></office:spreadsheet></office:body></office:document-content>";
    let body = zipped(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", sheet.as_bytes()),
    ]);
    let document = read(dir.path(), "ods", &body).await;
    assert_ends(&document, ANY, "ods");
    assert!(document.text.len() < 1 << 20, "{}", document.text.len());
}
