//! Why a server ends a TLS handshake without a reason: it may accept only cipher suites
//! that browsers still offer and we do not, or only versions that browsers refuse.
//!
//! The probe sends the first message of a handshake with these cipher suites, reads the
//! head of the answer and closes the connection. Nothing is encrypted or requested.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::domain::visit::Failure;

/// The suites of browsers that the client does not offer: with CBC, or without forward secrecy.
const OLD_SUITES: &[u16] = &[0xc009, 0xc00a, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035];
const GROUPS: &[u16] = &[0x001d, 0x0017, 0x0018];
const SIGNATURES: &[u16] =
    &[0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201];
/// A record's head, and of the message in it the type, the length and the version.
const ANSWER_BYTES: u64 = 11;

/// The failure that the answer of the server shows; `None` if it shows nothing.
pub(super) async fn probe(addresses: &[SocketAddr], host: &str, time: Duration) -> Option<Failure> {
    let answer = tokio::time::timeout(time, answer(addresses, host)).await.ok()?.ok()?;
    failure(&answer)
}

async fn answer(addresses: &[SocketAddr], host: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(addresses).await?;
    stream.write_all(&client_hello(host)).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES).read_to_end(&mut answer).await?;
    Ok(answer)
}

/// A `ServerHello` of TLS 1.2 accepts an old suite; one of an earlier version, or the
/// alert `protocol_version`, is of a server that knows no later version (RFC 5246,
/// sections 7.2 and 7.4.1.3).
fn failure(answer: &[u8]) -> Option<Failure> {
    const ALERT: u8 = 21;
    const HANDSHAKE: u8 = 22;
    const SERVER_HELLO: u8 = 2;
    const PROTOCOL_VERSION: u8 = 70;
    match *answer {
        [HANDSHAKE, _, _, _, _, SERVER_HELLO, _, _, _, 3, minor] => {
            Some(if minor >= 3 { Failure::TlsCipher } else { Failure::TlsVersion })
        }
        [ALERT, _, _, _, _, _, PROTOCOL_VERSION, ..] => Some(Failure::TlsVersion),
        _ => None,
    }
}

/// The first record of a handshake (RFC 5246 section 7.4.1.2).
fn client_hello(host: &str) -> Vec<u8> {
    // The random bytes of a handshake that is never completed protect nothing.
    let mut hello = vec![3, 3];
    hello.extend([0x5a; 32]);
    hello.push(0);
    hello.extend(sized(&numbers(OLD_SUITES)));
    hello.extend([1, 0]);
    let name = [&[0][..], &sized(host.as_bytes())].concat();
    let extensions = [
        extension(0, &sized(&name)),
        extension(10, &sized(&numbers(GROUPS))),
        extension(11, &[1, 0]),
        extension(13, &sized(&numbers(SIGNATURES))),
        extension(0xff01, &[0]),
    ];
    hello.extend(sized(&extensions.concat()));
    // The length of a handshake message has three bytes.
    let message = [&[1, 0][..], &sized(&hello)].concat();
    [&[22, 3, 1][..], &sized(&message)].concat()
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &sized(data)].concat()
}

fn numbers(list: &[u16]) -> Vec<u8> {
    list.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// The bytes behind their length. A host name has at most 253 bytes, so all lengths fit.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_the_first_message_fit() {
        let hello = client_hello("press.school.edu");
        let length = |at: usize| usize::from(u16::from_be_bytes([hello[at], hello[at + 1]]));
        assert_eq!((length(3), length(7)), (hello.len() - 5, hello.len() - 9));
        assert_eq!(length(44), OLD_SUITES.len() * 2);
        let extensions = 44 + 2 + OLD_SUITES.len() * 2 + 2;
        assert_eq!(length(extensions), hello.len() - extensions - 2);
    }

    #[test]
    fn the_answer_shows_what_the_server_accepts() {
        let server_hello = |minor| [22, 3, minor, 0, 80, 2, 0, 0, 76, 3, minor];
        assert_eq!(failure(&server_hello(3)), Some(Failure::TlsCipher));
        assert_eq!(failure(&server_hello(1)), Some(Failure::TlsVersion));
        assert_eq!(failure(&[21, 3, 1, 0, 2, 2, 70]), Some(Failure::TlsVersion));
        assert_eq!(failure(&[21, 3, 3, 0, 2, 2, 40]), None);
        assert_eq!(failure(b"HTTP/1.1 40"), None);
        assert_eq!(failure(b""), None);
    }
}
