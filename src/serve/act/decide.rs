//! What an actor wishes of a link, carried out: journal first, then the catalogue.

use jiff::civil::Date;

use crate::domain::capture::{Capture, Digest};
use crate::domain::course::Rights;
use crate::domain::decision::{Choice, Decision, Gist, Until};
use crate::domain::journal::Entry;
use crate::domain::verdict::StateName;
use crate::serve::act::actor::Actor;
use crate::serve::act::fields::Fields;
use crate::serve::answer::Fault;
use crate::serve::desk::{Desk, Found};

/// What a button asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum Wish {
    AcceptDead,
    NotBroken,
    OurCopy,
    Snooze(Date),
    SnoozeUntilNextTerm,
    /// This version is what later nights compare with.
    Version(Digest),
    Undo,
    Recheck,
}

impl Wish {
    /// `None` for a form that is none of ours.
    pub(in crate::serve) fn of(form: &Fields) -> Option<Self> {
        Some(match form.get("choice")? {
            "accept-dead" => Self::AcceptDead,
            "not-broken" => Self::NotBroken,
            "our-copy" => Self::OurCopy,
            "snooze" => Self::Snooze(form.get("until")?.parse().ok()?),
            "snooze-term" => Self::SnoozeUntilNextTerm,
            "version" => Self::Version(form.get("version")?.parse().ok()?),
            "undo" => Self::Undo,
            "recheck" => Self::Recheck,
            _ => return None,
        })
    }
}

/// Two versions of a changed link, and which of them is accepted now.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Versions {
    pub before: Capture,
    pub newest: Capture,
    accepted: Option<Digest>,
}

impl Versions {
    pub(in crate::serve) fn is_newest_accepted(&self) -> bool {
        self.accepted == Some(self.newest.sha256)
    }
}

/// The versions that the last report told of.
pub(in crate::serve) async fn versions(desk: &Desk, found: &Found) -> Result<Option<Versions>, Fault> {
    let Some((before, newest)) = found.item().versions.clone() else { return Ok(None) };
    let known = desk.catalogue.link_record(&found.item().link).await?;
    let accepted = known.and_then(|known| known.history.baseline).map(|kept| kept.capture.sha256);
    Ok(Some(Versions { before, newest, accepted }))
}

/// The copy that would stand in for a link: of a changed one the version from
/// before. None where its rights keep every copy closed.
pub(in crate::serve) fn our_copy(found: &Found) -> Option<Digest> {
    let item = found.item();
    let before = item.versions.as_ref().map(|(before, _)| before);
    may_be_shown(found).then(|| before.or(item.copy.as_ref()).map(|copy| copy.sha256)).flatten()
}

/// Whether anybody may ever be shown a copy.
pub(in crate::serve) fn may_be_shown(found: &Found) -> bool {
    match found.rights() {
        Rights::Own | Rights::OpenLicence | Rights::FairUse | Rights::Unknown => true,
        Rights::Licensed | Rights::TakenDown => false,
    }
}

/// Does what is wished with those of the links for which it makes sense.
/// Wishing it again changes nothing.
pub(in crate::serve) async fn carry_out(
    desk: &Desk,
    actor: &Actor,
    links: &[Found],
    wish: &Wish,
) -> Result<(), Fault> {
    let mut entries = Vec::new();
    for found in links {
        entries.extend(entry(desk, actor, found, *wish).await?);
    }
    if *wish == Wish::Recheck {
        desk.bell.ring(&actor.shelf.night.course, links, desk.clock.now());
    }
    if entries.is_empty() {
        return Ok(());
    }
    desk.archive.append(desk.clock.now(), &entries)?;
    Ok(desk.catalogue.apply(&entries).await?)
}

async fn entry(desk: &Desk, actor: &Actor, found: &Found, wish: Wish) -> Result<Option<Entry>, Fault> {
    let today = desk.day_at(&found.shelf);
    let choice = match wish {
        Wish::AcceptDead => Some(Choice::AcceptedDead),
        Wish::NotBroken => Some(Choice::NotBroken),
        Wish::OurCopy => our_copy(found).map(Choice::OurCopy),
        Wish::Snooze(day) if day > today => Some(Choice::Snoozed(Until::Day(day))),
        Wish::Snooze(_) => None,
        Wish::SnoozeUntilNextTerm => {
            found.shelf.rules.term.map(|term| Choice::Snoozed(Until::TermAfter(term.last)))
        }
        Wish::Version(sha256) => return accepted(desk, found, sha256).await,
        Wish::Undo => return Ok(found.decided().map(|_| decided(desk, found, None))),
        Wish::Recheck => None,
    };
    let state = &found.item().verdict.state;
    let Some(choice) = choice.filter(|choice| choice.fits(state)) else { return Ok(None) };
    let is_decided_already =
        found.decided().is_some_and(|decided| !decided.has_lapsed && decided.decision.choice == choice);
    if is_decided_already {
        return Ok(None);
    }
    let (about, at) = (Gist::of(state), desk.clock.now());
    let decision = Decision { choice, about, at, by: actor.reader.clone() };
    Ok(Some(decided(desk, found, Some(decision))))
}

fn decided(desk: &Desk, found: &Found, decision: Option<Decision>) -> Entry {
    Entry::Decided {
        at: decision.as_ref().map_or_else(|| desk.clock.now(), |decision| decision.at),
        course: found.shelf.night.course.clone(),
        link: found.item().link.clone(),
        decision,
    }
}

/// Only what was captured of the link itself can be accepted.
async fn accepted(desk: &Desk, found: &Found, sha256: Digest) -> Result<Option<Entry>, Fault> {
    let link = &found.item().link;
    let known = desk.catalogue.link_record(link).await?;
    let baseline = known.and_then(|known| known.history.baseline).map(|kept| kept.capture.sha256);
    let is_ours = desk.captures(link).await?.iter().any(|kept| kept.capture.sha256 == sha256);
    let is_changed = found.item().verdict.state.name() == StateName::Changed;
    let is_new = baseline != Some(sha256);
    Ok((is_ours && is_changed && is_new).then(|| Entry::Accepted {
        at: desk.clock.now(),
        link: link.clone(),
        sha256,
    }))
}
