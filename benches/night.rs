//! One night over 2,000 links with 300 MB of PDFs on loopback, without pauses: time, and
//! the peak memory of the program and its readers. If lychee is installed, the bench runs it
//! on the same page too.
//!
//!     cargo bench --bench night            # LYCHEE=/path/to/lychee if not in PATH
//!
//! lychee requests only the status of each link; Onreserve reads and stores every body.

#![expect(clippy::unwrap_used, reason = "a failed bench may panic")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time and starts programs")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod process;

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use lopdf::content::{Content, Operation};
use lopdf::{Object, Stream, dictionary};

use process::measure;

const LINKS: usize = 2000;
const PDFS: usize = 60;
const PDF_BYTES: usize = 5 << 20;
/// Loopback has many addresses; each counts as a host.
const HOSTS: usize = 20;

static PDF: LazyLock<Vec<u8>> = LazyLock::new(|| pdf(PDF_BYTES));

fn main() {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || serve(listener));
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("page.html");
    std::fs::write(&page, page_of(address)).unwrap();
    println!("{LINKS} links on {HOSTS} hosts, {PDFS} PDFs of {} MiB", PDF_BYTES >> 20);

    let ours = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onreserve"));
        command.arg("check").arg(&page).args(["--allow-private-networks", "--delay", "0s"]);
        command.arg("--archive").arg(dir.path().join("archive"));
        measure(name, &mut command)
    };
    let first = ours("onreserve, first night");
    let second = ours("onreserve, second night");
    let lychee = std::env::var("LYCHEE").unwrap_or_else(|_| "lychee".to_owned());
    let mut command = Command::new(lychee);
    command.args(["--no-progress", "--max-concurrency", "16", "--timeout", "60"]).arg(&page);
    match measure("lychee, status only", &mut command) {
        Some(peer) => {
            let first = first.unwrap();
            println!("time, first night : lychee    {:.2}", first.seconds / peer.seconds);
            println!("time, second night : lychee   {:.2}", second.unwrap().seconds / peer.seconds);
        }
        None => println!("lychee is not installed: no comparison"),
    }
}

fn page_of(address: SocketAddr) -> String {
    let mut page = "<!doctype html><title>A course</title><h1>A course</h1><ul>".to_owned();
    for n in 0..LINKS {
        let (host, port) = (n % HOSTS + 1, address.port());
        let path = if n % (LINKS / PDFS) == 0 { format!("{n}.pdf") } else { format!("{n}.html") };
        writeln!(page, "<li><a href=\"http://127.0.0.{host}:{port}/{path}\">Reading number {n}</a>").unwrap();
    }
    page + "</ul>"
}

#[tokio::main(flavor = "current_thread")]
async fn serve(listener: TcpListener) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let shared = Arc::new(Bytes::from_static(PDF.as_slice()));
    let router = Router::new().fallback(move |request: Request| {
        let pdf = Bytes::clone(&shared);
        async move { answer(request.uri().path(), request.headers(), pdf) }
    });
    axum::serve(listener, router).await.unwrap();
}

fn answer(path: &str, asked: &HeaderMap, pdf: Bytes) -> Response {
    let etag = HeaderValue::from_str(&format!("\"{path}\"")).unwrap();
    if asked.get(header::IF_NONE_MATCH) == Some(&etag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    let number = path.trim_start_matches('/').split('.').next().unwrap_or_default();
    if path.ends_with(".pdf") {
        // The number at the end makes each file different, without a copy of each in memory.
        let mut own = pdf.to_vec();
        own.extend_from_slice(format!("%{number}\n%%EOF\n").as_bytes());
        let kind = HeaderValue::from_static("application/pdf");
        return ([(header::CONTENT_TYPE, kind), (header::ETAG, etag)], own).into_response();
    }
    if path.ends_with(".html") {
        let kind = HeaderValue::from_static("text/html");
        return ([(header::CONTENT_TYPE, kind), (header::ETAG, etag)], article(number)).into_response();
    }
    StatusCode::NOT_FOUND.into_response()
}

fn article(number: &str) -> String {
    let mut page = format!(
        "<!doctype html><title>Reading number {number}</title><main><h1>Reading number {number}</h1>"
    );
    for line in 0..150 {
        write!(page, "<p>Paragraph {line} of {number} is about scores, their gradients, noise schedules and samplers.</p>").unwrap();
    }
    page + "</main>"
}

/// A page of text, and bytes that no reader can compress.
fn pdf(bytes: usize) -> Vec<u8> {
    let mut file = lopdf::Document::with_version("1.5");
    let pages = file.new_object_id();
    let font =
        file.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica" });
    let operations = vec![
        Operation::new("BT", vec![]),
        Operation::new("Tf", vec!["F1".into(), 12.into()]),
        Operation::new(
            "Tj",
            vec![Object::string_literal("Reading number one of many, about flows and scores")],
        ),
        Operation::new("ET", vec![]),
    ];
    let content = file.add_object(Stream::new(dictionary! {}, Content { operations }.encode().unwrap()));
    let mut state = 88_172_645_463_325_252_u64;
    let noise = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    let image = file.add_object(Stream::new(dictionary! {}, noise.flatten().take(bytes).collect()));
    let kids: Vec<Object> = (0..10)
        .map(|_| {
            let page = dictionary! {
                "Type" => "Page", "Parent" => pages, "Contents" => content,
                "Resources" => dictionary! { "Font" => dictionary! { "F1" => font }, "XObject" => dictionary! { "I" => image } },
            };
            file.add_object(page).into()
        })
        .collect();
    let tree = dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => 10 };
    file.objects.insert(pages, tree.into());
    let catalog = file.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    file.trailer.set("Root", catalog);
    let mut written = Vec::new();
    file.save_to(&mut written).unwrap();
    written
}
