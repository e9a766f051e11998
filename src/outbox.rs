//! Letters on their way out: each waiting letter whose turn it is goes to the
//! relay, and is told only once the relay says it has it.
//!
//! What is queued is decided by a night, in the transaction of the events it tells.

use std::convert::Infallible;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::action_token::{ActionToken, Purpose, SigningKey};
use crate::domain::course::EmailAddress;
use crate::domain::report::compose::ComposedReport;
use crate::domain::report::due::PendingReport;
use crate::domain::report::{html, text};
use crate::world::catalogue::{self, Catalogue, DeliveryResult, QueuedEmail};
use crate::world::clock::Clock;
use crate::world::email::dkim::{DkimSigner, Unsigned};
use crate::world::email::relay::{HandOver, OutgoingEmail, Relay};
use crate::world::email::{Email, Mailbox};

/// The waits after failed tries; the last one repeats.
const WAITS: [SignedDuration; 4] = [
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(6),
];

/// After this a letter is given up; the next night's letter carries its news.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(72);

/// No wait is longer, not even until tomorrow: such a time was set by a wrong clock.
const LONGEST_DELAY: SignedDuration = SignedDuration::from_hours(48);

/// A night may have queued something, or the clock been set.
const LOOKS_AGAIN: Duration = Duration::from_secs(15);

/// Our own side failed, as when the disk is full; mail has time.
const RESTS: Duration = Duration::from_mins(1);

/// No letter is tried again at once.
const AT_LEAST: Duration = Duration::from_secs(1);

/// How letters leave.
#[derive(Clone, Debug)]
pub struct EmailSender {
    pub from: Mailbox,
    pub relay: Relay,
    /// Signs what leaves, for the domain it is from.
    pub signer: Option<DkimSigner>,
    /// Where one request ends these mails; `{course}` and `{recipient}` are filled in.
    pub unsubscribe_url: Option<String>,
    /// The pages behind a letter's links; without them a letter has none to act on.
    pub pages: Option<ActionLinks>,
}

/// Where the links of a letter lead.
#[derive(Clone, Debug)]
pub struct ActionLinks {
    /// The address of our pages, without a slash at its end.
    pub base: String,
    pub key: SigningKey,
}

impl ActionLinks {
    fn link(&self, purpose: Purpose, telling: &PendingReport, to: &EmailAddress) -> String {
        // The same letter is always the same bytes, so the day is that of its night.
        let until = ActionToken::last_day(telling.night.facts.today, telling.term);
        let ticket = ActionToken::new(purpose, &telling.night.facts.course, to, until).signed(&self.key);
        let place = match purpose {
            Purpose::Act(_) | Purpose::ActOnHost(_) => "act",
            Purpose::Subscription => "letters",
        };
        format!("{}/{place}/{ticket}", self.base)
    }

    /// Gives each entry that tells of links the address at which its reader can
    /// act, and the digest that of the page with all links.
    fn add_to(&self, digest: &mut ComposedReport, telling: &PendingReport, to: &EmailAddress) {
        for entry in digest.sections.iter_mut().flat_map(|section| &mut section.entries) {
            let purpose = match entry.links.as_slice() {
                [] => continue,
                [only] => Purpose::Act(*only),
                [first, ..] => Purpose::ActOnHost(*first),
            };
            entry.action = Some(self.link(purpose, telling, to));
        }
        digest.all_links = Some(format!("{}/c/{}/health", self.base, telling.night.facts.course));
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

/// What a pass over the outbox did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryPass {
    /// Who was told.
    pub told: Vec<EmailAddress>,
    /// Tried in vain, to be tried again: by whom, and what the relay said.
    pub postponed: Vec<(EmailAddress, String)>,
    /// Refused for good, or given up: the operator has to act.
    pub failed: Vec<(EmailAddress, String)>,
    /// When to come back; `None` while nothing waits.
    pub next_try: Option<Timestamp>,
}

/// Hands on every letter whose turn it is, one after the other.
///
/// Dropping the future between two letters loses nothing; dropping it while a
/// relay takes one repeats that letter later, with the same Message-ID.
///
/// # Errors
///
/// Only the catalogue's; a relay that fails is what the outbox is for.
pub async fn deliver_due(
    catalogue: &Catalogue,
    clock: Clock,
    sender: &EmailSender,
) -> anyhow::Result<DeliveryPass> {
    let mut delivered = DeliveryPass::default();
    let now = clock.now();
    let mut no_relay: Option<String> = None;
    for id in catalogue.due_emails(now, now.saturating_add(LONGEST_DELAY)?).await? {
        let _undisturbed = catalogue.outbox_lock().await;
        let waiting = match catalogue.queued_email(id).await {
            Ok(Some(waiting)) => waiting,
            Ok(None) => continue,
            Err(catalogue::Error::Value(error)) => {
                tracing::error!(%error, "a letter that this version cannot read is given up; `onreserve report` still shows its night");
                catalogue.drop_email(id, now).await?;
                continue;
            }
            Err(fault) => return Err(fault.into()),
        };
        let outcome = match &no_relay {
            // One relay for all: who could not be asked for one letter is not asked for the next.
            Some(why) => HandOver::NoRelay(why.clone()),
            None => {
                catalogue.begin_delivery(id).await?;
                hand_on(&waiting, sender).await
            }
        };
        if let HandOver::NoRelay(why) = &outcome {
            no_relay = Some(why.clone());
        }
        enter(&waiting, outcome, clock.now(), catalogue, &mut delivered).await?;
    }
    delivered.next_try = catalogue.outbox().await?.next_try;
    Ok(delivered)
}

/// Hands letters on for as long as it is let. When the catalogue fails, mail
/// waits; nights and pages go on.
pub async fn keep_delivering(catalogue: Catalogue, clock: Clock, sender: EmailSender) -> Infallible {
    loop {
        match deliver_due(&catalogue, clock, &sender).await {
            Ok(delivered) => {
                let next = delivered.next_try.map(|next| next.duration_since(clock.now()));
                let next = next.and_then(|wait| Duration::try_from(wait).ok()).unwrap_or(LOOKS_AGAIN);
                clock.sleep(next.clamp(AT_LEAST, LOOKS_AGAIN)).await;
            }
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the outbox cannot be read or written; mail waits"
                );
                clock.sleep(RESTS).await;
            }
        }
    }
}

