//! `onreserve explain`: why a link has its state, from the evidence up.

use std::process::ExitCode;

use anyhow::Context as _;

use super::archive_location::LinkArguments;
use super::history::finding;
use super::print;
use crate::domain::evidence::{Evidence, Finding, Weight};
use crate::domain::report::wording;
use crate::domain::verdict::judge::{Approach, approach};
use crate::domain::verdict::{State, Verdict};

pub(super) async fn run(arguments: LinkArguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.location.open().await?;
    let link = opened.link(&arguments.link).await?;
    let known = opened.catalogue.link_record(&link).await?.context("this link was never checked")?;
    let verdict = known.verdict.context("no night with this link has ended yet")?;
    let mut out = format!("{link}\n\nState: {}", verdict.state.name().as_str());
    if let Some(reason) = verdict.state.reason() {
        out.push_str(&format!(" ({})", wording::reason(reason, None)));
    }
    let nights = if verdict.nights == 1 { "night" } else { "nights" };
    out.push_str(&format!(", {} {nights}, since {}\n", verdict.nights, verdict.since.strftime("%Y-%m-%d")));
    out.push_str("\nEvidence, oldest first:\n");
    for (night, void, evidence) in opened.catalogue.visits(&link).await? {
        let void = if void.is_some() { ", not counted: the night was void" } else { "" };
        out.push_str(&format!(
            "  {}  {}{}{void}\n",
            night.strftime("%Y-%m-%d"),
            finding(&evidence),
            weight(&evidence)
        ));
        if let Some(ended_at) = &evidence.ended_at {
            out.push_str(&format!("              ended at {ended_at}\n"));
        }
        for note in &evidence.notes {
            out.push_str(&format!("              note: {}\n", wording::note(note)));
        }
    }
    let now = known.history.evidence.last().map(|evidence| evidence.at);
    let approach = now.and_then(|now| approach(&known.history.evidence, now));
    if let Some(baseline) = known.history.baseline {
        let taken = baseline.capture.captured_at.strftime("%Y-%m-%d");
        out.push_str(&format!("\nCompared with the copy of {taken} ({}).\n", baseline.capture.sha256));
    }
    out.push_str(&format!("\nRule: {}\n", rule(&verdict, approach)));
    print(&out)?;
    Ok(ExitCode::SUCCESS)
}

fn weight(evidence: &Evidence) -> &'static str {
    match evidence.finding {
        Finding::Gone { weight: Weight::Decisive, .. } => " [decisive evidence]",
        Finding::Gone { weight: Weight::Strong, .. } => " [strong evidence]",
        Finding::Gone { weight: Weight::Inferred, .. } => " [inferred]",
        Finding::Gone { weight: Weight::Weak, .. } => " [weak evidence]",
        Finding::Refused { .. } => " [a refusal, says nothing of the link]",
        Finding::Unclear { .. } => " [cannot be judged]",
        Finding::Healthy { .. } | Finding::Restricted { .. } => "",
    }
}

/// Which rule holds, and what would change the state.
fn rule(verdict: &Verdict, approach: Option<Approach>) -> String {
    match &verdict.state {
        State::Ok => "the last night that could tell found the work; nothing else is needed.".to_owned(),
        State::Moved { to } => {
            format!("the permanent redirect to {to} held for two nights or more; it ends when the page links there.")
        }
        State::Changed { .. } => {
            "the text differs from the accepted copy, seen twice; it ends with `onreserve accept`, when the old text returns, or after 30 days.".to_owned()
        }
        State::Restricted { .. } => format!(
            "{} nights in a row kept readers out; one open night ends it.",
            verdict.nights
        ),
        State::Unverifiable { .. } => {
            "the host's answer says nothing of the link; refusals never lead to `dead`, one readable answer ends it.".to_owned()
        }
        State::Failing { .. } => match approach {
            Some(Approach { nights, needed }) => {
                format!("{needed} nights that weigh so much make it dead, so far {nights}; one good night ends it.")
            }
            None => "such evidence never makes it dead; one good night ends it.".to_owned(),
        },
        State::Dead { .. } => {
            let needed = approach.map_or_else(String::new, |approach| {
                format!(" ({} in a row are enough for such evidence)", approach.needed)
            });
            format!("enough nights agreed{needed}; one good night brings it back at once.")
        }
    }
}
