//! The way out: a mail is handed on, and one of five things comes of it.

mod sendmail;
mod smtp;

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Mailbox;
use crate::domain::course::EmailAddress;

/// Who hands mails on.
#[derive(Clone, Debug)]
pub enum RelayConfig {
    Smtp(SmtpServer),
    /// A program that takes a mail as `sendmail` does.
    Sendmail {
        program: PathBuf,
    },
    /// Each mail becomes a file; for rehearsals and tests.
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
    /// Certificate authorities beside the system's, in PEM.
    pub extra_ca: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpSecurity {
    /// TLS is asked for in plain words, and nothing else is said without it.
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

/// A mail on its way: the envelope, and the mail as it is sent.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingEmail<'a> {
    pub from: &'a Mailbox,
    pub to: &'a EmailAddress,
    /// Names the file where mails become files.
    pub id: &'a str,
    pub mail: &'a [u8],
}

/// What came of handing a mail on; each with the relay's words, or ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandOver {
    /// The relay answers for it now.
    Taken(String),
    /// Not this one, not now.
    Later(String),
    /// None at all, for now: no relay is there, or it does not let us in.
    NoRelay(String),
    /// It was sent whole, and no answer came: the relay may have it.
    Unanswered(String),
    /// Never.
    Refused(String),
}

/// A relay that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("[mail] extra_ca {}: {why}; it takes a file of certificates in PEM", path.display())]
    ExtraCa { path: PathBuf, why: String },
    #[error("[mail] host `{host}`: {why}")]
    Tls { host: String, why: String },
}

/// A way out, ready for use.
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

    /// Whether the way is open, found out without a mail; else what is in the way.
    pub async fn greet(&self, from: &Mailbox) -> Result<(), String> {
        match &self.kind {
            RelayKind::Smtp(server) => server.greet(from).await,
            RelayKind::Sendmail(program) => sendmail::is_there(program),
            RelayKind::Directory(dir) => {
                let written = std::fs::create_dir_all(dir).and_then(|()| tempfile::tempfile_in(dir));
                written.map(|_| ()).map_err(|error| format!("cannot write to {}: {error}", dir.display()))
            }
        }
    }

    pub async fn hand_on(&self, parcel: &OutgoingEmail<'_>) -> HandOver {
        match &self.kind {
            RelayKind::Smtp(server) => server.hand_on(parcel).await,
            RelayKind::Sendmail(program) => sendmail::hand_on(program, parcel).await,
            RelayKind::Directory(dir) => match file(dir, parcel) {
                Ok(path) => HandOver::Taken(format!("written to {}", path.display())),
                Err(error) => HandOver::NoRelay(format!("cannot write to {}: {error}", dir.display())),
            },
        }
    }
}

/// Appears whole or not at all; the same letter is the same file.
fn file(dir: &Path, parcel: &OutgoingEmail) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(dir)?;
    let path = dir.join(format!("{}.eml", parcel.id));
    let mut file = tempfile::Builder::new().prefix(".").suffix(".tmp").tempfile_in(dir)?;
    file.write_all(parcel.mail)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(path)
}

/// A relay's or a program's words: one line, short, nothing invisible.
fn said(words: &str) -> String {
    crate::domain::report::plain::visible(words).chars().take(300).collect()
}
