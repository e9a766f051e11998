//! Reading 10,000 stored documents again, as the nights do after the text extraction has
//! changed: papers of ten pages and web pages, in the reader processes.
//!
//!     cargo bench --bench rebasing

#![expect(clippy::unwrap_used, reason = "a failed bench may panic")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time and writes its own files")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use lopdf::content::{Content, Operation};
use lopdf::{Document, Object, Stream, dictionary};
use onreserve::domain::address::Address;
use onreserve::domain::document::DocumentContext;
use onreserve::world::document_reader::Reader;

const DOCUMENTS: usize = 10_000;
const PAGES: usize = 10;
const LINES: usize = 40;
/// As many as a night reads at once.
const AT_ONCE: usize = 8;

#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    // `REBASING_DOCUMENTS` for a shorter run.
    let documents =
        std::env::var("REBASING_DOCUMENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(DOCUMENTS);
    for (name, kind, body) in
        [("papers", "application/pdf", pdf()), ("pages", "text/html", page().into_bytes())]
    {
        let path = dir.path().join(name);
        std::fs::write(&path, &body).unwrap();
        let started = Instant::now();
        read_all(&path, kind, documents).await;
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{documents} {name} of {} KiB: {seconds:.1} s, {:.2} ms each",
            body.len() / 1024,
            seconds * 1e3 / f64::from(u32::try_from(documents).unwrap())
        );
    }
}

async fn read_all(path: &Path, kind: &str, documents: usize) {
    let reader = Reader::new(PathBuf::from(env!("CARGO_BIN_EXE_onreserve")));
    let context = DocumentContext::new(Address::parse("https://press.example/reading").unwrap(), Some(kind));
    let (reader, context) = (&reader, &context);
    stream::iter(0..documents)
        .for_each_concurrent(AT_ONCE, |_| async move {
            let document = reader.read(path, context).await.unwrap();
            assert!(document.words() > 1000, "{:?}", document.defect);
        })
        .await;
}

fn line(page: usize, line: usize) -> String {
    format!("Line {line} of page {page} speaks of scores, their gradients, noise schedules and samplers.")
}

fn page() -> String {
    let paragraphs: String =
        (0..PAGES * LINES).map(|n| line(n / LINES, n % LINES)).collect::<Vec<_>>().join("</p><p>");
    format!("<!doctype html><title>A reading</title><main><h1>A reading</h1><p>{paragraphs}</p></main>")
}

fn pdf() -> Vec<u8> {
    let mut file = Document::with_version("1.5");
    let pages = file.new_object_id();
    let font =
        file.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica" });
    let kids: Vec<Object> = (0..PAGES)
        .map(|page| {
            let mut operations = vec![
                Operation::new("BT", vec![]),
                Operation::new("Tf", vec!["F1".into(), 11.into()]),
                Operation::new("TL", vec![16.into()]),
                Operation::new("Td", vec![72.into(), 720.into()]),
            ];
            for n in 0..LINES {
                operations.push(Operation::new("Tj", vec![Object::string_literal(line(page, n))]));
                operations.push(Operation::new("T*", vec![]));
            }
            operations.push(Operation::new("ET", vec![]));
            let content = Content { operations }.encode().unwrap();
            let content = file.add_object(Stream::new(dictionary! {}, content));
            let page = dictionary! {
                "Type" => "Page", "Parent" => pages, "Contents" => content,
                "Resources" => dictionary! { "Font" => dictionary! { "F1" => font } },
            };
            file.add_object(page).into()
        })
        .collect();
    let count = i64::try_from(kids.len()).unwrap();
    let tree = dictionary! {
        "Type" => "Pages", "Kids" => kids, "Count" => count,
        "MediaBox" => vec![0.into(), 0.into(), 612.into(), 792.into()],
    };
    file.objects.insert(pages, Object::Dictionary(tree));
    let catalog = file.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    file.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    file.save_to(&mut bytes).unwrap();
    bytes
}
