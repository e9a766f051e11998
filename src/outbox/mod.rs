//! Delivery of queued emails. An email counts as delivered when the relay has
//! accepted it; otherwise it is tried again.
//!
//! A night queues emails in the transaction of its verdicts and events.

mod format;
mod send;
mod webhook;

pub use format::{ActionLinks, EmailSender, format};
pub use send::{DeliveryPass, Senders, deliver_due, keep_delivering};
pub use webhook::{Webhook, WebhookSender};
