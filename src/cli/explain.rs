//! `onreserve explain`: why a link has its state, from the evidence up.

use std::process::ExitCode;

use anyhow::Context as _;

use super::say;
use super::show::{LinkArguments, seen};
use crate::domain::evidence::{Evidence, Finding, Weight};
use crate::domain::report::wording;
use crate::domain::verdict::judge::nights_needed;
use crate::domain::verdict::{State, Verdict};

pub(super) async fn run(arguments: LinkArguments) -> anyhow::Result<ExitCode> {
    let shelf = arguments.place.open().await?;
    let link = shelf.link(&arguments.link).await?;
    let known = shelf.catalogue.known_of(&link).await?.context("this link was never checked")?;
    let verdict = known.verdict.context("no night with this link has ended yet")?;
    let mut out = format!("{link}\n\nState: {}", verdict.state.name().as_str());
    if let Some(reason) = verdict.state.reason() {
        out.push_str(&format!(" ({})", wording::reason(reason, None)));
    }
    let nights = if verdict.nights == 1 { "night" } else { "nights" };
    out.push_str(&format!(", {} {nights}, since {}\n", verdict.nights, verdict.since.strftime("%Y-%m-%d")));
    out.push_str("\nEvidence, oldest first:\n");
    let mut weighed = None;
    for (night, void, evidence) in shelf.catalogue.history(&link).await? {
        if let (None, Finding::Gone { weight, .. }) = (&void, &evidence.finding) {
            weighed = Some(*weight);
        }
        let void = if void.is_some() { ", not counted: the night was void" } else { "" };
        out.push_str(&format!(
            "  {}  {}{}{void}\n",
            night.strftime("%Y-%m-%d"),
            seen(&evidence),
            weight(&evidence)
        ));
        if let Some(ended_at) = &evidence.ended_at {
            out.push_str(&format!("              ended at {ended_at}\n"));
        }
        for note in &evidence.notes {
            out.push_str(&format!("              note: {}\n", wording::note(note)));
        }
    }
    if let Some(baseline) = known.memory.baseline {
        let taken = baseline.capture.captured_at.strftime("%Y-%m-%d");
        out.push_str(&format!("\nCompared with the copy of {taken} ({}).\n", baseline.capture.sha256));
    }
    out.push_str(&format!("\nRule: {}\n", rule(&verdict, weighed)));
    say(&out)?;
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

/// Which rule holds, and what would change the state; `weighed` is how much the last bad night weighed.
fn rule(verdict: &Verdict, weighed: Option<Weight>) -> String {
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
        State::Failing { reason, weight } => match nights_needed(*reason, *weight) {
            Some(nights) => {
                format!("{nights} nights with such evidence make it dead, now {}; one good night ends it.", verdict.nights)
            }
            None => "such evidence never makes it dead; one good night ends it.".to_owned(),
        },
        State::Dead { reason } => {
            let needed = weighed.and_then(|weight| nights_needed(*reason, weight));
            let needed = needed.map_or_else(String::new, |nights| {
                format!(" ({nights} in a row are enough for such evidence)")
            });
            format!("enough nights agreed{needed}; one good night brings it back at once.")
        }
    }
}
