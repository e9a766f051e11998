//! Servers that break HTTP/2 or flood it. Each visit ends within its limits.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use onreserve::domain::visit::ExchangeEnd;
use onreserve::world::fetch::FetchSettings;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::tls::{authority, file, leaf_config};
use super::{TestClient, settings};

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
/// `:status: 200` of the static table (RFC 7541, appendix A).
const STATUS_200: u8 = 0x88;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header that the dynamic table keeps, with a value of 4000 bytes.
fn kept_header() -> Vec<u8> {
    // 4000 = 127 + 3873, in groups of seven bits (RFC 7541 section 5.1).
    [&[0x40, 1, b'x', 0x7f, 0xa1, 0x1e][..], &[b'v'; 4000]].concat()
}

/// What a server sends once the client has sent a request.
#[derive(Clone, Copy, Debug)]
enum Attack {
    /// Header fields without an end.
    Continuations,
    /// One large header field that is named many thousand times.
    HeaderBomb,
    /// A list of headers that is far longer than the limit.
    LongHeaders,
    Settings,
    Pings,
    /// Frames of data without data.
    EmptyData,
    /// The stream is reset, again and again.
    Resets,
    GoAways,
    Pushes,
    Garbage,
}

impl Attack {
    fn first(self) -> Vec<u8> {
        match self {
            Self::Continuations => frame(HEADERS, 0, 1, &[STATUS_200]),
            Self::HeaderBomb => {
                let named_again = vec![0xbe; 12_000];
                let block = [&[STATUS_200][..], &kept_header(), &named_again].concat();
                frame(HEADERS, END_HEADERS, 1, &block)
            }
            Self::LongHeaders => {
                let (first, rest) = ([&[STATUS_200][..], &kept_header()].concat(), kept_header().repeat(4));
                let mut frames = frame(HEADERS, 0, 1, &first);
                for _ in 0..20 {
                    frames.extend(frame(CONTINUATION, 0, 1, &rest));
                }
                frames.extend(frame(CONTINUATION, END_HEADERS, 1, &[]));
                frames
            }
            Self::EmptyData => frame(HEADERS, END_HEADERS, 1, &[STATUS_200]),
            Self::Settings | Self::Pings | Self::Resets | Self::GoAways | Self::Pushes | Self::Garbage => {
                Vec::new()
            }
        }
    }

    /// Sent until the client ends the connection.
    fn again(self) -> Vec<u8> {
        match self {
            Self::Continuations => frame(CONTINUATION, 0, 1, &kept_header()),
            Self::HeaderBomb | Self::LongHeaders => frame(PING, 0, 0, &[0; 8]),
            Self::Settings => frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]),
            Self::Pings => frame(PING, 0, 0, &[7; 8]),
            Self::EmptyData => frame(0, 0, 1, &[]),
            Self::Resets => frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]),
            Self::GoAways => frame(GOAWAY, 0, 0, &[0; 8]),
            Self::Pushes => frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2, 0x82, 0x84, 0x87]),
            Self::Garbage => vec![0xff; 1024],
        }
    }
}

async fn run(attack: Attack, stream: &mut (impl AsyncWrite + Unpin)) -> Option<()> {
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.ok()?;
    stream.write_all(&attack.first()).await.ok()?;
    let again = attack.again();
    loop {
        stream.write_all(&again).await.ok()?;
        tokio::task::yield_now().await;
    }
}

async fn hostile(attack: Attack, acceptor: TlsAcceptor) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let (mut reading, mut writing) = tokio::io::split(stream);
                // The client's preface, settings and request.
                let _ = reading.read(&mut [0; 4096]).await;
                let drained =
                    async { while reading.read(&mut [0; 8192]).await.is_ok_and(|read| read > 0) {} };
                tokio::select! {
                    () = drained => {}
                    _ = run(attack, &mut writing) => {}
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_visit_ends_whatever_a_server_sends_over_http2() {
    let attacks = [
        Attack::Continuations,
        Attack::HeaderBomb,
        Attack::LongHeaders,
        Attack::Settings,
        Attack::Pings,
        Attack::EmptyData,
        Attack::Resets,
        Attack::GoAways,
        Attack::Pushes,
        Attack::Garbage,
    ];
    futures_util::future::join_all(attacks.map(ends)).await;
}

async fn ends(attack: Attack) {
    let authority = authority("Ours");
    let bundle = file(&authority.pem());
    let mut config = leaf_config(&authority, "press.school.edu", 2200);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let address = hostile(attack, TlsAcceptor::from(Arc::new(config))).await;
    let client = TestClient::new(&FetchSettings {
        extra_ca: Some(bundle.path().to_owned()),
        ..settings(&[("press.school.edu", address)])
    });
    let began = Instant::now();
    let ending = client.ending("https://press.school.edu/x").await;
    assert!(!matches!(ending, ExchangeEnd::Answered(_)), "{attack:?}: {ending:?}");
    // The robots.txt and the page each have eight seconds.
    assert!(began.elapsed() < Duration::from_secs(40), "{attack:?}: {:?}", began.elapsed());
}
