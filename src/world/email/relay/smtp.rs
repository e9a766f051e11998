//! Sending through an SMTP server (RFC 5321), with one connection for each email.
//!
//! The meaning of a lost connection depends on the step. Before the end of the
//! data the email was not sent; after it the server may have the email.

use std::fmt::{Debug, Display};
use std::path::Path;
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;

use super::{Error, Mailbox, OutgoingEmail, SendResult, SmtpSecurity, SmtpServer, one_line};

const CONNECTING: Duration = Duration::from_secs(30);
/// The timeout of each command (RFC 5321 section 4.5.3.2).
const ANSWERING: Duration = Duration::from_mins(5);
/// The timeout after the data, when a relay may scan for viruses.
const TAKING: Duration = Duration::from_mins(10);
/// The timeout of QUIT, whose answer does not matter.
const LEAVING: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) struct Smtp {
    server: SmtpServer,
    tls: Option<TlsParameters>,
}

impl Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.server.fmt(f)
    }
}

impl Smtp {
    pub(super) fn new(server: &SmtpServer) -> Result<Self, Error> {
        // An error means that a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = match server.security {
            SmtpSecurity::None => None,
            SmtpSecurity::StartTls | SmtpSecurity::Tls => Some(tls(server)?),
        };
        Ok(Self { server: server.clone(), tls })
    }

    pub(super) async fn send(&self, outgoing: &OutgoingEmail<'_>) -> SendResult {
        let mut line = match self.open(outgoing.from).await {
            Ok(line) => line,
            Err(problem) => {
                return SendResult::NoRelay(format!("{}:{}: {problem}", self.server.host, self.server.port));
            }
        };
        let outcome = match envelope(&mut line, outgoing).await {
            Ok(()) => content(&mut line, outgoing.mail).await,
            Err(outcome) => outcome,
        };
        // The result is known, so an error of QUIT does not matter.
        let _ = tokio::time::timeout(LEAVING, line.abort()).await;
        outcome
    }

    /// Connects and logs in as for an email, and quits.
    pub(super) async fn check(&self, from: &Mailbox) -> Result<(), String> {
        let at_place = |problem| format!("{}:{}: {problem}", self.server.host, self.server.port);
        let mut line = self.open(from).await.map_err(at_place)?;
        let _ = tokio::time::timeout(LEAVING, line.abort()).await;
        Ok(())
    }

    async fn open(&self, from: &Mailbox) -> Result<AsyncSmtpConnection, String> {
        let hello = ClientId::Domain(from.email.domain().to_owned());
        let place = (self.server.host.as_str(), self.server.port);
        let wrapped = match self.server.security {
            SmtpSecurity::Tls => self.tls.clone(),
            SmtpSecurity::StartTls | SmtpSecurity::None => None,
        };
        let connecting = AsyncSmtpConnection::connect_tokio1(place, Some(CONNECTING), &hello, wrapped, None);
        let mut line = within(ANSWERING, connecting).await?;
        if let (SmtpSecurity::StartTls, Some(tls)) = (self.server.security, &self.tls) {
            within(ANSWERING, line.starttls(tls.clone(), &hello)).await?;
        }
        if let Some(login) = &self.server.login {
            let credentials = Credentials::new(login.user.clone(), login.password.0.clone());
            within(ANSWERING, line.auth(&[Mechanism::Plain, Mechanism::Login], &credentials)).await?;
        }
        Ok(line)
    }
}

/// Sends the envelope. After `Ok` the server waits for the data.
async fn envelope(line: &mut AsyncSmtpConnection, outgoing: &OutgoingEmail<'_>) -> Result<(), SendResult> {
    let to = outgoing
        .to
        .as_str()
        .parse()
        .map_err(|_| SendResult::Refused("not a valid email address".to_owned()))?;
    command(line, Mail::new(Some(outgoing.from.email.clone()), Vec::new())).await?;
    command(line, Rcpt::new(to, Vec::new())).await?;
    command(line, Data).await
}

async fn command(line: &mut AsyncSmtpConnection, command: impl Display) -> Result<(), SendResult> {
    match tokio::time::timeout(ANSWERING, line.command(command)).await {
        Err(_) => Err(SendResult::NoRelay("no answer within 5 minutes".to_owned())),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(refusal(&error).unwrap_or_else(|| SendResult::NoRelay(words(&error)))),
    }
}

async fn content(line: &mut AsyncSmtpConnection, mail: &[u8]) -> SendResult {
    match tokio::time::timeout(TAKING, line.message(mail)).await {
        Err(_) => SendResult::Unanswered("no answer within 10 minutes after the data".to_owned()),
        Ok(Ok(answer)) if answer.is_positive() && !answer.has_code(354) => {
            let code = answer.code();
            SendResult::Accepted(one_line(&format!(
                "{code} {}",
                answer.message().collect::<Vec<_>>().join(" ")
            )))
        }
        Ok(Ok(answer)) => SendResult::Unanswered(one_line(&format!("answered {}", answer.code()))),
        Ok(Err(error)) => refusal(&error)
            .unwrap_or_else(|| SendResult::Unanswered(format!("after the data: {}", words(&error)))),
    }
}

/// The meaning of a reply code for this email; `None` without a reply.
fn refusal(error: &SmtpError) -> Option<SendResult> {
    let code = u16::from(error.status()?);
    Some(match code {
        // The server shuts down (421) or wants another login (RFC 4954 section 6).
        421 | 454 | 530 | 534 | 535 | 538 => SendResult::NoRelay(words(error)),
        500.. => SendResult::Refused(words(error)),
        _ => SendResult::Deferred(words(error)),
    })
}

/// An error with its causes.
fn words(error: &SmtpError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause {
        let deeper_words = deeper.to_string();
        if !text.contains(&deeper_words) {
            text.push_str(&format!(": {deeper_words}"));
        }
        cause = deeper.source();
    }
    one_line(&text)
}

async fn within<T>(limit: Duration, step: impl Future<Output = Result<T, SmtpError>>) -> Result<T, String> {
    match tokio::time::timeout(limit, step).await {
        Err(_) => Err(format!("no answer within {} seconds", limit.as_secs())),
        Ok(Err(error)) => Err(words(&error)),
        Ok(Ok(value)) => Ok(value),
    }
}

fn tls(server: &SmtpServer) -> Result<TlsParameters, Error> {
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(path) = &server.extra_ca {
        for certificate in certificates(path)? {
            builder = builder.add_root_certificate(certificate);
        }
    }
    builder.build().map_err(|error| Error::Tls { host: server.host.clone(), why: words(&error) })
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, Error> {
    let fault = |why: String| Error::ExtraCa { path: path.to_owned(), why };
    let pem = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
    let certificate = Certificate::from_pem(&pem).map_err(|error| fault(words(&error)))?;
    if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
        return Err(fault("it has no certificate".to_owned()));
    }
    Ok(vec![certificate])
}
