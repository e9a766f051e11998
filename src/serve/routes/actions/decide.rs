//! Carries out an action on links: it is written to the journal first, then to the catalogue.

use jiff::civil::Date;

use crate::domain::address::Address;
use crate::domain::capture::{Capture, Digest};
use crate::domain::course::Rights;
use crate::domain::decision::{Acceptance, Choice, Decision, Gist, Until};
use crate::domain::journal::Entry;
use crate::domain::verdict::StateName;
use crate::serve::error::Error;
use crate::serve::library::Library;
use crate::serve::library::course::LinkView;
use crate::serve::recheck_queue::RecheckQueue;
use crate::serve::routes::actions::actor::Actor;

/// The longest reason for a decision.
const MAX_NOTE_CHARS: usize = 200;

/// The action of a button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve) enum LinkAction {
    /// The result is accepted: a new version, or that the link is dead.
    Accept,
    AcceptDead,
    NotBroken,
    OurCopy,
    Snooze(Date),
    SnoozeUntilNextTerm,
    /// Later nights compare the link with this version.
    AcceptVersion(Digest),
    /// The course page is to have this address instead.
    Replace(Address),
    /// The reason for the decision in force; empty to remove it.
    Note(String),
    Undo,
    Recheck,
    /// The course page was corrected: a night of the course is requested.
    CheckPage,
}

impl LinkAction {
    /// `None` if the form has no known action.
    pub(super) fn parse<'a>(field: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        Some(match field("choice")? {
            "accept" => Self::Accept,
            "accept-dead" => Self::AcceptDead,
            "not-broken" => Self::NotBroken,
            "our-copy" => Self::OurCopy,
            "snooze" => Self::Snooze(field("until")?.parse().ok()?),
            "snooze-term" => Self::SnoozeUntilNextTerm,
            "version" => Self::AcceptVersion(field("version")?.parse().ok()?),
            "replace" | "replace-by" => Self::Replace(Address::parse(field("to")?.trim()).ok()?),
            "note" => Self::Note(field("note")?.trim().chars().take(MAX_NOTE_CHARS).collect()),
            "check-page" => Self::CheckPage,
            "undo" => Self::Undo,
            "recheck" => Self::Recheck,
            _ => return None,
        })
    }
}

/// Two versions of a changed link, one of which is accepted.
#[derive(Clone, Debug)]
pub(super) struct ChangedVersions {
    pub before: Capture,
    pub newest: Capture,
    accepted: Option<Digest>,
}

impl ChangedVersions {
    pub(super) fn is_newest_accepted(&self) -> bool {
        self.accepted == Some(self.newest.sha256)
    }
}

/// The versions in the last report.
pub(super) async fn changed_versions(
    library: &Library,
    link: &LinkView,
) -> Result<Option<ChangedVersions>, Error> {
    let Some((before, newest)) = link.facts().versions.clone() else { return Ok(None) };
    let known = library.catalogue.link_record(&link.facts().link).await?;
    let accepted = known.and_then(|known| known.history.baseline).map(|kept| kept.capture.sha256);
    Ok(Some(ChangedVersions { before, newest, accepted }))
}

/// The copy that can replace the original: for a changed link its earlier
/// version. `None` if its rights never let a copy open.
pub(super) fn our_copy(link: &LinkView) -> Option<Digest> {
    if !may_show_copies(link) {
        return None;
    }
    let link_facts = link.facts();
    let before = link_facts.versions.as_ref().map(|(before, _)| before);
    before.or(link_facts.copy.as_ref()).map(|copy| copy.sha256)
}

/// Whether the rights let a copy open at any time.
pub(super) fn may_show_copies(link: &LinkView) -> bool {
    match link.rights() {
        Rights::Own | Rights::OpenLicence | Rights::FairUse | Rights::Unknown => true,
        Rights::Licensed | Rights::TakenDown => false,
    }
}

