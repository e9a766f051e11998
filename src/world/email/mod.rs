//! The format of an email. `dkim` signs it, and `relay` sends it.
//!
//! It is `multipart/alternative`, with the complete text first (RFC 2046 section
//! 5.1.4). The same report always gives the same bytes, so that mail programs
//! recognise a repeat.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, MultiPart, MultiPartKind, SinglePart};

use crate::domain::capture::Digest;
use crate::domain::course::{CourseId, EmailAddress, Term};
use crate::domain::report::plain;

pub mod dkim;
pub mod relay;

pub use lettre::message::Mailbox;

/// An email with one report to one recipient.
#[derive(Clone, Copy, Debug)]
pub struct Email<'a> {
    pub from: &'a Mailbox,
    pub to: &'a EmailAddress,
    pub course: &'a CourseId,
    /// The title of the course.
    pub title: &'a str,
    /// Where replies go; without it, to the sender.
    pub reply_to: Option<&'a EmailAddress>,
    /// Emails of one term are one thread.
    pub term: Option<Term>,
    /// The start of the night. With course and recipient it makes the Message-ID.
    pub night: Timestamp,
    pub date: Timestamp,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: &'a str,
    /// A unified diff to attach.
    pub patch: Option<&'a str>,
    /// The address that unsubscribes with one request (RFC 8058).
    pub unsubscribe: Option<&'a str>,
}

/// An email that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{address}` is not a valid email address: {source}")]
    Address { address: String, source: lettre::address::AddressError },
    #[error("the email cannot be written: {0}")]
    Message(#[from] lettre::error::Error),
}

impl Email<'_> {
    /// The part of the Message-ID between the angle brackets.
    pub fn id(&self) -> String {
        let night = self.night.strftime("%Y%m%dT%H%M%SZ");
        let reader: String = Digest::of(self.to.as_str().as_bytes()).to_string().chars().take(12).collect();
        format!("{}.{night}.{reader}@{}", self.course, self.host())
    }

    /// The Message-ID that every email of a term refers to. No email has it.
    fn thread(&self) -> String {
        let term = self.term.map_or_else(|| "report".to_owned(), |term| term.first.to_string());
        format!("{}.{term}@{}", self.course, self.host())
    }

    fn host(&self) -> &str {
        self.from.email.domain()
    }

    /// The email as it is sent: ASCII, with CRLF.
    pub fn format(&self) -> Result<Vec<u8>, Error> {
        let since_epoch = Duration::from_secs(u64::try_from(self.date.as_second()).unwrap_or(0));
        let to = self
            .to
            .as_str()
            .parse()
            .map_err(|source| Error::Address { address: self.to.to_string(), source })?;
        let id = self.id();
        let mut message = Message::builder();
        if let Some(reply_to) = self.reply_to {
            let address = reply_to
                .as_str()
                .parse()
                .map_err(|source| Error::Address { address: reply_to.to_string(), source })?;
            message = message.reply_to(Mailbox::new(None, address));
        }
        let mut message = message
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(plain::visible(self.subject))
            .date(SystemTime::UNIX_EPOCH + since_epoch)
            .message_id(Some(format!("<{id}>")))
            .references(format!("<{}>", self.thread()))
            .multipart(self.with_patch(&id))?;
        for (name, value) in self.list_headers() {
            message.headers_mut().insert_raw(HeaderValue::new(name, value));
        }
        Ok(message.formatted())
    }

    /// The body with the patch attached (RFC 2046 section 5.1.3).
    #[expect(clippy::expect_used, reason = "base 64 encodes all bytes, and the media type is a constant")]
    fn with_patch(&self, id: &str) -> MultiPart {
        let body = self.body(id);
        let Some(patch) = self.patch.filter(|patch| !patch.is_empty()) else { return body };
        // Relays do not change line ends and other bytes in base 64.
        let patch = Body::new_with_encoding(patch.as_bytes().to_vec(), ContentTransferEncoding::Base64)
            .expect("base 64 encodes all bytes");
        let kind = ContentType::parse("text/x-diff; charset=utf-8").expect("it is a valid media type");
        MultiPart::builder()
            .kind(MultiPartKind::Mixed)
            .boundary(boundary(&format!("{id} mixed")))
            .multipart(body)
            .singlepart(Attachment::new(format!("{}.patch", self.course)).body(patch, kind))
    }

    fn body(&self, id: &str) -> MultiPart {
        let part = |kind: ContentType, text: &str| {
            SinglePart::builder().header(kind).body(plain::printable(text).into_owned())
        };
        MultiPart::builder()
            .kind(MultiPartKind::Alternative)
            .boundary(boundary(id))
            .singlepart(part(ContentType::TEXT_PLAIN, self.text))
            .singlepart(part(ContentType::TEXT_HTML, self.html))
    }

    /// Headers that prevent automatic replies (RFC 3834, and the one of Exchange),
    /// name the list (RFC 2919) and unsubscribe (RFC 2369, RFC 8058).
    fn list_headers(&self) -> Vec<(HeaderName, String)> {
        let mut headers = vec![
            (HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()),
            (HeaderName::new_from_ascii_str("X-Auto-Response-Suppress"), "All".to_owned()),
            (HeaderName::new_from_ascii_str("List-Id"), self.list_id()),
        ];
        let by_mail = format!("<mailto:{}?subject=stop%20{}>", self.from.email, self.course);
        let leave = HeaderName::new_from_ascii_str("List-Unsubscribe");
        if let Some(url) = self.unsubscribe.filter(|url| is_clean_https(url)) {
            headers.push((leave, format!("<{url}>, {by_mail}")));
            headers.push((
                HeaderName::new_from_ascii_str("List-Unsubscribe-Post"),
                "List-Unsubscribe=One-Click".to_owned(),
            ));
        } else {
            headers.push((leave, by_mail));
        }
        headers
    }

    /// "Deep Generative Models <dgm.onreserve.school.edu>". The title is left out
    /// if it would need quoting.
    fn list_id(&self) -> String {
        let title = plain::visible(self.title);
        let is_plain = title.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ' || c == '-');
        let title = if is_plain && !title.is_empty() { format!("{title} ") } else { String::new() };
        format!("{title}<{}.onreserve.{}>", self.course, self.host())
    }
}

/// A MIME boundary. It is a digest of the Message-ID, so no line of the email has it.
fn boundary(name: &str) -> String {
    let digest: String = Digest::of(name.as_bytes()).to_string().chars().take(32).collect();
    format!("=_{digest}")
}

fn is_clean_https(url: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | ',');
    url.starts_with("https://") && url.len() <= 500 && url.chars().all(is_plain)
}

#[cfg(test)]
mod tests;
