//! Certificates: good, bad and missing.

use std::io::Write as _;
use std::sync::Arc;

use onreserve::domain::visit::{CertificateError, ExchangeEnd, Failure};
use onreserve::world::clock::Clock;
use onreserve::world::fetch::{self, Fetch, FetchRequest, FetchSettings};
use onreserve::world::spool::Spool;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

use super::site::{Reply, Site, Then};
use super::{TestClient, request, settings, text};

type Authority = CertifiedIssuer<'static, KeyPair>;

pub(super) fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn leaf(authority: &Authority, name: &str, last_year: i32) -> TlsAcceptor {
    TlsAcceptor::from(Arc::new(leaf_config(authority, name, last_year)))
}

pub(super) fn leaf_config(authority: &Authority, name: &str, last_year: i32) -> ServerConfig {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(last_year, 1, 1);
    signed(params, authority)
}

fn signed(params: CertificateParams, authority: &Authority) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap()
}

pub(super) fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

async fn visit(trusted: Option<&str>, acceptor: TlsAcceptor) -> ExchangeEnd {
    let site = Site::start_tls(|_| Reply::page("<p>private words"), acceptor).await;
    let bundle = trusted.map(file);
    let other = file(&authority("Another").pem());
    let settings = FetchSettings {
        // An authority is always configured, because a machine may have no certificate store.
        extra_ca: Some(bundle.as_ref().unwrap_or(&other).path().to_owned()),
        ..settings(&[("press.school.edu", site.address)])
    };
    TestClient::new(&settings).ending("https://press.school.edu/x").await
}

#[tokio::test]
async fn a_trusted_authority_in_a_long_bundle_is_found() {
    let authority = self::authority("Ours");
    let mut bundle = String::from("# certificates of the school\n");
    for n in 0..40 {
        bundle.push_str(&self::authority(&format!("Authority {n}")).pem());
    }
    bundle.push_str(&authority.pem());
    let acceptor = leaf(&authority, "press.school.edu", 2200);
    assert!(matches!(visit(Some(&bundle), acceptor).await, ExchangeEnd::Answered(_)));
}

#[tokio::test]
async fn a_certificate_that_signs_itself_has_an_unknown_issuer() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["press.school.edu".to_owned()]).unwrap();
    let certificate = certificate.self_signed(&key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    let ending = visit(None, TlsAcceptor::from(Arc::new(config))).await;
    assert_eq!(ending, ExchangeEnd::Failed(Failure::Certificate(CertificateError::UnknownIssuer)));
}

/// Ends every connection after a part of a real handshake.
#[tokio::test]
async fn a_handshake_that_is_cut_off_is_no_certificate_fault() {
    let bundle = file(&authority("Ours").pem());
    for parts in [0, 1, 3] {
        let acceptor = leaf(&authority("Ours"), "press.school.edu", 2200);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (ours, theirs) = tokio::io::duplex(1 << 16);
                let _handshake = tokio::spawn(acceptor.accept(theirs));
                let (mut from_server, mut to_server) = tokio::io::split(ours);
                let mut hello = vec![0; 4096];
                let length = stream.read(&mut hello).await.unwrap_or(0);
                let _ = to_server.write_all(&hello[..length]).await;
                let mut answer = vec![0; 40 * parts];
                let _ = from_server.read_exact(&mut answer).await;
                let _ = stream.write_all(&answer).await;
            }
        });
        let settings = FetchSettings {
            extra_ca: Some(bundle.path().to_owned()),
            ..settings(&[("press.school.edu", address)])
        };
        let ending = TestClient::new(&settings).ending("https://press.school.edu/x").await;
        let is_of_connection = matches!(
            ending,
            ExchangeEnd::Failed(Failure::Tls | Failure::Reset | Failure::Connect | Failure::TlsCipher)
        );
        assert!(is_of_connection, "{parts}: {ending:?}");
    }
}

#[tokio::test]
async fn bad_certificates_are_distinguished() {
    let authority = self::authority("Ours");
    let pem = authority.pem();
    let table = [
        (Some(pem.as_str()), leaf(&authority, "press.school.edu", 2020), CertificateError::Expired),
        (Some(pem.as_str()), leaf(&authority, "other.school.edu", 2200), CertificateError::WrongName),
        (None, leaf(&authority, "press.school.edu", 2200), CertificateError::UnknownIssuer),
    ];
    for (trusted, acceptor, fault) in table {
        let ending = visit(trusted, acceptor).await;
        assert_eq!(ending, ExchangeEnd::Failed(Failure::Certificate(fault)));
    }
}

/// A server that ends our handshakes, and accepts only what some suites of browsers offer:
/// it answers their first message with the head of a `ServerHello`.
async fn picky_server(minor: u8) -> std::net::SocketAddr {
    const ECDHE_RSA_AES_128_CBC: [u8; 2] = [0xc0, 0x13];
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = vec![0; 4096];
            let length = stream.read(&mut hello).await.unwrap_or(0);
            // The suites are behind the random bytes and an empty session.
            if hello[..length].windows(2).any(|suite| suite == ECDHE_RSA_AES_128_CBC) && hello[43] == 0 {
                let _ = stream.write_all(&[22, 3, minor, 0, 80, 2, 0, 0, 76, 3, minor]).await;
            }
        }
    });
    address
}

