//! A mail handed to an SMTP server (RFC 5321), one connection each.
//!
//! The steps are taken one by one, because what a lost connection means
//! depends on the step: before the end of the mail nothing was sent, after it
//! nobody knows.

use std::fmt::{Debug, Display};
use std::path::Path;
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;

use super::{Error, HandOver, Mailbox, OutgoingEmail, SmtpSecurity, SmtpServer, said};

const CONNECTING: Duration = Duration::from_secs(30);
/// For each command; RFC 5321 section 4.5.3.2 asks for this much.
const ANSWERING: Duration = Duration::from_mins(5);
/// After the end of a mail a relay may look for viruses before it answers.
const TAKING: Duration = Duration::from_mins(10);
/// Nothing depends on the farewell.
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
        // A provider that is installed already serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = match server.security {
            SmtpSecurity::None => None,
            SmtpSecurity::StartTls | SmtpSecurity::Tls => Some(tls(server)?),
        };
        Ok(Self { server: server.clone(), tls })
    }

    pub(super) async fn hand_on(&self, parcel: &OutgoingEmail<'_>) -> HandOver {
        let mut line = match self.open(parcel.from).await {
            Ok(line) => line,
            Err(trouble) => {
                return HandOver::NoRelay(format!("{}:{}: {trouble}", self.server.host, self.server.port));
            }
        };
        let outcome = match envelope(&mut line, parcel).await {
            Ok(()) => content(&mut line, parcel.mail).await,
            Err(outcome) => outcome,
        };
        // Politeness only: the answer is known.
        let _ = tokio::time::timeout(LEAVING, line.abort()).await;
        outcome
    }

    /// Lets itself in as for a mail, and leaves without one.
    pub(super) async fn greet(&self, from: &Mailbox) -> Result<(), String> {
        let at_place = |trouble| format!("{}:{}: {trouble}", self.server.host, self.server.port);
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

/// `Ok` once the server waits for the mail.
async fn envelope(line: &mut AsyncSmtpConnection, parcel: &OutgoingEmail<'_>) -> Result<(), HandOver> {
    let to = parcel.to.as_str().parse().map_err(|_| HandOver::Refused("no mail address".to_owned()))?;
    command(line, Mail::new(Some(parcel.from.email.clone()), Vec::new())).await?;
    command(line, Rcpt::new(to, Vec::new())).await?;
    command(line, Data).await
}

async fn command(line: &mut AsyncSmtpConnection, command: impl Display) -> Result<(), HandOver> {
    match tokio::time::timeout(ANSWERING, line.command(command)).await {
        Err(_) => Err(HandOver::NoRelay("no answer within 5 minutes".to_owned())),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(refusal(&error).unwrap_or_else(|| HandOver::NoRelay(words(&error)))),
    }
}

async fn content(line: &mut AsyncSmtpConnection, mail: &[u8]) -> HandOver {
    match tokio::time::timeout(TAKING, line.message(mail)).await {
        Err(_) => HandOver::Unanswered("no answer within 10 minutes of the mail's end".to_owned()),
        Ok(Ok(answer)) if answer.is_positive() && !answer.has_code(354) => {
            let code = answer.code();
            HandOver::Taken(said(&format!("{code} {}", answer.message().collect::<Vec<_>>().join(" "))))
        }
        Ok(Ok(answer)) => HandOver::Unanswered(said(&format!("answered {}", answer.code()))),
        Ok(Err(error)) => refusal(&error)
            .unwrap_or_else(|| HandOver::Unanswered(format!("after the mail's end: {}", words(&error)))),
    }
}

/// What a reply with a code means for this mail; `None` where no reply came.
fn refusal(error: &SmtpError) -> Option<HandOver> {
    let code = u16::from(error.status()?);
    Some(match code {
        // The server closes down (421), or wants another login (RFC 4954 section 6).
        421 | 454 | 530 | 534 | 535 | 538 => HandOver::NoRelay(words(error)),
        500.. => HandOver::Refused(words(error)),
        _ => HandOver::Later(words(error)),
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
    said(&text)
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
        return Err(fault("no certificate in it".to_owned()));
    }
    Ok(vec![certificate])
}
