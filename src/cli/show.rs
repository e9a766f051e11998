//! Looking at what is known: status, history, the last report.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use jiff::civil::Date;

use super::post::{self, Preview};
use super::{Format, Place, say};
use crate::domain::course::CourseId;
use crate::domain::evidence::{Drift, Evidence, Finding};
use crate::domain::report::{CourseReport, LinkFacts, compose, figures, html, json, plain, summary, wording};
use crate::domain::verdict::StateName;
use crate::world::catalogue::StoredDecision;

#[derive(Debug, Args)]
pub(super) struct StatusArguments {
    /// The course, where there are several.
    course: Option<CourseId>,
    /// Only links in this state.
    #[arg(long, value_name = "STATE", value_parser = state_named)]
    state: Option<StateName>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct LinkArguments {
    /// The address of the link, its id, or a telling part of the address.
    #[arg(value_name = "URL")]
    pub(super) link: String,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Args)]
pub(super) struct ReportArguments {
    /// The course, where there are several.
    course: Option<CourseId>,
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Show the letter that tells it, as text, HTML page or whole mail.
    #[arg(long, value_enum, value_name = "FORM", conflicts_with = "format")]
    preview: Option<Preview>,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    #[default]
    Human,
    Json,
    Html,
}

fn state_named(text: &str) -> Result<StateName, String> {
    let known = StateName::ALL.map(StateName::as_str);
    let named = StateName::ALL.into_iter().find(|state| state.as_str() == text);
    named.ok_or_else(|| format!("it is one of {}", known.join(", ")))
}

pub(super) async fn status(arguments: StatusArguments) -> anyhow::Result<ExitCode> {
    let shelf = arguments.place.open().await?;
    let (course, _) = shelf.course(arguments.course.as_ref()).await?;
    let mut night: CourseReport =
        shelf.catalogue.last_report(&course).await?.context("no night of this course has ended yet")?;
    for item in &mut night.items {
        // A look by day may have cleared what the night suspected.
        if let Some(verdict) = shelf.catalogue.link_record(&item.link).await?.and_then(|known| known.verdict)
        {
            item.verdict = verdict;
        }
    }
    if let Some(state) = arguments.state {
        night.items.retain(|item| item.verdict.state.name() == state);
    }
    if arguments.format == Format::Json {
        return print_json(&night, &shelf);
    }
    let finished = night.finished.strftime("%Y-%m-%d %H:%M UTC");
    let mut out = post::standing(&shelf.catalogue.outbox().await?, &course);
    for reader in shelf.catalogue.stopped(&course).await? {
        out.push_str(&format!("MAIL STOPPED by {reader}: no reports of this course are sent there.\n\n"));
    }
    let decisions = shelf.catalogue.decisions(&course).await?;
    out.push_str(&format!("{} ({course}), {finished}\n\n", plain::visible(&night.title)));
    for item in &night.items {
        out.push_str(&line(item, decisions.get(&item.link), night.today));
    }
    say(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// One link on two lines: state and words, then the address.
fn line(item: &LinkFacts, decided: Option<&StoredDecision>, today: Date) -> String {
    let words = item.mentions.first().map(|mention| plain::visible(&mention.words)).unwrap_or_default();
    let words: String = words.chars().take(58).collect();
    let copy = if item.copy.is_some() { "copy" } else { "" };
    let reason =
        item.verdict.state.reason().map(|reason| format!("  ({})", wording::reason(reason, item.status)));
    let decided = decided.map(|decided| {
        let over = if decided.has_lapsed { ", before this result" } else { "" };
        format!("  [{}{over}]", wording::decision::choice(&decided.decision.choice, today))
    });
    format!(
        "{:<12} {copy:<4}  {words}\n  {}{}{}\n",
        item.verdict.state.name().as_str(),
        item.link,
        reason.unwrap_or_default(),
        decided.unwrap_or_default()
    )
}

fn print_json(night: &CourseReport, shelf: &super::place::Shelf) -> anyhow::Result<ExitCode> {
    let totals = json::TotalsJson {
        id: night.started.to_string(),
        started: night.started,
        finished: night.finished,
        requests: night.requests,
        bytes: night.bytes,
        void: night.void,
    };
    let path = |digest| shelf.archive.path_of(digest).display().to_string();
    let run = json::RunJson::new(totals, std::slice::from_ref(night), path);
    say(&format!("{}\n", serde_json::to_string_pretty(&run)?))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn history(arguments: LinkArguments) -> anyhow::Result<ExitCode> {
    let shelf = arguments.place.open().await?;
    let link = shelf.link(&arguments.link).await?;
    let mut out = format!("{link}\n\n");
    for (night, void, evidence) in shelf.catalogue.visits(&link).await? {
        let void = if void.is_some() { "  (a night that says nothing)" } else { "" };
        out.push_str(&format!("{}  {}{void}\n", night.strftime("%Y-%m-%d %H:%M"), seen(&evidence)));
    }
    let captures = shelf.catalogue.captures(&link).await?;
    out.push_str(&format!("\n{}\n", if captures.is_empty() { "No copy." } else { "Copies:" }));
    for kept in captures {
        let capture = kept.capture;
        let path = shelf.archive.path_of(capture.sha256);
        out.push_str(&format!(
            "{}  {}  {}\n",
            capture.captured_at.strftime("%Y-%m-%d %H:%M"),
            figures::size(capture.bytes),
            path.display()
        ));
    }
    say(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// What one night saw, in a few words.
pub(super) fn seen(evidence: &Evidence) -> String {
    match &evidence.finding {
        Finding::Healthy { drift, moved_to } => {
            let moved = moved_to.as_ref().map(|to| format!("; permanently at {to}")).unwrap_or_default();
            let drift = match drift {
                Drift::First => "works, first copy".to_owned(),
                Drift::Same => "works, the same".to_owned(),
                Drift::NotCompared => "works".to_owned(),
                Drift::Small(change) => format!("works, small edits: {}", wording::change(change)),
                Drift::Different(change) => format!("works, different: {}", wording::change(change)),
            };
            format!("{drift}{moved}")
        }
        Finding::Gone { reason, .. }
        | Finding::Restricted { reason }
        | Finding::Refused { reason }
        | Finding::Unclear { reason } => wording::reason(*reason, evidence.status),
    }
}

pub(super) async fn report(arguments: ReportArguments) -> anyhow::Result<ExitCode> {
    let shelf = arguments.place.open().await?;
    let (course, _) = shelf.course(arguments.course.as_ref()).await?;
    let night: CourseReport =
        shelf.catalogue.last_report(&course).await?.context("no night of this course has ended yet")?;
    if let Some(form) = arguments.preview {
        post::preview(night, form, &arguments)?;
        return Ok(ExitCode::SUCCESS);
    }
    match arguments.format {
        ReportFormat::Human => say(&summary::render(&night, &compose::compose(&night)))?,
        ReportFormat::Html => say(&html::page(&compose::compose(&night))?)?,
        ReportFormat::Json => return print_json(&night, &shelf),
    }
    Ok(ExitCode::SUCCESS)
}
