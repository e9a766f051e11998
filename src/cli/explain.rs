//! `onreserve explain`: why a link has its state, from the evidence up.

use std::process::ExitCode;

use anyhow::Context as _;

use super::archive_location::LinkArguments;
use super::history::finding;
use super::print;
use crate::domain::address::Address;
use crate::domain::evidence::{Evidence, Finding, Weight};
use crate::domain::link::{Mention, Sign};
use crate::domain::report::figures::count;
use crate::domain::report::plain::quoted;
use crate::domain::report::{Revisit, text, wording};
use crate::domain::verdict::dead::{Confirmation, confirmation};
use crate::domain::verdict::{State, Verdict};
use crate::world::catalogue::{self, Catalogue, StoredVisit};

pub(super) async fn run(arguments: LinkArguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.location.open().await?;
    if let Some(waiting) = not_visited_yet(&arguments.link, &opened.catalogue).await? {
        print(&waiting)?;
        return Ok(ExitCode::SUCCESS);
    }
    let link = opened.link(&arguments.link).await?;
    let known = opened.catalogue.link_record(&link).await?.context("this link has never been checked")?;
    let verdict =
        known.verdict.context("no night with this link is complete yet; run `onreserve check` first")?;
    let reason = verdict.state.reason().map(|reason| format!(" ({})", wording::reason(reason, None)));
    let nights = count(usize::try_from(verdict.nights)?, "night");
    let state = format!(
        "{}{}, {nights}, since {}",
        verdict.state.name().as_str(),
        reason.unwrap_or_default(),
        verdict.since.strftime("%Y-%m-%d")
    );
    let mut out = format!("{link}\n\n{}", text::hanging("State: ", &state));
    if let Some(revisit) = revisit_of(&link, &opened.catalogue).await? {
        out.push_str(&text::hanging("Visits: ", &revisit));
    }
    for (page, mention) in opened.catalogue.mentions_of(&link).await? {
        let place = format!("On line {} of {page}{}", mention.line, due(&mention));
        out.push_str(&text::hanging("", &place));
    }
    out.push_str("\nEvidence, oldest first:\n");
    for StoredVisit { night, void, is_withdrawn, evidence } in opened.catalogue.visits(&link).await? {
        let not_counted = match (is_withdrawn, void) {
            (true, _) => "; not counted, because the night was withdrawn",
            (false, Some(_)) => "; not counted, because the network here failed",
            (false, None) => "",
        };
        let found = format!("{}{}{not_counted}", finding(&evidence), weight(&evidence));
        out.push_str(&text::hanging(&format!("  {}  ", night.strftime("%Y-%m-%d")), &found));
        if let Some(ended_at) = &evidence.ended_at {
            out.push_str(&format!("              final address: {ended_at}\n"));
        }
        for note in &evidence.notes {
            out.push_str(&text::hanging("              ", &format!("note: {}", wording::note(note))));
        }
    }
    let now = known.history.evidence.last().map(|evidence| evidence.at);
    let confirmation = now.and_then(|now| confirmation(&known.history.evidence, now));
    if let Some(baseline) = known.history.baseline {
        let taken = baseline.capture.captured_at.strftime("%Y-%m-%d");
        out.push_str(&format!("\nCompared with the copy of {taken}, SHA-256\n{}\n", baseline.capture.sha256));
    }
    out.push_str(&format!("\n{}", text::hanging("Rule: ", &rule(&verdict, confirmation))));
    print(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// The words about a link with this address that no night has visited, because its host has a
/// crawl budget.
async fn not_visited_yet(link: &str, catalogue: &Catalogue) -> anyhow::Result<Option<String>> {
    let Ok(link) = Address::parse(link) else { return Ok(None) };
    if catalogue.link_record(&link).await?.is_some() {
        return Ok(None);
    }
    let visits = revisit_of(&link, catalogue).await?;
    Ok(visits.map(|visits| {
        let state = text::hanging("State: ", wording::revisit::NOT_VISITED_YET);
        format!("{link}\n\n{state}{}", text::hanging("Visits: ", &visits))
    }))
}

/// When a link was last visited and how often it is, if its host has a crawl budget.
async fn revisit_of(link: &Address, catalogue: &Catalogue) -> Result<Option<String>, catalogue::Error> {
    let reports = catalogue.last_reports_with(link).await?;
    let newest = reports.into_iter().max_by_key(|report| report.facts.started);
    let links = newest.into_iter().flat_map(|report| report.facts.links);
    let revisit = links.filter(|link_facts| link_facts.link == *link).find_map(|found| found.revisit);
    Ok(revisit.map(|Revisit { last_visit, interval }| {
        let last = last_visit.map(|at| format!("last on {}; ", at.strftime("%Y-%m-%d")));
        format!("{}{}", last.unwrap_or_default(), wording::revisit::clause(link.host(), interval))
    }))
}

/// When the class needs the link, and what on the page says so.
fn due(mention: &Mention) -> String {
    let Some(due) = mention.due else { return ": the page gives no date for it.".to_owned() };
    let sign = mention.due_from.as_ref().map_or_else(String::new, |from| {
        let part = match from.sign {
            Sign::Heading => "heading",
            Sign::Label => "label",
            Sign::Row => "table row",
            Sign::Column => "table column",
            Sign::Cell => "table cell",
            Sign::Item => "text",
            Sign::Field => "data field",
        };
        format!(", by the {part} {}", quoted(&from.text))
    });
    format!(": needed on {due}{sign}.")
}

fn weight(evidence: &Evidence) -> &'static str {
    match evidence.finding {
        Finding::Gone { weight: Weight::Decisive, .. } => "; decisive evidence",
        Finding::Gone { weight: Weight::Strong, .. } => "; strong evidence",
        Finding::Gone { weight: Weight::Inferred, .. } => "; indirect evidence",
        Finding::Gone { weight: Weight::Weak, .. } => "; weak evidence",
        Finding::Refused { .. } => "; not counted, because the host refused the request",
        Finding::Unclear { .. } => "; not counted, because this result does not show the state of the link",
        Finding::Healthy { .. } | Finding::Restricted { .. } => "",
    }
}

/// The rule that gives the state, and what would change it.
fn rule(verdict: &Verdict, confirmation: Option<Confirmation>) -> String {
    match &verdict.state {
        State::Ok => "the last night with a clear result found the document.".to_owned(),
        State::Moved { to } => {
            format!("the host has redirected permanently to {to} for two nights or more. The state ends when the page links there.")
        }
        State::Changed { .. } => {
            "the text differed from the accepted copy twice. The state ends after `onreserve accept`, when the old text returns, or, if it is a revised version, after 30 days.".to_owned()
        }
        State::Restricted { .. } => format!(
            "{} nights in a row found that readers need an account or have to pay. One night with free access ends this state.",
            verdict.nights
        ),
        State::Unverifiable { .. } => {
            "the last results do not show whether the link works, and such results never make a link dead. One night with a clear result ends this state.".to_owned()
        }
        State::Failing { .. } => match confirmation {
            Some(Confirmation { nights, needed }) => {
                format!("{needed} nights with such evidence make the link dead; so far there are {nights}. One night on which the link works ends this state.")
            }
            None => "such evidence never makes a link dead. One night on which the link works ends this state.".to_owned(),
        },
        State::Dead { .. } => {
            let needed = confirmation.map_or_else(String::new, |confirmation| {
                format!(" (such evidence needs {})", confirmation.needed)
            });
            format!("enough nights in a row agree{needed}. One night on which the link works ends this state at once.")
        }
    }
}
