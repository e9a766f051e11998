//! Servers that fail, send false data, or attack.

use std::time::Duration;

use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use onreserve::domain::visit::{ExchangeEnd, Failure};
use onreserve::world::clock::Clock;
use onreserve::world::fetch::{FetchLimits, FetchSettings};
use tokio::io::AsyncWriteExt as _;

use super::site::{Reply, Seen, Site, Then};
use super::{TestClient, settings, text};

async fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

/// How a fetch of `/x` ends with this response.
async fn ending_of(reply: Reply, limits: impl FnOnce(&mut FetchLimits)) -> ExchangeEnd {
    let script = move |seen: &Seen| {
        if seen.target == "/robots.txt" { Reply::not_found() } else { reply.clone() }
    };
    let site = Site::start(script).await;
    let mut settings: FetchSettings = settings(&[("press.school.edu", site.address)]);
    limits(&mut settings.limits);
    TestClient::new(&settings).ending("http://press.school.edu/x").await
}

#[tokio::test]
async fn failures_are_distinguished() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n";
    let table = [
        (
            "short",
            Reply::raw(format!("{head}content-length: 100\r\n\r\n<html>cut"), Then::Close),
            Failure::Truncated,
        ),
        (
            "chunk cut",
            Reply::raw(format!("{head}transfer-encoding: chunked\r\n\r\n20\r\n<html>cut"), Then::Close),
            Failure::Truncated,
        ),
        (
            "no last chunk",
            Reply::raw(format!("{head}transfer-encoding: chunked\r\n\r\n5\r\n<html\r\n"), Then::Close),
            Failure::Truncated,
        ),
        ("closed at once", Reply::raw("", Then::Close), Failure::Reset),
        ("reset at once", Reply::raw("", Then::Reset), Failure::Reset),
        ("closed in the head", Reply::raw("HTTP/1.1 200 OK\r\ncont", Then::Close), Failure::Reset),
        ("not http", Reply::raw("SSH-2.0-OpenSSH_9.6\r\n\r\n", Then::Close), Failure::Protocol),
        ("hangs", Reply::raw("", Then::Hang), Failure::TimedOut),
        (
            "hangs in the body",
            Reply::raw(format!("{head}content-length: 9\r\n\r\n<html>"), Then::Hang),
            Failure::TimedOut,
        ),
        (
            "drips",
            Reply {
                then: Then::Drip(900, Duration::from_millis(50)),
                ..Reply::new(200, "content-type: text/html", "x".repeat(1000))
            },
            Failure::TimedOut,
        ),
        ("nonsense for gzip", Reply::new(200, "content-encoding: gzip", "no gzip at all"), Failure::Encoding),
        ("no such encoding", Reply::new(200, "content-encoding: compress", "x"), Failure::Encoding),
        (
            "too many encodings",
            Reply::new(200, "content-encoding: gzip, gzip\ncontent-encoding: br", "x"),
            Failure::Encoding,
        ),
    ];
    let endings = table.map(|(what, reply, failure)| async move {
        // Only a failure that is a timeout needs short limits; a slow machine needs longer ones.
        let needs_time = !matches!(failure, Failure::TimedOut);
        let limits = |limits: &mut FetchLimits| {
            if needs_time {
                limits.page_time = Duration::from_mins(2);
                limits.idle = Duration::from_mins(1);
            }
        };
        assert_eq!(ending_of(reply, limits).await, ExchangeEnd::Failed(failure), "{what}");
    });
    futures_util::future::join_all(endings).await;
}

#[tokio::test]
async fn a_complete_page_needs_no_last_chunk() {
    let chunked = |body: &str| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ntransfer-encoding: chunked\r\n\r\n";
        Reply::raw(format!("{head}{:x}\r\n{body}\r\n", body.len()), Then::Close)
    };
    let page = format!("<!doctype html><html><body>{}</body></html>", "words ".repeat(2000));
    for whole in [page.as_str(), "%PDF-1.5\n1 0 obj\nendobj\ntrailer\n%%EOF\n"] {
        let ending = ending_of(chunked(whole), |_| ()).await;
        let ExchangeEnd::Answered(body) = ending else { panic!("{ending:?}") };
        assert_eq!(body.bytes, whole.len() as u64);
    }
    let half = &page[..page.len() / 2];
    assert_eq!(ending_of(chunked(half), |_| ()).await, ExchangeEnd::Failed(Failure::Truncated));
}

#[tokio::test]
async fn the_length_of_an_incomplete_body_is_recorded() {
    let half = "HTTP/1.1 200 OK\r\ncontent-type: application/pdf\r\ncontent-length: 100\r\n\r\n%PDF-1.5";
    let site = Site::start(move |_| Reply::raw(half, Then::Close)).await;
    let client = TestClient::new(&settings(&[("press.school.edu", site.address)]));
    let exchange = client.get("http://press.school.edu/x.pdf").await.exchange;
    assert_eq!((exchange.ending, exchange.cut_at), (ExchangeEnd::Failed(Failure::Truncated), Some(8)));
}

