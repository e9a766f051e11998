//! The email of a report: its texts, its links to action pages, its signature.

use jiff::Timestamp;

use crate::domain::action_token::{ActionToken, Purpose, SigningKey};
use crate::domain::course::EmailAddress;
use crate::domain::report::compose::ComposedReport;
use crate::domain::report::due::PendingReport;
use crate::domain::report::{html, text};
use crate::world::email::dkim::{DkimSigner, Unsigned};
use crate::world::email::relay::Relay;
use crate::world::email::{Email, Mailbox};

/// How emails are written, signed and sent.
#[derive(Clone, Debug)]
pub struct EmailSender {
    pub from: Mailbox,
    pub relay: Relay,
    /// Signs the emails for the domain of `from`.
    pub signer: Option<DkimSigner>,
    /// The address that unsubscribes with one request, with `{course}` and `{recipient}` to fill in.
    pub unsubscribe_url: Option<String>,
    /// The action pages that the emails link to; `None` if no pages are served.
    pub pages: Option<ActionLinks>,
}

/// The addresses and the signing key of action pages.
#[derive(Clone, Debug)]
pub struct ActionLinks {
    /// The address of our pages, without a slash at its end.
    pub base: String,
    pub key: SigningKey,
}

impl ActionLinks {
    fn link(&self, purpose: Purpose, pending: &PendingReport, to: &EmailAddress) -> String {
        // A retried email has the same bytes, so the last day depends on the night.
        let until = ActionToken::last_day(pending.report.facts.today, pending.term);
        let token = ActionToken::new(purpose, &pending.report.facts.course, to, until).signed(&self.key);
        let place = match purpose {
            Purpose::Act(_) | Purpose::ActOnHost(_) => "act",
            Purpose::Subscription => "letters",
        };
        format!("{}/{place}/{token}", self.base)
    }

    /// Gives each entry with links the address of its action page, and the report
    /// the address of the page with all links.
    fn add_to(&self, composed: &mut ComposedReport, pending: &PendingReport, to: &EmailAddress) {
        for entry in composed.sections.iter_mut().flat_map(|section| &mut section.entries) {
            let purpose = match entry.links.as_slice() {
                [] => continue,
                [only] => Purpose::Act(*only),
                [first, ..] => Purpose::ActOnHost(*first),
            };
            entry.action = Some(self.link(purpose, pending, to));
        }
        for waiting in composed.sections.iter_mut().flat_map(|section| &mut section.waiting) {
            waiting.action = Some(self.link(Purpose::Act(waiting.link), pending, to));
        }
        composed.all_links = Some(format!("{}/c/{}/health", self.base, pending.report.facts.course));
    }
}

impl EmailSender {
    /// The email as it is sent: signed, where a key is configured.
    ///
    /// # Errors
    ///
    /// The email cannot be signed.
    pub fn signed(&self, mail: Vec<u8>) -> Result<Vec<u8>, Unsigned> {
        match &self.signer {
            Some(signer) => signer.sign(mail),
            None => Ok(mail),
        }
    }
}

/// The email of a report, and its Message-ID. Each try gives the same bytes.
///
/// # Errors
///
/// The email cannot be written or signed.
pub fn format(
    pending: &PendingReport,
    to: &EmailAddress,
    date: Timestamp,
    sender: &EmailSender,
) -> anyhow::Result<(String, Vec<u8>)> {
    let mut composed = pending.compose();
    if let Some(pages) = &sender.pages {
        pages.add_to(&mut composed, pending, to);
    }
    let configured = sender.unsubscribe_url.as_ref().map(|url| {
        url.replace("{course}", pending.report.facts.course.as_str()).replace("{recipient}", &encoded(to))
    });
    let ours = || sender.pages.as_ref().map(|pages| pages.link(Purpose::Subscription, pending, to));
    composed.stop = configured.or_else(ours);
    let email = Email {
        from: &sender.from,
        to,
        reply_to: pending.contact.as_ref(),
        course: &pending.report.facts.course,
        title: &pending.report.facts.title,
        term: pending.term,
        night: pending.report.facts.started,
        date,
        subject: &composed.subject,
        text: &text::render(&composed),
        html: &html::page(&composed)?,
        patch: pending.report.facts.patch.as_ref().and_then(|patch| patch.diff.as_deref()),
        unsubscribe: composed.stop.as_deref(),
    };
    Ok((email.id(), sender.signed(email.format()?)?))
}

fn encoded(to: &EmailAddress) -> String {
    percent_encoding::utf8_percent_encode(to.as_str(), percent_encoding::NON_ALPHANUMERIC).to_string()
}
