//! `onreserve export warc` and `onreserve export wacz`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::archive_location::OpenArchive;
use super::{ArchiveLocation, ClockArguments, exit, print, warn};
use crate::domain::course::CourseId;
use crate::domain::report::figures::{count, count_of};
use crate::export::{self, ExportSelection, ExportSummary, ExportedArchive};
use crate::world::export_file::ExportFile;

#[derive(Debug, Args)]
pub(super) struct WebArchiveArguments {
    /// The file to write; it must not exist.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Export only the links of this course.
    #[arg(long, value_name = "ID", conflicts_with = "link")]
    course: Option<CourseId>,
    /// Export only this link: its address, its id, or a part of the address that no other
    /// link has.
    #[arg(long, value_name = "URL")]
    link: Option<String>,
    /// Export only captures from this day on (UTC).
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Export only captures up to the end of this day (UTC).
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
    #[command(flatten)]
    location: ArchiveLocation,
    #[command(flatten)]
    clock: ClockArguments,
}

pub(super) async fn warc(arguments: &WebArchiveArguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.location.open().await?;
    let selection = arguments.selection(&opened).await?;
    let mut file = ExportFile::create(&arguments.file)?;
    let name = file_name(&arguments.file);
    let summary = export::warc(&selection, &name, &mut file, arguments.source(&opened)).await?;
    arguments.finish(file, &summary)
}

pub(super) async fn wacz(arguments: &WebArchiveArguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.location.open().await?;
    let selection = arguments.selection(&opened).await?;
    let title = match &selection.course {
        Some(course) => opened.course(Some(course)).await?.1,
        None => "Copies kept by Onreserve".to_owned(),
    };
    let file = ExportFile::create(&arguments.file)?;
    let (summary, file) = export::wacz(&selection, &title, file, arguments.source(&opened)).await?;
    arguments.finish(file, &summary)
}

impl WebArchiveArguments {
    async fn selection(&self, opened: &OpenArchive) -> anyhow::Result<ExportSelection> {
        if let (Some(from), Some(until)) = (self.from, self.until)
            && from > until
        {
            bail!("--from {from} is after --until {until}");
        }
        if let Some(course) = &self.course {
            opened.course(Some(course)).await?;
        }
        let link = match &self.link {
            Some(text) => Some(opened.link(text).await?),
            None => None,
        };
        let midnight = |day: Date| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0));
        Ok(ExportSelection {
            course: self.course.clone(),
            link,
            from: self.from.map(midnight).transpose()?,
            until: self.until.map(|day| midnight(day.saturating_add(1.day()))).transpose()?,
        })
    }

    fn source<'a>(&self, opened: &'a OpenArchive) -> ExportedArchive<'a> {
        let now = self.clock.clock().now();
        ExportedArchive { archive: &opened.archive, catalogue: &opened.catalogue, now }
    }

    /// Names the file, and prints what it contains.
    fn finish(&self, file: ExportFile, summary: &ExportSummary) -> anyhow::Result<ExitCode> {
        file.finish()?;
        print(&format!(
            "{}: {} in {}.\n",
            self.file.display(),
            count_of(summary.captures, "capture", "captures"),
            count(summary.records, "record")
        ))?;
        for capture in &summary.unreadable {
            warn(&format!(
                "the file of the capture {capture} is missing or altered, so the export lacks it; run `onreserve verify`"
            ));
        }
        Ok(if summary.unreadable.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILURE) })
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