#[tokio::test]
async fn an_endless_body_ends_at_the_limit() {
    let pdf = |then| Reply::raw("HTTP/1.1 200 OK\r\ncontent-type: application/pdf\r\n\r\n%PDF-1.7\n", then);
    let limit = |limits: &mut FetchLimits| limits.document_bytes = 1 << 20;
    assert_eq!(ending_of(pdf(Then::Endless), limit).await, ExchangeEnd::Failed(Failure::TooLarge));
    // The limit for pages applies only to pages.
    let page = Reply::page(&format!("<html>{}", "x".repeat(5000)));
    let small = |limits: &mut FetchLimits| limits.page_bytes = 4096;
    assert_eq!(ending_of(page, small).await, ExchangeEnd::Failed(Failure::TooLarge));
    let document = Reply::new(200, "content-type: text/html", format!("%PDF-1.7\n{}", "x".repeat(5000)));
    assert!(matches!(ending_of(document, small).await, ExchangeEnd::Answered(_)));
}

#[tokio::test]
async fn a_body_announced_as_too_large_is_not_read() {
    let flood = Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 3221225472\r\n\r\n%PDF-", Then::Endless);
    let site = Site::start(move |_| flood.clone()).await;
    let client = TestClient::new(&settings(&[("press.school.edu", site.address)]));
    // robots.txt is endless too: only its first 500 KiB are read.
    assert_eq!(client.ending("http://press.school.edu/x").await, ExchangeEnd::Failed(Failure::TooLarge));
    assert!(client.fetch.traffic().bytes < 2 << 20, "{}", client.fetch.traffic().bytes);
}

#[tokio::test]
async fn a_decompression_bomb_ends_at_the_limit() {
    let bomb = gzip(&vec![b' '; 8 << 20]).await;
    let nested = gzip(&bomb).await;
    let bomb = Reply::new(200, "content-type: text/html\ncontent-encoding: gzip", &bomb);
    assert_eq!(ending_of(bomb, |_| ()).await, ExchangeEnd::Failed(Failure::TooLarge));
    let nested = Reply::new(200, "content-type: text/html\ncontent-encoding: gzip, gzip", &nested);
    assert_eq!(ending_of(nested, |_| ()).await, ExchangeEnd::Failed(Failure::TooLarge));
}

#[tokio::test]
async fn encodings_that_were_not_requested_are_decoded() {
    let plain = "<html>plain words, and again plain words, and again plain words".repeat(50);
    let gzipped = gzip(plain.as_bytes()).await;
    let mut brotli = BrotliEncoder::new(Vec::new());
    brotli.write_all(plain.as_bytes()).await.unwrap();
    brotli.shutdown().await.unwrap();
    let mut zstd = ZstdEncoder::new(Vec::new());
    zstd.write_all(&gzipped).await.unwrap();
    zstd.shutdown().await.unwrap();
    let (brotli, zstd, archive) = (brotli.into_inner(), zstd.into_inner(), gzipped.clone());
    let cut = gzipped[..gzipped.len() - 20].to_vec();
    let site = Site::start(move |seen| match seen.target.as_str() {
        "/gzip" => Reply::new(200, "content-encoding: gzip", &gzipped),
        "/br" => Reply::new(200, "content-encoding: br", &brotli),
        "/both" => Reply::new(200, "content-encoding: x-gzip, zstd", &zstd),
        "/charset" => Reply::new(200, "content-encoding: UTF-8", "words"),
        "/empty" => Reply::new(200, "content-encoding: gzip", ""),
        "/archive.gz" => Reply::new(200, "content-type: application/gzip", &archive),
        "/cut" => Reply::new(200, "content-encoding: gzip", &cut),
        _ => Reply::not_found(),
    })
    .await;
    let client = TestClient::new(&settings(&[("press.school.edu", site.address)]));
    for path in ["/gzip", "/br", "/both"] {
        assert_eq!(text(&client.get(&format!("http://press.school.edu{path}")).await), plain, "{path}");
    }
    assert_eq!(text(&client.get("http://press.school.edu/charset").await), "words");
    assert_eq!(text(&client.get("http://press.school.edu/empty").await), "");
    let archive = client.get("http://press.school.edu/archive.gz").await.body.unwrap();
    assert!(std::fs::read(archive.path()).unwrap().starts_with(&[0x1f, 0x8b]));
    assert_eq!(client.ending("http://press.school.edu/cut").await, ExchangeEnd::Failed(Failure::Encoding));
}

#[tokio::test]
async fn a_slow_body_ends_by_the_rate_limit() {
    let reply = Reply {
        then: Then::Drip(900, Duration::from_millis(100)),
        ..Reply::new(200, "content-type: application/pdf", format!("%PDF-1.7\n{}", "x".repeat(1000)))
    };
    let start = Clock::system().instant();
    let patient = |limits: &mut FetchLimits| limits.document_time = Duration::from_mins(1);
    assert_eq!(ending_of(reply, patient).await, ExchangeEnd::Failed(Failure::TimedOut));
    assert!(Clock::system().instant().duration_since(start) < Duration::from_secs(20));
}

#[tokio::test]
async fn large_and_many_headers_are_handled() {
    let headers = format!("x-large: {}\n{}", "v".repeat(20_000), "x-many: 1\n".repeat(150));
    let site = Site::start(move |_| Reply::new(200, &headers, "fine")).await;
    let client = TestClient::new(&settings(&[("press.school.edu", site.address)]));
    let fetched = client.get("http://press.school.edu/x").await;
    assert_eq!(text(&fetched), "fine");
    assert!(fetched.exchange.last_hop().unwrap().headers.0.len() <= 100);
}
