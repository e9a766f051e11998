//! A scripted relay on loopback (RFC 5321) that records every email.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub(crate) const USER: &str = "onreserve";
pub(crate) const PASSWORD: &str = "correct horse";
/// The password as `AUTH PLAIN` sends it (RFC 4616).
const AS_PLAIN: &str = "AG9ucmVzZXJ2ZQBjb3JyZWN0IGhvcnNl";

/// The response to an email.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Take,
    /// This reply instead of the one to the recipient.
    ToRecipient(&'static str),
    /// This reply instead of the one to the whole email.
    ToMail(&'static str),
    /// The whole email is read, then the connection is closed.
    HangUp,
}

/// An email that was sent whole, and the response to it.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) to: String,
    pub(crate) mail: String,
    pub(crate) was_taken: bool,
    pub(crate) was_private: bool,
}

/// Without the body, which would be too long.
impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}, taken: {}", self.header("Subject"), self.to, self.was_taken)
    }
}

impl Sent {
    pub(crate) fn header(&self, name: &str) -> &str {
        let name = format!("{name}: ");
        self.mail
            .lines()
            .find_map(|line| line.strip_prefix(&name))
            .unwrap_or_else(|| panic!("no {name}: {}", self.mail))
    }
}

/// A relay at its own address; down until it is opened.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    /// Holds the port while it is down, so that connections are refused.
    socket: Option<TcpSocket>,
    open: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

struct Shared {
    behaviour: Mutex<Behaviour>,
    sent: Mutex<Vec<Sent>>,
    /// If present, no email is accepted without TLS and a login.
    tls: Option<TlsAcceptor>,
    /// Called with every command before the response.
    listener: Box<dyn Fn() + Send + Sync>,
}

impl Relay {
    pub(crate) fn down() -> Self {
        Self::new(None, || ())
    }

    pub(crate) fn up() -> Self {
        Self::down().opened()
    }

    pub(crate) fn calling(listener: impl Fn() + Send + Sync + 'static) -> Self {
        Self::new(None, listener).opened()
    }

    /// A relay that requires STARTTLS and a login, and the authority of its certificate.
    pub(crate) fn strict() -> (Self, String) {
        let (tls, authority) = certified();
        (Self::new(Some(tls), || ()).opened(), authority)
    }

    fn new(tls: Option<TlsAcceptor>, listener: impl Fn() + Send + Sync + 'static) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(Behaviour::Take),
            sent: Mutex::default(),
            tls,
            listener: Box::new(listener),
        });
        Self { address: socket.local_addr().unwrap(), socket: Some(socket), open: None, shared }
    }

    pub(crate) fn opened(mut self) -> Self {
        let listener = self.socket.take().unwrap().listen(16).unwrap();
        let shared = Arc::clone(&self.shared);
        self.open = Some(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                // A client that disconnects is not an error of the relay.
                tokio::spawn(async move { shared.answer(stream).await.unwrap_or(()) });
            }
        }));
        self
    }

    pub(crate) fn set_behaviour(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap() = behaviour;
    }

    /// Every email that was sent whole, in order.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.shared.sent.lock().unwrap().clone()
    }

    pub(crate) fn taken(&self) -> Vec<Sent> {
        self.sent().into_iter().filter(|sent| sent.was_taken).collect()
    }
}

impl Shared {
    async fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut line = BufStream::new(stream);
        line.write_all(b"220 relay.test ready\r\n").await?;
        line.flush().await?;
        if self.converse(&mut line, self.tls.is_none()).await? == Then::Tls
            && let Some(tls) = &self.tls
        {
            self.converse(&mut BufStream::new(tls.accept(line.into_inner()).await?), true).await?;
        }
        Ok(())
    }

    async fn converse(
        &self,
        line: &mut BufStream<impl AsyncRead + AsyncWrite + Unpin>,
        is_private: bool,
    ) -> std::io::Result<Then> {
        let mut has_login = self.tls.is_none();
        let mut to = String::new();
        loop {
            let mut command = String::new();
            if line.read_line(&mut command).await? == 0 {
                return Ok(Then::End);
            }
            (self.listener)();
            let command = command.trim_end();
            let verb = command.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            let behaviour = *self.behaviour.lock().unwrap();
            let reply = match (verb.as_str(), behaviour) {
                ("EHLO", _) if !is_private => "250-relay.test\r\n250 STARTTLS",
                ("EHLO", _) => "250-relay.test\r\n250-8BITMIME\r\n250 AUTH PLAIN",
                ("STARTTLS", _) if !is_private => {
                    line.write_all(b"220 go ahead\r\n").await?;
                    line.flush().await?;
                    return Ok(Then::Tls);
                }
                ("AUTH", _) if !is_private => "538 encryption required",
                ("AUTH", _) if command.ends_with(AS_PLAIN) => {
                    has_login = true;
                    "235 welcome"
                }
                ("AUTH", _) => "535 5.7.8 wrong password",
                ("MAIL" | "RCPT" | "DATA", _) if !has_login => "530 5.7.0 login first",
                ("RCPT", Behaviour::ToRecipient(reply)) => reply,
                ("RCPT", _) => {
                    to = command.trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned();
                    "250 ok"
                }
                ("DATA", _) => {
                    line.write_all(b"354 go on\r\n").await?;
                    line.flush().await?;
                    let mail = mail(line).await?;
                    let was_taken = behaviour == Behaviour::Take;
                    let sent = Sent { to: to.clone(), mail, was_taken, was_private: is_private };
                    self.sent.lock().unwrap().push(sent);
                    (self.listener)();
                    match behaviour {
                        Behaviour::HangUp => return Ok(Then::End),
                        Behaviour::ToMail(reply) => reply,
                        Behaviour::Take | Behaviour::ToRecipient(_) => "250 2.0.0 queued as 1",
                    }
                }
                ("QUIT", _) => "221 bye",
                _ => "250 ok",
            };
            line.write_all(format!("{reply}\r\n").as_bytes()).await?;
            line.flush().await?;
        }
    }
}

#[derive(PartialEq, Eq)]
enum Then {
    End,
    Tls,
}

/// The lines up to the single dot, with doubled dots made single (section 4.5.2).
async fn mail(line: &mut BufStream<impl AsyncRead + AsyncWrite + Unpin>) -> std::io::Result<String> {
    let mut mail = String::new();
    loop {
        let mut next = String::new();
        if line.read_line(&mut next).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if next == ".\r\n" {
            return Ok(mail);
        }
        mail.push_str(next.strip_prefix('.').unwrap_or(&next));
    }
}

/// A certificate for 127.0.0.1, its key and the authority that signed it, in PEM.
pub(crate) fn certificate() -> (String, KeyPair, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    (params.signed_by(&key, &authority).unwrap().pem(), key, authority.pem())
}

fn certified() -> (TlsAcceptor, String) {
    use rustls::pki_types::pem::PemObject as _;
    let (certificate, key, authority) = certificate();
    let chain = vec![rustls::pki_types::CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), authority)
}