/// The letter as mail: the same bytes each time it is tried.
pub fn mail(
    telling: &PendingReport,
    to: &EmailAddress,
    date: Timestamp,
    sender: &EmailSender,
) -> anyhow::Result<(String, Vec<u8>)> {
    let mut digest = telling.digest();
    if let Some(pages) = &sender.pages {
        pages.add_to(&mut digest, telling, to);
    }
    let configured = sender.unsubscribe_url.as_ref().map(|url| {
        url.replace("{course}", telling.night.facts.course.as_str()).replace("{recipient}", &encoded(to))
    });
    let ours = || sender.pages.as_ref().map(|pages| pages.link(Purpose::Subscription, telling, to));
    digest.stop = configured.or_else(ours);
    let letter = Email {
        from: &sender.from,
        to,
        course: &telling.night.facts.course,
        title: &telling.night.facts.title,
        term: telling.term,
        night: telling.night.facts.started,
        date,
        subject: &digest.subject,
        text: &text::letter(&digest),
        html: &html::page(&digest)?,
        patch: telling.night.facts.patch.as_ref().and_then(|patch| patch.diff.as_deref()),
        unsubscribe: digest.stop.as_deref(),
    };
    Ok((letter.id(), sender.signed(letter.format()?)?))
}

fn encoded(to: &EmailAddress) -> String {
    percent_encoding::utf8_percent_encode(to.as_str(), percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A letter that cannot be written must not keep the others from leaving.
async fn hand_on(waiting: &QueuedEmail, sender: &EmailSender) -> HandOver {
    match mail(&waiting.telling, &waiting.recipient, waiting.queued_at, sender) {
        Ok((id, mail)) => {
            let parcel = OutgoingEmail { from: &sender.from, to: &waiting.recipient, id: &id, mail: &mail };
            sender.relay.hand_on(&parcel).await
        }
        Err(error) => HandOver::Refused(format!("{error:#}")),
    }
}

async fn enter(
    waiting: &QueuedEmail,
    outcome: HandOver,
    now: Timestamp,
    catalogue: &Catalogue,
    delivered: &mut DeliveryPass,
) -> anyhow::Result<()> {
    let to = waiting.recipient.clone();
    let course = waiting.telling.night.facts.course.as_str();
    let (turn, answer) = turn(waiting, outcome, now);
    catalogue.record_delivery(waiting.id, now, &turn, &answer).await?;
    match turn {
        DeliveryResult::Told => {
            tracing::info!(course, to = to.as_str(), answer, "letter delivered");
            delivered.told.push(to);
        }
        DeliveryResult::Postponed { until, .. } => {
            tracing::warn!(course, to = to.as_str(), answer, %until, "letter not delivered yet");
            delivered.postponed.push((to, answer));
        }
        DeliveryResult::Refused | DeliveryResult::Expired => {
            tracing::error!(
                course,
                to = to.as_str(),
                answer,
                "letter not delivered; the next one carries its news"
            );
            delivered.failed.push((to, answer));
        }
    }
    Ok(())
}

fn turn(waiting: &QueuedEmail, outcome: HandOver, now: Timestamp) -> (DeliveryResult, String) {
    let (answer, is_unanswered) = match outcome {
        HandOver::Taken(answer) => return (DeliveryResult::Told, answer),
        HandOver::Refused(answer) => return (DeliveryResult::Refused, answer),
        HandOver::Later(answer) | HandOver::NoRelay(answer) => (answer, false),
        HandOver::Unanswered(answer) => (answer, true),
    };
    match next_try(waiting.tries, waiting.queued_at, now) {
        Some(until) => (DeliveryResult::Postponed { until, is_unanswered }, answer),
        None => (DeliveryResult::Expired, answer),
    }
}

/// When to try again after `tries` earlier tries failed and one more does now.
fn next_try(tries: u32, queued_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let wait = usize::try_from(tries).ok().and_then(|tries| WAITS.get(tries)).or(WAITS.last())?;
    let end = queued_at.checked_add(LONGEST_WAIT).ok()?;
    let next = now.checked_add(*wait).ok()?;
    // The last try is at the very end.
    if now >= end { None } else { Some(next.min(end)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan as _;

    #[test]
    fn a_letter_is_tried_ever_more_rarely_for_three_days() {
        let queued = Timestamp::UNIX_EPOCH;
        let mut now = queued;
        let mut waits = Vec::new();
        while let Some(next) = next_try(u32::try_from(waits.len()).unwrap(), queued, now) {
            waits.push((next - now).as_mins());
            now = next;
        }
        assert_eq!(waits.get(..5).unwrap(), [5, 30, 120, 360, 360]);
        assert_eq!(now, queued + 72.hours());
        assert_eq!(waits.len(), 15);
    }
}
