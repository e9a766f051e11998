//! The web service over real sockets, with an archive from five real nights.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod access;
mod admin;
mod browser;
pub(crate) mod course;
mod course_staff;
mod connections;
mod decisions;
mod description;
mod documents;
mod downloads;
mod export;
mod hostile;
mod hostile_pages;
mod http_basics;
mod load;
mod memento;
mod monitors;
mod oidc;
mod origin;
mod pages;
mod identity_provider;
mod password_login;
mod schemathesis;
mod search;
mod takedown;

use std::net::SocketAddr;
use std::path::Path;

use jiff::Timestamp;
use onreserve::domain::address::{Address, LinkId};
use onreserve::domain::course::{CopyRules, Rights, RightsRule};
use onreserve::serve::{self, AppState, CourseRules, RecheckQueue, RecheckReceiver, ServeSettings};
use onreserve::world::catalogue::Catalogue;
use onreserve::world::clock::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::engines;

/// A running server with the course's archive.
struct Server {
    address: SocketAddr,
    catalogue: Catalogue,
    /// The rechecks that pages requested.
    rechecks: RecheckReceiver,
}

/// A response as received.
#[derive(Debug)]
struct Reply {
    status: u16,
    /// Header names as received.
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A dark course in the middle of its term.
fn settings() -> ServeSettings {
    let rule = |pattern: &str, rights| RightsRule { pattern: pattern.to_owned(), rights };
    ServeSettings {
        courses: vec![CourseRules {
            term: Some(course::term()),
            copies: CopyRules {
                rights: vec![
                    rule("press.example", Rights::Licensed),
                    rule("owner.example", Rights::TakenDown),
                ],
                ..CopyRules::default()
            },
            contact: Some("staff@course.example".to_owned()),
            ..CourseRules::new("dgm".parse().unwrap())
        }],
        copyright_contact: Some("library@course.example".to_owned()),
        ..ServeSettings::default()
    }
}

impl Server {
    async fn start() -> Self {
        Self::with(settings(), course::start_of(course::NIGHTS + 1)).await
    }

    async fn with(settings: ServeSettings, now: Timestamp) -> Self {
        Self::over(course::archive(), settings, now).await
    }

    async fn over(dir: &Path, settings: ServeSettings, now: Timestamp) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), dir, settings, now).await
    }

    /// With a base URL that is its real address.
    async fn at_its_own_address(settings: ServeSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let now = course::start_of(course::NIGHTS + 1);
        Self::on(listener, course::archive(), ServeSettings { base_url, ..settings }, now).await
    }

    async fn on(listener: TcpListener, dir: &Path, settings: ServeSettings, now: Timestamp) -> Self {
        let catalogue = engines::open_catalogue(dir).await;
        let archive = engines::open_archive(dir);
        let (queue, rechecks) = RecheckQueue::connected();
        let state = AppState::new(archive, catalogue.clone(), Clock::pretending(now), settings)
            .with_recheck_queue(queue);
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve::run(listener, state, std::future::pending()));
        Self { address, catalogue, rechecks }
    }

    async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[]).await
    }

    async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.ask("GET", path, headers).await
    }

    /// A form, sent as a browser sends one from a page of this service.
    async fn post(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Reply {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let length = body.len().to_string();
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        let mut all = vec![kind, ("Content-Length", length.as_str()), ("Sec-Fetch-Site", "same-origin")];
        all.retain(|(name, _)| headers.iter().all(|(given, _)| given != name));
        all.extend(headers.iter().filter(|(_, value)| !value.is_empty()));
        self.send("POST", path, &all, &body).await
    }

    /// A request with exactly this target.
    async fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(method, target, headers, "").await
    }

    async fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let line = |(name, value): &(&str, &str)| format!("{name}: {value}\r\n");
        let is_host = |(name, _): &&(&str, &str)| *name == "Host";
        let host = headers.iter().find(is_host).map_or("localhost", |(_, host)| *host);
        let others = headers.iter().filter(|header| !is_host(header));
        let lines = others.map(line).collect::<Vec<_>>().concat();
        let head =
            format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n{body}");
        self.raw(&head).await
    }

    /// A request with exactly these bytes.
    async fn raw(&self, request: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        parse(&bytes)
    }

    /// The address of the newest copy of a link.
    async fn blob(&self, link: &str) -> String {
        let captures = self.catalogue.captures(&Address::parse(link).unwrap()).await.unwrap();
        format!("/blob/{}/x", captures.last().expect("a copy").capture.sha256)
    }
}

fn parse(bytes: &[u8]) -> Reply {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap_or((line, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let rest = &bytes[end + 4..];
    let is_chunked = headers
        .iter()
        .any(|(name, value)| name.eq_ignore_ascii_case("transfer-encoding") && value == "chunked");
    let body = if is_chunked { joined(rest) } else { rest.to_vec() };
    Reply { status, headers, body }
}

/// The chunks of a body (RFC 9112 section 7.1). It must have its last chunk.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = chunks.windows(2).position(|window| window == b"\r\n").expect("the size of a chunk");
        let size = std::str::from_utf8(&chunks[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&chunks[end + 2..end + 2 + size]);
        chunks = &chunks[end + 2 + size + 2..];
    }
}

fn id(link: &str) -> LinkId {
    LinkId::of(&Address::parse(link).unwrap())
}
