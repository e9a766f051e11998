//! The search for replacements of dead links, once a week for each link.
//!
//! `domain::replacement` chooses the candidates and compares the responses. This
//! module requests the candidates one after the other until one is proven.

use std::collections::{HashMap, HashSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

use crate::domain::address::Address;
use crate::domain::evidence::link_history::{LinkHistory, StoredCapture};
use crate::domain::evidence::probe::{CheckedLink, Probe, ProbeResult};
use crate::domain::evidence::signature_list::FoundSignatures;
use crate::domain::evidence::{Evidence, Finding};
use crate::domain::journal::Entry;
use crate::domain::policy::disclosure;
use crate::domain::replacement::{
    self, Candidate, CandidateOrigin, LostDocument, Replacement, SEARCHED_EVERY, SearchSources, candidates,
    prove,
};
use crate::domain::report::placement::is_broken;
use crate::domain::verdict::StateName;
use crate::night::capture_select;
use crate::night::finish::{Judged, JudgedLink};
use crate::night::pages::{self, Readings};
use crate::world::World;
use crate::world::catalogue::ReplacementSearch;
use crate::world::fetch::{Accept, FetchRequest, Fetched};

/// The most searches of one night, so that a page with many dead links does not
/// make the night too long. The following nights search for the others.
const SEARCHES_AT_MOST: usize = 60;

/// The replacements of the links that need one.
pub(super) async fn all(
    readings: &Readings,
    judged: &Judged,
    world: &World,
) -> anyhow::Result<HashMap<Address, Replacement>> {
    let now = world.clock.now();
    let mut found = HashMap::new();
    let mut due = Vec::new();
    for (link, judged_link) in lost(readings, judged) {
        let last = world.catalogue.replacement_search(&link.address).await?;
        let is_recent = last.as_ref().is_some_and(|last| now.duration_since(last.at) < SEARCHED_EVERY);
        if is_recent || judged.void.is_some() {
            found.extend(last.and_then(|last| last.found).map(|it| (link.address, it)));
        } else {
            due.push((last, (link, judged_link)));
        }
    }
    found.extend(
        postpone(&mut due).into_iter().filter_map(|(last, (link, _))| Some((link.address, last?.found?))),
    );
    let searched: Vec<(Address, Option<Replacement>)> = stream::iter(due)
        .map(|(_, (link, judged))| async move {
            let known = world.catalogue.link_record(&link.address).await?;
            let history = known.as_ref().map(|known| &known.history);
            let replacement = search(&link, judged, history, world).await?;
            anyhow::Ok((link.address, replacement))
        })
        .buffer_unordered(world.hosts_at_once)
        .try_collect()
        .await?;
    let entries: Vec<Entry> = searched
        .iter()
        .map(|(link, found)| Entry::ReplacementSearched { at: now, link: link.clone(), found: found.clone() })
        .collect();
    if !entries.is_empty() {
        world.record(world.clock.now(), entries).await?;
    }
    found.extend(searched.into_iter().filter_map(|(link, found)| Some((link, found?))));
    Ok(found)
}

/// Removes and returns the searches beyond the limit. Links without a search come
/// first, then those with the oldest search, so that every link is searched in turn.
fn postpone<T>(due: &mut Vec<(Option<ReplacementSearch>, T)>) -> Vec<(Option<ReplacementSearch>, T)> {
    due.sort_by_key(|(last, _)| last.as_ref().map(|last| last.at));
    due.split_off(due.len().min(SEARCHES_AT_MOST))
}

/// The links that need a replacement, each once.
fn lost<'a>(readings: &Readings, judged: &'a Judged) -> Vec<(CheckedLink, &'a JudgedLink)> {
    let mut seen = HashSet::new();
    let mut lost = Vec::new();
    for reading in &readings.read {
        for link in pages::links(std::slice::from_ref(reading)) {
            let Some(judged) = judged.links.get(&link.address) else { continue };
            let own = reading.course.owns(&link.address);
            if is_broken(&judged.verdict.state, own) && seen.insert(link.address.clone()) {
                lost.push((link, judged));
            }
        }
    }
    lost
}

