//! Letters at the terminal: what is waiting, how one would look, whether one arrives.

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
use crate::world::email::relay::{HandOver, OutgoingEmail, RelayConfig};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve test-email --config onreserve.toml
  onreserve test-email --config onreserve.toml --to you@school.edu")]
pub(super) struct TestEmailArguments {
    /// The configuration that says how mail leaves.
    #[arg(long, value_name = "FILE")]
    config: std::path::PathBuf,
    /// Whom to write to [default: everyone the courses report to].
    #[arg(long, value_name = "ADDRESS")]
    to: Vec<EmailAddress>,
    #[command(flatten)]
    clock: ClockArguments,
}

const TEST: &str = "This is a test of how Onreserve sends its letters. You can delete it.

If it landed in your inbox, the way works. For the person who set it up:
in the source of this mail, SPF or DKIM should say \"pass\", and where there
is a DKIM-Signature, its h= should name List-Unsubscribe and
List-Unsubscribe-Post, or mail programs will not offer to stop the mails.
";

pub(super) async fn test(arguments: TestEmailArguments) -> anyhow::Result<ExitCode> {
    let settings = config::read(&arguments.config)?;
    let mail =
        settings.mail.as_ref().context("the configuration has no [mail]; add one with from and host")?;
    let sender = mail.sender()?;
    let mut readers = arguments.to;
    if readers.is_empty() {
        readers = settings.courses.iter().flat_map(|course| course.report_to.clone()).collect();
        readers.sort();
        readers.dedup();
    }
    if readers.is_empty() {
        bail!("no course has a report_to; name a reader with --to you@school.edu");
    }
    // Such a header as the letters carry, though there is nothing to stop.
    let filled = |url: &String| url.replace("{course}", "test").replace("{recipient}", "test");
    let stop = mail.unsubscribe_url.as_ref().map(filled).or_else(|| settings.pages.as_ref()?.address());
    let now = arguments.clock.clock().now();
    let mut code = ExitCode::SUCCESS;
    for to in readers {
        let letter = Email {
            from: &sender.from,
            to: &to,
            course: &"test".parse()?,
            title: "Test",
            term: None,
            night: now,
            date: now,
            subject: "[ONRESERVE] Test of the mail settings",
            text: TEST,
            html: &format!("<!DOCTYPE html><html lang=\"en\"><title>Test</title><pre>{TEST}</pre></html>"),
            patch: None,
            unsubscribe: stop.as_deref(),
        };
        let mail_as_sent = sender.signed(letter.format()?)?;
        let parcel = OutgoingEmail { from: &sender.from, to: &to, id: &letter.id(), mail: &mail_as_sent };
        match sender.relay.hand_on(&parcel).await {
            HandOver::Taken(answer) => print(&format!("{to}: sent by {} ({answer})\n", described(mail)))?,
            HandOver::Later(why)
            | HandOver::NoRelay(why)
            | HandOver::Unanswered(why)
            | HandOver::Refused(why) => {
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

/// For the person who ran a night by hand; a service logs it instead.
pub(super) fn print_delivered(delivered: &DeliveryPass) {
    let lines = delivered
        .told
        .iter()
        .map(|to| format!("report sent to {to}"))
        .chain(delivered.postponed.iter().map(|(to, why)| format!("report to {to} not sent yet: {why}")))
        .chain(delivered.failed.iter().map(|(to, why)| format!("report to {to} REFUSED: {why}")));
    for line in lines {
        let _ = writeln!(std::io::stderr(), "onreserve: {line}");
    }
}

/// What the operator should know of a course's letters; empty if all is well.
pub(super) fn problems(outbox: &OutboxStatus, course: &CourseId) -> String {
    let mut text = String::new();
    for trouble in outbox.troubles.iter().filter(|trouble| trouble.course == *course) {
        let tries = figures::count(usize::try_from(trouble.tries).unwrap_or(usize::MAX), "time");
        text.push_str(&format!(
            "MAIL {}: the report of {} to {} was tried {tries}: {}\n",
            trouble.state.to_uppercase(),
            trouble.queued_at.strftime("%Y-%m-%d"),
            trouble.recipient,
            trouble.answer
        ));
    }
    if !text.is_empty() {
        text.push_str("Nothing is lost: the next report carries it. See `onreserve test-email`.\n\n");
    }
    text
}
