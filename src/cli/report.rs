//! `onreserve report`: the last report again, and a preview of the email that carries it.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::archive_location::OpenArchive;
use super::archive_location::no_night;
use super::{ArchiveLocation, print};
use crate::domain::course::{CourseId, Term};
use crate::domain::report::due::{self, LastSent, PendingReport, ReportDue, ReportOccasion};
use crate::domain::report::{CourseFacts, CourseReport, compose, html, json, summary, text};
use crate::outbox::{self, EmailSender};
use crate::world::archive::Archive;
use crate::world::terminal;

#[derive(Debug, Args)]
pub(super) struct ReportArguments {
    /// The course, if the archive has several.
    course: Option<CourseId>,
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Show the email for this report: its text, its HTML, or the whole message.
    #[arg(long, value_enum, value_name = "FORM", conflicts_with = "format")]
    preview: Option<Preview>,
    #[command(flatten)]
    location: ArchiveLocation,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    #[default]
    Human,
    Json,
    Html,
}

/// The part of the email to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Preview {
    Text,
    Html,
    Eml,
}

pub(super) async fn run(arguments: ReportArguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.location.open().await?;
    let (course, _) = opened.course(arguments.course.as_ref()).await?;
    let night: CourseReport =
        opened.catalogue.last_report(&course).await?.with_context(|| no_night(&course))?;
    if let Some(form) = arguments.preview {
        preview(night, form, &arguments)?;
        return Ok(ExitCode::SUCCESS);
    }
    match arguments.format {
        ReportFormat::Human => {
            print(&summary::render(&night.facts, &compose::compose(&night), terminal::colours()))?
        }
        ReportFormat::Html => print(&html::page(&compose::compose(&night))?)?,
        ReportFormat::Json => return print_json(&night.facts, &opened),
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the object of `check --format json`.
pub(super) fn print_json(night: &CourseFacts, opened: &OpenArchive) -> anyhow::Result<ExitCode> {
    let totals = json::TotalsJson {
        id: night.started.to_string(),
        started: night.started,
        finished: night.finished,
        requests: night.requests,
        bytes: night.bytes,
        void: night.void,
    };
    let path = |digest| opened.archive.place_of(digest);
    let run = json::RunJson::new(totals, [night], path);
    print(&format!("{}\n", serde_json::to_string_pretty(&run)?))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the email that this night gives a recipient without earlier emails.
fn preview(night: CourseReport, form: Preview, arguments: &ReportArguments) -> anyhow::Result<()> {
    let settings = arguments.location.settings()?;
    let course = settings
        .as_ref()
        .and_then(|settings| settings.courses.iter().find(|course| course.id == night.facts.course));
    let term = course.and_then(|course| course.term);
    let due = due(&night, term);
    let contact = course.and_then(|course| course.contact.clone());
    let pending = PendingReport { contact, ..PendingReport::new(night, due, term) };
    let composed = pending.compose();
    match form {
        Preview::Text => print(&format!("Subject: {}\n\n{}", composed.subject, text::render(&composed))),
        Preview::Html => print(&html::page(&composed)?),
        Preview::Eml => {
            let mail = settings.as_ref().and_then(|settings| settings.mail.as_ref());
            let mail =
                mail.context("the message needs a sender and a recipient; name a --config that has [mail]")?;
            let to = course.and_then(|course| course.report_to.first()).cloned();
            let to = to.with_context(|| {
                format!(
                    "the course `{}` has no recipient; add report_to to its [[course]]",
                    pending.report.facts.course
                )
            })?;
            let pages = settings.as_ref().and_then(|settings| settings.pages.as_ref());
            let archive = Archive::open_shared(&arguments.location.archive()?)?;
            let pages = pages.map(|pages| pages.behind_emails(&archive)).transpose()?.flatten();
            let sender = EmailSender { pages, ..mail.sender()? };
            let (_, mail) = outbox::format(&pending, &to, pending.report.facts.finished, &sender)?;
            print(&String::from_utf8_lossy(&mail))
        }
    }
}

fn due(night: &CourseReport, term: Option<Term>) -> ReportDue {
    due::report_due(night, term, LastSent::default(), night.facts.today).unwrap_or(ReportDue {
        occasion: ReportOccasion::Changes,
        on: night.facts.today,
        is_weekly: false,
        is_before_term: false,
        next: due::next_day(term, night.facts.today),
    })
}
