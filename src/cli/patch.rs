//! `onreserve patch`: a patch that puts new addresses into the sources of a course's pages.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::{ArchiveLocation, print};
use crate::domain::course::CourseId;
use crate::domain::patch::unified;
use crate::domain::report::{CourseReport, figures, wording};
use crate::night::page_patch::{self, PlannedPatch};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve patch dgm --config onreserve.toml > links.patch
  onreserve patch dgm --config onreserve.toml | git -C ../site apply
  onreserve patch dgm --config onreserve.toml --write

The sources are the pages that are files, and the files in the course's `source`
directory. Only addresses change: those of moved links, those of dead links with
a replacement that has the same content, and those that a person replaced
(`onreserve replace`, or the page of the link).")]
pub(super) struct PatchArguments {
    /// The course, if the archive has several.
    course: Option<CourseId>,
    /// Change the files instead of printing the patch.
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    location: ArchiveLocation,
}

pub(super) async fn run(arguments: PatchArguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.location.open().await?;
    let (course, _) = opened.course(arguments.course.as_ref()).await?;
    let CourseReport { facts: mut night, .. } =
        opened.catalogue.last_report(&course).await?.with_context(|| {
            format!("no night of the course `{course}` is complete yet; run `onreserve check` first")
        })?;
    // People may have decided on an address since the report.
    let decisions = opened.catalogue.decisions(&course).await?;
    for link_facts in &mut night.links {
        let decided = decisions.get(&link_facts.link).filter(|decided| !decided.has_lapsed);
        link_facts.decision = decided.map(|decided| decided.decision.clone());
    }
    let settings = arguments.location.settings()?;
    let configured =
        settings.as_ref().and_then(|settings| settings.courses.iter().find(|it| it.id == course));
    let dir = configured.and_then(|course| course.source.as_deref());
    let Some(planned) = page_patch::plan(&night, dir)? else {
        bail!(
            "the pages of the course `{course}` are web addresses; add the directory of their sources to its [[course]], as in source = \"../site\""
        );
    };
    if planned.fixes.is_empty() {
        eprint(
            "Nothing to change: no link has moved, and no dead link has a replacement with the same content.\n",
        );
        return Ok(ExitCode::SUCCESS);
    }
    let summary = summary(&planned);
    if arguments.write {
        write(&planned)?;
        print(&summary)?;
    } else {
        eprint(&summary);
        print(&unified(&planned.plan.files))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(planned: &PlannedPatch) -> String {
    let lines = planned.fixes.iter().zip(&planned.plan.spots);
    lines
        .map(|(fix, spots)| {
            [
                fix.from.to_string(),
                format!("  -> {}", fix.to),
                format!("  {}\n", wording::link::in_the_source(spots)),
            ]
            .join("\n")
        })
        .collect()
}

/// Replaces each file atomically, and stops at the first that cannot be written.
fn write(planned: &PlannedPatch) -> anyhow::Result<()> {
    for edited in &planned.plan.files {
        let file = planned.tree.files.iter().find(|file| file.name == edited.name);
        file.context("a planned file is among those read")?.replace(&edited.after)?;
        eprint(&format!("{}: changed\n", planned.tree.root.join(&edited.name).display()));
    }
    if planned.plan.files.is_empty() {
        eprint(&format!("{} read, none changed\n", figures::count(planned.tree.files.len(), "file")));
    }
    Ok(())
}

fn eprint(text: &str) {
    // A closed standard error must not stop the patch.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
