//! `onreserve history`: what each night found at a link, and the copies of it.

use crate::domain::evidence::comparison::ComparedBy;
use std::process::ExitCode;

use super::archive_location::LinkArguments;
use super::print;
use crate::domain::evidence::{Drift, Evidence, Finding};
use crate::domain::report::{figures, text, wording};
use crate::world::catalogue::StoredVisit;

pub(super) async fn run(arguments: LinkArguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.location.open().await?;
    let link = opened.link(&arguments.link).await?;
    let mut out = format!("{link}\n\n");
    for visit in opened.catalogue.visits(&link).await? {
        let night = visit.night.strftime("%Y-%m-%d %H:%M");
        let not_counted = match &visit {
            StoredVisit { is_withdrawn: true, .. } => "  (not counted: the night was withdrawn)",
            StoredVisit { void: Some(_), .. } => "  (not counted: the network here failed)",
            StoredVisit { .. } => "",
        };
        out.push_str(&text::hanging(
            &format!("{night}  "),
            &format!("{}{not_counted}", finding(&visit.evidence)),
        ));
    }
    let captures = opened.catalogue.captures(&link).await?;
    out.push_str(&format!("\n{}\n", if captures.is_empty() { "No copies." } else { "Copies:" }));
    for kept in captures {
        let capture = kept.capture;
        let place = opened.archive.place_of(capture.sha256);
        out.push_str(&format!(
            "{}  {}\n  {}\n",
            capture.captured_at.strftime("%Y-%m-%d %H:%M"),
            figures::size(capture.bytes),
            place
        ));
    }
    print(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// What shows that it is the same.
fn by(compared_by: Option<ComparedBy>) -> &'static str {
    match compared_by {
        Some(ComparedBy::Text) => " (same text)",
        Some(ComparedBy::Members) => " (same files in it)",
        Some(ComparedBy::PageImages) => " (same page images)",
        Some(ComparedBy::Bytes) => " (same bytes)",
        Some(ComparedBy::Validators) => " (not modified, by the server's answer)",
        Some(ComparedBy::Nothing) | None => "",
    }
}

/// What one night found, in a few words.
pub(super) fn finding(evidence: &Evidence) -> String {
    match &evidence.finding {
        Finding::Healthy { drift, moved_to } => {
            let moved = moved_to.as_ref().map(|to| format!("; permanently at {to}")).unwrap_or_default();
            let drift = match drift {
                _ if evidence.is_listed => {
                    "works, the same (no change in the list of its host; not requested)".to_owned()
                }
                Drift::First => "works, first copy".to_owned(),
                Drift::Same => format!("works, the same{}", by(evidence.compared_by)),
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
