//! Many readers of one large copy, and many silent connections: the memory of a service in
//! its own process, as the system counts it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::course;
use crate::engines;
use crate::fetch::site::{Reply, Seen};
use crate::service::{Service, get, pages_of};

/// A file of the course itself, so that it always opens.
pub(crate) const LARGE: &str = "http://course.example/dgm/large.pdf";
const MIB: u64 = 1 << 20;
/// The longest wait for a response that should come immediately.
const LONG: Duration = Duration::from_mins(10);

/// An archive with one copy of 8 MiB.
pub(crate) fn archive() -> &'static Path {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    ARCHIVE.get_or_init(|| course::archive_of(1, |seen, _| answer(seen, 8 << 20)))
}

fn answer(seen: &Seen, bytes: usize) -> Reply {
    match seen.target.as_str() {
        "/dgm/" => Reply::page(&format!("<title>Course</title><a href=\"{LARGE}\">A large reading</a>")),
        "/dgm/large.pdf" => {
            Reply::new(200, "content-type: application/pdf", course::pdf_with("A large reading", 1, bytes))
        }
        "/" => Reply::page(&course::article("Welcome", "to all")),
        _ => Reply::not_found(),
    }
}

/// The service over a copy of an archive, its address, and the path of the large copy.
async fn serving(archive: &Path) -> (tempfile::TempDir, Service, SocketAddr, String) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let copied = dir.path().join("archive");
    engines::copy(&archive.with_file_name("untouched"), &copied);
    let catalogue = engines::open_catalogue(&copied).await;
    let captures = catalogue.captures(&LARGE.parse().unwrap()).await.unwrap();
    let path = format!("/blob/{}/large.pdf", captures[0].capture.sha256);
    catalogue.close().await;
    let configuration = dir.path().join("onreserve.toml");
    let text = format!(
        "{}[pages]\nlisten = \"127.0.0.1:0\"\n\
         [[course]]\nid = \"dgm\"\npage = \"http://course.example/dgm/\"\n",
        engines::keys(&copied)
    );
    std::fs::write(&configuration, text).unwrap();
    let service = Service::by(&configuration, "2026-09-15T12:00:00Z", |_| {});
    service.says("waiting until").await;
    let at = pages_of(&service).await;
    (dir, service, at, path)
}

/// The peak memory of the service so far.
fn peak(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.child.id().unwrap())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// Reads the copy to its end, after all other readers have its beginning.
async fn read(at: SocketAddr, path: Arc<str>, all: Arc<Barrier>) -> u64 {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut buffer = vec![0; 64 << 10];
    let mut total = stream.read(&mut buffer).await.unwrap() as u64;
    assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..100]));
    all.wait().await;
    loop {
        match stream.read(&mut buffer).await.unwrap() {
            0 => return total,
            read => total += read as u64,
        }
    }
}

/// The peak memory for a number of simultaneous readers; each gets the whole file.
async fn cost_of(readers: usize, archive: &Path, bytes: u64) -> u64 {
    let (_dir, service, at, path) = serving(archive).await;
    let (path, all) = (Arc::<str>::from(path), Arc::new(Barrier::new(readers)));
    let mut reading = JoinSet::new();
    for _ in 0..readers {
        reading.spawn(read(at, Arc::clone(&path), Arc::clone(&all)));
    }
    while let Some(read) = tokio::time::timeout(LONG, reading.join_next()).await.expect("all are served") {
        assert!(read.unwrap() > bytes, "a copy was cut off");
    }
    let peak = peak(&service);
    service.stop().await;
    peak
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_never_completely_in_memory() {
    let peak = cost_of(50, archive(), 8 * MIB).await;
    assert!(peak < 160 * MIB, "{} MiB for 400 MiB under way", peak / MIB);
}

/// `cargo test --locked --test integration load -- --ignored --nocapture`
#[expect(clippy::print_stderr, reason = "the test is run for its figure")]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it transfers 20 GB; run it by hand"]
async fn two_hundred_readers_of_a_hundred_megabytes_fit_in_256() {
    const BYTES: usize = 100_000_000;
    let archive = course::archive_of(1, |seen, _| answer(seen, BYTES));
    let peak = cost_of(200, &archive, BYTES as u64).await;
    eprintln!("at most {} MiB for 200 readers of 100 MB", peak / MIB);
    assert!(peak < 256 * MIB, "{} MiB", peak / MIB);
}

/// It needs 20,000 open files: `ulimit -n 20000`, then
/// `cargo test --locked --test integration load -- --ignored --nocapture`
#[expect(clippy::print_stderr, reason = "the test is run for its figure")]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs 20,000 open files; run it by hand"]
async fn ten_thousand_silent_connections_keep_no_client_out() {
    let (_dir, service, at, _) = serving(archive()).await;
    let mut connections = Vec::new();
    for number in 0..10_000 {
        let mut slow = TcpStream::connect(at).await.unwrap();
        // Some of them were closed by then.
        let _ = slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
        connections.push(slow);
        if number % 1000 == 999 {
            let page =
                tokio::time::timeout(LONG, get(at, "/c/dgm/")).await.expect("a new client is answered");
            assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        }
    }
    let peak = peak(&service);
    eprintln!("at most {} MiB for 10,000 connections", peak / MIB);
    assert!(peak < 256 * MIB, "{} MiB", peak / MIB);
    drop(connections);
    service.stop().await;
}
