//! A scripted web server on loopback that records every request.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use onreserve::world::clock::Clock;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) ended: Option<Instant>,
    pub(crate) host: String,
    pub(crate) target: String,
    /// The whole request head, in lower case.
    pub(crate) head: String,
    /// The body of a request that has one.
    pub(crate) body: String,
    pub(crate) connection: usize,
}

/// The response of the server, and what it does after it.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    pub(crate) then: Then,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    Listen,
    Close,
    Reset,
    Hang,
    /// The last `n` bytes one at a time, with a pause before each.
    Drip(usize, Duration),
    /// The same 64 KiB until the client disconnects.
    Endless,
}

pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<Seen>>>,
}

impl Reply {
    /// A response with its length.
    pub(crate) fn new(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut bytes = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len()).into_bytes();
        for line in headers.lines().map(str::trim).filter(|line| !line.is_empty()) {
            bytes.extend_from_slice(format!("{line}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        Self { bytes, then: Then::Listen }
    }

    pub(crate) fn page(body: &str) -> Self {
        Self::new(200, "content-type: text/html", body)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "content-type: text/html", "<h1>Not Found</h1>")
    }

    pub(crate) fn to(location: &str) -> Self {
        Self::new(302, &format!("location: {location}"), "")
    }

    pub(crate) fn raw(bytes: impl AsRef<[u8]>, then: Then) -> Self {
        Self { bytes: bytes.as_ref().to_vec(), then }
    }
}

impl Site {
    /// Serves until the runtime of the test ends.
    pub(crate) async fn start(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(script, None).await
    }

    pub(crate) async fn start_tls(
        script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
        acceptor: TlsAcceptor,
    ) -> Self {
        Self::listen(script, Some(acceptor)).await
    }

    async fn listen(
        script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::<Mutex<Vec<Seen>>>::default();
        let site = Self { address, log: Arc::clone(&log) };
        let script = Arc::new(script);
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let visit = Visit { script: Arc::clone(&script), log: Arc::clone(&log), connection };
                let tls = tls.clone();
                tokio::spawn(async move {
                    match tls {
                        None => visit.plain(stream).await,
                        Some(tls) => {
                            if let Ok(mut stream) = tls.accept(stream).await {
                                visit.serve(&mut stream).await;
                                let _ = stream.shutdown().await;
                            }
                        }
                    }
                });
            }
        });
        site
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.log.lock().unwrap().clone()
    }

    /// The requested targets in order, without robots.txt.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.target).filter(|target| target != "/robots.txt").collect()
    }
}

struct Visit<F> {
    script: Arc<F>,
    log: Arc<Mutex<Vec<Seen>>>,
    connection: usize,
}

impl<F: Fn(&Seen) -> Reply> Visit<F> {
    async fn plain(&self, mut stream: TcpStream) {
        if matches!(self.serve(&mut stream).await, Some(Then::Reset)) {
            stream.set_zero_linger().unwrap();
        }
    }

    async fn serve(&self, stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Option<Then> {
        loop {
            let head = read_head(stream).await?;
            let body = read_body(stream, &head).await?;
            let clock = Clock::system();
            let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
            let seen = Seen {
                at: clock.instant(),
                ended: None,
                host: host.to_owned(),
                target: head.split(' ').nth(1).unwrap_or_default().to_owned(),
                head: head.clone(),
                body,
                connection: self.connection,
            };
            let index = {
                let mut log = self.log.lock().unwrap();
                log.push(seen.clone());
                log.len() - 1
            };
            let reply = (self.script)(&seen);
            let sent = send(stream, &reply).await;
            self.log.lock().unwrap()[index].ended = Some(clock.instant());
            sent?;
            if !matches!(reply.then, Then::Listen) {
                return Some(reply.then);
            }
        }
    }
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&head).to_lowercase())
}

async fn read_body(stream: &mut (impl AsyncRead + Unpin), head: &str) -> Option<String> {
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    Some(String::from_utf8(body).unwrap())
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), reply: &Reply) -> Option<()> {
    let dripped = match reply.then {
        Then::Drip(bytes, _) => bytes,
        Then::Listen | Then::Close | Then::Reset | Then::Hang | Then::Endless => 0,
    };
    let (at_once, slowly) = reply.bytes.split_at(reply.bytes.len() - dripped);
    stream.write_all(at_once).await.ok()?;
    stream.flush().await.ok()?;
    match reply.then {
        Then::Listen | Then::Close | Then::Reset => {}
        Then::Hang => std::future::pending().await,
        Then::Drip(_, pause) => {
            for byte in slowly {
                Clock::system().sleep(pause).await;
                stream.write_all(&[*byte]).await.ok()?;
                stream.flush().await.ok()?;
            }
        }
        Then::Endless => loop {
            stream.write_all(&vec![b'A'; 65536]).await.ok()?;
        },
    }
    Some(())
}
