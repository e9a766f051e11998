//! Letters as mail: `multipart/alternative`, the complete text first (RFC 2046 section 5.1.4).

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MultiPart, SinglePart};

/// One report to one reader.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    pub from: &'a str,
    pub to: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: &'a str,
    pub date: Timestamp,
    /// The part of the Message-ID between the angle brackets: the same for the
    /// same letter, so that a repeat is recognised.
    pub id: &'a str,
}

/// A letter that cannot become a mail.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("`{address}` is no mail address: {source}")]
    Address { address: String, source: lettre::address::AddressError },
    #[error("the letter cannot be written as a mail: {0}")]
    Message(#[from] lettre::error::Error),
}

impl Letter<'_> {
    /// The mail as it is sent.
    pub fn format(&self) -> Result<String, Fault> {
        let since_epoch = Duration::from_secs(u64::try_from(self.date.as_second()).unwrap_or(0));
        let message = Message::builder()
            .from(mailbox(self.from)?)
            .to(mailbox(self.to)?)
            .subject(self.subject)
            .date(SystemTime::UNIX_EPOCH + since_epoch)
            .message_id(Some(format!("<{}>", self.id)))
            .multipart(
                MultiPart::alternative()
                    .singlepart(
                        SinglePart::builder().header(ContentType::TEXT_PLAIN).body(self.text.to_owned()),
                    )
                    .singlepart(
                        SinglePart::builder().header(ContentType::TEXT_HTML).body(self.html.to_owned()),
                    ),
            )?;
        Ok(String::from_utf8_lossy(&message.formatted()).into_owned())
    }
}

fn mailbox(address: &str) -> Result<Mailbox, Fault> {
    address.parse().map_err(|source| Fault::Address { address: address.to_owned(), source })
}