#[tokio::test]
async fn a_server_that_ends_the_handshake_is_asked_what_it_accepts() {
    for (minor, expected) in [(3, Failure::TlsCipher), (1, Failure::TlsVersion)] {
        let address = picky_server(minor).await;
        let bundle = file(&authority("Ours").pem());
        let settings = FetchSettings {
            extra_ca: Some(bundle.path().to_owned()),
            ..settings(&[("old.school.edu", address)])
        };
        let ending = TestClient::new(&settings).ending("https://old.school.edu/x").await;
        assert_eq!(ending, ExchangeEnd::Failed(expected));
    }
}

/// Signed by an authority whose certificate is neither trusted nor sent, but is at an
/// address that the leaf names.
#[tokio::test]
async fn a_missing_intermediate_is_no_unknown_issuer() {
    const ACCESS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
    let authority = self::authority("An intermediate");
    let mut params = CertificateParams::new(vec!["press.school.edu".to_owned()]).unwrap();
    // caIssuers, RFC 5280 section 4.2.2.1: http://a.example
    let issuer = b"\x30\x1e\x30\x1c\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x02\x86\x10http://a.example";
    params.custom_extensions = vec![CustomExtension::from_oid_content(ACCESS, issuer.to_vec())];
    let acceptor = TlsAcceptor::from(Arc::new(signed(params, &authority)));
    let fault = Failure::Certificate(CertificateError::MissingIntermediate);
    assert_eq!(visit(None, acceptor).await, ExchangeEnd::Failed(fault));
}

#[tokio::test]
async fn a_failed_handshake_is_no_certificate_fault() {
    let site = Site::start(|_| Reply::raw("HTTP/1.1 400 Bad FetchRequest\r\n\r\n", Then::Close)).await;
    let bundle = file(&authority("Ours").pem());
    let settings = FetchSettings {
        extra_ca: Some(bundle.path().to_owned()),
        ..settings(&[("plain.school.edu", site.address)])
    };
    let client = TestClient::new(&settings);
    // The scripted server waits for a request head that never comes.
    let ending = client.ending("https://plain.school.edu/x").await;
    assert!(
        matches!(ending, ExchangeEnd::Failed(Failure::TimedOut | Failure::Tls | Failure::Connect)),
        "{ending:?}"
    );
}

#[tokio::test]
async fn a_close_without_tls_notify_ends_the_page() {
    let authority = self::authority("Ours");
    let acceptor = leaf(&authority, "press.school.edu", 2200);
    let reply =
        || Reply::raw("HTTP/1.0 200 OK\r\ncontent-type: text/html\r\n\r\n<html>all of it", Then::Close);
    let site = Site::start_tls(move |_| reply(), acceptor).await;
    let bundle = file(&authority.pem());
    let settings = FetchSettings {
        extra_ca: Some(bundle.path().to_owned()),
        ..settings(&[("press.school.edu", site.address)])
    };
    assert_eq!(text(&TestClient::new(&settings).get("https://press.school.edu/x").await), "<html>all of it");
}

#[test]
fn unusable_settings_name_the_correction() {
    let fault = |settings: FetchSettings| -> fetch::Error {
        let dir = tempfile::tempdir().unwrap();
        match Fetch::new(&settings, Spool::new(dir.path().to_owned()), Clock::system()) {
            Ok(_) => panic!("these settings cannot be used"),
            Err(fault) => fault,
        }
    };
    let missing =
        fault(FetchSettings { extra_ca: Some("/no/such/ca.pem".into()), ..FetchSettings::default() });
    assert!(missing.to_string().contains("/no/such/ca.pem"), "{missing}");
    for garbage in ["", "not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    {
        let garbled = file(garbage);
        let fault =
            fault(FetchSettings { extra_ca: Some(garbled.path().to_owned()), ..FetchSettings::default() });
        assert!(
            fault.to_string().contains("set extra_ca to a file of certificates in PEM format"),
            "{fault}"
        );
    }
    let proxy = fault(FetchSettings { proxy: Some("::".to_owned()), ..FetchSettings::default() });
    assert!(proxy.to_string().contains("http://proxy.school.edu:3128"), "{proxy}");
    let contact = fault(FetchSettings { contact: Some("a\nb".to_owned()), ..FetchSettings::default() });
    assert!(contact.to_string().contains("in ASCII"), "{contact}");
}

/// Uses HTTP/2 if it is offered, and resets every stream; otherwise HTTP/1.1.
async fn broken_over_h2(config: ServerConfig) -> std::net::SocketAddr {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await.unwrap();
                if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
                    let reply = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nplain";
                    let _ = stream.read_u8().await;
                    stream.write_all(reply.as_bytes()).await.unwrap();
                    let _ = stream.shutdown().await;
                    return;
                }
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    if request.uri().path() == "/whole" || request.uri().path() == "/robots.txt" {
                        let mut body = respond.send_response(axum::http::Response::default(), false).unwrap();
                        body.send_data("# over h2".into(), true).unwrap();
                    } else {
                        respond.send_reset(h2::Reason::INTERNAL_ERROR);
                    }
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_host_with_broken_http2_is_retried_over_http1() {
    let authority = self::authority("Ours");
    let mut config = leaf_config(&authority, "press.school.edu", 2200);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let address = broken_over_h2(config).await;
    let bundle = file(&authority.pem());
    let client = TestClient::new(&FetchSettings {
        extra_ca: Some(bundle.path().to_owned()),
        ..settings(&[("press.school.edu", address)])
    });
    assert_eq!(text(&client.get("https://press.school.edu/whole").await), "# over h2");
    assert_eq!(client.ending("https://press.school.edu/x").await, ExchangeEnd::Failed(Failure::Reset));
    let fresh = FetchRequest { fresh_connection: true, ..request("https://press.school.edu/x") };
    assert_eq!(text(&client.fetch.exchange(&fresh).await.unwrap()), "plain");
}
