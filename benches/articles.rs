//! Articles with what they need to be read: one with 40 requisites, and 2,000 that share
//! some. For a first and an unchanged night: requests, bytes sent, time, memory, and the
//! growth of the archive. Everything is on loopback, without pauses.
//!
//!     cargo bench --bench articles

#![expect(clippy::unwrap_used, reason = "a failed bench may panic")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time and starts programs")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod process;

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use process::measure;

const ARTICLES: usize = 2000;
/// Loopback has many addresses; each counts as a host.
const HOSTS: usize = 50;
const PICTURES_OF_THE_ONE: usize = 38;

/// What the server has sent.
#[derive(Default)]
struct Sent {
    requests: AtomicU64,
    bytes: AtomicU64,
}

fn main() {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Arc::new(Sent::default());
    let of_server = Arc::clone(&sent);
    std::thread::spawn(move || serve(listener, of_server));
    println!("one article with {} requisites", PICTURES_OF_THE_ONE + 2);
    two_nights(&format!("<a href=\"http://127.0.0.1:{port}/one.html\">The article</a>"), &sent);
    println!(
        "{ARTICLES} articles on {HOSTS} hosts, each with 2 pictures; those of a host share a sheet, a font and a picture"
    );
    let mut links = String::new();
    for n in 0..ARTICLES {
        writeln!(links, "<li><a href=\"http://127.0.0.{}:{port}/{n}.html\">Article {n}</a>", n % HOSTS + 1)
            .unwrap();
    }
    two_nights(&links, &sent);
}

fn two_nights(links: &str, sent: &Sent) {
    let dir = tempfile::tempdir().unwrap();
    let (page, archive) = (dir.path().join("page.html"), dir.path().join("archive"));
    std::fs::write(&page, format!("<!doctype html><title>A course</title><h1>A course</h1><ul>{links}</ul>"))
        .unwrap();
    let mut seconds = Vec::new();
    for night in ["first night", "unchanged night"] {
        sent.requests.store(0, Ordering::Relaxed);
        sent.bytes.store(0, Ordering::Relaxed);
        let before = bytes_below(&archive);
        let mut command = Command::new(env!("CARGO_BIN_EXE_onreserve"));
        command.arg("check").arg(&page).args(["--allow-private-networks", "--delay", "0s"]);
        command.arg("--archive").arg(&archive);
        seconds.push(measure(night, &mut command).unwrap().seconds);
        println!(
            "    {} requests, {} KiB of bodies, archive grows by {} KiB",
            sent.requests.load(Ordering::Relaxed),
            sent.bytes.load(Ordering::Relaxed) >> 10,
            bytes_below(&archive).saturating_sub(before) >> 10
        );
    }
    println!("    unchanged : first {:.2}", seconds[1] / seconds[0]);
}

/// The bytes of all files in a directory and below; 0 if it does not exist.
fn bytes_below(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

#[tokio::main(flavor = "current_thread")]
async fn serve(listener: TcpListener, sent: Arc<Sent>) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let router = Router::new().fallback(move |request: Request| {
        let sent = Arc::clone(&sent);
        async move {
            sent.requests.fetch_add(1, Ordering::Relaxed);
            answer(request.uri().path(), request.headers(), &sent)
        }
    });
    axum::serve(listener, router).await.unwrap();
}

fn answer(path: &str, asked: &HeaderMap, sent: &Sent) -> Response {
    let host = asked.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let Some((kind, body)) = file(path, host) else { return StatusCode::NOT_FOUND.into_response() };
    let etag = HeaderValue::from_str(&format!("\"{path}\"")).unwrap();
    if asked.get(header::IF_NONE_MATCH) == Some(&etag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    sent.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::ETAG, etag)], body).into_response()
}

fn file(path: &str, host: &str) -> Option<(&'static str, Vec<u8>)> {
    let name = path.trim_start_matches('/');
    let (stem, ending) = name.split_once('.')?;
    Some(match ending {
        "html" if stem == "one" => {
            let pictures = (0..PICTURES_OF_THE_ONE).map(|n| format!("one-{n}"));
            ("text/html; charset=utf-8", article(stem, pictures))
        }
        "html" if stem.parse::<usize>().is_ok() => {
            let pictures = [format!("{stem}-a"), format!("{stem}-b"), "logo".to_owned()];
            ("text/html; charset=utf-8", article(stem, pictures.into_iter()))
        }
        "css" => {
            ("text/css", b"@font-face { font-family: f; src: url(f.woff2) } body { font-family: f }".to_vec())
        }
        "woff2" => ("font/woff2", format!("wOF2{host}").repeat(700).into_bytes()),
        "svg" => ("image/svg+xml", picture(stem, host)),
        _ => return None,
    })
}

fn picture(name: &str, host: &str) -> Vec<u8> {
    let mut text = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 100 100\">".to_owned();
    for line in 0..100 {
        write!(text, "<path d=\"M0 {line}L100 {line}\"><title>{name} of {host}</title></path>").unwrap();
    }
    (text + "</svg>").into_bytes()
}

fn article(name: &str, pictures: impl Iterator<Item = String>) -> Vec<u8> {
    let mut page = format!(
        "<!doctype html><title>Article {name}</title><link rel=stylesheet href=f.css><main><h1>Article {name}</h1>"
    );
    for picture in pictures {
        write!(page, "<p><img src=\"{picture}.svg\" alt=\"A figure\">").unwrap();
    }
    for line in 0..60 {
        write!(page, "<p>Paragraph {line} of {name} is about scores, their gradients, noise schedules and samplers.</p>").unwrap();
    }
    (page + "</main>").into_bytes()
}