/// Applies an action to those links for which it makes sense. Repeating it changes nothing.
pub(in crate::serve) async fn carry_out(
    library: &Library,
    recheck_queue: &RecheckQueue,
    actor: &Actor,
    links: &[LinkView],
    action: &LinkAction,
) -> Result<(), Error> {
    let mut entries = Vec::new();
    for link in links {
        entries.extend(entry(library, actor, link, action).await?);
    }
    let now = library.clock.now();
    if *action == LinkAction::CheckPage {
        library.request_night(&actor.course).await?;
    }
    if *action == LinkAction::Recheck {
        let addresses: Vec<&Address> = links.iter().map(|link| &link.facts().link).collect();
        recheck_queue.enqueue(&actor.course.night.course, &addresses, now).await?;
    }
    if entries.is_empty() {
        return Ok(());
    }
    library.entries().write(now, &entries).await
}

async fn entry(
    library: &Library,
    actor: &Actor,
    link: &LinkView,
    action: &LinkAction,
) -> Result<Option<Entry>, Error> {
    let today = library.today_at(&link.course);
    let state = &link.facts().verdict.state;
    let choice = match action {
        LinkAction::Accept => match (state.name(), &link.facts().versions) {
            (StateName::Changed, Some((_, newest))) => {
                return accepted(library, actor, link, newest.sha256).await;
            }
            (StateName::Changed, None) => None,
            _ => Some(Choice::AcceptedDead),
        },
        LinkAction::Replace(to) => Some(Choice::ReplacedBy(to.clone())),
        LinkAction::Note(note) => return Ok(noted(library, link, note)),
        LinkAction::AcceptDead => Some(Choice::AcceptedDead),
        LinkAction::NotBroken => Some(Choice::NotBroken),
        LinkAction::OurCopy => our_copy(link).map(Choice::OurCopy),
        LinkAction::Snooze(day) if *day > today => Some(Choice::Snoozed(Until::Day(*day))),
        LinkAction::Snooze(_) => None,
        LinkAction::SnoozeUntilNextTerm => {
            link.course.rules.term.map(|term| Choice::Snoozed(Until::TermAfter(term.last)))
        }
        LinkAction::AcceptVersion(sha256) => return accepted(library, actor, link, *sha256).await,
        LinkAction::Undo => return Ok(link.decided().map(|_| decided(library, link, None))),
        LinkAction::Recheck | LinkAction::CheckPage => None,
    };
    let Some(choice) = choice.filter(|choice| choice.fits(state)) else { return Ok(None) };
    let is_in_force =
        link.decided().is_some_and(|decided| !decided.has_lapsed && decided.decision.choice == choice);
    if is_in_force {
        return Ok(None);
    }
    let (about, at) = (Gist::of(state), library.clock.now());
    let decision =
        Decision { choice, about, at, by: actor.reader.clone(), decider: actor.decider.clone(), note: None };
    Ok(Some(decided(library, link, Some(decision))))
}

/// The decision in force, with another reason. It keeps its time, so that the history has it once.
fn noted(library: &Library, link: &LinkView, note: &str) -> Option<Entry> {
    let decided_before = link.decided().filter(|decided| !decided.has_lapsed)?;
    let note = (!note.is_empty()).then(|| note.to_owned());
    Some(decided(library, link, Some(Decision { note, ..decided_before.decision.clone() })))
}

fn decided(library: &Library, link: &LinkView, decision: Option<Decision>) -> Entry {
    Entry::Decided {
        at: decision.as_ref().map_or_else(|| library.clock.now(), |decision| decision.at),
        course: link.course.night.course.clone(),
        link: link.facts().link.clone(),
        decision,
    }
}

/// Only a capture of the link itself can be accepted.
async fn accepted(
    library: &Library,
    actor: &Actor,
    link: &LinkView,
    sha256: Digest,
) -> Result<Option<Entry>, Error> {
    let address = &link.facts().link;
    let known = library.catalogue.link_record(address).await?;
    let baseline = known.and_then(|known| known.history.baseline).map(|kept| kept.capture.sha256);
    let is_capture = library.captures(address).await?.iter().any(|kept| kept.capture.sha256 == sha256);
    let is_changed = link.facts().verdict.state.name() == StateName::Changed;
    let is_new = baseline != Some(sha256);
    Ok((is_capture && is_changed && is_new).then(|| Entry::Accepted {
        at: library.clock.now(),
        link: address.clone(),
        sha256,
        acceptance: Some(Acceptance {
            course: actor.course.night.course.clone(),
            by: actor.reader.clone(),
            decider: actor.decider.clone(),
        }),
    }))
}