async fn search(
    link: &CheckedLink,
    judged: &JudgedLink,
    history: Option<&LinkHistory>,
    world: &World,
) -> anyhow::Result<Option<Replacement>> {
    let copy = history.and_then(LinkHistory::current);
    let ours = capture_select::read_again(copy, world).await?;
    let history = history.map_or(&[][..], |history| &history.evidence);
    let lost = LostDocument {
        link: &link.address,
        words: &link.words,
        history,
        copy,
        document: ours.as_ref(),
        worked_at: worked_at(copy, history).unwrap_or(judged.verdict.since),
    };
    let twins = match copy.filter(|copy| replacement::is_distinctive(copy)) {
        Some(copy) => working_twins(copy, world).await?,
        None => Vec::new(),
    };
    let timegate = match &world.timegate {
        Some(gate) if disclosure::may_disclose(lost.link) && world.fetch.is_public(lost.link).await => {
            Some(gate)
        }
        Some(_) | None => None,
    };
    for candidate in candidates(&lost, SearchSources { twins: &twins, timegate }) {
        let answer = ask(&candidate, world).await?;
        if let Some(replacement) = prove(&candidate, &answer, &lost) {
            return Ok(Some(replacement));
        }
    }
    Ok(None)
}

/// When the link was last known to work. Web archives are asked for a copy near this time.
fn worked_at(copy: Option<&StoredCapture>, history: &[Evidence]) -> Option<Timestamp> {
    let healthy = |evidence: &&Evidence| matches!(evidence.finding, Finding::Healthy { .. });
    let seen = || history.iter().rev().find(healthy).map(|evidence| evidence.at);
    copy.map(|copy| copy.capture.captured_at).or_else(seen)
}

/// The working links with the same document.
async fn working_twins(copy: &StoredCapture, world: &World) -> anyhow::Result<Vec<Address>> {
    let mut working = Vec::new();
    for twin in world.catalogue.links_with_same_document(copy).await? {
        let Some(known) = world.catalogue.link_record(&twin).await? else { continue };
        let is_working = known.verdict.as_ref().is_some_and(|verdict| verdict.state.name() == StateName::Ok);
        let is_same = known
            .history
            .current()
            .is_some_and(|its| its.capture.sha256 == copy.capture.sha256 || its.text == copy.text);
        if is_working && is_same {
            working.push(twin);
        }
    }
    Ok(working)
}

async fn ask(candidate: &Candidate, world: &World) -> anyhow::Result<ProbeResult> {
    let near = match candidate.lead {
        CandidateOrigin::TimeGate { near } => Some(near),
        CandidateOrigin::Moved
        | CandidateOrigin::Arxiv { .. }
        | CandidateOrigin::Doi { .. }
        | CandidateOrigin::OwnLink => None,
    };
    let request = FetchRequest {
        address: candidate.address.clone(),
        conditional: None,
        fresh_connection: false,
        accept: Accept::Page,
        accept_datetime: near,
    };
    let Fetched { exchange, body } = world.fetch.exchange(&request).await?;
    let document = match &body {
        Some(body) => Some(capture_select::read_body(body, &exchange, &world.reader).await?),
        None => None,
    };
    Ok(ProbeResult {
        probe: Probe::HostApi(candidate.address.clone()),
        exchange,
        document,
        is_known: false,
        signatures: FoundSignatures::default(),
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn every_link_of_a_long_page_is_searched_in_turn() {
        let mut searched: Vec<Option<ReplacementSearch>> = vec![None; 10 * SEARCHES_AT_MOST];
        for night in 0..10 {
            let at = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * night);
            // A link is due again while others still wait for their first search.
            let is_due = |last: &Option<ReplacementSearch>| {
                last.as_ref().is_none_or(|last| at.duration_since(last.at) >= SEARCHED_EVERY)
            };
            let mut due: Vec<(_, usize)> =
                searched.iter().cloned().zip(0..).filter(|(last, _)| is_due(last)).collect();
            postpone(&mut due);
            for (_, link) in due {
                searched[link] = Some(ReplacementSearch { at, found: None });
            }
        }
        assert!(searched.iter().all(Option::is_some));
    }
}
