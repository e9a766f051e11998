//! `onreserve check-config --online`: tries the archive directory, the mail relay and the pages.
//!
//! Each check prints one line. No check stores, sends or creates anything, so
//! that the command may run beside the service.

use std::process::ExitCode;

use anyhow::Context as _;

use super::{exit, print};
use crate::config::{Configuration, MailSettings};
use crate::domain::course::{Course, PageSource};
use crate::domain::report::figures;
use crate::night::one_page;
use crate::world::archive::{self, ArchivePlace};
use crate::world::clock::Clock;
use crate::world::document_reader::Reader;
use crate::world::email::relay::RelayConfig;
use crate::world::fetch::Fetch;
use crate::world::spool::Spool;

/// The result of one check, or the problem and how to solve it.
type CheckOutcome = Result<String, String>;

pub(super) async fn run(settings: &Configuration, clock: Clock) -> anyhow::Result<ExitCode> {
    let mut is_fine = true;
    let mut report = |what: &str, outcome: CheckOutcome| {
        is_fine &= outcome.is_ok();
        match outcome {
            Ok(words) => print(&format!("ok     {what}: {words}\n")),
            Err(words) => print(&format!("ERROR  {what}: {words}\n")),
        }
    };
    report("archive", writable(&settings.archive_place()))?;
    if let Some(mail) = &settings.mail {
        report("mail", relay(mail).await)?;
    }
    if settings.daemon.ping.is_some() {
        report("ping", Ok("a valid URL; not requested, as that would report a finished night".to_owned()))?;
    }
    let bodies = tempfile::tempdir().context("cannot make a temporary directory; check TMPDIR")?;
    let fetch = Fetch::new(&settings.fetch, Spool::new(bodies.path().to_owned()), clock)?;
    let reader = Reader::new(std::env::current_exe()?);
    for course in &settings.courses {
        for source in &course.pages {
            let outcome = page(course, source, clock, &fetch, &reader).await?;
            report(&format!("course `{}`, {source}", course.id), outcome)?;
        }
    }
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILURE) })
}

fn writable(place: &ArchivePlace) -> CheckOutcome {
    match archive::check_writable(place) {
        Ok(()) => Ok(format!("{place} can be written")),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) async fn relay(mail: &MailSettings) -> CheckOutcome {
    let sender = mail.sender().map_err(|error| error.to_string())?;
    sender
        .relay
        .check(&mail.from)
        .await
        .map_err(|why| format!("{why}; correct [mail], or ask the administrator of the relay"))?;
    Ok(match &mail.way {
        RelayConfig::Smtp(server) => {
            let login = if server.login.is_some() { " and accepts the password" } else { "" };
            format!("{}:{} answers{login}; no email was sent", server.host, server.port)
        }
        RelayConfig::Sendmail { program } => format!("{} can be run", program.display()),
        RelayConfig::Directory { dir } => format!("{} can be written", dir.display()),
    })
}

pub(super) async fn page(
    course: &Course,
    source: &PageSource,
    clock: Clock,
    fetch: &Fetch,
    reader: &Reader,
) -> anyhow::Result<CheckOutcome> {
    let read = one_page::read(course, source, clock.now(), fetch, reader).await?;
    Ok(match read.and_then(one_page::linked) {
        Ok(read) => Ok(figures::count(read.page.mentions.len(), "link")),
        Err(not_read) => Err(not_read.to_string()),
    })
}
