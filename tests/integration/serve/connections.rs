//! Many clients at the same time, and malformed requests.

use std::time::Duration;

use onreserve::serve::ServeLimits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::course::{GONE, NIGHTS, start_of};
use super::{Server, load, settings};

/// The longest wait for a response that should come immediately.
const LONG: Duration = Duration::from_mins(2);

#[tokio::test]
async fn silent_connections_keep_no_client_out() {
    let mut small = settings();
    small.limits =
        ServeLimits { connections: 20, read_timeout: Duration::from_hours(1), ..ServeLimits::default() };
    let server = Server::with(small, start_of(NIGHTS + 1)).await;
    let mut connections = Vec::new();
    for _ in 0..200 {
        let mut slow = TcpStream::connect(server.address).await.unwrap();
        let _ = slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
        connections.push(slow);
    }
    let answered = tokio::time::timeout(LONG, server.get("/c/dgm/")).await.expect("a new client is answered");
    assert_eq!(answered.status, 200);
    let mut closed = 0;
    for slow in &mut connections[..150] {
        let ended = tokio::time::timeout(LONG, slow.read(&mut [0; 1])).await.expect("it was closed");
        closed += usize::from(matches!(ended, Ok(0) | Err(_)));
    }
    assert_eq!(closed, 150, "the longest idle ones");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_comes_at_once_is_answered() {
    let mut small = settings();
    small.limits = ServeLimits { connections: 20, ..ServeLimits::default() };
    small.proxies.trusted.push("127.0.0.1".parse().unwrap());
    let server = Server::with(small, start_of(NIGHTS + 1)).await;
    let students: Vec<_> = (0..300)
        .map(|_| {
            let address = server.address;
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let request = b"GET /c/dgm/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
                stream.write_all(request).await.unwrap();
                let mut answer = Vec::new();
                let _ = stream.read_to_end(&mut answer).await;
                String::from_utf8_lossy(&answer).into_owned()
            })
        })
        .collect();
    for student in students {
        let answer = student.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:.40}");
    }
}

#[tokio::test]
async fn a_response_in_progress_is_not_cut_off() {
    let mut small = settings();
    small.limits =
        ServeLimits { connections: 2, read_timeout: Duration::from_hours(1), ..ServeLimits::default() };
    let server = Server::with(small, start_of(NIGHTS + 1)).await;
    let path = server.blob(GONE).await;
    let mut reader = TcpStream::connect(server.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    reader.write_all(request.as_bytes()).await.unwrap();
    let mut copy = vec![0; 1];
    reader.read_exact(&mut copy).await.unwrap();
    let mut connections = Vec::new();
    for _ in 0..20 {
        connections.push(TcpStream::connect(server.address).await.unwrap());
    }
    reader.read_to_end(&mut copy).await.unwrap();
    let reply = super::parse(&copy);
    assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()));
}

/// Requests a copy and reads only its first byte.
async fn unread(server: &Server, path: &str, client: &str) -> (TcpStream, u8) {
    let mut reader = TcpStream::connect(server.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\n\r\n");
    reader.write_all(request.as_bytes()).await.unwrap();
    let mut start = [0; 10];
    tokio::time::timeout(LONG, reader.read_exact(&mut start)).await.expect("it is answered").unwrap();
    (reader, start[9])
}

#[tokio::test]
async fn one_client_cannot_use_every_slot_but_a_trusted_proxy_can() {
    let mut small = settings();
    small.limits = ServeLimits { connections: 8, ..ServeLimits::default() };
    let server = Server::over(load::archive(), small.clone(), start_of(NIGHTS + 1)).await;
    let copy = server.blob(load::LARGE).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let (reader, status) = unread(&server, &copy, "").await;
        assert_eq!(status, b'2');
        held.push(reader);
    }
    assert_eq!(unread(&server, &copy, "").await.1, b'4', "half of all slots are used");
    drop(held.pop());
    while unread(&server, "/healthz", "").await.1 != b'2' {}

    small.proxies.trusted.push("127.0.0.1".parse().unwrap());
    let server = Server::over(load::archive(), small, start_of(NIGHTS + 1)).await;
    let mut held = Vec::new();
    for reader in 0..6 {
        let (stream, status) = unread(&server, &copy, &format!("203.0.113.{reader}")).await;
        assert_eq!(status, b'2', "the proxy has many clients");
        held.push(stream);
    }
}

/// Sends bytes and returns the response.
async fn exchange(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(LONG, stream.read_to_end(&mut answer)).await.expect("it ends");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn ambiguous_requests_are_refused() {
    let server = Server::start().await;
    let hidden = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let long = "x".repeat(70 << 10);
    for (what, head) in [
        ("two lengths", "Content-Length: 4\r\nContent-Length: 0\r\n\r\n".to_owned()),
        ("a list of lengths", "Content-Length: 4, 0\r\n\r\n".to_owned()),
        ("a length with a sign", "Content-Length: +0\r\n\r\n".to_owned()),
        ("a negative length", "Content-Length: -1\r\n\r\n".to_owned()),
        ("an unknown coding", "Transfer-Encoding: xchunked\r\n\r\n".to_owned()),
        ("chunked that is not last", "Transfer-Encoding: chunked, identity\r\n\r\n".to_owned()),
        (
            "a length and a coding",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        ),
        ("a space before the colon", "Content-Length : 0\r\n\r\n".to_owned()),
        ("a folded line", "X-A: b\r\n Content-Length: 0\r\n\r\n".to_owned()),
        ("a naked carriage return", "X-A: b\rContent-Length: 0\r\n\r\n".to_owned()),
        ("a zero byte", "X-A: b\0\r\n\r\n".to_owned()),
        ("no colon", "X-A\r\n\r\n".to_owned()),
        ("a chunk without a size", "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n".to_owned()),
        (
            "a chunk larger than any number",
            "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff1\r\n\r\n".to_owned(),
        ),
        ("a head without an end", format!("X-A: {long}\r\n\r\n")),
    ] {
        let request = format!("POST /c/dgm/login HTTP/1.1\r\nHost: x\r\n{head}{hidden}");
        let answer = exchange(&server, &request).await;
        assert!(!answer.contains("ok\n"), "{what}: the hidden request was answered\n{answer}");
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{what}: {answer}");
    }
    assert!(exchange(&server, hidden).await.contains("ok\n"), "it would have been");
}
