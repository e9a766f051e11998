//! `onreserve test-email`, and messages about the delivery of emails.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::{ClockArguments, exit, print};
use crate::config::{self, MailSettings};
use crate::domain::course::{CourseId, EmailAddress};
use crate::domain::report::figures;
use crate::outbox::DeliveryPass;
use crate::world::catalogue::OutboxStatus;
use crate::world::email::Email;
use crate::world::email::relay::{OutgoingEmail, RelayConfig, SendResult};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve test-email --config onreserve.toml
  onreserve test-email --config onreserve.toml --to you@school.edu")]
pub(super) struct TestEmailArguments {
    /// The configuration, with its `mail` section.
    #[arg(long, value_name = "FILE")]
    config: std::path::PathBuf,
    /// The recipient [default: every `report_to` of the courses].
    #[arg(long, value_name = "ADDRESS")]
    to: Vec<EmailAddress>,
    #[command(flatten)]
    clock: ClockArguments,
}

const TEST: &str = "This is a test of the email settings of Onreserve. You can delete it.

If it is in your inbox, the settings work. For the administrator: the source of
this email should show \"pass\" for SPF or DKIM. If it has a DKIM-Signature, its
h= should list List-Unsubscribe and List-Unsubscribe-Post; otherwise mail
programs do not offer a button to unsubscribe.
";

pub(super) async fn test(arguments: TestEmailArguments) -> anyhow::Result<ExitCode> {
    let settings = config::read(&arguments.config)?;
    let mail =
        settings.mail.as_ref().context("the configuration has no [mail]; add it with from and host")?;
    let sender = mail.sender()?;
    let mut recipients = arguments.to;
    if recipients.is_empty() {
        recipients = settings.courses.iter().flat_map(|course| course.report_to.clone()).collect();
        recipients.sort();
        recipients.dedup();
    }
    if recipients.is_empty() {
        bail!("no course has a report_to; give a recipient with --to you@school.edu");
    }
    // The same List-Unsubscribe header as in a report, so that it can be checked.
    let filled = |url: &String| url.replace("{course}", "test").replace("{recipient}", "test");
    let stop = mail.unsubscribe_url.as_ref().map(filled).or_else(|| settings.pages.as_ref()?.address());
    let now = arguments.clock.clock().now();
    let mut code = ExitCode::SUCCESS;
    for to in recipients {
        let email = Email {
            from: &sender.from,
            to: &to,
            reply_to: None,
            course: &"test".parse()?,
            title: "Test",
            term: None,
            night: now,
            date: now,
            subject: "[ONRESERVE] Test of the email settings",
            text: TEST,
            html: &format!("<!DOCTYPE html><html lang=\"en\"><title>Test</title><pre>{TEST}</pre></html>"),
            patch: None,
            unsubscribe: stop.as_deref(),
        };
        let signed = sender.signed(email.format()?)?;
        let outgoing = OutgoingEmail { from: &sender.from, to: &to, id: &email.id(), mail: &signed };
        match sender.relay.send(&outgoing).await {
            SendResult::Accepted(answer) => {
                print(&format!("{to}: sent by {} ({answer})\n", described(mail)))?
            }
            SendResult::Deferred(why)
            | SendResult::NoRelay(why)
            | SendResult::Unanswered(why)
            | SendResult::Refused(why) => {
                print(&format!("{to}: not sent by {}: {why}\n", described(mail)))?;
                code = ExitCode::from(exit::FAILURE);
            }
        }
    }
    Ok(code)
}

fn described(mail: &MailSettings) -> String {
    match &mail.way {
        RelayConfig::Smtp(server) => format!("{}:{}", server.host, server.port),
        RelayConfig::Sendmail { program } => program.display().to_string(),
        RelayConfig::Directory { dir } => dir.display().to_string(),
    }
}

/// Prints the result of a delivery. The service logs it instead.
pub(super) fn print_delivered(delivered: &DeliveryPass) {
    let lines = delivered
        .delivered
        .iter()
        .map(|to| format!("report sent to {to}"))
        .chain(
            delivered
                .postponed
                .iter()
                .map(|(to, why)| format!("report to {to} not sent yet, and tried again later: {why}")),
        )
        .chain(delivered.failed.iter().map(|(to, why)| format!("report to {to} REFUSED: {why}")));
    for line in lines {
        let _ = writeln!(std::io::stderr(), "onreserve: {line}");
    }
}

/// The emails of a course that could not be sent; empty if there are none.
pub(super) fn problems(outbox: &OutboxStatus, course: &CourseId) -> String {
    let mut text = String::new();
    for email in outbox.failed.iter().filter(|email| email.course == *course) {
        let tries = figures::count(usize::try_from(email.tries).unwrap_or(usize::MAX), "time");
        text.push_str(&format!(
            "EMAIL {}: the report of {} to {} was tried {tries}: {}\n",
            email.state.as_str().to_uppercase(),
            email.queued_at.strftime("%Y-%m-%d"),
            email.recipient,
            email.answer
        ));
    }
    if !text.is_empty() {
        text.push_str(
            "The next report includes this news. Try the settings with `onreserve test-email`.\n\n",
        );
    }
    text
}
