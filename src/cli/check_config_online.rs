//! `onreserve check-config --online`: whether what a configuration names is there and lets us in.
//!
//! Everything is tried, and each trial is one line. Nothing is kept, sent or
//! made, so that it can be done beside a running service.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

use super::{exit, print};
use crate::config::{Configuration, MailSettings};
use crate::domain::course::{Course, PageSource};
use crate::domain::report::figures;
use crate::night::one_page;
use crate::world::archive;
use crate::world::clock::Clock;
use crate::world::email::relay::RelayConfig;
use crate::world::fetch::Fetch;
use crate::world::reader::Reader;
use crate::world::spool::Spool;

/// What a trial showed: what is fine, or what is wrong with its mend.
type CheckOutcome = Result<String, String>;

pub(super) async fn run(settings: &Configuration, clock: Clock) -> anyhow::Result<ExitCode> {
    let mut is_fine = true;
    let mut tell = |what: &str, shown: CheckOutcome| {
        is_fine &= shown.is_ok();
        match shown {
            Ok(words) => print(&format!("fine   {what}: {words}\n")),
            Err(words) => print(&format!("WRONG  {what}: {words}\n")),
        }
    };
    tell("archive", archive_dir(&settings.archive))?;
    if let Some(mail) = &settings.mail {
        tell("mail", relay(mail).await)?;
    }
    if settings.daemon.ping.is_some() {
        tell("ping", Ok("a web address; not asked, for a ping says that a night has ended".to_owned()))?;
    }
    let bodies = tempfile::tempdir().context("no room for the pages' bodies; look at TMPDIR")?;
    let fetch = Fetch::new(&settings.fetch, Spool::new(bodies.path().to_owned()), clock)?;
    let reader = Reader::new(std::env::current_exe()?);
    for course in &settings.courses {
        for source in &course.pages {
            let shown = page(course, source, clock, &fetch, &reader).await?;
            tell(&format!("course `{}`, {source}", course.id), shown)?;
        }
    }
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILURE) })
}

fn archive_dir(dir: &Path) -> CheckOutcome {
    match archive::check_writable(dir) {
        Ok(()) => Ok(format!("{} can be written", dir.display())),
        Err(fault) => Err(fault.to_string()),
    }
}

async fn relay(mail: &MailSettings) -> CheckOutcome {
    let sender = mail.sender().map_err(|unusable| unusable.to_string())?;
    sender
        .relay
        .greet(&mail.from)
        .await
        .map_err(|why| format!("{why}; correct [mail], or ask whoever runs the relay, then try again"))?;
    Ok(match &mail.way {
        RelayConfig::Smtp(server) => {
            let login = if server.login.is_some() { " and takes the password" } else { "" };
            format!("{}:{} answers{login}; nothing was sent", server.host, server.port)
        }
        RelayConfig::Sendmail { program } => format!("{} can be run", program.display()),
        RelayConfig::Directory { dir } => format!("{} can be written", dir.display()),
    })
}

async fn page(
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
