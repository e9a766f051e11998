//! Sending of emails: by SMTP, by a `sendmail` program, or into a directory.

mod sendmail;
mod smtp;

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Mailbox;
use crate::domain::course::EmailAddress;

/// How emails are sent.
#[derive(Clone, Debug)]
pub enum RelayConfig {
    Smtp(SmtpServer),
    /// A program with the interface of `sendmail`.
    Sendmail {
        program: PathBuf,
    },
    /// Each email becomes a file; for rehearsals and tests.
    Directory {
        dir: PathBuf,
    },
}

#[derive(Clone, Debug)]
pub struct SmtpServer {
    pub host: String,
    pub port: u16,
    pub security: SmtpSecurity,
    pub login: Option<SmtpLogin>,
    /// A PEM file of certificate authorities in addition to those of the system.
    pub extra_ca: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpSecurity {
    /// The connection switches to TLS before the login; without TLS it ends.
    StartTls,
    Tls,
    /// Only for a relay on this machine.
    None,
}

impl SmtpSecurity {
    /// The port on which such a relay usually listens (RFC 8314, RFC 6409).
    pub fn usual_port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

#[derive(Clone, Debug)]
pub struct SmtpLogin {
    pub user: String,
    pub password: SmtpPassword,
}

/// Never printed.
#[derive(Clone)]
pub struct SmtpPassword(pub String);

impl fmt::Debug for SmtpPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(a password)")
    }
}

/// An email to send, with its envelope.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingEmail<'a> {
    pub from: &'a Mailbox,
    pub to: &'a EmailAddress,
    /// The Message-ID, which names the file in a directory.
    pub id: &'a str,
    pub mail: &'a [u8],
}

/// The result of sending an email, with the answer of the relay or an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendResult {
    /// The relay has accepted the email.
    Accepted(String),
    /// The relay wants this email later.
    Deferred(String),
    /// The relay cannot be reached or refuses the login, so no email can be sent.
    NoRelay(String),
    /// The whole email was sent without an answer. The relay may have it.
    Unanswered(String),
    /// The relay refuses this email for good.
    Refused(String),
}

/// A relay whose configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("[mail] extra_ca {}: {why}; it takes a file of certificates in PEM", path.display())]
    ExtraCa { path: PathBuf, why: String },
    #[error("[mail] host `{host}`: {why}")]
    Tls { host: String, why: String },
}

/// A configured relay.
#[derive(Clone, Debug)]
pub struct Relay {
    kind: RelayKind,
}

#[derive(Clone, Debug)]
enum RelayKind {
    Smtp(Box<smtp::Smtp>),
    Sendmail(PathBuf),
    Directory(PathBuf),
}

impl Relay {
    pub fn new(way: &RelayConfig) -> Result<Self, Error> {
        let kind = match way {
            RelayConfig::Smtp(server) => RelayKind::Smtp(Box::new(smtp::Smtp::new(server)?)),
            RelayConfig::Sendmail { program } => RelayKind::Sendmail(program.clone()),
            RelayConfig::Directory { dir } => RelayKind::Directory(dir.clone()),
        };
        Ok(Self { kind })
    }

    /// Checks the relay without sending an email.
    ///
    /// # Errors
    ///
    /// Why no email can be sent.
    pub async fn check(&self, from: &Mailbox) -> Result<(), String> {
        match &self.kind {
            RelayKind::Smtp(server) => server.check(from).await,
            RelayKind::Sendmail(program) => sendmail::is_there(program),
            RelayKind::Directory(dir) => {
                let written = std::fs::create_dir_all(dir).and_then(|()| tempfile::tempfile_in(dir));
                written.map(|_| ()).map_err(|error| format!("cannot write to {}: {error}", dir.display()))
            }
        }
    }

    pub async fn send(&self, outgoing: &OutgoingEmail<'_>) -> SendResult {
        match &self.kind {
            RelayKind::Smtp(server) => server.send(outgoing).await,
            RelayKind::Sendmail(program) => sendmail::send(program, outgoing).await,
            RelayKind::Directory(dir) => match file(dir, outgoing) {
                Ok(path) => SendResult::Accepted(format!("written to {}", path.display())),
                Err(error) => SendResult::NoRelay(format!("cannot write to {}: {error}", dir.display())),
            },
        }
    }
}

/// Writes the email atomically. The same email always has the same file.
fn file(dir: &Path, outgoing: &OutgoingEmail) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(dir)?;
    let path = dir.join(format!("{}.eml", outgoing.id));
    let mut file = tempfile::Builder::new().prefix(".").suffix(".tmp").tempfile_in(dir)?;
    file.write_all(outgoing.mail)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(path)
}

/// The answer of a relay or program as one short line without controls.
fn one_line(words: &str) -> String {
    crate::domain::report::plain::visible(words).chars().take(300).collect()
}
