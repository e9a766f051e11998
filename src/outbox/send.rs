//! Sends queued emails to the relay, and decides when to try again.

use std::convert::Infallible;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::course::{EmailAddress, Recipient};
use crate::outbox::format::{EmailSender, format};
use crate::outbox::webhook::WebhookSender;
use crate::world::catalogue::{self, Catalogue, DeliveryResult, QueuedEmail};
use crate::world::clock::Clock;
use crate::world::email::relay::{OutgoingEmail, SendResult};

/// The delays after failed tries. The last one repeats.
const WAITS: [SignedDuration; 4] = [
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(6),
];

/// An email expires after this time. The next report has its news.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(72);

/// No delay is longer. A later time was set by a wrong clock.
const LONGEST_DELAY: SignedDuration = SignedDuration::from_hours(48);

/// The outbox is read again after this time at the latest, for new emails.
const POLL_INTERVAL: Duration = Duration::from_secs(15);

/// The delay after an error of the catalogue, as when the disk is full.
const DELAY_AFTER_ERROR: Duration = Duration::from_mins(1);

/// The least delay between two passes.
const MIN_DELAY: Duration = Duration::from_secs(1);

/// The ways by which reports are sent.
#[derive(Clone, Debug, Default)]
pub struct Senders {
    /// `None` without `[mail]`.
    pub email: Option<EmailSender>,
    pub webhooks: WebhookSender,
}

impl From<EmailSender> for Senders {
    fn from(email: EmailSender) -> Self {
        Self { email: Some(email), webhooks: WebhookSender::default() }
    }
}

/// The results of one pass over the outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryPass {
    /// The recipients whose email was delivered.
    pub delivered: Vec<Recipient>,
    /// The recipients of emails to be tried again, with the answer of the relay.
    pub postponed: Vec<(Recipient, String)>,
    /// The recipients of refused or expired emails. The operator has to act.
    pub failed: Vec<(Recipient, String)>,
    /// The time of the next try; `None` if no email waits.
    pub next_try: Option<Timestamp>,
}

/// Sends every email that is due, one after the other.
///
/// Dropping the future between two emails loses nothing. Dropping it while an
/// email is sent repeats that email later, with the same Message-ID.
///
/// # Errors
///
/// The catalogue cannot be used. A failing relay is not an error.
pub async fn deliver_due(
    catalogue: &Catalogue,
    clock: Clock,
    senders: &Senders,
) -> anyhow::Result<DeliveryPass> {
    let mut delivered = DeliveryPass::default();
    let now = clock.now();
    let mut no_relay: Option<String> = None;
    for id in catalogue.due_emails(now, now.saturating_add(LONGEST_DELAY)?).await? {
        let _lock = catalogue.outbox_lock().await;
        catalogue.check_duty().await?;
        let waiting = match catalogue.queued_email(id).await {
            Ok(Some(waiting)) => waiting,
            Ok(None) => continue,
            Err(catalogue::Error::Value(error)) => {
                tracing::error!(%error, "a queued email is dropped, because this version cannot read it; `onreserve report` still prints the report");
                catalogue.drop_email(id, now).await?;
                continue;
            }
            Err(fault) => return Err(fault.into()),
        };
        let is_email = matches!(waiting.recipient, Recipient::Email(_));
        let outcome = match no_relay.as_ref().filter(|_| is_email) {
            // Without a relay, the other emails of this pass are not tried.
            Some(why) => SendResult::NoRelay(why.clone()),
            None => {
                catalogue.begin_delivery(id).await?;
                send(&waiting, senders).await
            }
        };
        if let SendResult::NoRelay(why) = &outcome {
            no_relay = Some(why.clone());
        }
        record_result(&waiting, outcome, clock.now(), catalogue, &mut delivered).await?;
    }
    delivered.next_try = catalogue.outbox().await?.next_try;
    Ok(delivered)
}

/// Delivers emails without end. When the catalogue fails, emails wait; nights and
/// pages go on.
pub async fn keep_delivering(catalogue: Catalogue, clock: Clock, senders: Senders) -> Infallible {
    loop {
        match deliver_due(&catalogue, clock, &senders).await {
            Ok(delivered) => {
                let next = delivered.next_try.map(|next| next.duration_since(clock.now()));
                let next = next.and_then(|wait| Duration::try_from(wait).ok()).unwrap_or(POLL_INTERVAL);
                tokio::select! {
                    () = clock.sleep(next.clamp(MIN_DELAY, POLL_INTERVAL)) => {}
                    () = catalogue.emails_queued() => {}
                }
            }
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the outbox cannot be read or written; emails wait until it can"
                );
                clock.sleep(DELAY_AFTER_ERROR).await;
            }
        }
    }
}

/// Sends one report. One that cannot be written is refused, so that the others are sent.
async fn send(waiting: &QueuedEmail, senders: &Senders) -> SendResult {
    match (&waiting.recipient, &senders.email) {
        (Recipient::Webhook(name), _) => senders.webhooks.send(&waiting.pending, name, waiting.id).await,
        (Recipient::Email(to), Some(sender)) => send_email(waiting, to, sender).await,
        (Recipient::Email(_), None) => SendResult::NoRelay("the configuration has no [mail]".to_owned()),
    }
}

async fn send_email(waiting: &QueuedEmail, to: &EmailAddress, sender: &EmailSender) -> SendResult {
    match format(&waiting.pending, to, waiting.queued_at, sender) {
        Ok((id, mail)) => {
            let outgoing = OutgoingEmail { from: &sender.from, to, id: &id, mail: &mail };
            sender.relay.send(&outgoing).await
        }
        Err(error) => SendResult::Refused(format!("{error:#}")),
    }
}

async fn record_result(
    waiting: &QueuedEmail,
    outcome: SendResult,
    now: Timestamp,
    catalogue: &Catalogue,
    delivered: &mut DeliveryPass,
) -> anyhow::Result<()> {
    let recipient = waiting.recipient.clone();
    let to = recipient.to_string();
    let course = waiting.pending.report.facts.course.as_str();
    let (result, answer) = delivery_result(waiting, outcome, now);
    catalogue.record_delivery(waiting.id, now, &result, &answer).await?;
    match result {
        DeliveryResult::Delivered => {
            tracing::info!(course, to, answer, "email sent");
            delivered.delivered.push(recipient);
        }
        DeliveryResult::Postponed { until, .. } => {
            tracing::warn!(course, to, answer, %until, "email not sent yet; it is tried again");
            delivered.postponed.push((recipient, answer));
        }
        DeliveryResult::Refused | DeliveryResult::Expired => {
            tracing::error!(course, to, answer, "email not sent; the next report carries its news");
            delivered.failed.push((recipient, answer));
        }
    }
    Ok(())
}

fn delivery_result(waiting: &QueuedEmail, outcome: SendResult, now: Timestamp) -> (DeliveryResult, String) {
    let (answer, is_unanswered) = match outcome {
        SendResult::Accepted(answer) => return (DeliveryResult::Delivered, answer),
        SendResult::Refused(answer) => return (DeliveryResult::Refused, answer),
        SendResult::Deferred(answer) | SendResult::NoRelay(answer) => (answer, false),
        SendResult::Unanswered(answer) => (answer, true),
    };
    match next_try(waiting.tries, waiting.queued_at, now) {
        Some(until) => (DeliveryResult::Postponed { until, is_unanswered }, answer),
        None => (DeliveryResult::Expired, answer),
    }
}

/// When to try again after `tries` failed tries and another one now.
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
    fn an_email_is_tried_less_and_less_often_for_three_days() {
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
